/**
 * An Elysia app on Bun, whose server is one of `Bun.serve`. What its handlers do is known of every app: so it
 * does not matter whether it listened before this package was imported.
 */
import type { AddressInfo } from 'node:net';
import { type BunOptions, type Fetch, handlersOfData } from './bun-handlers.js';
import { type BunServer, BunTarget, isBunServer } from './bun-server.js';
import type { Watcher } from './listening.js';
import { Routes } from './routes.js';
import type { AttachedSockets } from './sockets.js';
import type { AttachTarget } from './target.js';

/** The parts of an app that are looked at. */
export interface BunApp {
  server: unknown;
  fetch: Fetch;
  onStart(call: () => void): unknown;
  config?: { serve?: { routes?: Record<string, unknown> }; websocket?: object };
}

/** An app has all its routes in `fetch` too, but for those that its configuration gives to Bun. */
function serverOf(app: BunApp, server: BunServer): BunTarget {
  const own: BunOptions = {
    fetch: (...args) => app.fetch(...args),
    routes: app.config?.serve?.routes,
    websocket: handlersOfData(app.config?.websocket),
  };
  return new BunTarget(server, own);
}

/** The points of this process's apps. */
const points = new WeakMap<BunApp, AppPoint>();

/** One app: its paths, and what is to be done each time that it begins to listen. */
class AppPoint {
  readonly routes = new Routes('app');
  readonly starts = new Set<() => void>();

  static of(app: BunApp): AppPoint {
    let point = points.get(app);
    if (point === undefined) {
      point = new AppPoint(app);
      points.set(app, point);
    }
    return point;
  }

  private constructor(app: BunApp) {
    // Once: an app lets nobody take such a hook back.
    app.onStart(() => {
      for (const start of [...this.starts]) start();
    });
  }
}

/** An app, which has another server each time that it listens. */
export class BunAppTarget implements AttachTarget {
  readonly #app: BunApp;
  #server: BunTarget | undefined;

  constructor(app: BunApp) {
    this.#app = app;
  }

  attach(path: string, sockets: AttachedSockets): () => void {
    const { routes, starts } = AppPoint.of(this.#app);
    routes.add(path, sockets);
    let leave = () => {};
    const start = () => {
      if (!isBunServer(this.#app.server)) return;
      // Of the server before, which was stopped.
      leave();
      this.#server = serverOf(this.#app, this.#app.server);
      leave = this.#server.attach(path, sockets);
    };
    try {
      start();
    } catch (error) {
      routes.remove(path);
      throw error;
    }
    starts.add(start);
    return () => {
      starts.delete(start);
      routes.remove(path);
      leave();
    };
  }

  address(): AddressInfo | null {
    return this.#server?.address() ?? null;
  }

  closed(): boolean {
    return this.#server?.closed() ?? false;
  }

  isTold(): boolean {
    return !this.closed();
  }

  watch({ listens, fails }: Watcher): () => void {
    const { starts } = AppPoint.of(this.#app);
    let listened = isBunServer(this.#app.server);
    const again = () => {
      // The server before was stopped, which nothing tells.
      if (listened) fails();
      listened = true;
      listens();
    };
    starts.add(again);
    if (listened) listens();
    return () => starts.delete(again);
  }
}

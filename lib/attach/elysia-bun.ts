/**
 * An Elysia app on Bun, whose server is one of `Bun.serve`. What its handlers do is known of every app: so it
 * does not matter whether it listened before this package was imported.
 */
import type { AddressInfo } from 'node:net';
import { type BunOptions, type Fetch, handlersOfData } from './bun-handlers.js';
import { type BunServer, BunTarget, isBunServer } from './bun-server.js';
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

export const BunAppTarget = {
  of(app: BunApp): AttachTarget {
    return isBunServer(app.server) ? serverOf(app, app.server) : new LaterTarget(app);
  },
};

/** An app has all its routes in `fetch` too, but for those that its configuration gives to Bun. */
function serverOf(app: BunApp, server: BunServer): BunTarget {
  const own: BunOptions = {
    fetch: (...args) => app.fetch(...args),
    routes: app.config?.serve?.routes,
    websocket: handlersOfData(app.config?.websocket),
  };
  return new BunTarget(server, own);
}

/** The managers of apps that did not listen yet. */
const claims = new WeakMap<BunApp, Routes>();

/** An app that listens later. */
class LaterTarget implements AttachTarget {
  readonly #app: BunApp;
  #server: BunTarget | undefined;

  constructor(app: BunApp) {
    this.#app = app;
  }

  attach(path: string, sockets: AttachedSockets): () => void {
    const claimed = claims.get(this.#app) ?? new Routes('app');
    claimed.add(path, sockets);
    claims.set(this.#app, claimed);
    let leave = () => {};
    let left = false;
    this.#app.onStart(() => {
      if (left || !isBunServer(this.#app.server)) return;
      this.#server = serverOf(this.#app, this.#app.server);
      leave = this.#server.attach(path, sockets);
    });
    return () => {
      left = true;
      claimed.remove(path);
      leave();
    };
  }

  address(): AddressInfo | null {
    return this.#server?.address() ?? null;
  }

  whenListening(call: () => void): () => void {
    let wanted = true;
    this.#app.onStart(() => {
      if (wanted) call();
      wanted = false;
    });
    return () => {
      wanted = false;
    };
  }
}

/**
 * An Elysia app, which is what `app.listen()` returns. On Node it keeps its http server to itself. How its
 * upgrades are come by depends on the version of its adapter, `@elysiajs/node`:
 *
 * - 1.4 hands each upgrade to `app.handle`, with the socket. So that method is wrapped. Neither the server
 *   nor its port is told to the app, so both are unknown until the first upgrade shows them.
 * - 1.3 hands over no upgrades, and gives the app a promise of its server; but that server is closed and
 *   another made in its place as soon as the app's modules are loaded. So whichever http server takes
 *   connections at that address is the app's.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, Server } from 'node:http';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type BunApp, BunAppTarget } from './elysia-bun.js';
import { AttachPoint } from './http-server.js';
import { addressOf, isHttpServer } from './inspect.js';
import { wantsWebSocket } from './plain-request.js';
import type { Watcher } from './listening.js';
import { Routes } from './routes.js';
import type { AttachedSockets } from './sockets.js';
import type { AttachTarget } from './target.js';

type Handle = (this: unknown, request: UpgradeRequest, ...rest: unknown[]) => Promise<unknown>;

/** The parts of an app that are looked at. None but `handle` is documented. */
interface ElysiaApp {
  handle: Handle;
  server: unknown;
  '~adapter': { name?: unknown };
}

/** A request as the adapter 1.4 gives it to the app; `upgrade` is there if it is one. */
interface UpgradeRequest {
  runtime?: { node?: { req: IncomingMessage; upgrade?: { socket: Duplex; head: Buffer } } };
}

/** What the adapter 1.3 says about its first server. */
interface ServerInfo {
  hostname: string;
  port: number;
}

/** Node tells here of each connection that a server of this process has accepted. */
const ACCEPTED = 'net.server.socket';

export function isElysia(value: unknown): value is ElysiaApp {
  if (typeof value !== 'object' || value === null) return false;
  const app = value as Partial<Record<keyof ElysiaApp, unknown>>;
  const adapter = app['~adapter'];
  return typeof app.handle === 'function' && typeof adapter === 'object' && adapter !== null;
}

export const ElysiaTarget = {
  /** The way to an app's upgrades, or why there is none. */
  of(app: ElysiaApp): AttachTarget | string {
    const { name } = app['~adapter'];
    if (name === 'bun') return new BunAppTarget(app as ElysiaApp & BunApp);
    // The adapter runs on Bun too, but does not tell the app of the server that it has there.
    if ('Bun' in globalThis) {
      return 'on Bun, Elysia needs no adapter; with that for Node, pass what the callback of app.listen() is given';
    }
    if (isPromise(app.server)) return new FollowedTarget(app, app.server);
    if (name === 'node') return 'this app does not listen; pass what app.listen() returned';
    if (name === '@elysiajs/node') return new HandleTarget(app);
    return 'got an Elysia app without the adapter of @elysiajs/node, which it needs on Node';
  },
};

/** An app under the adapter 1.4. */
class HandleTarget implements AttachTarget {
  readonly #point: HandlePoint;

  constructor(app: ElysiaApp) {
    this.#point = HandlePoint.of(app);
  }

  attach(path: string, sockets: AttachedSockets): () => void {
    this.#point.add(path, sockets);
    return () => this.#point.remove(path);
  }

  address(): AddressInfo | null {
    const { server } = this.#point;
    return server === undefined ? null : addressOf(server);
  }

  watch({ listens }: Watcher): () => void {
    // It may listen already, and nothing would ever tell.
    listens();
    return () => {};
  }
}

/** The points of this process's apps. */
const points = new WeakMap<ElysiaApp, HandlePoint>();

/** An app's upgrades, by path. Those of other paths go on to the app, which has routes of its own. */
class HandlePoint {
  /** Where the first upgrade came from. */
  server: Server | undefined;
  readonly #app: ElysiaApp;
  readonly #routes = new Routes('app');
  #restore = () => {};

  static of(app: ElysiaApp): HandlePoint {
    let point = points.get(app);
    if (point === undefined) {
      point = new HandlePoint(app);
      points.set(app, point);
    }
    return point;
  }

  private constructor(app: ElysiaApp) {
    this.#app = app;
  }

  /** @throws Error `ERR_PATH_IN_USE` if another manager has this path. */
  add(path: string, sockets: AttachedSockets): void {
    const first = this.#routes.empty;
    this.#routes.add(path, sockets);
    if (first) this.#restore = this.#wrap();
  }

  /** Gives a path free. Without any, the app is as it was before. */
  remove(path: string): void {
    this.#routes.remove(path);
    if (this.#routes.empty) this.#restore();
  }

  #wrap(): () => void {
    const app = this.#app;
    const point = this;
    const before = app.handle;
    const handle: Handle = function handle(request, ...rest) {
      if (point.#take(request)) return Promise.resolve({ handled: true });
      return before.call(this, request, ...rest);
    };
    app.handle = handle;
    return () => {
      // Somebody who wrapped it since then still calls it; then it hands everything on.
      if (app.handle === handle) app.handle = before;
    };
  }

  #take(request: UpgradeRequest | undefined): boolean {
    const node = request?.runtime?.node;
    if (node?.upgrade === undefined) return false;
    const { req, upgrade } = node;
    const { server } = req.socket as Socket & { server?: unknown };
    if (isHttpServer(server)) this.server = server;
    const ours = wantsWebSocket(req.headers.upgrade);
    const sockets = ours ? this.#routes.find(req.url ?? '') : undefined;
    sockets?.take(req, upgrade.socket, upgrade.head);
    return sockets !== undefined;
  }
}

/** The paths that managers have at apps under the adapter 1.3. */
const claims = new WeakMap<ElysiaApp, Routes>();

/** An app under the adapter 1.3. */
class FollowedTarget implements AttachTarget {
  readonly #app: ElysiaApp;
  readonly #listens: Promise<void>;
  #address: AddressInfo | null = null;

  constructor(app: ElysiaApp, info: PromiseLike<ServerInfo>) {
    this.#app = app;
    this.#listens = Promise.resolve(info).then(({ hostname: address, port }) => {
      this.#address = { address, family: isIPv6(address) ? 'IPv6' : 'IPv4', port };
    });
    // Told to whoever waits for it, and to nobody else.
    this.#listens.catch(() => {});
  }

  attach(path: string, sockets: AttachedSockets): () => void {
    const claimed = claims.get(this.#app) ?? new Routes('app');
    claimed.add(path, sockets);
    claims.set(this.#app, claimed);
    /** The servers that were seen there, with what was attached to them. */
    const seen = new Map<Server, AttachPoint | undefined>();
    const look = (message: unknown) => {
      const { server } = (message as { socket: { server?: unknown } }).socket;
      if (!isHttpServer(server) || seen.has(server) || !this.#isHere(server)) return;
      seen.set(server, undefined);
      try {
        const point = AttachPoint.of(server);
        point.add(path, sockets);
        seen.set(server, point);
      } catch {
        // Another manager was attached to the server itself. It came first, and goes on.
      }
    };
    // A connection is told here before the first of its bytes is read.
    subscribe(ACCEPTED, look);
    return () => {
      unsubscribe(ACCEPTED, look);
      claimed.remove(path);
      for (const point of seen.values()) point?.remove(path);
    };
  }

  address(): AddressInfo | null {
    return this.#address === null ? null : { ...this.#address };
  }

  watch({ listens, fails }: Watcher): () => void {
    // A manager that was closed before does not start; there is nothing to take back.
    void this.#listens.then(listens, fails);
    return () => {};
  }

  #isHere(server: Server): boolean {
    const [theirs, ours] = [addressOf(server), this.#address];
    return theirs?.port === ours?.port && theirs?.address === ours?.address && ours !== null;
  }
}

function isPromise(value: unknown): value is PromiseLike<ServerInfo> {
  return typeof (value as { then?: unknown } | null)?.then === 'function';
}

/**
 * Servers of `Bun.serve`, which Elysia has on Bun as well. They show neither sockets nor upgrades, only the
 * handlers that they are given; and these can be replaced, but not read. So the handlers are remembered as
 * servers are given them, from the time on when this module is loaded, and each server of a manager gets its
 * own ones and ours together.
 */
import type { AddressInfo } from 'node:net';
import type { WebSocketWarning } from '../types.js';
import {
  type BunOptions,
  type Fetch,
  ownRoute,
  reloaded,
  sharedRoute,
  sharedSockets,
} from './bun-handlers.js';
import type { HandshakeAnswer } from './handshake-answer.js';
import { originForm, Routes } from './routes.js';
import type { AttachedSockets } from './sockets.js';
import type { AttachTarget } from './target.js';

/** The part of Bun's class that is used. */
export interface BunServer {
  readonly port: number | undefined;
  readonly address: AddressInfo | undefined;
  readonly url: URL;
  fetch(request: Request): Response | Promise<Response>;
  reload(options: BunOptions): BunServer;
  upgrade(request: Request, options: { data: unknown; headers: [string, string][] }): boolean;
  requestIP(request: Request): { address: string; port: number } | null;
}

interface BunGlobal {
  serve(options: BunOptions): BunServer;
}

/** A server whose handlers are not known has its `fetch`; what else it had is gone. */
const LOST: WebSocketWarning = {
  code: 'ERR_SERVER_HANDLERS',
  message:
    'the server was made before @libs/messaging was imported: its own `routes` and `websocket` handlers, ' +
    'if it has any, are not known and do not apply any more; import the package first',
};

/** The servers that were made since this module was loaded, and those that a manager was attached to. */
const points = new WeakMap<BunServer, BunPoint>();

/** Remembers the handlers of all servers that are made from now on. */
function watchServers(bun: BunGlobal): void {
  const serve = new Proxy(bun.serve, {
    apply(before, self, args: [BunOptions]) {
      const server = Reflect.apply(before, self, args) as BunServer;
      // With `bun --hot` the server is one that was there before, and has these handlers now.
      points.set(server, new BunPoint(server, reloaded({}, args[0])));
      return server;
    },
  });
  // Where that is refused, servers are those whose handlers are not known.
  Reflect.set(bun, 'serve', serve);
}

export function isBunServer(value: unknown): value is BunServer {
  if (typeof value !== 'object' || value === null || !('Bun' in globalThis)) return false;
  const server = value as Record<string, unknown>;
  return ['fetch', 'reload', 'upgrade', 'requestIP', 'publish'].every(
    (name) => typeof server[name] === 'function',
  );
}

/** Whether it was stopped: then its port is 0, which no server has that listens. */
export function wasStopped(server: BunServer): boolean {
  return server.port === 0;
}

/** A server's upgrades, by path. */
class BunPoint {
  /** To be told once, by the first manager. */
  warning: WebSocketWarning | undefined;
  readonly #server: BunServer;
  readonly #reload: BunServer['reload'];
  readonly #routes = new Routes('server');
  /** The server's own handlers. */
  #own: BunOptions;
  /** Our sockets outlive their route, so the handlers that know them stay. */
  #shares = false;

  constructor(server: BunServer, own: BunOptions) {
    this.#server = server;
    this.#own = own;
    this.#reload = server.reload;
    // Elysia copies what can be enumerated.
    Object.defineProperty(server, 'reload', {
      value: (options: BunOptions) => this.#reloadOwn(options),
      configurable: true,
      writable: true,
    });
  }

  /** @throws Error `ERR_PATH_IN_USE` if another manager has this path. */
  add(path: string, sockets: AttachedSockets): void {
    this.#routes.add(path, sockets);
    this.#shares = true;
    this.#apply({});
  }

  /** Gives a path free. Without any, requests go where they went before. */
  remove(path: string): void {
    this.#routes.remove(path);
    this.#apply({});
  }

  #reloadOwn(options: BunOptions): BunServer {
    if (!this.#shares) this.#reload.call(this.#server, options);
    else this.#apply(options);
    // Only what Bun did not refuse.
    this.#own = reloaded(this.#own, options);
    return this.#server;
  }

  #apply(options: BunOptions): void {
    const own = reloaded(this.#own, options);
    const routes: Record<string, unknown> = { ...own.routes };
    let maxPayload = 0;
    for (const [path, sockets] of this.#routes) {
      const route = own.routes?.[path];
      const others = ownRoute(route, own.fetch);
      const ours: Fetch = (request, server) =>
        this.#take(request) ?? others.call(this.#server, request, server);
      routes[path] = sharedRoute(route, ours);
      maxPayload = Math.max(maxPayload, sockets.maxPayload);
    }
    const websocket = sharedSockets(own.websocket, maxPayload);
    const { static: _, ...rest } = options;
    this.#reload.call(this.#server, { ...rest, routes, websocket });
  }

  /** Undefined if it is no upgrade of ours: routes are matched less strictly than our paths. */
  #take(request: Request): Promise<Response | undefined> | undefined {
    if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') return undefined;
    const url = originForm(request.url);
    const sockets = this.#routes.find(url);
    return sockets && this.#upgrade(request, url, sockets);
  }

  async #upgrade(
    request: Request,
    url: string,
    sockets: AttachedSockets,
  ): Promise<Response | undefined> {
    const server = this.#server;
    const { address = null, port = 0 } = server.requestIP(request) ?? {};
    // Bun compresses by options of its own, so the engine must not.
    const headers = [...request.headers].filter(([name]) => name !== 'sec-websocket-extensions');
    const about = { method: request.method, url, httpVersion: '1.1', rawHeaders: headers.flat() };
    const peer = sockets.join(about, address, port);
    const answer = await peer.answer;
    if (answer.status !== 101) return response(answer);
    if (server.upgrade(request, { data: peer, headers: answer.headers })) return undefined;
    peer.abandon();
    // Whoever asked is gone.
    return new Response(null, { status: 400 });
  }
}

function response({ status, headers, body }: HandshakeAnswer): Response {
  return new Response(body, { status, headers });
}

/** A server of `Bun.serve`. */
export class BunTarget implements AttachTarget {
  readonly #server: BunServer;
  readonly #point: BunPoint;

  /** @param own - what is known of its handlers if nothing was remembered. */
  constructor(server: BunServer, own?: BunOptions) {
    this.#server = server;
    let point = points.get(server);
    if (point === undefined) {
      point = new BunPoint(server, own ?? { fetch: (request) => server.fetch(request) });
      if (own === undefined) point.warning = LOST;
      points.set(server, point);
    }
    this.#point = point;
  }

  attach(path: string, sockets: AttachedSockets): () => void {
    this.#point.add(path, sockets);
    return () => this.#point.remove(path);
  }

  warning(): WebSocketWarning | undefined {
    const { warning } = this.#point;
    this.#point.warning = undefined;
    return warning;
  }

  address(): AddressInfo | null {
    const { address, url } = this.#server;
    if (wasStopped(this.#server)) return null;
    if (url.protocol === 'unix:') return { address: url.pathname, family: 'Unix', port: 0 };
    return address === undefined ? null : { ...address };
  }

  whenListening(call: () => void): () => void {
    // A server of Bun's listens as soon as it is made.
    call();
    return () => {};
  }
}

const { Bun: bun } = globalThis as { Bun?: BunGlobal };
if (typeof bun?.serve === 'function') watchServers(bun);

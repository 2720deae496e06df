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
import { type HandshakeAnswer, readAnswer } from './handshake-answer.js';
import type { Watcher } from './listening.js';
import { wantsWebSocket } from './plain-request.js';
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
      startOver(server, args[0]);
      points.set(server, new BunPoint(server, reloaded({}, args[0])));
      return server;
    },
  });
  // Where that is refused, servers are those whose handlers are not known.
  Reflect.set(bun, 'serve', serve);
}

/** What a server was made with, and its `reload` before anybody replaced it. */
interface Making {
  readonly options: BunOptions;
  readonly reload: BunServer['reload'];
}

/** With `bun --hot` this module comes anew each time, and the server stays: so the server carries it. */
const MAKING: unique symbol = Symbol.for('@libs/messaging.making') as never;

type Made = BunServer & { [MAKING]?: Making };

/** With `bun --hot` the server may be one that was there before: what was attached to it then has no part any more. */
function startOver(server: Made, options: BunOptions): void {
  const before = server[MAKING];
  // Another copy of this package has seen the same call.
  if (before?.options === options) return;
  const { reload } = before ?? server;
  if (before !== undefined) replaceReload(server, reload);
  Object.defineProperty(server, MAKING, { value: { options, reload }, configurable: true });
}

/** Not to be enumerated: Elysia copies what can be. */
function replaceReload(server: BunServer, value: BunServer['reload']): void {
  Object.defineProperty(server, 'reload', { value, configurable: true, writable: true });
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
  readonly #making: Making | undefined;
  readonly #routes = new Routes('server');
  /** The server's own handlers. */
  #own: BunOptions;
  /** Our sockets outlive their route, so the handlers that know them stay. */
  #shares = false;

  constructor(server: BunServer, own: BunOptions) {
    this.#server = server;
    this.#own = own;
    this.#reload = server.reload;
    this.#making = (server as Made)[MAKING];
    replaceReload(server, (options) => this.#reloadOwn(options));
  }

  /** @throws Error `ERR_PATH_IN_USE` if another manager has this path. */
  add(path: string, sockets: AttachedSockets): void {
    this.#routes.add(path, sockets);
    try {
      this.#apply({});
      this.#shares = true;
    } catch (refusal) {
      // Not every path is one to Bun.
      this.#routes.remove(path);
      throw refusal;
    }
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
    // It has been made over, and has other managers.
    if ((this.#server as Made)[MAKING] !== this.#making) return;
    const own = reloaded(this.#own, options);
    const routes: Record<string, unknown> = { ...own.routes };
    let maxPayload = 0;
    for (const [path, sockets] of this.#routes) {
      const route = own.routes?.[path];
      const others = ownRoute(route, own.fetch);
      const ours: Fetch = (request, server) => {
        const owner = this.#ownerOf(request);
        return owner === undefined
          ? others.call(this.#server, request, server)
          : this.#upgrade(request, owner);
      };
      routes[path] = sharedRoute(route, ours);
      maxPayload = Math.max(maxPayload, sockets.maxPayload);
    }
    const websocket = sharedSockets(own.websocket, maxPayload);
    const { static: _, ...rest } = options;
    this.#reload.call(this.#server, { ...rest, routes, websocket });
  }

  /** Undefined if it is no upgrade of ours: routes are matched less strictly than our paths. */
  #ownerOf(request: Request): AttachedSockets | undefined {
    if (!wantsWebSocket(request.headers.get('upgrade'))) return undefined;
    return this.#routes.find(request.url);
  }

  /** At once, since Bun refuses to upgrade a request later if frames came with it. */
  #upgrade(request: Request, sockets: AttachedSockets): Response | undefined {
    const server = this.#server;
    // Bun compresses by options of its own, so the engine must not.
    const headers = [...request.headers].filter(([name]) => name !== 'sec-websocket-extensions');
    const url = originForm(request.url);
    const { address = null, port = 0 } = server.requestIP(request) ?? {};
    const about = { method: request.method, url, httpVersion: '1.1', rawHeaders: headers.flat() };
    sockets.judgeOrigin(about, address, port);
    const answer = readAnswer(sockets.judge(about, address, port));
    if (answer.status !== 101) return response(answer);
    const peer = sockets.join(about, address, port);
    try {
      if (server.upgrade(request, { data: peer, headers: answer.headers })) return undefined;
    } catch (thrown) {
      peer.abandon();
      throw thrown;
    }
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

  watch({ listens }: Watcher): () => void {
    // A server of Bun's listens as soon as it is made.
    listens();
    return () => {};
  }

  isSecure(): boolean {
    return this.#server.url.protocol === 'https:';
  }

  closed(): boolean {
    return wasStopped(this.#server);
  }
}

const { Bun: bun } = globalThis as { Bun?: BunGlobal };
if (typeof bun?.serve === 'function') watchServers(bun);

/**
 * What a server of Bun does with its requests, its own handlers and ours together. No I/O.
 */
import type { BunServer } from './bun-server.js';
import { MessagePeer, type ServerWebSocket } from './message-peer.js';

/** Answers a request; `undefined` if it was upgraded. */
export type Fetch = (
  this: unknown,
  request: Request,
  server: BunServer,
) => Answer | Promise<Answer>;

type Answer = Response | undefined;

type SocketHandler = (this: unknown, socket: ServerWebSocket, ...args: unknown[]) => unknown;

/** The events of a server's sockets, and options that are passed on as they are. */
export type SocketHandlers = Record<string, unknown>;

/** What `Bun.serve` and `server.reload` are given, as far as it matters. */
export interface BunOptions {
  fetch?: Fetch | undefined;
  routes?: Record<string, unknown> | undefined;
  /** What `routes` was called before. */
  static?: Record<string, unknown> | undefined;
  websocket?: SocketHandlers | undefined;
}

/** Bytes of a message beyond `maxPayload` that Bun still hands over. */
const SLACK = 64 * 1024;

const EVENTS = ['open', 'message', 'drain', 'close', 'ping', 'pong'] as const;

/** What a server does after a `reload`, which leaves alone what it is not given. */
export function reloaded(before: BunOptions, options: BunOptions): BunOptions {
  return {
    fetch: options.fetch ?? before.fetch,
    routes: options.routes ?? options.static ?? before.routes,
    websocket: options.websocket ?? before.websocket,
  };
}

/** The handlers of a server whose sockets are ours, each with a peer as its `data`, and its own. */
export function sharedSockets(own: SocketHandlers | undefined, maxPayload: number): SocketHandlers {
  // A server without sockets of its own need not hold more of a message than we take of it. What is hardly
  // longer still comes, so that the engine refuses it and says why.
  const shared = { ...(own ?? { maxPayloadLength: maxPayload + SLACK }) } as SocketHandlers;
  for (const event of EVENTS) {
    const theirs = own?.[event] as SocketHandler | undefined;
    shared[event] = function (this: unknown, socket: ServerWebSocket, ...args: unknown[]) {
      const { data } = socket;
      const handler = data instanceof MessagePeer ? (data[event] as SocketHandler) : theirs;
      return handler?.call(handler === theirs ? this : data, socket, ...args);
    };
  }
  return shared;
}

/** Handlers that leave the events to what is the `data` of a socket; those of an Elysia app do. */
export function handlersOfData(options: object | undefined): SocketHandlers {
  const entries = EVENTS.map((event) => [
    event,
    (socket: ServerWebSocket, ...args: unknown[]) =>
      (socket.data as Record<string, SocketHandler> | undefined)?.[event]?.(socket, ...args),
  ]);
  return { ...options, ...Object.fromEntries(entries) };
}

/** What a route does with a request that is none of ours. */
export function ownRoute(route: unknown, fetch: Fetch | undefined): Fetch {
  if (typeof route === 'function') return route as Fetch;
  if (route instanceof Response) return () => route.clone();
  const get = (route as { GET?: unknown } | null | undefined)?.GET;
  if (get !== undefined) return ownRoute(get, fetch);
  return fetch ?? (() => new Response('Not Found\n', { status: 404 }));
}

/** A server's route with ours in front: upgrades are requests with GET. */
export function sharedRoute(own: unknown, ours: Fetch): unknown {
  if (typeof own === 'function') return ours;
  const methods = Object.getPrototypeOf(own ?? {}) === Object.prototype ? (own as object) : {};
  return { ...methods, GET: ours };
}

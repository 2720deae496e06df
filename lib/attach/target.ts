/**
 * What a manager can be attached to, and how it is found behind what users have in hand.
 */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { kindOf } from '../arguments.js';
import { codedError } from '../errors.js';
import type { WebSocketWarning } from '../types.js';
import { type BunServer, BunTarget, isBunServer, wasStopped } from './bun-server.js';
import { ElysiaTarget, isElysia } from './elysia.js';
import { AttachPoint, othersAt } from './http-server.js';
import { addressOf, isHttpServer, isSecure, wasClosed } from './inspect.js';
import { Listening, type Watcher } from './listening.js';
import type { AttachedSockets } from './sockets.js';

/** A server of the host's. */
export interface AttachTarget {
  /** Lets the upgrades of a path come to a manager's sockets. Returns the way back. */
  attach(path: string, sockets: AttachedSockets): () => void;
  /** Where it listens, if it does and that is known. */
  address(): AddressInfo | null;
  /** Tells whether it listens from now on; at once where that cannot be known. Returns the way back. */
  watch(watcher: Watcher): () => void;
  /** Whether it is known not to listen any more. */
  closed?(): boolean;
  /** Whether it listens, or is known to have been told to. */
  isTold?(): boolean;
  /** Whether it speaks TLS, where that is known. */
  isSecure?(): boolean;
  /** How many listeners for upgrades are not asked about the manager's. */
  bypassed?(): number;
  /** What a user should be told of what attaching costs; told once for each server. */
  warning?(): WebSocketWarning | undefined;
}

/**
 * Finds the server.
 *
 * @throws TypeError `ERR_UNSUPPORTED_SERVER` for what is none, or one that was closed.
 */
export function targetOf(given: unknown): AttachTarget {
  let target: AttachTarget | string;
  try {
    target = find(given);
  } catch (cause) {
    // A getter's, or that of a proxy.
    throw unsupported('reading what was passed throws', cause);
  }
  if (typeof target === 'string') throw unsupported(target);
  return target;
}

/** The server, or why there is none. */
function find(given: unknown): AttachTarget | string {
  const server = httpServerIn(given);
  if (server !== undefined) return wasClosed(server) ? CLOSED : new HttpTarget(server);
  if (isElysia(given)) return ElysiaTarget.of(given);
  const bun = bunServerIn(given);
  if (bun === undefined) return adviceFor(given) ?? `got ${describe(given)}`;
  return wasStopped(bun) ? CLOSED : new BunTarget(bun);
}

const CLOSED = 'this one is closed already';

/** Why a manager does not start whose server was closed meanwhile. */
export function serverClosed(): Error {
  return codedError('ERR_SERVER_CLOSED', 'the server was closed before the manager was ready');
}

class HttpTarget implements AttachTarget {
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  attach(path: string, sockets: AttachedSockets): () => void {
    const point = AttachPoint.of(this.#server);
    point.add(path, sockets);
    return () => point.remove(path);
  }

  address(): AddressInfo | null {
    return addressOf(this.#server);
  }

  watch(watcher: Watcher): () => void {
    return Listening.of(this.#server).watch(watcher);
  }

  isTold(): boolean {
    return Listening.of(this.#server).isTold;
  }

  closed(): boolean {
    return !this.#server.listening;
  }

  isSecure(): boolean {
    return isSecure(this.#server);
  }

  bypassed(): number {
    return othersAt(this.#server);
  }
}

/** The http server itself, or that of a framework's object: Fastify's `server`, srvx's `node.server`. */
function httpServerIn(given: unknown): Server | undefined {
  const raw = of(given, 'raw');
  const candidates = [
    given,
    of(given, 'server'),
    raw,
    of(of(given, 'node'), 'server'),
    of(of(raw, 'node'), 'server'),
  ];
  return candidates.find(isHttpServer);
}

/** The same for servers of Bun. That of srvx comes first: what has it looks like a server as well. */
function bunServerIn(given: unknown): BunServer | undefined {
  const candidates = [of(of(given, 'bun'), 'server'), given, of(given, 'server')];
  return candidates.find(isBunServer);
}

function of(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

/** What to pass instead of a framework's app. */
function adviceFor(given: unknown): string | undefined {
  const app = Object(given) as Record<string, unknown>;
  const can = (method: string) => typeof app[method] === 'function';
  if (can('getHttpServer')) return 'got an app of Nest: pass app.getHttpServer()';
  // Servers of other protocols listen too, and have an address.
  if (can('listen') && !can('address'))
    return 'got an app: pass the server that app.listen() returns';
  if (can('fetch') && Array.isArray(app.routes)) {
    return 'got an app of Hono: pass what serve() of @hono/node-server returns, or Bun.serve()';
  }
  return undefined;
}

function unsupported(what: string, cause?: unknown): Error {
  const supported =
    'server: must be an http or https server of Node, a server of Bun.serve, or what app.listen() of ' +
    'Elysia returned; ';
  return codedError('ERR_UNSUPPORTED_SERVER', supported + what, cause);
}

function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return kindOf(value);
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === 'string' && name !== 'Object' ? `an object of ${name}` : 'a plain object';
}

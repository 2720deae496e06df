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
import { AttachPoint } from './http-server.js';
import { addressOf, isHttpServer, wasClosed } from './inspect.js';
import type { AttachedSockets } from './sockets.js';

/** A server of the host's. */
export interface AttachTarget {
  /** Lets the upgrades of a path come to a manager's sockets. Returns the way back. */
  attach(path: string, sockets: AttachedSockets): () => void;
  /** Where it listens, if it does and that is known. */
  address(): AddressInfo | null;
  /** Calls once it listens, or at once where that cannot be known. Returns the way back. */
  whenListening(call: () => void): () => void;
  /** What a user should be told of what attaching costs; told once for each server. */
  warning?(): WebSocketWarning | undefined;
}

/**
 * Finds the server.
 *
 * @throws TypeError `ERR_UNSUPPORTED_SERVER` for what is none, or one that was closed.
 */
export function targetOf(given: unknown): AttachTarget {
  const server = httpServerIn(given);
  if (server !== undefined) {
    if (wasClosed(server)) throw unsupported(CLOSED);
    return new HttpTarget(server);
  }
  if (isElysia(given)) {
    const target = ElysiaTarget.of(given);
    if (typeof target === 'string') throw unsupported(target);
    return target;
  }
  const bun = bunServerIn(given);
  if (bun === undefined) throw unsupported(`got ${describe(given)}`);
  if (wasStopped(bun)) throw unsupported(CLOSED);
  return new BunTarget(bun);
}

const CLOSED = 'this one is closed already';

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

  whenListening(call: () => void): () => void {
    if (this.#server.listening) {
      call();
      return () => {};
    }
    this.#server.once('listening', call);
    return () => this.#server.off('listening', call);
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

function unsupported(what: string): Error {
  const supported =
    'server: must be an http or https server of Node, a server of Bun.serve, or what app.listen() of ' +
    'Elysia returned; ';
  return codedError('ERR_UNSUPPORTED_SERVER', supported + what);
}

function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return kindOf(value);
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === 'string' && name !== 'Object' ? `an object of ${name}` : 'a plain object';
}

/**
 * The managers of one server, each at a path of its own.
 */
import { codedError } from '../errors.js';
import type { AttachedSockets } from './sockets.js';

/** Whose clients go where, by path. */
export class Routes {
  readonly #owner: 'server' | 'app';
  readonly #byPath = new Map<string, AttachedSockets>();

  /** @param owner - what errors call it that the paths are of. */
  constructor(owner: 'server' | 'app') {
    this.#owner = owner;
  }

  /** @throws Error `ERR_PATH_IN_USE` if another manager has this path. */
  add(path: string, sockets: AttachedSockets): void {
    if (this.#byPath.has(path)) throw this.inUse(path);
    this.#byPath.set(path, sockets);
  }

  inUse(path: string): Error {
    const message = `path: ${path} of this ${this.#owner} has a manager already`;
    return codedError('ERR_PATH_IN_USE', message);
  }

  /** Gives a path free. */
  remove(path: string): void {
    this.#byPath.delete(path);
  }

  /** Whose a request is, by its target. */
  find(url: string): AttachedSockets | undefined {
    return this.#byPath.get(pathOf(url));
  }

  get empty(): boolean {
    return this.#byPath.size === 0;
  }

  /** The manager that was attached first, of those that still are. */
  get first(): AttachedSockets | undefined {
    return this.#byPath.values().next().value;
  }

  [Symbol.iterator](): IterableIterator<[string, AttachedSockets]> {
    return this.#byPath.entries();
  }
}

/** A request's target without its scheme and authority, which it may have (RFC 9112, section 3.2). */
export function originForm(url: string): string {
  return url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '');
}

function pathOf(url: string): string {
  const target = originForm(url);
  const query = target.indexOf('?');
  // A whole URL may end with its authority.
  return (query < 0 ? target : target.slice(0, query)) || '/';
}

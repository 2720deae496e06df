/**
 * A manager's place at a server of the host's, from its beginning to its end.
 */
import type { AddressInfo } from 'node:net';
import { codedError } from '../errors.js';
import type { WebSocketWarning } from '../types.js';
import type { AttachedSockets } from './sockets.js';
import { type AttachTarget, serverClosed } from './target.js';

// Taken once: a host's test may replace the global one by a clock that stands still.
const { setImmediate } = globalThis;

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

export class Attachment {
  readonly #target: AttachTarget;
  readonly #sockets: AttachedSockets;
  readonly #leave: () => void;
  readonly #waiters: Waiter[] = [];
  #stopWatching = () => {};
  /** That it listens was told to the manager, and nothing else since. */
  #listens = false;
  #hasListened = false;
  /** Why it does not listen. */
  #fault: Error | undefined;
  #detached = false;

  /** @throws Error `ERR_PATH_IN_USE`. */
  constructor(target: AttachTarget, path: string, sockets: AttachedSockets) {
    this.#target = target;
    this.#sockets = sockets;
    this.#leave = target.attach(path, sockets);
  }

  address(): AddressInfo | null {
    return this.#target.address();
  }

  /** Whether the server is known to speak TLS. */
  isSecure(): boolean {
    return this.#target.isSecure?.() ?? false;
  }

  /** How many listeners of the host's for upgrades are not asked about those of this manager. */
  bypassed(): number {
    return this.#target.bypassed?.() ?? 0;
  }

  /** What the host should be told of what attaching costs. */
  warning(): WebSocketWarning | undefined {
    return this.#target.warning?.();
  }

  /** Calls `start` each time that the server listens. In the next turn, as on a port of one's own. */
  whenListening(start: () => void): void {
    const listens = () => {
      setImmediate(() => {
        if (this.#detached) return;
        if (this.#target.closed?.()) {
          this.#fails(serverClosed());
          return;
        }
        this.#listens = true;
        this.#hasListened = true;
        this.#fault = undefined;
        start();
        for (const { resolve } of this.#waiters.splice(0)) resolve();
      });
    };
    const fails = (error = serverClosed()) => this.#fails(error);
    this.#stopWatching = this.#target.watch({ listens, fails });
  }

  /**
   * Resolves when the server listens, which may be at once. Rejects if it was closed, or could not listen, and was not
   * told to since.
   */
  async listens(): Promise<void> {
    if (this.#detached) {
      if (this.#hasListened) return;
      throw managerClosed();
    }
    const isClosed = this.#hasListened && this.#target.closed?.() === true;
    if (this.#listens && !isClosed) return;
    const fault = this.#fault ?? (isClosed ? serverClosed() : undefined);
    if (fault !== undefined && this.#target.isTold?.() !== true) throw fault;
    await new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** Lets go of the server. Sockets that were handed over go on to their ends. */
  detach(): void {
    this.#detached = true;
    // Also if the server refuses to let go.
    try {
      this.#leave();
    } finally {
      this.#sockets.detach();
      this.#stopWatching();
      this.#reject(managerClosed());
    }
  }

  #fails(error: Error): void {
    this.#listens = false;
    this.#fault = error;
    this.#reject(error);
  }

  #reject(error: Error): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }
}

function managerClosed(): Error {
  return codedError('ERR_MANAGER_CLOSED', 'the manager was closed before its server listened');
}

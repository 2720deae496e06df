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

export class Attachment {
  readonly #target: AttachTarget;
  readonly #sockets: AttachedSockets;
  readonly #leave: () => void;
  #stopWaiting = () => {};
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

  /** How many listeners of the host's for upgrades are not asked about those of this manager. */
  bypassed(): number {
    return this.#target.bypassed?.() ?? 0;
  }

  /** What the host should be told of what attaching costs. */
  warning(): WebSocketWarning | undefined {
    return this.#target.warning?.();
  }

  /**
   * Calls `start` once the server listens. Until then calls `reject` each time that this fails: for a server may
   * be told to listen again. In the next turn, as on a port of one's own.
   */
  whenListening(start: () => void, reject: (error: Error) => void): void {
    let started = false;
    const stop = this.#target.whenListening(() => {
      setImmediate(() => {
        // It may be told twice in one turn, where the server was told to listen in that of this call.
        if (this.#detached || started) return;
        if (this.#target.closed?.()) {
          reject(serverClosed());
          return;
        }
        started = true;
        stop();
        start();
      });
    }, reject);
    this.#stopWaiting = () => {
      stop();
      reject(codedError('ERR_MANAGER_CLOSED', 'the manager was closed before its server listened'));
    };
  }

  /** Lets go of the server. Sockets that were handed over go on to their ends. */
  detach(): void {
    this.#detached = true;
    // Also if the server refuses to let go.
    try {
      this.#leave();
    } finally {
      this.#sockets.detach();
      this.#stopWaiting();
    }
  }
}

/**
 * A manager's place at a server of the host's, from its beginning to its end.
 */
import type { AddressInfo } from 'node:net';
import { codedError } from '../errors.js';
import type { WebSocketWarning } from '../types.js';
import type { AttachedSockets } from './sockets.js';
import type { AttachTarget } from './target.js';

export class Attachment {
  readonly #target: AttachTarget;
  readonly #leave: () => void;
  #stopWaiting = () => {};

  /** @throws Error `ERR_PATH_IN_USE`. */
  constructor(target: AttachTarget, path: string, sockets: AttachedSockets) {
    this.#target = target;
    this.#leave = target.attach(path, sockets);
  }

  address(): AddressInfo | null {
    return this.#target.address();
  }

  /** What the host should be told of what attaching costs. */
  warning(): WebSocketWarning | undefined {
    return this.#target.warning?.();
  }

  /** Calls `start` once the server listens, or `reject` if the manager is closed before. */
  whenListening(start: () => void, reject: (error: Error) => void): void {
    const stop = this.#target.whenListening(start);
    this.#stopWaiting = () => {
      stop();
      reject(codedError('ERR_MANAGER_CLOSED', 'the manager was closed before its server listened'));
    };
  }

  /** Lets go of the server. Sockets that were taken over go on to their ends. */
  detach(): void {
    this.#leave();
    this.#stopWaiting();
  }
}

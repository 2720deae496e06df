/**
 * Whether an http server listens, and what becomes of its being told to. All managers of a server are told by the same
 * listeners, so that many of them are no leak to Node.
 */
import { type EventEmitter, errorMonitor } from 'node:events';
import type { Server } from 'node:http';

export interface Watcher {
  /** It listens; told again each time that it does. */
  listens(): void;
  /** It was closed, or could not listen. Without an error it was closed. */
  fails(error?: Error): void;
}

/** Node counts here how often a server was told to listen, or to close. It is not documented. */
type Counting = Server & { _listeningId?: number };

/** Those of this process's servers. */
const all = new WeakMap<Server, Listening>();

export class Listening {
  readonly #server: Counting;
  readonly #watchers = new Set<Watcher>();
  /** The count above which it was told to listen since it was last heard of. */
  #idle: number;
  readonly #listens = () => {
    // To be closed counts too.
    this.#idle = this.#count() + 1;
    for (const watcher of [...this.#watchers]) watcher.listens();
  };
  readonly #closed = () => {
    // It may listen again by now.
    if (this.#server.listening) return;
    for (const watcher of [...this.#watchers]) watcher.fails();
  };
  readonly #failed = (error: Error) => {
    if (this.#server.listening) return;
    this.#idle = this.#count();
    for (const watcher of [...this.#watchers]) watcher.fails(error);
  };

  static of(server: Server): Listening {
    const known = all.get(server) ?? new Listening(server);
    all.set(server, known);
    return known;
  }

  private constructor(server: Server) {
    this.#server = server;
    this.#idle = server.listening ? this.#count() + 1 : this.#count();
  }

  /** Tells a watcher from now on, and also that it listens already. Returns the way back. */
  watch(watcher: Watcher): () => void {
    const server: EventEmitter = this.#server;
    if (this.#watchers.size === 0) {
      server.on('listening', this.#listens).on('close', this.#closed);
      // What becomes of an error stays the host's affair: without a listener it is an uncaught exception.
      server.on(errorMonitor, this.#failed);
    }
    this.#watchers.add(watcher);
    if (this.#server.listening) watcher.listens();
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size > 0) return;
      server.off('listening', this.#listens).off('close', this.#closed);
      server.off(errorMonitor, this.#failed);
    };
  }

  /** Whether it listens, or was told to since it was last heard of, which may take a look-up of its host's name. */
  get isTold(): boolean {
    return this.#server.listening || this.#count() > this.#idle;
  }

  #count(): number {
    return this.#server._listeningId ?? 0;
  }
}

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
  /** With the round of the last time that each was told. */
  readonly #watchers = new Map<Watcher, number | undefined>();
  #hasListened: boolean;
  /** The count up to which there is nothing new. */
  #known: number;
  #closings = 0;
  readonly #listens = () => {
    this.#hasListened = true;
    this.#known = this.#count();
    for (const watcher of [...this.#watchers.keys()]) this.#tell(watcher);
  };
  readonly #closed = () => {
    this.#closings += 1;
    // Meanwhile it may listen again, or be about to.
    if (this.#hasListened && this.isTold) return;
    this.#fail();
  };
  readonly #failed = (error: Error) => {
    if (!this.#server.listening) this.#fail(error);
  };

  static of(server: Server): Listening {
    const known = all.get(server) ?? new Listening(server);
    all.set(server, known);
    return known;
  }

  private constructor(server: Server) {
    this.#server = server;
    this.#hasListened = server.listening;
    this.#known = this.#count();
  }

  /** Tells a watcher from now on, and also that it listens already. Returns the way back. */
  watch(watcher: Watcher): () => void {
    const server: EventEmitter = this.#server;
    if (this.#watchers.size === 0) {
      server.on('listening', this.#listens).on('close', this.#closed);
      // What becomes of an error stays the host's affair: without a listener it is an uncaught exception.
      server.on(errorMonitor, this.#failed);
    }
    this.#watchers.set(watcher, undefined);
    if (this.#server.listening) this.#tell(watcher);
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size > 0) return;
      server.off('listening', this.#listens).off('close', this.#closed);
      server.off(errorMonitor, this.#failed);
    };
  }

  /** Whether it listens, or was told to since it was last heard of, which may take a look-up of its host's name. */
  get isTold(): boolean {
    // To be closed counts too, and comes between.
    const told = this.#known + (this.#hasListened ? 1 : 0);
    return this.#server.listening || this.#count() > told;
  }

  /** Once for each time that it listens: it may do so already when a watcher comes, and say so only then. */
  #tell(watcher: Watcher): void {
    const round = this.#server._listeningId ?? this.#closings;
    if (this.#watchers.get(watcher) === round) return;
    this.#watchers.set(watcher, round);
    watcher.listens();
  }

  #fail(error?: Error): void {
    this.#hasListened = false;
    this.#known = this.#count();
    for (const watcher of [...this.#watchers.keys()]) watcher.fails(error);
  }

  #count(): number {
    return this.#server._listeningId ?? 0;
  }
}

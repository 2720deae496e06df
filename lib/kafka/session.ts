/**
 * A client's connection from `connect()` to `disconnect()`: one at a time, however many ask for it, and another
 * after that.
 */
import type { Logger } from './logger.js';
import { type RetrySettings, retrying } from './retry.js';

/** What is connected. */
export interface Connectable {
  /** What comes before the attempts, and is not tried again, as in kafkajs: getting a token from the user. */
  login?(): Promise<void>;
  /** One attempt to reach the cluster. It may be called again after it has failed. */
  connect(): Promise<unknown>;
  /** Ends it. A `connect()` that is under way rejects. */
  disconnect(): Promise<void>;
}

/** How a client's connections are made. */
export interface SessionOptions<E> {
  /** Makes the engine of one connection, unless that is ended before. */
  create: (ended: AbortSignal) => Promise<E>;
  retry: RetrySettings;
  logger: Logger;
  /** What whoever waits gets for a connection that is ended. */
  disconnected: () => Error;
}

/** One connection. Others only hold it, to end this one and no other. */
export interface Session<E> {
  engine?: E;
  connected: boolean;
  /** Settled when the cluster is reached, or cannot be. */
  ready: Promise<E>;
  /** Ends what `ready` waits for. */
  readonly abort: AbortController;
}

/** The connections of one client. */
export class Sessions<E extends Connectable> {
  readonly #options: SessionOptions<E>;
  #current: Session<E> | undefined;

  constructor(options: SessionOptions<E>) {
    this.#options = options;
  }

  /** The connection of now. */
  get current(): Session<E> | undefined {
    return this.#current;
  }

  /** The engine of now, which may be connecting still. */
  get engine(): E | undefined {
    return this.#current?.engine;
  }

  /** The engine that has reached the cluster. */
  get connected(): E | undefined {
    return this.#current?.connected ? this.#current.engine : undefined;
  }

  /** Connects, or waits for the one who does. After a failure the next call begins anew. */
  async connect(): Promise<E> {
    this.#current ??= this.#begin();
    const current = this.#current;
    let engine: E;
    try {
      engine = await current.ready;
    } catch (error) {
      if (this.#current === current) this.#current = undefined;
      await takeEngine(current)
        ?.disconnect()
        .catch(() => {});
      throw error;
    }
    if (this.#current !== current) throw this.#options.disconnected();
    current.connected = true;
    return engine;
  }

  /** Ends the connection, if there is one, and whatever waits for it. */
  async disconnect(): Promise<void> {
    await this.end(this.#current);
  }

  /** Ends this connection, unless it is not the current one any more: then it is ended, and another is none of ours. */
  async end(session: Session<E> | undefined): Promise<void> {
    if (session === undefined || session !== this.#current) return;
    this.#current = undefined;
    session.abort.abort(this.#options.disconnected());
    await takeEngine(session)?.disconnect();
  }

  #begin(): Session<E> {
    const session: Omit<Session<E>, 'ready'> = { connected: false, abort: new AbortController() };
    return Object.assign(session, { ready: this.#open(session) });
  }

  async #open(session: Omit<Session<E>, 'ready'>): Promise<E> {
    const { create, retry, logger } = this.#options;
    const { signal } = session.abort;
    const engine = await create(signal);
    if (signal.aborted) {
      await engine.disconnect();
      throw signal.reason;
    }
    session.engine = engine;
    await engine.login?.();
    await retrying(
      retry,
      async ({ retryCount, retryTime }) => {
        try {
          await engine.connect();
        } catch (error) {
          if (!signal.aborted) logger.error((error as Error).message, { retryCount, retryTime });
          throw error;
        }
      },
      signal,
    );
    return engine;
  }
}

/** The engine, for one who ends it: nobody else does. */
function takeEngine<E>(session: Session<E>): E | undefined {
  const { engine } = session;
  delete session.engine;
  return engine;
}

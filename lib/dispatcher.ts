/**
 * From the engine's batches of events to listeners, and the connection objects that these are given.
 */
import type { AttachedSockets } from './attach/sockets.js';
import { Connection, HandshakeRequest } from './connection.js';
import type { TypedEmitter } from './emitter.js';
import { codedError } from './errors.js';
import { EventKind, type WebSocketManagerEvents } from './events.js';
import type { Hooks } from './hooks.js';
import type { KeySets } from './key-sets.js';
import type { NativeConnection, NativeManager } from './native.js';
import type { OriginRules } from './origins.js';
import type { Reporter } from './reporter.js';
import { oneLine, reasonOf } from './text.js';
import type { WebSocketMessage, WebSocketWarning } from './types.js';

// Taken once: a host's test may replace the global one by a clock that stands still.
const { setImmediate } = globalThis;

/** Each event takes four places in a batch: its kind, its connection's serial, and two values. */
const PLACES = 4;

/** Emits one manager's events. */
export class Dispatcher<In extends WebSocketMessage> {
  readonly #native: NativeManager;
  readonly #emitter: TypedEmitter<WebSocketManagerEvents<In>>;
  readonly #reporter: Reporter<In>;
  /** The objects of the connections that the host was told of or asked for, until they end. */
  readonly #connections = new Map<number, Connection>();
  readonly #warn: (warning: WebSocketWarning) => void;
  readonly #hooks: Hooks;
  readonly #keySets: KeySets;
  /** Of a manager that is attached to a server. */
  readonly #sockets: AttachedSockets | undefined;
  /** What the engine asks about origins. */
  readonly #origins: OriginRules | undefined;
  readonly #drain = () => this.drain();

  constructor(
    native: NativeManager,
    emitter: TypedEmitter<WebSocketManagerEvents<In>>,
    reporter: Reporter<In>,
    hooks: Hooks,
    keySets: KeySets,
    sockets?: AttachedSockets,
    origins?: OriginRules,
  ) {
    this.#native = native;
    this.#emitter = emitter;
    this.#reporter = reporter;
    this.#hooks = hooks;
    this.#keySets = keySets;
    this.#sockets = sockets;
    this.#origins = origins;
    this.#warn = (warning) => reporter.warn(warning);
  }

  /** The connection's object: the one that exists already, so that its `data` stays, or a new one. */
  connectionOf(handle: NativeConnection): Connection {
    const { serial } = handle;
    let connection = this.#connections.get(serial);
    if (connection === undefined) {
      connection = new Connection(handle, this.#warn);
      this.#connections.set(serial, connection);
    }
    return connection;
  }

  /** Emits what waits. The engine calls again only after it was asked in vain, so this asks until then. */
  drain(): void {
    const batch = this.#native.takeEvents();
    if (batch.length === 0) return;
    // Before the listeners run, so that nothing that they do can end the asking; and not at once, so
    // that a flood of events leaves turns to timers and to other sockets.
    setImmediate(this.#drain);
    for (let i = 0; i < batch.length; i += PLACES) {
      // Whatever one event comes to, the others of the batch are still due.
      try {
        this.#dispatch(
          batch[i] as number,
          batch[i + 1] as number | null,
          batch[i + 2],
          batch[i + 3],
        );
      } catch (thrown) {
        this.#reporter.listenerFailed(thrown);
      }
    }
  }

  #dispatch(kind: number, serial: number | null, a: unknown, b: unknown): void {
    if (kind === EventKind.Introduce) {
      this.connectionOf(a as NativeConnection);
      return;
    }
    if (kind === EventKind.Socket) {
      this.#signal(serial as number, a as number);
      return;
    }
    if (kind === EventKind.KeySet) {
      this.#keySets.fetch(a as number, b as string);
      return;
    }
    if (kind === EventKind.Origin) {
      this.#judge(serial as number, a as string, b as string[]);
      return;
    }
    const connection = serial === null ? undefined : this.#connections.get(serial);
    if (kind === EventKind.Decision) {
      // The engine has introduced it, and tells of its end later.
      const certificate = this.#certificateOf(serial);
      this.#hooks.decide(
        connection as Connection,
        a as number,
        b as (string | null)[],
        certificate,
      );
      return;
    }
    if (kind === EventKind.Warning) {
      const warning = { code: a as string, message: b as string };
      this.#warn(connection === undefined ? warning : { ...warning, connectionId: connection.id });
    } else if (kind === EventKind.Error) {
      this.#reporter.fault(codedError(a as string, b as string));
    } else if (connection !== undefined) {
      if (kind === EventKind.Disconnect) this.#connections.delete(serial as number);
      if (this.#reporter.logsConnections) this.#log(kind, connection, a, b);
      try {
        this.#emit(kind, connection, a, b, serial);
      } catch (thrown) {
        this.#reporter.listenerFailed(thrown, connection.id);
      }
    }
  }

  #judge(serial: number, origin: string, fields: string[]): void {
    const [shard, slot, url = '', ...about] = fields;
    const answer = (allowed: boolean) =>
      this.#native.judged(Number(shard), Number(slot), serial, allowed);
    if (this.#origins === undefined) answer(false);
    else {
      const request = new HandshakeRequest(url, about, this.#certificateOf(serial));
      this.#origins.judge(origin, request, answer);
    }
  }

  /** A certificate that the host's server knows, and the engine does not. */
  #certificateOf(serial: number | null): Buffer | undefined {
    return serial === null ? undefined : this.#sockets?.certificateOf(serial);
  }

  /** A stream of the host's may throw whatever it likes: the other events of the batch are still due. */
  #signal(serial: number, signal: number): void {
    try {
      this.#sockets?.signal(serial, signal);
    } catch (thrown) {
      const message = `a socket of the server failed: ${reasonOf(thrown)}`;
      this.#reporter.fault(codedError('ERR_INTERNAL', message, thrown));
    }
  }

  #emit(kind: number, connection: Connection, a: unknown, b: unknown, serial: number | null): void {
    const emitter = this.#emitter;
    switch (kind) {
      case EventKind.Message:
        emitter.emit('message', JSON.parse(a as string), connection);
        break;
      case EventKind.Connection:
        emitter.emit(
          'connection',
          connection,
          new HandshakeRequest(a as string, b as string[], this.#certificateOf(serial)),
        );
        break;
      case EventKind.Authenticated:
        emitter.emit('authenticated', connection);
        break;
      case EventKind.Disconnect:
        emitter.emit('disconnect', connection, a as number, b as string);
        break;
      case EventKind.Binary:
        emitter.emit('binary', a as Buffer, connection);
        break;
      case EventKind.Data:
        emitter.emit('data', a as string | Buffer, connection);
        break;
    }
  }

  #log(kind: number, { id, userId }: Connection, a: unknown, b: unknown): void {
    if (kind === EventKind.Connection) {
      const [address] = b as string[];
      this.#reporter.log('debug', oneLine(`WebSocket ${id} connected from ${address}`));
    } else if (kind === EventKind.Authenticated) {
      this.#reporter.log('debug', oneLine(`WebSocket ${id} logged in as ${userId}`));
    } else if (kind === EventKind.Disconnect) {
      const reason = b === '' ? '' : `: ${b}`;
      this.#reporter.log('debug', oneLine(`WebSocket ${id} disconnected with ${a}${reason}`));
    }
  }
}

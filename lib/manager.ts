/**
 * `WebSocketManager`: the public face of the engine. What is left to do here is what must be JavaScript:
 * one `JSON.stringify` for a send, Node's events, and the checks that a call needs before it crosses.
 * It is longer than other files, since it is one class, whose methods are short, and their documentation.
 */
import type { AddressInfo } from 'node:net';
import { kindOf, nameOf, requireClose, requireName, requireTimeout } from './arguments.js';
import { Attachment } from './attach/attachment.js';
import { AttachedSockets } from './attach/sockets.js';
import { type AttachTarget, targetOf } from './attach/target.js';
import { Connection } from './connection.js';
import { Dispatcher } from './dispatcher.js';
import { TypedEmitter } from './emitter.js';
import { environmentOf } from './environment.js';
import { codedError, fromNative, listenError, throwUncaught, translated } from './errors.js';
import { Hooks } from './hooks.js';
import { KeySets } from './key-sets.js';
import { listenerMask, type WebSocketManagerEvents } from './events.js';
import { checkMembers, checkTlsMembers } from './members.js';
import { Serialiser } from './messages.js';
import { Audience, internals, NativeManager } from './native.js';
import { OriginRules, originNotices } from './origins.js';
import { processStats } from './process-stats.js';
import { Reporter } from './reporter.js';
import type {
  WebSocketConfig,
  WebSocketConnection,
  WebSocketError,
  WebSocketMessage,
  WebSocketStats,
  WebSocketTls,
  WebSocketWarning,
} from './types.js';

// Taken once: a host's test may replace the global one by a clock that stands still.
const { setImmediate } = globalThis;

/** How long `request` and `shutdown` wait if they are not told: long for a machine, short for a person. */
const DEFAULT_TIMEOUT = 10_000;

/** Where a server listens that does not tell; an Elysia app is one. */
const UNKNOWN: AddressInfo = { address: '', family: '', port: 0 };

/** What a service in production is told that has not said which pages may connect. */
const ANY_ORIGIN: WebSocketWarning = {
  code: 'ERR_ANY_ORIGIN',
  message:
    'pages of any origin may connect, with the cookies of their users: set `origins` or WS_ORIGINS, to * if that is meant',
};

/** What `fromHttpServer` gives to the constructor, whose one parameter is the user's, or a subclass's. */
let targetOfNext: AttachTarget | undefined;

/** The longest `id` of a message that the protocol carries, in bytes. */
const MAX_REQUEST_ID = 64;

/**
 * A WebSocket server (RFC 6455) on a port of its own, with users, rooms and topics.
 *
 * It listens as soon as it is made, and its sockets are run by threads beside the JavaScript thread. A
 * send is serialised when the call returns, arrives in the order of the calls, and never throws: a
 * message that cannot be sent gives 0 or false and a `warning`. After `close()` every method answers as
 * for a server without connections.
 *
 * Clients send JSON text frames: `authenticate` {userId, sessionId, token}, `subscribe` and
 * `unsubscribe` {topic}, `join_room` and `leave_room` {room}, `heartbeat`; each is answered. Any other
 * type is a `message` event.
 *
 * @typeParam Out - the messages that the service sends
 * @typeParam In - the messages that clients send to it
 */
export class WebSocketManager<
  Out extends WebSocketMessage = WebSocketMessage,
  In extends WebSocketMessage = WebSocketMessage,
> extends TypedEmitter<WebSocketManagerEvents<In>> {
  readonly #native: NativeManager;
  readonly #send: ReturnType<NativeManager['sender']>;
  readonly #reporter: Reporter<In>;
  readonly #dispatcher: Dispatcher<In>;
  readonly #keySets: KeySets;
  readonly #serialiser = new Serialiser();
  /** The variables that count for this manager, as they are at the call. */
  readonly #environment: () => Record<string, string>;
  readonly #started: Promise<void>;
  #isStarted = false;
  #lastAddress: AddressInfo = UNKNOWN;
  /** The server of the host's whose upgrades come here; undefined with a port of its own. */
  #attachment: Attachment | undefined;
  #readyAsked = false;
  #closed = false;
  #mask = 0;
  #requests = 0;

  /**
   * Binds the port at once and accepts connections from the next turn of the event loop on, so that
   * listeners set after this call see every one. A port that cannot be had is an `error` event.
   *
   * @throws TypeError `ERR_INVALID_OPTION_TYPE`, RangeError `ERR_INVALID_OPTION_RANGE`: an option that
   * cannot be, named at the start of the message. RangeError `ERR_INVALID_ENV`: an environment variable. Error
   * `ERR_TLS_CERTIFICATE`, `ERR_TLS_KEY`, `ERR_TLS_PASSPHRASE`, `ERR_TLS_KEY_MISMATCH`, `ERR_TLS_CA`: see `tls`.
   */
  constructor(config?: WebSocketConfig | null) {
    super({ captureRejections: true });
    const target = targetOfNext;
    targetOfNext = undefined;
    const options = requireConfig(config);
    this.#reporter = new Reporter(this, options.logger);
    checkMembers(options);
    this.#environment = () => environmentOf(options);
    const env = this.#environment();
    const { origins } = options;
    const rules = OriginRules.of(origins, (warning) => this.#reporter.warn(warning));
    // All that asks the host's objects comes before the engine, which takes the port.
    const path = options.path || env.WS_PATH || '/ws';
    const protocol = options.protocol || env.WS_PROTOCOL || 'messaging';
    const anyOrigin = (origins ?? '') === '' && !env.WS_ORIGINS ? ANY_ORIGIN : undefined;
    const production = process.env.NODE_ENV === 'production';
    const notices = [production ? anyOrigin : undefined, ...originNotices(origins)];
    const drain = () => this.#dispatcher.drain();
    this.#native = translated(() =>
      target === undefined
        ? new NativeManager(options, env, drain)
        : NativeManager.attached(options, env, drain),
    );
    this.#send = this.#native.sender();
    const sockets = target && new AttachedSockets(this.#native, rules);
    const hooks = new Hooks(this.#native, options, this.#reporter);
    this.#keySets = new KeySets(this.#native, this.#reporter);
    this.#dispatcher = new Dispatcher(
      this.#native,
      this,
      this.#reporter,
      hooks,
      this.#keySets,
      sockets,
      rules,
    );
    if (target !== undefined && sockets !== undefined) {
      try {
        this.#attachment = new Attachment(target, path, sockets);
      } catch (error) {
        this.#keySets.close();
        this.#native.close();
        throw error;
      }
    }
    internals.set(this, {
      native: this.#native,
      path,
      // The engine has checked that it is one of the two.
      protocol: protocol as 'messaging' | 'raw',
      isSecure: () => this.#attachment?.isSecure() ?? this.#native.isSecure(),
    });
    this.listenersChanged();
    this.#started = new Promise((resolve, reject) => {
      if (this.#attachment === undefined) setImmediate(() => this.#listen(resolve, reject));
      else this.#attachment.whenListening(() => this.#start());
    });
    for (const warning of [this.#attachment?.warning() ?? this.#native.tlsNotice(), ...notices]) {
      // Listeners are set in the tick of this call.
      if (warning) setImmediate(() => this.#reporter.warn(warning));
    }
    // Whoever calls `ready()` gets a promise of their own; without them the fault is an event.
    this.#started.catch(() => {});
  }

  /**
   * Attaches a manager to a server of one's own: it gets the upgrades (RFC 9110, section 7.8) of its `path`,
   * and listens on no port. All options but `port`, `host`, `tls` and `proxyProtocol` apply. The server goes on serving http, and
   * upgrades of other paths go to whoever listens for them; where nobody does, they are answered with 404. No other
   * listener for `upgrade` is called for those of its path, unlike with `ws`: one that was a guard guards no longer.
   * `close()` detaches it and leaves the server as it was.
   *
   * @param server - an `http.Server` or `https.Server` of Node, listening or not yet, which is what
   * `listen()` of Express and Koa and Hono's `serve()` return, Fastify's `server` and Nest's
   * `getHttpServer()`; the app that `app.listen()` of Elysia returns; or a server of `Bun.serve`, which should be
   * made after this package was imported, or it raises the warning `ERR_SERVER_HANDLERS`. On Node, Elysia's adapter
   * 1.4 does not tell where it listens: until the first upgrade, `address()` is null and `ready()` gives an empty
   * address with the port 0.
   * @throws TypeError `ERR_UNSUPPORTED_SERVER`: anything else, or a server that was closed. Error
   * `ERR_PATH_IN_USE`: another manager has this path of this server. Error `ERR_TLS_ATTACHED`: the option
   * `tls`, which is the server's. Options as in the constructor.
   */
  static fromHttpServer<
    Out extends WebSocketMessage = WebSocketMessage,
    In extends WebSocketMessage = WebSocketMessage,
  >(server: object, config?: WebSocketConfig | null): WebSocketManager<Out, In> {
    // biome-ignore lint/complexity/noThisInStatic: it may be a subclass, which the class's name is not.
    const Manager = isManager(this) ? this : WebSocketManager;
    targetOfNext = targetOf(server);
    try {
      return new Manager<Out, In>(config);
    } finally {
      // A subclass may have thrown before it was taken.
      targetOfNext = undefined;
    }
  }

  /**
   * Resolves with the address as soon as the manager accepts connections, or has long done so. Rejects
   * with the fault of binding, for example `EADDRINUSE`, or `ERR_MANAGER_CLOSED` if it was closed before. Of an
   * attached manager it rejects with the `error` of its server, which that server emits all the same, or
   * `ERR_SERVER_CLOSED` if it was closed. A server that is told to listen again is waited for, and its address is the new one.
   */
  async ready(): Promise<AddressInfo> {
    this.#readyAsked = true;
    await (this.#attachment?.listens() ?? this.#started);
    // Of an attached one it may be known later than that it listens.
    return this.address() ?? { ...this.#lastAddress };
  }

  /**
   * The address that it listens on, known as soon as it is made; null without one and after `close()`. Of an
   * attached manager it is its server's, null until that listens.
   */
  address(): AddressInfo | null {
    if (this.#closed) return null;
    if (this.#attachment !== undefined) return this.#attachment.address();
    const address = this.#native.address();
    return address === null ? null : { ...address };
  }

  /**
   * Replaces certificate, key and authorities while the manager serves, as Node's
   * `server.setSecureContext()` does: connections that come from now on get the new ones, and open ones go on
   * with what they began with. If it throws, all stays as it was. After `close()` it changes nothing that can be seen.
   *
   * @param options - what is not given stays as it was. The files that the environment names are read again, so
   * that a manager that has its certificate from there needs no options.
   * @throws as the constructor does for `tls`, also TypeError `ERR_INVALID_OPTION_TYPE` if nothing is given and no file can be
   * read again; and Error `ERR_TLS_OFF`: the manager was made without `tls`; `ERR_TLS_ATTACHED`: it has no port of its own.
   */
  setSecureContext(options?: WebSocketTls | null): void {
    const given = requireTls(options);
    if (this.#attachment !== undefined) {
      throw codedError('ERR_TLS_ATTACHED', 'an attached manager has the TLS of its server');
    }
    const warning = translated(() => this.#native.setSecureContext(given, this.#environment()));
    if (warning !== null) this.#reporter.warn(warning);
  }

  /** Sends to one connection. Returns whether it was open. */
  sendToConnection(connectionId: string, message: Out): boolean {
    const id = nameOf(connectionId);
    const text = this.#serialise('sendToConnection', message);
    if (id === undefined || text === undefined) return false;
    return this.#send(Audience.connection, id, text, this.#serialiser.stamp) > 0;
  }

  /** Sends to all connections of a user. Returns how many were open. */
  sendToUser(userId: string, message: Out): number {
    const user = nameOf(userId);
    const text = this.#serialise('sendToUser', message);
    if (user === undefined || text === undefined) return 0;
    return this.#send(Audience.user, user, text, this.#serialiser.stamp);
  }

  /** Sends to all members of a room. Returns how many were open. */
  sendToRoom(room: string, message: Out): number {
    const name = nameOf(room);
    const text = this.#serialise('sendToRoom', message);
    if (name === undefined || text === undefined) return 0;
    return this.#send(Audience.room, name, text, this.#serialiser.stamp);
  }

  /** Sends to all subscribers of a topic. Returns how many were open. */
  broadcastToTopic(topic: string, message: Out): number {
    const name = nameOf(topic);
    const text = this.#serialise('broadcastToTopic', message);
    if (name === undefined || text === undefined) return 0;
    return this.#send(Audience.topic, name, text, this.#serialiser.stamp);
  }

  /** Sends to all connections. Returns how many were open. */
  broadcast(message: Out): number {
    const text = this.#serialise('broadcast', message);
    if (text === undefined) return 0;
    return this.#send(Audience.everybody, '', text, this.#serialiser.stamp);
  }

  /**
   * Sends a message and waits for the client's answer: the next message of that client with the same
   * `id` that is none of the protocol's own. It need not have a `type`, unlike any other message: it is
   * the `id` that says what it answers. The message goes out with its own `id` if that is a string of 1 to 64 bytes, else with a new one.
   *
   * @param options.timeout - milliseconds to wait, 1 to 2147483647. Default: 10000.
   * @returns the answer, which is then no `message` event. Rejects with `ERR_REQUEST_TIMEOUT`,
   * `ERR_CONNECTION_CLOSED` (also for an unknown connection), `ERR_DUPLICATE_REQUEST` (the connection's
   * answer to another request with this `id` is still awaited), `ERR_OVERLOADED`, `ERR_INVALID_MESSAGE`,
   * or for a timeout that cannot be.
   */
  async request<Answer extends WebSocketMessage = In>(
    connectionId: string,
    message: Out & { id?: string | undefined },
    options?: { timeout?: number | undefined },
  ): Promise<Answer> {
    const id = requireName('connectionId', connectionId);
    const timeout = requireTimeout(options?.timeout ?? DEFAULT_TIMEOUT, 1);
    const { requestId, identified } = this.#identify(message);
    const text = this.#serialiser.serialise('request', identified);
    const { stamp } = this.#serialiser;
    try {
      return JSON.parse(await this.#native.request(id, requestId, text, stamp, timeout)) as Answer;
    } catch (thrown) {
      throw fromNative(thrown);
    }
  }

  /**
   * Makes a connection a member of a room; joining twice counts once. What is sent to the room after
   * this call reaches it. Returns whether the connection is open.
   *
   * @throws TypeError `ERR_INVALID_ARGUMENT` for a room that is neither a string nor a number
   * (which counts in its decimal form), is empty or is over 256 bytes.
   */
  joinRoom(connectionId: string, room: string): boolean {
    const id = requireName('connectionId', connectionId);
    const name = requireName('room', room);
    return translated(() => this.#native.joinRoom(id, name));
  }

  /** Ends a membership. Returns whether there was one. Throws as `joinRoom` does. */
  leaveRoom(connectionId: string, room: string): boolean {
    const id = requireName('connectionId', connectionId);
    const name = requireName('room', room);
    return translated(() => this.#native.leaveRoom(id, name));
  }

  /** Subscribes a connection to a topic, as `joinRoom` does for a room. */
  subscribe(connectionId: string, topic: string): boolean {
    const id = requireName('connectionId', connectionId);
    const name = requireName('topic', topic);
    return translated(() => this.#native.subscribe(id, name));
  }

  /** Ends a subscription. Returns whether there was one. Throws as `joinRoom` does. */
  unsubscribe(connectionId: string, topic: string): boolean {
    const id = requireName('connectionId', connectionId);
    const name = requireName('topic', topic);
    return translated(() => this.#native.unsubscribe(id, name));
  }

  /**
   * Closes a connection, behind what was sent to it before (RFC 6455, section 7.1.2). Returns whether it
   * was open.
   *
   * @param code - 1000 to 1003, 1007 to 1014, or 3000 to 4999. Default: 1000.
   * @param reason - at most 123 bytes of UTF-8. Default: none.
   * @throws TypeError `ERR_INVALID_ARGUMENT` for another code or a longer reason.
   */
  disconnect(connectionId: string, code = 1000, reason = ''): boolean {
    const id = requireName('connectionId', connectionId);
    requireClose(code, reason);
    return translated(() => this.#native.disconnect(id, code, reason));
  }

  /**
   * Closes all connections of a user, behind what was sent to them before. Returns how many were open. Its logins
   * that are being decided at that moment are refused. What it can come back with later is not changed: see
   * `revokeSession` and `authenticate`.
   *
   * @param userId - a number, which the type does not allow for, counts in its decimal form, as in all methods.
   * @param code - as in `disconnect`. Default: 4401.
   * @param reason - as in `disconnect`. Default: "Disconnected".
   * @throws as `disconnect`
   */
  disconnectUser(userId: string, code = 4401, reason = 'Disconnected'): number {
    const user = requireName('userId', userId);
    requireClose(code, reason);
    return translated(() => this.#native.disconnectUser(user, code, reason));
  }

  /**
   * Closes all connections of a session with 4401 "Session revoked", and refuses every login with it from now on.
   * Returns how many were open. The newest 65,536 revoked sessions are remembered, by this manager and until it ends.
   *
   * @throws TypeError `ERR_INVALID_ARGUMENT` for a session that is neither a string nor a number, or is empty.
   */
  revokeSession(sessionId: string): number {
    const session = requireName('sessionId', sessionId);
    if (session === '') {
      throw codedError('ERR_INVALID_ARGUMENT', 'sessionId: must not be empty');
    }
    return translated(() => this.#native.revokeSession(session));
  }

  /** How many connections are open. */
  getConnectionCount(): number {
    return this.#native.getConnectionCount();
  }

  /** The rooms that have members. */
  getActiveRooms(): string[] {
    return Array.from(this.#native.getActiveRooms());
  }

  /** The topics that have subscribers. */
  getActiveTopics(): string[] {
    return Array.from(this.#native.getActiveTopics());
  }

  /** The ids of a room's connections. */
  getRoomMembers(room: string): string[] {
    const name = nameOf(room);
    return name === undefined ? [] : Array.from(this.#native.getRoomMembers(name));
  }

  /** The ids of a topic's connections. */
  getTopicSubscribers(topic: string): string[] {
    const name = nameOf(topic);
    return name === undefined ? [] : Array.from(this.#native.getTopicSubscribers(name));
  }

  /** The ids of a user's connections. */
  getUserConnections(userId: string): string[] {
    const user = nameOf(userId);
    return user === undefined ? [] : Array.from(this.#native.getUserConnections(user));
  }

  /** An open connection, or undefined if there is none of this id. */
  getConnection(connectionId: string): WebSocketConnection | undefined {
    const id = nameOf(connectionId);
    const handle = id === undefined ? null : this.#native.getConnection(id);
    return handle === null ? undefined : this.#dispatcher.connectionOf(handle);
  }

  /** All open connections. This makes an object for each of them; for the number alone, see the count. */
  getConnections(): WebSocketConnection[] {
    return Array.from(this.#native.getConnections(), (handle) =>
      this.#dispatcher.connectionOf(handle),
    );
  }

  /** Figures of this manager and of the process, as they are now. */
  getStats(): WebSocketStats {
    const { drops, refusals, ...totals } = this.#native.getStats();
    return { ...totals, drops: { ...drops }, refusals: { ...refusals }, process: processStats() };
  }

  /**
   * Stops accepting and closes all connections with 1001 (RFC 6455, section 7.4.1). From this call on
   * nothing is connected; `disconnect` events follow. A second call does nothing.
   */
  close(): void {
    try {
      this.#end();
    } finally {
      this.#native.close();
    }
  }

  /**
   * As `close`, and resolves when what was queued is written and all connections have ended, or when the
   * time is up, which ends the rest.
   *
   * @param options.timeout - milliseconds, 0 to 2147483647. Default: 10000.
   */
  async shutdown(options?: { timeout?: number | undefined }): Promise<void> {
    const timeout = requireTimeout(options?.timeout ?? DEFAULT_TIMEOUT, 0);
    this.#end();
    try {
      await this.#native.shutdown(timeout);
    } catch (thrown) {
      throw fromNative(thrown);
    }
  }

  /** `await using manager = new WebSocketManager()`: the same as `shutdown()`. */
  declare [Symbol.asyncDispose]: () => Promise<void>;

  /** @internal Lets only those kinds of events cross that somebody hears. */
  protected override listenersChanged(): void {
    const mask = listenerMask((event) => this.listenerCount(event) > 0) | this.#reporter.mask;
    if (mask === this.#mask) return;
    this.#mask = mask;
    this.#native.setListeners(mask);
  }

  /** @internal Node calls it for a listener whose promise was rejected. */
  [Symbol.for('nodejs.rejection')](error: unknown, event: string, ...args: unknown[]): void {
    if (event === 'warning') {
      throwUncaught(error);
      return;
    }
    const connection = args.find((value) => value instanceof Connection);
    this.#reporter.listenerFailed(error, connection?.id);
  }

  #listen(resolve: () => void, reject: (error: Error) => void): void {
    if (this.#closed) {
      reject(codedError('ERR_MANAGER_CLOSED', 'the manager was closed before it listened'));
      return;
    }
    const fault = this.#native.bindError();
    if (fault !== null) {
      const error = listenError(fault);
      this.#closed = true;
      this.#native.close();
      reject(error);
      if (!this.#readyAsked || this.listenerCount('error') > 0) this.#reporter.fail(error);
      return;
    }
    this.#start();
    resolve();
  }

  /** It listens. Of an attached manager, each time that its server does. */
  #start(): void {
    const known = this.address();
    const address = known ?? { ...UNKNOWN };
    this.#lastAddress = address;
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#native.start();
      this.#warnOfWhatIsNotVerified();
    }
    const what =
      this.#attachment === undefined ? 'listens' : 'is attached to the server that listens';
    const where = known === null ? '' : ` on port ${known.port} of ${known.address}`;
    this.#reporter.log('info', `WebSocket server ${what}${where}`);
    try {
      this.emit('listening', address);
    } catch (thrown) {
      this.#reporter.listenerFailed(thrown);
    }
  }

  /** Once, and only to those who listen: a service behind a gateway that verifies may well want it so. */
  #warnOfWhatIsNotVerified(): void {
    if (this.#native.ignoresTokens()) {
      this.#reporter.warn({
        code: 'ERR_UNVERIFIED_TOKENS',
        message:
          'tokenFrom: without the option `authenticate` or `jwt` nobody looks at the tokens of handshakes',
      });
    }
    if (this.#native.verifies() || internals.get(this)?.protocol === 'raw') return;
    const others = this.#attachment?.bypassed() ?? 0;
    const bypassed = `; ${others} listener${others > 1 ? 's' : ''} of its server for 'upgrade' are not asked either`;
    this.#reporter.warn({
      code: 'ERR_UNVERIFIED_USERS',
      message:
        'clients are whoever they claim to be: without the option `authenticate` or `jwt` nobody checks it' +
        (others > 0 ? bypassed : ''),
    });
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reporter.log('info', 'WebSocket server closes');
    this.#keySets.close();
    this.#attachment?.detach();
  }

  #serialise(method: string, message: Out): string | undefined {
    try {
      return this.#serialiser.serialise(method, message);
    } catch (thrown) {
      const { code, message: what, cause } = thrown as WebSocketError;
      this.#reporter.warn({ code, message: what, ...(cause === undefined ? {} : { cause }) });
      return undefined;
    }
  }

  #identify(message: Out): { requestId: string; identified: unknown } {
    const id: unknown = (message as { id?: unknown } | null)?.id;
    if (typeof id === 'string' && id !== '' && Buffer.byteLength(id) <= MAX_REQUEST_ID) {
      return { requestId: id, identified: message };
    }
    this.#requests += 1;
    const requestId = `req_${this.#requests}`;
    // What is no object stays as it is, for the serialiser to refuse.
    const isObject = typeof message === 'object' && message !== null && !Array.isArray(message);
    return { requestId, identified: isObject ? { ...message, id: requestId } : message };
  }
}

// The first releases of Node 20 lack this symbol, and nobody there can ask for the method.
if (Symbol.asyncDispose !== undefined) {
  Object.defineProperty(WebSocketManager.prototype, Symbol.asyncDispose, {
    value(this: WebSocketManager) {
      return this.shutdown();
    },
    configurable: true,
    writable: true,
  });
}

function isManager(value: unknown): value is typeof WebSocketManager {
  if (typeof value !== 'function') return false;
  return value === WebSocketManager || value.prototype instanceof WebSocketManager;
}

function requireTls(tls: unknown): WebSocketTls {
  if (tls === undefined || tls === null) return {};
  if (typeof tls === 'object' && !Array.isArray(tls)) {
    checkTlsMembers(tls);
    return tls;
  }
  throw codedError('ERR_INVALID_OPTION_TYPE', `tls: must be an object, got ${kindOf(tls)}`);
}

function requireConfig(config: unknown): WebSocketConfig {
  if (config === undefined || config === null) return {};
  if (typeof config === 'object' && !Array.isArray(config)) return config;
  throw codedError('ERR_INVALID_OPTION_TYPE', `config: must be an object, got ${kindOf(config)}`);
}

/**
 * `@libs/messaging/testing`: tests of services without sleeps. A manager on a free port, clients over
 * real WebSockets that wait for what they ask for, `flush` for what was sent, and a Kafka inside the process.
 * It works in jest and in vitest alike, registers nothing with either, and needs the package `ws` for its clients.
 */
import { withoutEnvironment } from './environment.js';
import { codedError } from './errors.js';
import {
  EmbeddedKafka,
  type EmbeddedKafkaConfig,
  KafkaClient,
  logLevel,
  type WebSocketConfig,
  WebSocketManager,
  type WebSocketMessage,
} from './index.js';
import { internals } from './native.js';
import { SocketClient } from './test-client.js';

/** A message as a test reads it: whatever keys it has can be looked at. */
export interface TestMessage extends WebSocketMessage {
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at keys that only its service knows.
  [key: string]: any;
}

/** How a client connects. */
export interface TestClientOptions {
  /** Logs in as this user before `connectClient` resolves. */
  userId?: string | number | undefined;
  /** The session to log in with. */
  sessionId?: string | number | undefined;
  /** The token to log in with. Without `userId`, the user is whom the token names. */
  token?: string | undefined;
  /** Path and query of the handshake. Default: the manager's path. */
  path?: string | undefined;
  /** Further header fields of the handshake. */
  headers?: Record<string, string> | undefined;
  /** Milliseconds for connecting and logging in. Default: 5000. */
  timeout?: number | undefined;
}

/** A Kafka inside the process, which `KafkaClient` is at. */
export interface TestKafka {
  /** `host:port` of each broker, for clients of a `Kafka` of their own. */
  readonly brokers: string[];
  /** Creates a topic; those that a test only uses appear by themselves. Default: 4 partitions. */
  createTopic(topic: string, numPartitions?: number): Promise<void>;
  /** Disconnects what `KafkaClient` has connected, and ends the brokers. Twice is fine. */
  close(): Promise<void>;
}

/** How a connection ended, as the client saw it. */
export interface TestClosing {
  /** The close code; 1005 if the frame had none, 1006 if there was no frame (RFC 6455, section 7.1.5). */
  code: number;
  /** The reason in the close frame. */
  reason: string;
}

/**
 * A client over a real WebSocket. Messages wait in a queue until a test takes them, so none is lost
 * however late it asks. A frame that is no JSON message arrives with the type `#text` or `#binary` and
 * its content as the payload.
 */
export interface TestClient {
  /** The connection's id at the server. */
  readonly connectionId: string;
  /** The messages that arrived and were not taken yet, oldest first: a copy. */
  readonly pending: TestMessage[];
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<TestClosing>;
  /**
   * Takes the oldest message of this type, or of any, and waits for it if there is none yet.
   *
   * @param options.timeout - milliseconds to wait. Default: 2000.
   * @returns the message. Rejects with `ERR_TEST_TIMEOUT`, or at once with `ERR_CONNECTION_CLOSED` if the
   * connection has ended; the error's text says what did arrive.
   */
  next(type?: string, options?: { timeout?: number | undefined }): Promise<TestMessage>;
  /** Sends a message as JSON, or a string or bytes as one frame as they are. */
  send(message: object | string | Uint8Array): void;
  /** Logs in, and resolves with the server's answer; rejects if it is an `error`. */
  authenticate(login: {
    userId?: string | number | undefined;
    sessionId?: string | number | undefined;
    token?: string | undefined;
  }): Promise<TestMessage>;
  /** Joins a room, and resolves with the server's answer; rejects if it is an `error`. */
  join(room: string): Promise<TestMessage>;
  /** Leaves a room that exists, as `join`. */
  leave(room: string): Promise<TestMessage>;
  /** Subscribes to a topic, as `join`. */
  subscribe(topic: string): Promise<TestMessage>;
  /** Ends a subscription, as `join`. */
  unsubscribe(topic: string): Promise<TestMessage>;
  /**
   * Resolves when all that the server wrote before this call has arrived, by a ping and its pong. After
   * `flush(manager)` and this, `pending` shows that something was not sent.
   */
  settled(): Promise<void>;
  /** Closes the connection and resolves when it has ended. Default code: 1000. */
  close(code?: number, reason?: string): Promise<TestClosing>;
}

/**
 * A manager on a free port of 127.0.0.1, which accepts connections when the promise resolves. End it with
 * `close()`, `shutdown()` or `await using`.
 *
 * It takes nothing from the environment: what `config` does not say is the default, whatever the `WS_*`
 * variables say on the machine that runs the test.
 */
export async function createTestManager<
  Out extends WebSocketMessage = WebSocketMessage,
  In extends WebSocketMessage = WebSocketMessage,
>(config?: WebSocketConfig): Promise<WebSocketManager<Out, In>> {
  const own = withoutEnvironment({ port: 0, host: '127.0.0.1', ...config });
  const manager = new WebSocketManager<Out, In>(own);
  await manager.ready();
  return manager;
}

/**
 * An {@link EmbeddedKafka}, at which `KafkaClient` is until `close()`: what a service sends and reads by it, in
 * this process, goes there. `KafkaClient` takes nothing from the environment meanwhile, and logs errors only.
 * End it with `close()`, also where a test fails: open brokers keep the process alive.
 *
 * @throws KafkaJSNonRetriableError when `KafkaClient` is in use already; and what `EmbeddedKafka.start` throws
 */
export async function createTestKafka(config?: EmbeddedKafkaConfig): Promise<TestKafka> {
  const embedded = await EmbeddedKafka.start(config);
  const { brokers } = embedded;
  try {
    const config = { brokers, clientId: 'test', logLevel: logLevel.ERROR, ssl: false };
    // What is undefined goes before the environment too.
    KafkaClient.configure(Object.assign(config, { sasl: undefined as never }));
  } catch (error) {
    await embedded.close();
    throw error;
  }
  let closing: Promise<void> | undefined;
  const close = async () => {
    try {
      await KafkaClient.disconnect();
    } finally {
      KafkaClient.configure({});
      await embedded.close();
    }
  };
  return {
    brokers,
    createTopic: (topic, numPartitions) => embedded.createTopic(topic, numPartitions),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/**
 * Connects a client to a manager under `protocol: 'messaging'`, and logs it in if `userId` or `token` is
 * given. It trusts any certificate, and needs none. Rejects if the server refuses either, with its reason at the start of the error's text; and with
 * `ERR_INVALID_ARGUMENT` for a manager under `protocol: 'raw'`, which greets nobody, or one whose server
 * does not tell where it listens.
 */
export async function connectClient<Out extends WebSocketMessage, In extends WebSocketMessage>(
  manager: WebSocketManager<Out, In>,
  options: TestClientOptions = {},
): Promise<TestClient> {
  const { path: managersPath, protocol } = internalsOf(manager);
  if (protocol === 'raw') {
    const advice = 'use a WebSocket of your own, for example of the package ws';
    throw codedError(
      'ERR_INVALID_ARGUMENT',
      `manager: must have the protocol 'messaging', got 'raw': ${advice}`,
    );
  }
  const { family } = await manager.ready();
  if (family === '') {
    const advice = 'use a WebSocket of your own, for example of the package ws';
    throw codedError(
      'ERR_INVALID_ARGUMENT',
      `manager: its server does not tell where it listens: ${advice}`,
    );
  }
  const { path = managersPath, userId, sessionId, token, headers = {}, timeout = 5000 } = options;
  const client = await SocketClient.connect(origin(manager) + path, headers, timeout);
  if (userId !== undefined || token !== undefined) {
    await client.authenticate({ userId, sessionId, token }, timeout);
  }
  return client;
}

/** Resolves when every frame that was queued before this call is written to its socket. */
export async function flush<Out extends WebSocketMessage, In extends WebSocketMessage>(
  manager: WebSocketManager<Out, In>,
): Promise<void> {
  await internalsOf(manager).native.flush();
}

function internalsOf(manager: object) {
  const found = internals.get(manager);
  if (found !== undefined) return found;
  throw codedError('ERR_INVALID_ARGUMENT', 'manager: must be a WebSocketManager of this package');
}

/** Without its path. */
function origin(manager: { address: WebSocketManager['address'] }): string {
  const address = manager.address();
  if (address === null) {
    throw codedError('ERR_MANAGER_CLOSED', 'the manager is closed, or its server does not listen');
  }
  const scheme = internalsOf(manager).isSecure() ? 'wss' : 'ws';
  if (address.family === 'Unix') return `${scheme}+unix:${address.address}:`;
  const everywhere = address.address === '::' || address.address === '0.0.0.0';
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${scheme}://${everywhere ? '127.0.0.1' : host}:${address.port}`;
}

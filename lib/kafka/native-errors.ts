/**
 * The engine's errors as kafkajs's: a broker's answer by its number, what librdkafka found by itself (its
 * negative numbers) by its name.
 */
import {
  KafkaJSConnectionClosedError,
  KafkaJSConnectionError,
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSNotImplemented,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSOffsetOutOfRange,
  KafkaJSProtocolError,
  KafkaJSQueueFullError,
  KafkaJSRequestTimeoutError,
  KafkaJSSASLAuthenticationError,
} from './errors.js';
import type { NativeError } from './native.js';
import { createErrorFromCode, protocolErrorOf } from './protocol-errors.js';

/** What is known about the call that failed. */
export interface ErrorContext {
  /** The mechanism of the login, as in the configuration. */
  mechanism?: string;
  topic?: string;
  partition?: number;
  /** How often the engine has tried, where it has given up. */
  retryCount?: number;
  /** How long it has tried, in milliseconds. */
  retryTime?: number;
}

/** kafkajs's error of anything that the engine throws. What is no error of Kafka's is given back as it is. */
export function kafkaErrorOf(thrown: unknown, context: ErrorContext = {}): Error {
  if (thrown instanceof KafkaJSError) return thrown;
  const native = nativeErrorIn(thrown);
  return native === undefined ? (thrown as Error) : fromNativeError(native, context);
}

/** Waits for the engine, and translates what it throws. */
export async function translatedKafka<T>(
  call: () => T | Promise<T>,
  context?: ErrorContext,
): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw kafkaErrorOf(thrown, context);
  }
}

/** kafkajs's error of this one. */
export function fromNativeError(native: NativeError, context: ErrorContext = {}): Error {
  const make = BY_NAME[native.name];
  if (make) return make(native, context);
  if (native.code > 0 || native.code === -1) return answer(native, context);

  return native.retriable === true && native.fatal !== true
    ? new KafkaJSError(native.message)
    : new KafkaJSNonRetriableError(native.message);
}

type Make = (native: NativeError, context: ErrorContext) => Error;

const connection: Make = ({ message }) => {
  const broker = brokerIn(message);
  if (message === TIMEOUT) return new KafkaJSConnectionError(message);
  if (/: Disconnected: connection closed by peer/.test(message)) {
    const [, host, port] = /^(.*):(\d+)$/.exec(broker ?? '') ?? [];
    return new KafkaJSConnectionClosedError('Closed connection', {
      ...found('host', host),
      ...(port !== undefined && { port: Number(port) }),
    });
  }
  const code = SYSTEM_CODES.find(([text]) => text.test(message))?.[1];
  return new KafkaJSConnectionError(`Connection error: ${connectionText(message, code)}`, {
    ...found('broker', broker),
    ...found('code', code),
  });
};

function brokerIn(message: string): string | undefined {
  return /(?:^|\/\/|')([\w.-]+:\d+|\[[\da-fA-F:]+\]:\d+)(?=[/':]|$)/.exec(message)?.[1];
}

/** A first answer that would be too long is none of Kafka: its length is the first bytes of something else. */
const badMessage: Make = (native) => {
  const size = /Invalid response size (-?\d+) .*in state APIVERSION_QUERY/.exec(
    native.message,
  )?.[1];
  if (size === undefined) return new KafkaJSNonRetriableError(native.message);
  const first = Buffer.alloc(4);
  first.writeInt32BE(Number(size) | 0);
  const what =
    first.toString('latin1') === 'HTTP'
      ? 'it answers in HTTP'
      : first[0] === TLS_ALERT && first[1] === TLS_MAJOR
        ? 'it answers in TLS, for which there is the option ssl'
        : 'its answer is of another protocol';
  return new KafkaJSConnectionError(`Connection error: the peer does not speak Kafka: ${what}`, {
    ...found('broker', brokerIn(native.message)),
  });
};

/** How a server of TLS begins its answer to what is no handshake. */
const TLS_ALERT = 0x15;
const TLS_MAJOR = 0x03;

/** What the core says when nothing is known but that it took too long. */
const TIMEOUT = 'Connection timeout';

/** librdkafka's text as Node has it, or without what librdkafka puts around it. */
function connectionText(message: string, code: string | undefined): string {
  const address = /Connect to ipv\d#(\S+) failed/.exec(message)?.[1];
  if (address && code) return `connect ${code} ${address}`;
  const host = /Failed to resolve '(.*):\d+'/.exec(message)?.[1];
  if (host && code) return `getaddrinfo ${code} ${host}`;
  return message
    .replace(/^\S+\/(?:bootstrap|\d+): /, '')
    .replace(/ \(after \d+ms in state .*\)$/, '')
    .replace(LIBRDKAFKAS_HINT, '')
    .replace(/::wrong version number$/, '$&: the peer does not speak TLS');
}

/** Its advice is about options of librdkafka's, which users of this package do not have. */
const LIBRDKAFKAS_HINT = /[,:]? verify that ssl\.ca\.location is correctly configured.*$/;

const closed: Make = () => new KafkaJSConnectionError('Closed connection');

const protocol =
  (code: number): Make =>
  (_native, context) =>
    answer({ code, name: '', message: '' }, context);

const timedOut: Make = ({ message }) => new KafkaJSRequestTimeoutError(message);

const BY_NAME: Record<string, Make> = {
  _TRANSPORT: connection,
  _ALL_BROKERS_DOWN: connection,
  _RESOLVE: connection,
  _SSL: connection,
  _BAD_MSG: badMessage,
  _UNKNOWN_BROKER: connection,
  _DESTROY: closed,
  _DESTROY_BROKER: closed,
  _PURGE_QUEUE: closed,
  _PURGE_INFLIGHT: closed,
  _AUTHENTICATION: ({ message }, { mechanism }) =>
    new KafkaJSSASLAuthenticationError(refusedLogin(message, mechanism)),
  SASL_AUTHENTICATION_FAILED: ({ message }, { mechanism }) =>
    new KafkaJSSASLAuthenticationError(refusedLogin(message, mechanism)),
  // The engine has tried until the time of the message was over.
  _MSG_TIMED_OUT: ({ reason, message }, context) => {
    const { retryCount = 0, retryTime = 0 } = context;
    const cause = reason
      ? fromNativeError(reason, context)
      : new KafkaJSRequestTimeoutError(message);
    return new KafkaJSNumberOfRetriesExceeded(cause, { retryCount, retryTime });
  },
  _TIMED_OUT: timedOut,
  _TIMED_OUT_QUEUE: timedOut,
  _QUEUE_FULL: ({ message }) => new KafkaJSQueueFullError(message),
  _UNKNOWN_TOPIC: protocol(3),
  _UNKNOWN_PARTITION: protocol(3),
  _AUTO_OFFSET_RESET: protocol(1),
  _WAIT_COORD: protocol(15),
  _ISR_INSUFF: protocol(19),
  _MAX_POLL_EXCEEDED: protocol(25),
  _ASSIGNMENT_LOST: protocol(27),
  _FENCED: protocol(47),
  _UNKNOWN_GROUP: protocol(69),
  _NOT_IMPLEMENTED: ({ message }) => new KafkaJSNotImplemented(message),
};

/** How librdkafka's texts name what Node gives a code. */
const SYSTEM_CODES: [RegExp, string][] = [
  [/connection refused/i, 'ECONNREFUSED'],
  [/connection reset/i, 'ECONNRESET'],
  [/timed out/i, 'ETIMEDOUT'],
  [/failed to resolve|not known|no address/i, 'ENOTFOUND'],
  [/unreachable/i, 'EHOSTUNREACH'],
];

/** What a broker has answered. A client that has ended for good cannot try again. */
function answer(native: NativeError, { topic, partition }: ErrorContext): Error {
  const source = protocolErrorOf(native.code);
  if (source.type === 'OFFSET_OUT_OF_RANGE' && topic !== undefined && partition !== undefined) {
    return new KafkaJSOffsetOutOfRange(source, { topic, partition });
  }
  return native.fatal === true
    ? new KafkaJSProtocolError(source, { retriable: false })
    : createErrorFromCode(native.code);
}

/** The broker's own words, without librdkafka's around them, as kafkajs puts them. */
function refusedLogin(message: string, mechanism?: string): string {
  const words = message
    .replace(/^.*?SASL authentication error: /, '')
    .replace(/ \(after \d+ms in state .*\)$/, '');
  const name = mechanism?.toUpperCase().replace(/^SCRAM-SHA-/, 'SCRAM SHA');
  return name === undefined ? words : `SASL ${name} authentication failed: ${words}`;
}

function found<K extends string>(key: K, value: string | undefined): { [P in K]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: string });
}

/** The engine's error, which crosses as the JSON message of an Error with the code `KAFKA`, or as it is. */
function nativeErrorIn(thrown: unknown): NativeError | undefined {
  const { code, name, message } = Object(thrown) as Record<string, unknown>;
  if (typeof code === 'number' && typeof name === 'string') return thrown as NativeError;
  if (code !== 'KAFKA') return undefined;
  try {
    return JSON.parse(String(message));
  } catch {
    return undefined;
  }
}

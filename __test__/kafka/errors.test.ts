/**
 * The error classes, the protocol's table of errors, and the engine's errors as kafkajs's.
 */
import kafkajs from 'kafkajs';
import { createErrorFromCode as theirsOfCode, errorCodes } from 'kafkajs/src/protocol/error.js';
import { describe, expect, test } from 'vitest';
import * as ourErrors from '../../lib/kafka/errors.js';
import { fromNativeError, kafkaErrorOf } from '../../lib/kafka/native-errors.js';
import { createErrorFromCode } from '../../lib/kafka/protocol-errors.js';
import { crossed, seen } from './support.js';

type AnyError = new (...args: unknown[]) => Error;
const ours = ourErrors as unknown as Record<string, AnyError>;
const theirs = kafkajs as unknown as Record<string, AnyError>;

const source = { message: 'what it is', type: 'TYPE', code: 7, retriable: true, helpUrl: 'a:' };
const cause = new Error('inner');
const [failed, fatal] = [{ retriable: true }, { retriable: false }];

/** What each class is made with, beside a text, an error and a row of the protocol's table. */
const ARGUMENTS: Record<string, unknown[][]> = {
  KafkaJSError: [['a', { retriable: false, cause }]],
  KafkaJSNonRetriableError: [['a', { cause }]],
  KafkaJSProtocolError: [[source, { retriable: false }]],
  KafkaJSOffsetOutOfRange: [[source, { topic: 't', partition: 1 }]],
  KafkaJSMemberIdRequired: [[source, { memberId: 'm' }]],
  KafkaJSNumberOfRetriesExceeded: [[cause, { retryCount: 3, retryTime: 9 }]],
  KafkaJSConnectionError: [['a', { broker: 'b:1', code: 'ECONNREFUSED' }]],
  KafkaJSConnectionClosedError: [['a', { host: 'b', port: 1 }]],
  KafkaJSRequestTimeoutError: [
    ['a', { broker: 'b:1', correlationId: 1, createdAt: 2, sentAt: 3, pendingDuration: 4 }],
  ],
  KafkaJSTopicMetadataNotLoaded: [['a', { topic: 't' }]],
  KafkaJSStaleTopicMetadataAssignment: [['a', { topic: 't', unknownPartitions: [1] }]],
  KafkaJSDeleteGroupsError: [['a', [{ groupId: 'g', errorCode: 1 }]]],
  KafkaJSServerDoesNotSupportApiKey: [['a', { apiKey: 1, apiName: 'Fetch' }]],
  KafkaJSDeleteTopicRecordsError: [
    [{ topic: 't', partitions: [{ partition: 0, offset: '1', error: failed }] }],
    [{ topic: 't', partitions: [{ error: failed }, { error: fatal }, { partition: 1 }] }],
  ],
  KafkaJSCreateTopicError: [[source, 't']],
  KafkaJSAlterPartitionReassignmentsError: [[source, 't', 1]],
  KafkaJSAggregateError: [['a', [cause]]],
  KafkaJSInvariantViolation: [['a']],
};

/** Those that cannot be made of a text alone. */
const OWN_ARGUMENTS_ONLY = [
  'KafkaJSDeleteTopicRecordsError',
  'KafkaJSNumberOfRetriesExceeded',
  'KafkaJSOffsetOutOfRange',
  'KafkaJSMemberIdRequired',
];

const names = Object.keys(kafkajs).filter((it) => it.startsWith('KafkaJS'));

test('there is each class that kafkajs has, and one of our own', () => {
  const own = Object.keys(ourErrors).filter((it) => !names.includes(it));
  expect(own).toEqual(['KafkaJSQueueFullError']);
  expect(Object.keys(ourErrors)).toEqual(expect.arrayContaining(names));
});

describe.each(names)('%s', (name) => {
  const [our, their] = [ours[name] as AnyError, theirs[name] as AnyError];

  test('has the fields that it has in kafkajs', () => {
    const general = OWN_ARGUMENTS_ONLY.includes(name) ? [] : [['text'], [cause], [source]];
    for (const args of [...general, ...(ARGUMENTS[name] ?? [])]) {
      const { helpUrl: a, ...got } = fieldsOf(new our(...args));
      const { helpUrl: b, ...expected } = fieldsOf(new their(...args));
      expect(got).toEqual(expected);
      // kafkajs's asks to report the fault to kafkajs.
      if (name !== 'KafkaJSInvariantViolation') expect(a).toBe(b);
    }
  });

  test('descends from the same classes', () => {
    expect(ancestors(our)).toEqual(ancestors(their));
  });

  test('is instanceof what it is, with a stack that begins where it was made', () => {
    const error = new our(...(ARGUMENTS[name]?.[0] ?? ['text']));
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(our);
    expect(error.stack).toContain('errors.test.ts');
  });
});

test("the table has kafkajs's rows, and the protocol's newer ones", () => {
  for (const { code } of errorCodes) {
    expect(fieldsOf(createErrorFromCode(code))).toEqual(fieldsOf(theirsOfCode(code)));
  }
  expect(createErrorFromCode(90)).toMatchObject({ type: 'PRODUCER_FENCED', retriable: false });
  expect(seen(createErrorFromCode(4711))).toEqual(seen(theirsOfCode(4711)));
  expect(errorCodes.length).toBeGreaterThan(80);
});

/** The engine's errors: what it says, and what users see of it. */
const NATIVE: [string, object, object][] = [
  [
    'a broker that is away',
    {
      code: -195,
      name: '_TRANSPORT',
      message: 'localhost:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused',
    },
    {
      name: 'KafkaJSConnectionError',
      message: 'Connection error: connect ECONNREFUSED 127.0.0.1:1',
      retriable: true,
      broker: 'localhost:1',
      code: 'ECONNREFUSED',
    },
  ],
  [
    'a broker of a TLS listener that is away',
    { code: -195, name: '_TRANSPORT', message: 'sasl_ssl://kafka-1.example:9093/1: Disconnected' },
    { name: 'KafkaJSConnectionError', broker: 'kafka-1.example:9093', code: undefined },
  ],
  [
    'all brokers down',
    { code: -187, name: '_ALL_BROKERS_DOWN', message: '1/1 brokers are down' },
    { name: 'KafkaJSConnectionError', retriable: true, broker: undefined, code: undefined },
  ],
  [
    'a host that has no address',
    {
      code: -193,
      name: '_RESOLVE',
      message: "nohost:9092/bootstrap: Failed to resolve 'nohost:9092': Name or service not known",
    },
    { name: 'KafkaJSConnectionError', broker: 'nohost:9092', code: 'ENOTFOUND' },
  ],
  [
    'a certificate that is not trusted',
    { code: -181, name: '_SSL', message: 'ssl://localhost:9093/bootstrap: SSL handshake failed' },
    { name: 'KafkaJSConnectionError', broker: 'localhost:9093' },
  ],
  [
    'a wrong password',
    {
      code: -169,
      name: '_AUTHENTICATION',
      message:
        'sasl_plaintext://localhost:9094/bootstrap: SASL authentication error: Authentication failed: Invalid username or password (after 3ms in state AUTH_REQ)',
    },
    {
      name: 'KafkaJSSASLAuthenticationError',
      message:
        'SASL SCRAM SHA256 authentication failed: Authentication failed: Invalid username or password',
      retriable: false,
    },
  ],
  [
    'a wrong password, by the number of the protocol',
    { code: 58, name: 'SASL_AUTHENTICATION_FAILED', message: 'no' },
    { name: 'KafkaJSSASLAuthenticationError' },
  ],
  [
    'a message that was tried until its time was over',
    { code: -192, name: '_MSG_TIMED_OUT', message: 'Local: Message timed out' },
    {
      name: 'KafkaJSNumberOfRetriesExceeded',
      message: 'Local: Message timed out',
      retriable: false,
      retryCount: 5,
      cause: expect.any(ourErrors.KafkaJSRequestTimeoutError),
    },
  ],
  [
    'no answer in time',
    { code: -185, name: '_TIMED_OUT', message: 'Local: Timed out' },
    { name: 'KafkaJSRequestTimeoutError', message: 'Local: Timed out', retriable: true },
  ],
  [
    'a full queue',
    { code: -184, name: '_QUEUE_FULL', message: 'Local: Queue full' },
    { name: 'KafkaJSQueueFullError', code: 'ERR_QUEUE_FULL', retriable: true },
  ],
  [
    'a topic that the engine does not find',
    { code: -188, name: '_UNKNOWN_TOPIC', message: 'Local: Unknown topic' },
    {
      name: 'KafkaJSProtocolError',
      type: 'UNKNOWN_TOPIC_OR_PARTITION',
      code: 3,
      retriable: true,
      message: 'This server does not host this topic-partition',
    },
  ],
  [
    'a partition that the engine does not find',
    { code: -190, name: '_UNKNOWN_PARTITION', message: 'Local: Unknown partition' },
    { type: 'UNKNOWN_TOPIC_OR_PARTITION' },
  ],
  [
    "a broker's answer",
    { code: 10, name: 'MSG_SIZE_TOO_LARGE', message: 'Broker: Message size too large' },
    { name: 'KafkaJSProtocolError', type: 'MESSAGE_TOO_LARGE', code: 10, retriable: false },
  ],
  [
    "a broker's answer that nobody knows",
    { code: 999, name: 'ERR_999?', message: '?' },
    { name: 'KafkaJSProtocolError', type: 'KAFKAJS_UNKNOWN_ERROR_CODE', code: -99 },
  ],
  [
    'the unknown error',
    { code: -1, name: 'UNKNOWN', message: 'Unknown broker error' },
    { name: 'KafkaJSProtocolError', type: 'UNKNOWN', code: -1 },
  ],
  [
    'a producer that was fenced',
    { code: -144, name: '_FENCED', message: 'fenced', fatal: true },
    { type: 'INVALID_PRODUCER_EPOCH', retriable: false },
  ],
  [
    'an answer that ends the client',
    { code: 7, name: 'REQUEST_TIMED_OUT', message: 'x', fatal: true },
    { type: 'REQUEST_TIMED_OUT', retriable: false },
  ],
  [
    'a fault that ends the client',
    { code: -150, name: '_FATAL', message: 'Local: Fatal error', fatal: true, retriable: true },
    { name: 'KafkaJSNonRetriableError', message: 'Local: Fatal error', retriable: false },
  ],
  [
    'a setting that is refused',
    { code: -186, name: '_INVALID_ARG', message: 'No such configuration property' },
    { name: 'KafkaJSNonRetriableError', message: 'No such configuration property' },
  ],
  [
    'what the engine calls retriable',
    { code: -194, name: '_CRIT_SYS_RESOURCE', message: 'no threads', retriable: true },
    { name: 'KafkaJSError', retriable: true },
  ],
  [
    'a client that is closed',
    { code: -197, name: '_DESTROY', message: 'the client is closed' },
    { name: 'KafkaJSConnectionError', message: 'Closed connection' },
  ],
];

describe('an error of the engine', () => {
  test.each(NATIVE)('%s', (_name, native, expected) => {
    const context = { mechanism: 'scram-sha-256', retryCount: 5 };
    const found = kafkaErrorOf(crossed(native as never), context);
    expect(found).toMatchObject(expected);
    expect(found).toBeInstanceOf(ourErrors.KafkaJSError);
    // Also where it comes without its wrapping.
    expect(seen(fromNativeError(native as never, context))).toEqual(seen(found));
  });

  test('knows the topic where the call does', () => {
    const native = { code: 1, name: 'OFFSET_OUT_OF_RANGE', message: '' };
    const found = fromNativeError(native, { topic: 't', partition: 4 });
    expect(found).toBeInstanceOf(ourErrors.KafkaJSOffsetOutOfRange);
    expect(found).toMatchObject({ topic: 't', partition: 4, type: 'OFFSET_OUT_OF_RANGE' });
  });

  test('is left alone when it is none of Kafka', () => {
    const broken = Object.assign(new Error('not JSON'), { code: 'KAFKA' });
    const own = new ourErrors.KafkaJSTimeout('x');
    for (const error of [new TypeError('x'), broken, own, 'text', undefined]) {
      expect(kafkaErrorOf(error)).toBe(error);
    }
  });
});

function fieldsOf(error: Error): Record<string, unknown> {
  const { stack, ...fields } = error as unknown as Record<string, unknown>;
  return { ...fields, text: String(error), name: error.name, message: error.message };
}

function ancestors(type: AnyError): string[] {
  const parent = Object.getPrototypeOf(type);
  return parent?.name ? [parent.name, ...ancestors(parent)] : [];
}

test("a certificate that is not trusted is told without options that are librdkafka's", () => {
  const what =
    'ssl://a:9093/bootstrap: SSL handshake failed: error:0A000086: broker certificate could not be verified';
  const hint =
    ', verify that ssl.ca.location is correctly configured or root CA certificates are installed (install ca-certificates package)';
  const native = {
    code: -181,
    name: '_SSL',
    message: `${what}${hint} (after 5ms in state SSL_HANDSHAKE)`,
  };
  expect(fromNativeError(native).message).toMatch(/^Connection error: .*could not be verified$/);
});

describe('a peer that is no broker', () => {
  const size = (bytes: string | number[]) => Buffer.from(bytes as string).readInt32BE(0);
  const answered = (bytes: string | number[], state = 'APIVERSION_QUERY') => ({
    code: -199,
    name: '_BAD_MSG',
    message: `a:80/bootstrap: Receive failed: Invalid response size ${size(bytes)} (0..100000000): increase receive.message.max.bytes (after 0ms in state ${state}, 1 identical error(s) suppressed)`,
  });

  test.each([
    ['HTTP/1.1 400', 'it answers in HTTP'],
    [[0x15, 3, 1, 0, 2], 'it answers in TLS, for which there is the option ssl'],
    ['SSH-2.0-OpenSSH', 'its answer is of another protocol'],
    [[0xff, 0xff, 0xff, 0xff], 'its answer is of another protocol'],
  ])('is told as such: %j', (bytes, what) => {
    const error = fromNativeError(answered(bytes));
    expect(error).toBeInstanceOf(ourErrors.KafkaJSConnectionError);
    expect(error).toMatchObject({
      message: `Connection error: the peer does not speak Kafka: ${what}`,
      broker: 'a:80',
      retriable: true,
    });
  });

  test('is none that answered before', () => {
    const native = answered([0x15, 3, 1, 0, 2], 'UP');
    expect(seen(fromNativeError(native))).toMatchObject({ name: 'KafkaJSNonRetriableError' });
  });

  test('is told where it speaks no TLS', () => {
    const message =
      'ssl://a:9092/bootstrap: SSL handshake failed: error:0A00010B:SSL routines::wrong version number (after 5ms in state SSL_HANDSHAKE)';
    expect(fromNativeError({ code: -181, name: '_SSL', message }).message).toBe(
      'Connection error: SSL handshake failed: error:0A00010B:SSL routines::wrong version number: the peer does not speak TLS',
    );
  });
});

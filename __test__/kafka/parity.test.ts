/**
 * Bad arguments get the error that kafkajs itself throws for them: the same name, message, type, code and
 * `retriable`. Both are called here; kafkajs looks at arguments before it connects, so that no broker is needed.
 */
import * as kafkajs from 'kafkajs';
import { describe, expect, test } from 'vitest';
import {
  checkCreateTopics,
  checkDeleteTopics,
  checkFetchOffsets,
  checkTopic,
  checkTopicMetadata,
} from '../../lib/kafka/admin/checks.js';
import {
  checkCommits,
  checkConsumerConfig,
  checkPartitions,
  checkSeek,
  checkSubscription,
  notRunning,
} from '../../lib/kafka/consumer/checks.js';
import { failureOf, recordingKafka } from './support.js';

const silent = { brokers: ['localhost:1'], logLevel: kafkajs.logLevel.NOTHING };
const theirs = new kafkajs.Kafka(silent);
const ours = recordingKafka({ retry: {} }).kafka;

/** Calls with each of these arguments, of both. */
type Case = {
  theirs: (argument: never) => unknown;
  ours: (argument: never) => unknown;
  bad: unknown[];
};

const VALUE = { value: 'v' };
const TOPIC = { topic: 't' };

const BAD_MESSAGES = [
  {},
  { topic: '' },
  { topic: null, messages: [] },
  { topic: 't' },
  { topic: 't', messages: null },
  { topic: 't', messages: 0 },
  { topic: 't', messages: [VALUE, { key: 'k' }] },
  { topic: 't', messages: [{ value: undefined, headers: { a: 'b' } }] },
];

const BAD_POSITIONS = [
  {},
  { topic: '' },
  { topic: 't' },
  { topic: 't', partition: 'x' },
  { topic: 't', partition: Number.NaN, offset: '1' },
  { topic: 't', partition: 0 },
  { topic: 't', partition: 0, offset: null },
  { topic: 't', partition: 0, offset: '' },
  { topic: 't', partition: 0, offset: '1.5' },
  { topic: 't', partition: 0, offset: 1.5 },
  { topic: 't', partition: 0, offset: 'abc' },
  { topic: 't', partition: 0, offset: Number.POSITIVE_INFINITY },
  { topic: 't', partition: 0, offset: '-3' },
];

/** Good ones, so that nothing is refused that kafkajs takes: they fail later, as nothing runs. */
const GOOD_POSITIONS = [
  { topic: 't', partition: 0, offset: '0' },
  { topic: 't', partition: '1', offset: 12 },
  { topic: 't', partition: null, offset: '9223372036854775807' },
  { topic: 't', partition: 0, offset: Number.NaN },
  { topic: 't', partition: 0, offset: 'NaN' },
  { topic: 't', partition: 0, offset: 7n },
  { topic: 't', partition: 0, offset: ' 5 ' },
];

const BAD_PARTITIONS = [
  [null],
  [{}],
  [{ topic: '' }],
  [{ topic: 't', partitions: 1 }],
  [{ topic: 't', partitions: null }],
  [{ topic: 't', partitions: [0, 'x'] }],
  [{ topic: 't', partitions: [0, '1'] }],
  [{ topic: 't' }],
  [],
];

const consumer = theirs.consumer({ groupId: 'g' });
const admin = theirs.admin({ retry: { retries: 0 } });

/** Looks at the arguments as kafkajs does, and then finds that nothing runs. */
const thenNotRunning =
  <T>(check: (argument: T) => unknown) =>
  (argument: T): never => {
    check(argument);
    throw notRunning();
  };

const CASES: Record<string, Case> = {
  'producer()': {
    theirs: (config) => theirs.producer(config),
    ours: (config) => ours.producer(config),
    bad: [
      { idempotent: true, retry: { retries: 0 } },
      { idempotent: true, retry: { retries: -1 } },
      { idempotent: true },
      { idempotent: false, retry: { retries: 0 } },
    ],
  },
  'producer.send()': {
    theirs: (record) => theirs.producer().send(record),
    ours: (record) => ours.producer().send(record),
    bad: [...BAD_MESSAGES, undefined, { topic: 't', messages: [VALUE] }],
  },
  'producer.sendBatch()': {
    theirs: (batch) => theirs.producer().sendBatch(batch),
    ours: (batch) => ours.producer().sendBatch(batch),
    bad: [
      undefined,
      {},
      { topicMessages: [] },
      ...BAD_MESSAGES.map((it) => ({ topicMessages: [it] })),
      // The order of the checks: all topics before any message.
      { topicMessages: [{ topic: 't' }, { topic: '' }] },
      { topicMessages: [{ topic: 't', messages: [VALUE] }, TOPIC] },
      { topicMessages: 'x' },
      { topicMessages: [{ topic: 't', messages: 'x' }] },
    ],
  },
  'producer.sendBatch(), idempotent': {
    theirs: (batch) => theirs.producer({ idempotent: true }).sendBatch(batch),
    ours: (batch) => ours.producer({ idempotent: true }).sendBatch(batch),
    bad: [
      { acks: 1, topicMessages: [] },
      { acks: 0, topicMessages: [{ topic: '' }] },
      { acks: 1, topicMessages: [{ topic: 't' }] },
      { acks: -1, topicMessages: [{ topic: 't', messages: [] }] },
    ],
  },
  'producer.transaction()': {
    theirs: () => theirs.producer().transaction(),
    ours: () => ours.producer().transaction(),
    bad: [undefined],
  },
  'producer.on()': {
    theirs: (name) => theirs.producer().on(name, () => {}),
    ours: (name) => ours.producer().on(name, () => {}),
    bad: ['connect', 'consumer.connect', undefined, 'producer.connect', 'producer.network.request'],
  },
  'consumer()': {
    theirs: (config) => theirs.consumer(config),
    ours: (config) => checkConsumerConfig(config ?? {}),
    bad: [
      undefined,
      {},
      { groupId: '' },
      { groupId: 'g', heartbeatInterval: 30_000 },
      { groupId: 'g', sessionTimeout: 3_000, heartbeatInterval: 3_000 },
      { groupId: 'g', sessionTimeout: 3_001 },
      { groupId: 'g', partitionAssigners: [] },
    ],
  },
  'consumer.subscribe()': {
    theirs: (subscription) => consumer.subscribe(subscription),
    ours: (subscription) => checkSubscription(subscription, false),
    bad: [
      undefined,
      {},
      { topic: '' },
      { topics: 't' },
      { topics: {} },
      { topics: ['a', 1] },
      { topics: [null] },
      { topics: [undefined] },
      { topic: 7 },
      { topic: {} },
      { topics: [[/a/]] },
    ],
  },
  'consumer.commitOffsets()': {
    theirs: (offsets) => consumer.commitOffsets(offsets),
    ours: thenNotRunning(checkCommits),
    bad: [
      undefined,
      [],
      ...[...BAD_POSITIONS, ...GOOD_POSITIONS].map((it) => [it]),
      [{ topic: 't', partition: 0, offset: '-1' }],
      [{ topic: 't', partition: 0, offset: '1', metadata: 7 }],
      [{ topic: 't', partition: 0, offset: '1', metadata: null }],
      [{ topic: 't', partition: 0, offset: '1', metadata: undefined }],
      [GOOD_POSITIONS[0], { topic: '' }],
    ],
  },
  'consumer.seek()': {
    theirs: (position) => consumer.seek(position),
    ours: thenNotRunning(checkSeek),
    bad: [
      undefined,
      ...BAD_POSITIONS,
      ...GOOD_POSITIONS,
      { topic: 't', partition: 0, offset: '-1' },
      { topic: 't', partition: 0, offset: -2 },
    ],
  },
  'consumer.pause()': {
    theirs: (partitions) => consumer.pause(partitions),
    ours: thenNotRunning((partitions: never[]) => checkPartitions('pause', partitions)),
    bad: BAD_PARTITIONS,
  },
  'consumer.resume()': {
    theirs: (partitions) => consumer.resume(partitions),
    ours: thenNotRunning((partitions: never[]) => checkPartitions('resume', partitions)),
    bad: BAD_PARTITIONS,
  },
  'admin.createTopics()': {
    theirs: (options) => admin.createTopics(options),
    ours: checkCreateTopics,
    bad: [
      undefined,
      {},
      { topics: 't' },
      { topics: [{}] },
      { topics: [{ topic: 1 }] },
      { topics: [TOPIC, TOPIC] },
      ...[1, {}, [null], ['a'], [{}], [{ name: 'a' }], [{ name: 1, value: 'a' }]].map((it) => ({
        topics: [{ topic: 't', configEntries: it }],
      })),
      {
        topics: [
          {
            topic: 't',
            configEntries: [
              { name: 'a', value: 'b' },
              { name: 'a', value: 1 },
            ],
          },
        ],
      },
      { topics: [{ topic: 't', configEntries: [Object.create({ name: 'a', value: 'b' })] }] },
    ],
  },
  'admin.deleteTopics()': {
    theirs: (options) => admin.deleteTopics(options),
    ours: checkDeleteTopics,
    bad: [undefined, {}, { topics: 't' }, { topics: ['a', 1] }, { topics: [null] }],
  },
  'admin.fetchTopicMetadata()': {
    theirs: (options) => admin.fetchTopicMetadata(options),
    ours: checkTopicMetadata,
    bad: [{ topics: [''] }, { topics: [1] }, { topics: ['a', null] }, { topics: {} }],
  },
  'admin.fetchTopicOffsets()': {
    theirs: (topic) => admin.fetchTopicOffsets(topic),
    ours: checkTopic,
    bad: [undefined, '', 7, {}],
  },
  'admin.fetchOffsets()': {
    theirs: (options) => admin.fetchOffsets(options),
    ours: checkFetchOffsets,
    bad: [
      undefined,
      {},
      { groupId: '' },
      { groupId: 'g', topics: 'a' },
      { groupId: 'g', topics: 1 },
    ],
  },
};

describe.each(Object.entries(CASES))('%s', (_name, { theirs: their, ours: our, bad }) => {
  test.each(bad.map((it) => [print(it), it]))('%s', async (_printed, argument) => {
    const [expected, got] = [
      await failureOf(() => their(argument as never)),
      await failureOf(() => our(argument as never)),
    ];
    // What JavaScript itself throws names variables of the code that it happens in.
    const ofCode = (expected as { name?: string }).name === 'TypeError';
    if (ofCode) expect(got).toMatchObject({ name: 'TypeError' });
    else expect(got).toEqual(expected);
  });
});

/** Connecting: kafkajs throws these before it opens a socket. */
describe.each([
  ['no brokers', {}],
  ['null', { brokers: null }],
  ['an empty list', { brokers: [] }],
  ['an empty broker', { brokers: ['a:1', ''] }],
  ['a broker of another type', { brokers: [7] }],
  ['a function that gives none', { brokers: () => undefined }],
  ['a function that gives an empty list', { brokers: async () => [] }],
  [
    'a function that throws',
    {
      brokers: () => {
        throw new Error('no registry');
      },
    },
  ],
  ['a function that rejects', { brokers: () => Promise.reject(new TypeError('nothing')) }],
])('connect() with %s', (_name, config) => {
  test('fails as there', async () => {
    const full = { logLevel: 0, ...config } as never;
    const expected = await failureOf(() => new kafkajs.Kafka(full).producer().connect());
    const { kafka } = recordingKafka({ brokers: undefined as never, ...(config as object) });
    expect(await failureOf(() => kafka.producer().connect())).toEqual(expected);
  });
});

function print(value: unknown): string {
  return (
    JSON.stringify(value, (_key, it) => (typeof it === 'bigint' ? `${it}n` : it)) ?? String(value)
  );
}

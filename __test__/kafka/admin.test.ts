/**
 * The admin without a broker: what it is, what it checks, and how it fails and ends.
 */
import { type Admin as Theirs, Kafka as TheirKafka } from 'kafkajs';
import { describe, expect, test, vi } from 'vitest';
import type { Admin } from '../../lib/kafka/admin/types.js';
import { logLevel } from '../../lib/kafka/enums.js';
import { Kafka } from '../../lib/kafka/kafka.js';
import type { LogEntry } from '../../lib/kafka/logger.js';
import type { KafkaConfig } from '../../lib/kafka/types.js';
import { runNode } from '../support/node-process.ts';
import { failureOf } from './support.js';

/** Nobody listens there. */
const NOBODY = '127.0.0.1:1';
const retry = { retries: 1, initialRetryTime: 50 };

function adminOf(config: Partial<KafkaConfig> = {}): Admin {
  const given = { brokers: [NOBODY], logLevel: logLevel.NOTHING, retry, ...config };
  return new Kafka(given).admin();
}

test('it has what kafkajs has, as the compiler sees it too', () => {
  const ours: Theirs = adminOf();
  const theirs = new TheirKafka({ brokers: [NOBODY] }).admin();
  expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
  expect(ours.events).toEqual(theirs.events);
});

test.each([
  'createPartitions',
  'describeConfigs',
  'alterConfigs',
  'describeAcls',
  'deleteAcls',
  'createAcls',
  'deleteTopicRecords',
  'alterPartitionReassignments',
  'listPartitionReassignments',
] as const)('%s() is refused by its name', async (method) => {
  const call = (adminOf() as unknown as Record<string, () => Promise<void>>)[method];
  await expect(call?.()).rejects.toMatchObject({
    name: 'KafkaJSNotImplemented',
    message: expect.stringContaining(method),
  });
});

/** Calls that are wrong in themselves. */
const WRONG: [string, (admin: Admin | Theirs) => unknown][] = [
  ['setOffsets', (admin) => admin.setOffsets({ groupId: '', topic: 't', partitions: [] })],
  ['setOffsets', (admin) => admin.setOffsets({ groupId: 'g', topic: '', partitions: [] })],
  ['setOffsets', (admin) => admin.setOffsets({ groupId: 'g', topic: 't', partitions: [] })],
  ['resetOffsets', (admin) => admin.resetOffsets({ groupId: '', topic: 't', earliest: true })],
  ['resetOffsets', (admin) => admin.resetOffsets({ groupId: 'g', topic: '', earliest: true })],
  ['deleteGroups', (admin) => admin.deleteGroups('g' as unknown as string[])],
  ['deleteGroups', (admin) => admin.deleteGroups([1 as unknown as string])],
  ['fetchTopicOffsetsByTimestamp', (admin) => admin.fetchTopicOffsetsByTimestamp('', 1)],
  ['on', (admin) => (admin as Admin).on('nothing' as 'admin.connect', () => {})],
];

test.each(WRONG)('%s() is checked before anything is asked, as in kafkajs', async (_, call) => {
  const theirs = new TheirKafka({ brokers: [NOBODY] }).admin();
  const failure = await failureOf(() => call(adminOf()));
  expect(failure).toEqual(await failureOf(() => call(theirs)));
  expect(failure).toMatchObject({ name: 'KafkaJSNonRetriableError' });
});

describe('where no broker is', () => {
  test('the failure is that of kafkajs, and is logged', async () => {
    const log: LogEntry[] = [];
    const logCreator = () => (entry: LogEntry) => void log.push(entry);
    const ours = await failureOf(adminOf({ logCreator, logLevel: logLevel.ERROR }).connect);
    const given = { brokers: [NOBODY], logLevel: logLevel.NOTHING, retry };
    expect(ours).toEqual(await failureOf(new TheirKafka(given).admin().connect));
    expect(ours).toMatchObject({ message: `Connection error: connect ECONNREFUSED ${NOBODY}` });
    expect(log).toContainEqual({
      namespace: 'Admin',
      level: logLevel.ERROR,
      label: 'ERROR',
      log: expect.objectContaining({
        message: `Connection error: connect ECONNREFUSED ${NOBODY}`,
        retryCount: 1,
      }),
    });
  });

  test('the cause has the broker and a code', async () => {
    const error = await adminOf()
      .connect()
      .catch((it: Error) => it);
    expect(error).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      retryCount: 1,
      cause: { name: 'KafkaJSConnectionError', code: 'ECONNREFUSED', broker: NOBODY },
    });
    const unknown = adminOf({ brokers: ['nobody.invalid:9092'] }).connect();
    await expect(unknown).rejects.toMatchObject({
      message: expect.stringMatching(/^Connection error: getaddrinfo \w+ nobody\.invalid$/),
      cause: { broker: 'nobody.invalid:9092' },
    });
  });

  test('disconnecting ends a connect, and disconnecting from nothing is fine', async () => {
    const admin = adminOf({ retry: { retries: 1_000, initialRetryTime: 100_000 } });
    const disconnected = vi.fn();
    admin.on(admin.events.DISCONNECT, disconnected);
    await admin.disconnect();
    const connecting = admin.connect().catch((error: Error) => error);
    await admin.disconnect();
    expect(await connecting).toMatchObject({ message: 'Closed connection' });
    await vi.waitUntil(() => disconnected.mock.calls.length === 2);
  });
});

test('settings that no client can have are refused by connect()', async () => {
  const ssl = { cert: 'no certificate' };
  const failure = await failureOf(adminOf({ ssl }).connect);
  expect(failure).toMatchObject({ name: 'KafkaJSNonRetriableError' });
});

describe('a process', () => {
  const connect = `
    const { Kafka } = require('./dist/kafka/kafka.js');
    const { EmbeddedKafka } = require('./dist/kafka/embedded.js');
    (async () => {
      const embedded = await EmbeddedKafka.start();
      const admin = new Kafka({ brokers: embedded.brokers, logLevel: 0 }).admin();
      await admin.connect();
      END
    })();
  `;

  test.each([
    ['by itself when all is closed', 'await admin.disconnect(); await embedded.close();'],
    ['when it is told to, with everything open', 'process.exit(0);'],
  ])('ends %s', async (_, end) => {
    const { code, signal, errors } = await runNode(connect.replace('END', end), {
      type: 'commonjs',
    });
    expect({ code, signal, errors }).toEqual({ code: 0, signal: null, errors: '' });
  });

  test('is kept by an admin that is connected', async () => {
    const script = connect.replace(
      'END',
      "await embedded.close(); setTimeout(() => { console.log('still here'); process.exit(3); }, 500).unref();",
    );
    const { code, output } = await runNode(script, { type: 'commonjs' });
    expect([code, output.trim()]).toEqual([3, 'still here']);
  });

  test('goes on when a worker with a connected admin ends', async () => {
    const script = `
      const { Worker } = require('node:worker_threads');
      const worker = new Worker(${JSON.stringify(connect.replace('END', 'process.exit(0);'))}, { eval: true });
      worker.on('exit', (code) => console.log('worker', code));
    `;
    const { code, output, errors } = await runNode(script, { type: 'commonjs' });
    expect([code, output.trim(), errors]).toEqual([0, 'worker 0', '']);
  });
});

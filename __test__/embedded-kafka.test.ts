/**
 * The brokers inside the process, by a client that others made.
 */
import { connect } from 'node:net';
import { once } from 'node:events';
import { EmbeddedKafka, type EmbeddedKafkaConfig, Kafka as OwnKafka } from '@libs/messaging';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { areEmbedded, EmbeddedKafka as LibEmbedded } from '../lib/kafka/embedded.js';
import { runNode } from './support/node-process.ts';

async function openEmbedded(config?: EmbeddedKafkaConfig) {
  const embedded = await EmbeddedKafka.start(config);
  onTestFinished(() => embedded.close());
  return embedded;
}

function clientOf({ brokers }: EmbeddedKafka) {
  return new Kafka({ brokers, logLevel: logLevel.NOTHING });
}

async function partitionsOf(embedded: EmbeddedKafka, topic: string) {
  const admin = clientOf(embedded).admin();
  onTestFinished(() => admin.disconnect());
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions ?? [];
}

async function isListening(address: string) {
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

it('carries messages from a producer to a group', async () => {
  const embedded = await openEmbedded();
  const kafka = clientOf(embedded);
  const consumer = kafka.consumer({ groupId: 'readers', maxWaitTimeInMs: 50 });
  const producer = kafka.producer();
  onTestFinished(async () => {
    await Promise.all([consumer.disconnect(), producer.disconnect()]);
  });
  await producer.connect();
  const messages = [{ key: 'a', value: 'one' }, { value: 'two' }];
  await producer.send({ topic: 'letters', messages });

  await consumer.connect();
  await consumer.subscribe({ topic: 'letters', fromBeginning: true });
  const values: (string | undefined)[] = [];
  const started = performance.now();
  await new Promise<void>((resolve) => {
    consumer.run({
      eachMessage: async ({ message }) => {
        if (values.push(message.value?.toString()) === 2) resolve();
      },
    });
  });
  expect(values.sort()).toEqual(['one', 'two']);
  // A real broker's group, and librdkafka's by default, waits for 3 s.
  expect(performance.now() - started).toBeLessThan(2500);
});

it('has groups whose members come and go within a test, with the times that services have', async () => {
  const embedded = await openEmbedded({ topics: [{ topic: 'orders', numPartitions: 2 }] });
  const kafka = new OwnKafka({ brokers: embedded.brokers, logLevel: logLevel.NOTHING });
  const join = async () => {
    const consumer = kafka.consumer({ groupId: 'readers', sessionTimeout: 30_000 });
    onTestFinished(() => consumer.disconnect());
    await consumer.subscribe({ topic: 'orders' });
    const joined = new Promise<void>((resolve) => {
      consumer.on('consumer.group_join', () => resolve());
    });
    await consumer.run({ eachMessage: async () => {} });
    await joined;
    return consumer;
  };
  const first = await join();
  await join();
  await first.disconnect();
  await join();
});

it('is known by any name of its brokers, so that consumers have the times of a test there', async () => {
  const embedded = await LibEmbedded.start({ brokers: 2 });
  onTestFinished(() => embedded.close());
  const [first = '', second = ''] = embedded.brokers;
  const port = first.split(':')[1];
  for (const broker of [first, `localhost:${port}`, `LocalHost:${port}`]) {
    expect(areEmbedded([broker, second]), broker).toBe(true);
  }
  for (const broker of [`kafka:${port}`, `localhost.kafka:${port}`, `[::1]:${port}`, 'localhost']) {
    expect(areEmbedded([broker, second]), broker).toBe(false);
  }
  await embedded.close();
  expect(areEmbedded([`localhost:${port}`])).toBe(false);
});

it('has the brokers and topics that it was told, and makes more', async () => {
  const topics = [{ topic: 'orders', numPartitions: 7 }, { topic: 'bills' }];
  const embedded = await openEmbedded({ brokers: 3, topics });
  expect(new Set(embedded.brokers).size).toBe(3);
  expect(await partitionsOf(embedded, 'orders')).toHaveLength(7);
  expect((await partitionsOf(embedded, 'orders'))[0]?.replicas).toHaveLength(3);
  expect(await partitionsOf(embedded, 'bills')).toHaveLength(4);
  await embedded.createTopic('letters', 2);
  expect(await partitionsOf(embedded, 'letters')).toHaveLength(2);
});

it('refuses a second topic of one name', async () => {
  const embedded = await openEmbedded({ topics: [{ topic: 'orders' }] });
  const refused = { code: 'ERR_EMBEDDED_KAFKA', message: expect.stringContaining('TOPIC_ALREADY') };
  await expect(embedded.createTopic('orders')).rejects.toMatchObject(refused);
  const topics = [{ topic: 'twice' }, { topic: 'twice' }];
  await expect(EmbeddedKafka.start({ topics })).rejects.toMatchObject(refused);
});

it('gives its ports back when it is closed, and has no topics any more', async () => {
  const embedded = await openEmbedded({ brokers: 2 });
  for (const broker of embedded.brokers) expect(await isListening(broker)).toBe(true);
  await Promise.all([embedded.close(), embedded.close()]);
  for (const broker of embedded.brokers) expect(await isListening(broker)).toBe(false);
  await expect(embedded.createTopic('late')).rejects.toMatchObject({ code: 'ERR_EMBEDDED_KAFKA' });
  await embedded.close();
});

describe('options', () => {
  const TYPE = 'ERR_INVALID_OPTION_TYPE';
  const RANGE = 'ERR_INVALID_OPTION_RANGE';

  it.each<[unknown, string, string]>([
    [null, TYPE, 'config: '],
    [{ brokers: '1' }, TYPE, 'brokers: '],
    [{ brokers: 0 }, RANGE, 'brokers: '],
    [{ brokers: 17 }, RANGE, 'brokers: '],
    [{ brokers: 1.5 }, RANGE, 'brokers: '],
    [{ topics: 'orders' }, TYPE, 'topics: '],
    [{ topics: ['orders'] }, TYPE, 'topics[0]: '],
    [{ topics: [{ topic: 'a' }, {}] }, TYPE, 'topics[1].topic: '],
    [{ topics: [{ topic: 'no spaces' }] }, RANGE, 'topics[0].topic: '],
    [{ topics: [{ topic: '..' }] }, RANGE, 'topics[0].topic: '],
    [{ topics: [{ topic: 'a', numPartitions: 0 }] }, RANGE, 'topics[0].numPartitions: '],
    [{ topics: [{ topic: 'a', numPartitions: 1001 }] }, RANGE, 'topics[0].numPartitions: '],
  ])('%j is refused', async (config, code, prefix) => {
    const message = expect.stringMatching(`^${prefix.replaceAll(/[[\].]/g, '\\$&')}`);
    const started = EmbeddedKafka.start(config as EmbeddedKafkaConfig);
    await expect(started).rejects.toMatchObject({ code, message });
  });
});

describe('its process', () => {
  it('is kept alive until it is closed', async () => {
    const end = await runNode(`
      import { EmbeddedKafka } from '@libs/messaging';
      const embedded = await EmbeddedKafka.start();
      // It fires only if something else keeps the process alive.
      setTimeout(() => {
        console.log('alive');
        embedded.close().then(() => console.log('closed'));
      }, 200).unref();
    `);
    expect(end).toMatchObject({ code: 0, signal: null, output: 'alive\nclosed\n', errors: '' });
  });

  it('ends by process.exit() while it is open, and without a word', async () => {
    const end = await runNode(`
      import { EmbeddedKafka } from '@libs/messaging';
      await EmbeddedKafka.start({ brokers: 3 });
      process.exit(3);
    `);
    expect(end).toMatchObject({ code: 3, signal: null, errors: '' });
  });

  it('goes on when a worker ends that had one, whose ports are free then', async () => {
    const script = `
      const { once } = require('node:events');
      const { connect } = require('node:net');
      const { Worker } = require('node:worker_threads');
      const worker = new Worker(\`
        const { EmbeddedKafka } = require('@libs/messaging');
        const { parentPort } = require('node:worker_threads');
        EmbeddedKafka.start().then(({ brokers }) => parentPort.postMessage(brokers));
      \`, { eval: true });
      const refused = (port) => new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(false); });
        socket.once('error', () => resolve(true));
      });
      once(worker, 'message').then(async ([[broker]]) => {
        await worker.terminate();
        while (!(await refused(Number(broker.split(':')[1]))));
        console.log('free');
      });
    `;
    const end = await runNode(script, { type: 'commonjs' });
    expect(end).toMatchObject({ code: 0, signal: null, output: 'free\n', errors: '' });
  });
});

describe('the admin of this package', () => {
  async function openAdmin() {
    const { brokers } = await openEmbedded({ topics: [{ topic: 'letters', numPartitions: 2 }] });
    const kafka = new OwnKafka({ brokers, logLevel: 0 });
    const admin = kafka.admin({ retry: { retries: 0 } });
    onTestFinished(() => admin.disconnect());
    await admin.connect();
    return { admin, kafka };
  }

  it('is told of single topics, offsets, and what a group has committed', async () => {
    const { admin, kafka } = await openAdmin();
    const producer = kafka.producer();
    onTestFinished(() => producer.disconnect());
    await producer.connect();
    await producer.send({ topic: 'letters', messages: [{ value: 'a', partition: 1 }] });

    const { topics } = await admin.fetchTopicMetadata({ topics: ['letters'] });
    expect(topics.map(({ partitions }) => partitions.length)).toEqual([2]);
    expect(await admin.fetchTopicOffsets('letters')).toEqual([
      { partition: 0, offset: '0', high: '0', low: '0' },
      { partition: 1, offset: '1', high: '1', low: '0' },
    ]);
    expect(await admin.fetchOffsets({ groupId: 'readers', topics: ['letters'] })).toMatchObject([
      { topic: 'letters', partitions: [{ offset: '-1' }, { offset: '-1' }] },
    ]);
    await expect(admin.fetchTopicMetadata({ topics: ['none'] })).rejects.toMatchObject({
      type: 'UNKNOWN_TOPIC_OR_PARTITION',
    });
    expect(await admin.listTopics()).toEqual(['letters']);
  });

  it('is not connected by a call after its end, as with kafkajs', async () => {
    const { admin } = await openAdmin();
    await admin.disconnect();
    await expect(admin.listTopics()).rejects.toMatchObject({
      ...{ name: 'KafkaJSConnectionClosedError', message: 'Closed connection' },
    });
    await admin.connect();
    expect(await admin.listTopics()).toEqual(['letters']);
  });

  it('is refused at once what is not served', async () => {
    const { admin } = await openAdmin();
    for (const call of [
      () => admin.createTopics({ topics: [{ topic: 'bills' }] }),
      () => admin.deleteTopics({ topics: ['letters'] }),
      () => admin.listGroups(),
      () => admin.describeGroups(['readers']),
      () => admin.deleteGroups(['readers']),
      () => admin.resetOffsets({ groupId: 'readers', topic: 'letters' }),
    ]) {
      await expect(call()).rejects.toMatchObject({
        ...{ name: 'KafkaJSNotImplemented', message: expect.stringContaining('EmbeddedKafka') },
      });
    }
  });
});

/** What handlers are given: messages and batches, of which topics, and from where on. */
import { deepStrictEqual } from 'node:assert';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { KafkaMessage } from '../../dist/kafka/consumer/types.js';
import { unique, useBroker } from '../support/kafka-broker.ts';
import { Lab, numbered, nextEvent, Seen } from './consumer-support.ts';

const lab = new Lab(useBroker());

/** All messages of topics, by a new group. */
async function read(topic: string, count: number): Promise<KafkaMessage[]> {
  const consumer = lab.consumer();
  const seen = new Seen<KafkaMessage>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => seen.add(message) });
  await seen.count(count);
  await consumer.disconnect();
  return seen.all;
}

test('a message has what kafkajs gives it, in Buffers of Node', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, [
    { key: 'k', value: 'v', timestamp: '1700000000123', headers: { a: ['1', '2', '3'], b: 'ü' } },
    { key: null, value: null, timestamp: '0' },
    { key: '', value: '', headers: { empty: '' } },
  ]);
  const kafkajs = lab.kafkajs.consumer({ groupId: unique('kafkajs') });
  const theirs = new Seen<KafkaMessage>();
  await kafkajs.connect();
  await kafkajs.subscribe({ topic, fromBeginning: true });
  await kafkajs.run({ eachMessage: async ({ message }) => theirs.add(message as KafkaMessage) });
  await theirs.count(3);
  await kafkajs.disconnect();

  const ours = await read(topic, 3);
  for (const [index, message] of ours.entries()) {
    const { magicByte, attributes, timestamp, offset, key, value, headers } = theirs.all[
      index
    ] as KafkaMessage & { magicByte: number };
    deepStrictEqual(message, { magicByte, attributes, timestamp, offset, key, value, headers });
  }
  const [first] = ours as [KafkaMessage];
  expect(Object.getPrototypeOf(first.value)).toBe(Buffer.prototype);
  expect(first.headers?.a).toHaveLength(3);
});

test('keys, values and headers of any size come whole and in order', async () => {
  const topic = await lab.topic();
  const sizes = [0, 1, 7, 8, 1_000, 70_000, 900_000, 3, 900_000, 900_000];
  await lab.produce(
    topic,
    sizes.map((size, index) => ({
      key: 'k'.repeat(index),
      value: Buffer.alloc(size, index),
      headers: index % 2 ? { h: Buffer.alloc(index, index) } : undefined,
    })),
  );
  const messages = await read(topic, sizes.length);
  for (const [index, message] of messages.entries()) {
    expect(message.offset).toBe(String(index));
    expect(message.key?.toString()).toBe('k'.repeat(index));
    expect(message.value?.equals(Buffer.alloc(sizes[index] as number, index))).toBe(true);
    expect(message.headers).toEqual(index % 2 ? { h: Buffer.alloc(index, index) } : {});
  }
});

test('eachBatch has messages of one partition, and what is known of it', async () => {
  const topic = await lab.topic(2);
  await lab.produce(topic, [...numbered(50, 0, 0), ...numbered(30, 0, 1)]);
  const consumer = lab.consumer();
  const seen = new Seen<object>();
  const offsets: number[][] = [[], []];
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const { topic: _, ...events } = {
    topic,
    started: nextEvent(consumer, 'consumer.start_batch_process'),
  };
  await consumer.run({
    eachBatch: async ({ batch, isRunning, isStale, uncommittedOffsets, resolveOffset }) => {
      const { partition, messages } = batch;
      const list = offsets[partition] as number[];
      list.push(...messages.map((it) => Number(it.offset)));
      const last = messages.length - 1;
      expect(batch.isEmpty()).toBe(false);
      expect(batch.firstOffset()).toBe(messages[0]?.offset);
      expect(batch.lastOffset()).toBe(messages[last]?.offset);
      expect(batch.highWatermark).toBe(partition === 0 ? '50' : '30');
      const lag = Number(batch.highWatermark) - 1 - Number(batch.lastOffset());
      expect(batch.offsetLag()).toBe(String(lag));
      expect(batch.offsetLagLow()).toBe(String(lag + last));
      expect([isRunning(), isStale()]).toEqual([true, false]);
      resolveOffset(messages[last]?.offset as string);
      const uncommitted = uncommittedOffsets().topics.find((it) => it.topic === topic);
      expect(uncommitted?.partitions.find((it) => it.partition === partition)?.offset).toBe(
        String(Number(messages[last]?.offset) + 1),
      );
      for (const message of messages) seen.add(message);
    },
  });
  await seen.count(80);
  expect(offsets[0]).toEqual(Array.from({ length: 50 }, (_, i) => i));
  expect(offsets[1]).toEqual(Array.from({ length: 30 }, (_, i) => i));
  expect((await events.started).payload).toMatchObject({ topic, firstOffset: '0' });
});

test('each topic begins where its subscription says, unless the group has an offset', async () => {
  const [old, late] = [await lab.topic(), await lab.topic()];
  await lab.produce(old, numbered(3));
  await lab.produce(late, numbered(3));
  const groupId = unique('group');
  const consumer = lab.consumer({ groupId });
  const seen = new Seen<string>();
  await consumer.subscribe({ topic: old, fromBeginning: true });
  await consumer.subscribe({ topic: late });
  const run = async () =>
    consumer.run({
      eachMessage: async ({ topic, message }) => seen.add(`${topic} ${message.value}`),
    });
  await run();
  await seen.count(3);
  // Where `late` begins is known when its end has been asked for.
  await expect
    .poll(async () => {
      await lab.produce(late, numbered(1, 100));
      return seen.all.filter((it) => it.startsWith(late)).length;
    })
    .toBeGreaterThan(0);
  await consumer.stop();
  expect(seen.all.slice(0, 3)).toEqual([0, 1, 2].map((it) => `${old} ${it}`));
  expect(seen.all.filter((it) => it === `${late} 0`)).toEqual([]);

  const before = seen.all.length;
  await lab.produce(old, numbered(1, 3));
  await run();
  // What was sent to `late` until the consumer had stopped comes in between.
  const again = () => seen.all.slice(before).filter((it) => it.startsWith(old));
  await expect.poll(again).toEqual([`${old} 3`]);
});

test('the last subscription to a topic says where it begins', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(2));
  const consumer = lab.consumer();
  const seen = new Seen<string>();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: false });
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => seen.add(String(message.value)) });
  expect(await seen.count(2)).toEqual(['0', '1']);
});

test('a RegExp stands for the topics that match it now, whatever its flags', async () => {
  const name = unique('Match');
  const topics = [await lab.topic(1, `${name}-a`), await lab.topic(1, `${name}-b`)];
  const other = await lab.topic();
  for (const topic of [...topics, other]) await lab.produce(topic, numbered(1));
  const consumer = lab.consumer();
  const seen = new Seen<string>();
  await consumer.subscribe({
    topics: [new RegExp(`^${name.toLowerCase()}`, 'gi')],
    fromBeginning: true,
  });
  await consumer.run({ eachMessage: async ({ topic }) => seen.add(topic) });
  expect((await seen.count(2)).sort()).toEqual(topics.sort());
});

test('subscribing creates a missing topic, or fails with the protocol error', async () => {
  const created = unique('created');
  await lab.consumer().subscribe({ topic: created });
  expect(await lab.admin((admin) => admin.listTopics())).toContain(created);
  const missing = lab.consumer({ allowAutoTopicCreation: false, retry: { retries: 0 } });
  await expect(missing.subscribe({ topic: unique('missing') })).rejects.toMatchObject({
    name: 'KafkaJSProtocolError',
    type: 'UNKNOWN_TOPIC_OR_PARTITION',
  });
});

test('after a transaction nothing is left over, and what was aborted is not seen', async () => {
  const topic = await lab.topic();
  const producer = lab.kafkajs.producer({
    transactionalId: unique('tx'),
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  for (const keep of [true, false, true]) {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value: String(keep) }] });
    await (keep ? transaction.commit() : transaction.abort());
  }
  await producer.disconnect();
  const groupId = unique('group');
  const consumer = lab.consumer({ groupId });
  const seen = new Seen<string>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset }) => {
      for (const { value, offset } of batch.messages) {
        seen.add(String(value));
        resolveOffset(offset);
      }
    },
  });
  expect(await seen.count(2)).toEqual(['true', 'true']);
  // Three messages, each with its control record.
  await expect.poll(() => lab.committed(groupId, topic)).toEqual([6]);
});

test('small limits of a fetch are taken, and larger messages come all the same', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, [{ value: Buffer.alloc(300_000) }, { value: Buffer.alloc(3) }]);
  const consumer = lab.consumer({ maxBytes: 1_024, maxBytesPerPartition: 1_024, minBytes: 5 });
  const sizes = new Seen<number>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => sizes.add(message.value?.length ?? -1),
  });
  expect(await sizes.count(2)).toEqual([300_000, 3]);
});

test('values that are kept stay as they are, while the memory of other batches is used again', async () => {
  const topic = await lab.topic();
  const count = 12_000;
  const value = (number: number): string => String(number).padEnd(4_000, 'x');
  await lab.produce(
    topic,
    Array.from({ length: count }, (_, index) => ({ value: value(index) })),
  );
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const kept = new Map<number, Buffer>();
  let number = 0;
  const consumer = lab.consumer();
  const all = new Seen<number>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const message of batch.messages) {
        if (number % 500 === 0) kept.set(number, message.value as Buffer);
        number += 1;
      }
      collect();
      all.add(number);
    },
  });
  await all.until((seen) => seen.at(-1) === count);
  for (const [index, bytes] of kept)
    expect(bytes.toString() === value(index), `${index}`).toBe(true);
  expect(kept.size).toBe(count / 500);
});

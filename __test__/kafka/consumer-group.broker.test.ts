/** Members of one group: rebalances under load, slow handlers, and members of kafkajs among ours. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { ConsumerEngine } from '../../dist/kafka/consumer/engine.js';
import type { Consumer, EachMessagePayload } from '../../dist/kafka/consumer/types.js';
import { unique, useBroker } from '../support/kafka-broker.ts';
import { Lab, numbered, nextEvent, Seen } from './consumer-support.ts';

const lab = new Lab(useBroker());

const PARTITIONS = 6;

/** A consumer that has joined. */
async function member(
  groupId: string,
  topic: string,
  eachMessage: (payload: EachMessagePayload) => Promise<void> | void,
  config: Parameters<Lab['consumer']>[0] = {},
): Promise<Consumer> {
  const consumer = lab.consumer({ groupId, ...config });
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    partitionsConsumedConcurrently: 2,
    eachMessage: async (payload) => eachMessage(payload),
  });
  return consumer;
}

test('three members join and leave under load: all is handled, nothing is committed before', async () => {
  const topic = await lab.topic(PARTITIONS);
  const groupId = unique('group');
  const handled = Array.from({ length: PARTITIONS }, () => new Set<number>());
  const progress = new Seen<number>();
  const ahead = new Set<string>();
  let commits = 0;
  const join = async (): Promise<Consumer> => {
    const handle = async ({ partition, message }: EachMessagePayload): Promise<void> => {
      // Rebalances are to come in the middle of batches.
      if (Number(message.offset) % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      handled[partition]?.add(Number(message.offset));
      progress.add(0);
    };
    const consumer = await member(groupId, topic, handle, { heartbeatInterval: 200 });
    return consumer;
  };
  // When a commit is asked for, everything under its offsets was handled by somebody.
  const original = ConsumerEngine.prototype.commit;
  const commit = vi.spyOn(ConsumerEngine.prototype, 'commit');
  onTestFinished(() => commit.mockRestore());
  commit.mockImplementation(async function (this: ConsumerEngine, ...args) {
    commits += 1;
    for (const { partition, offset } of args[1]) {
      const known = handled[partition] as Set<number>;
      for (let at = 0; at < Number(offset); at += 1)
        if (!known.has(at)) ahead.add(`${partition}:${at}`);
    }
    return original.apply(this, args);
  });
  let over = false;
  const producing = (async () => {
    const producer = lab.kafkajs.producer();
    await producer.connect();
    const messages = Array.from({ length: 600 }, (_, i) => ({
      value: 'x',
      partition: i % PARTITIONS,
    }));
    while (!over) {
      await producer.send({ topic, messages });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await producer.disconnect();
  })();
  const more = () => progress.count(progress.all.length + 3_000);

  const first = await join();
  await more();
  const [second] = await Promise.all([join(), more()]);
  await more();
  const [third] = await Promise.all([join(), more()]);
  await more();
  await Promise.all([second.disconnect(), more()]);
  await Promise.all([first.disconnect(), more()]);
  over = true;
  await producing;
  // kafkajs may have sent something twice: what is in the log counts.
  const offsets = await lab.admin((admin) => admin.fetchTopicOffsets(topic));
  const ends = offsets.sort((a, b) => a.partition - b.partition).map(({ high }) => Number(high));
  const count = ends.reduce((sum, it) => sum + it, 0);
  await progress.until(() => handled.reduce((sum, it) => sum + it.size, 0) === count);
  await third.disconnect();
  expect(commits).toBeGreaterThan(10);
  expect([...ahead]).toEqual([]);
  expect(await lab.committed(groupId, topic)).toEqual(ends);
  // All left in order: nothing was handled twice.
  expect(progress.all).toHaveLength(count);
}, 60_000);

test('a member that leaves in order leaves nothing to be handled twice, or not at all', async () => {
  const topic = await lab.topic(2);
  const groupId = unique('group');
  for (const partition of [0, 1]) await lab.produce(topic, numbered(5_000, 0, partition));
  const seen = new Seen<string>();
  const handle = async ({ partition, message }: EachMessagePayload): Promise<void> => {
    if (Number(message.offset) % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    seen.add(`${partition}:${message.offset}`);
  };
  const config = { heartbeatInterval: 200 };
  const first = await member(groupId, topic, handle, config);
  await seen.count(500);
  await member(groupId, topic, handle, config);
  await seen.count(seen.all.length + 500);
  await first.disconnect();
  expect(seen.all.length).toBeLessThan(9_000);
  await seen.until((all) => new Set(all).size === 10_000);
  expect(seen.all).toHaveLength(10_000);
}, 40_000);

test('in a rebalance a handler may finish; what it resolves is committed, and what is late is refused', async () => {
  const topic = await lab.topic(1);
  await lab.produce(topic, numbered(100));
  const groupId = unique('group');
  const begun = new Seen<number>();
  let finish = () => {};
  const first = await member(groupId, topic, async ({ message }) => {
    begun.add(Number(message.offset));
    if (message.offset === '5') await new Promise<void>((resolve) => (finish = resolve));
  });
  await begun.count(6);
  const rebalancing = nextEvent(first, 'consumer.rebalancing');
  const others = new Seen<number>();
  const joining = member(groupId, topic, ({ message }) => others.add(Number(message.offset)));
  await rebalancing;
  expect(begun.all).toHaveLength(6);
  finish();
  await joining;
  await Promise.race([
    others.until((all) => all.includes(99)),
    begun.until((all) => all.includes(99)),
  ]);
  // Nothing twice, nothing left out, whoever has the partition now.
  expect([...begun.all, ...others.all]).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test('a handler that is later than rebalanceTimeout loses its partitions, and its resolves', async () => {
  const topic = await lab.topic(1);
  await lab.produce(topic, numbered(10));
  const groupId = unique('group');
  const outcome = new Seen<string>();
  let held = false;
  const first = lab.consumer({
    groupId,
    sessionTimeout: 6_000,
    heartbeatInterval: 500,
    rebalanceTimeout: 1_500,
  });
  await first.subscribe({ topic, fromBeginning: true });
  let finish = () => {};
  const begun = new Seen<number>();
  await first.run({
    eachBatch: async ({ batch, resolveOffset, heartbeat, commitOffsetsIfNecessary, isStale }) => {
      begun.add(batch.messages.length);
      if (held) return;
      held = true;
      await new Promise<void>((resolve) => (finish = resolve));
      outcome.add(`stale ${isStale()}`);
      resolveOffset('9');
      await heartbeat().catch((error) => outcome.add(error.type));
      await commitOffsetsIfNecessary({
        topics: [{ topic, partitions: [{ partition: 0, offset: '10' }] }],
      }).catch((error) => outcome.add(error.type));
    },
  });
  await begun.count(1);
  const joined = nextEvent(first, 'consumer.rebalancing').then(() =>
    nextEvent(first, 'consumer.group_join'),
  );
  const others = new Seen<string>();
  await member(groupId, topic, ({ message }) => others.add(message.offset));
  await joined;
  finish();
  expect(await outcome.count(3)).toEqual([
    'stale true',
    'REBALANCE_IN_PROGRESS',
    'REBALANCE_IN_PROGRESS',
  ]);
}, 30_000);

test('a handler that blocks the event loop longer than the session keeps its partitions', async () => {
  const topic = await lab.topic(1);
  await lab.produce(topic, numbered(3));
  const seen = new Seen<string>();
  const rebalances = new Seen<number>();
  const groupId = unique('group');
  const consumer = lab.consumer({
    groupId,
    sessionTimeout: 6_000,
    rebalanceTimeout: 6_000,
    heartbeatInterval: 1_000,
  });
  consumer.on('consumer.rebalancing', () => rebalances.add(0));
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.add(message.offset);
      if (message.offset !== '1') return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 14_000);
    },
  });
  await seen.count(3);
  await expect.poll(() => lab.committed(groupId, topic)).toEqual([3]);
  expect(rebalances.all).toEqual([]);
}, 40_000);

test('beside members of kafkajs it waits, says so once, and joins when they have left', async () => {
  const topic = await lab.topic(2);
  const groupId = unique('group');
  const theirs = lab.kafkajs.consumer({ groupId, sessionTimeout: 6_000, heartbeatInterval: 500 });
  const seen = new Seen<string>();
  await theirs.connect();
  await theirs.subscribe({ topic, fromBeginning: true });
  await theirs.run({ eachMessage: async ({ message }) => seen.add(`kafkajs ${message.value}`) });
  await lab.produce(topic, numbered(5));
  await seen.count(5);
  const consumer = lab.consumer({ groupId });
  await consumer.subscribe({ topic, fromBeginning: true });
  const joined = nextEvent(consumer, 'consumer.group_join');
  const crashes = new Seen<number>();
  consumer.on('consumer.crash', () => crashes.add(0));
  // It does not wait for the others to leave, who may be waiting for us to start.
  await consumer.run({ eachMessage: async ({ message }) => seen.add(`ours ${message.value}`) });
  await lab.produce(topic, numbered(5, 5));
  await seen.count(10);
  // Further attempts, which are to be quiet.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  await theirs.disconnect();
  await joined;
  await lab.produce(topic, numbered(5, 10));
  await seen.count(15);
  expect(seen.all).toEqual([
    ...Array.from({ length: 10 }, (_, i) => `kafkajs ${i}`),
    ...Array.from({ length: 5 }, (_, i) => `ours ${i + 10}`),
  ]);
  expect(crashes.all).toEqual([]);
  expect(lab.lines.filter((it) => it.log.message.includes('RoundRobinAssigner'))).toHaveLength(1);
}, 40_000);

test('describeGroup and static membership: a member with a name comes back without a rebalance', async () => {
  const topic = await lab.topic(2);
  const groupId = unique('group');
  const config = { groupInstanceId: 'one', rackId: 'here', readUncommitted: true };
  const first = await member(groupId, topic, () => {}, config);
  const other = await member(groupId, topic, () => {});
  const description = await first.describeGroup();
  expect(description).toMatchObject({ groupId, state: 'Stable', protocol: 'roundrobin' });
  expect(description.members).toHaveLength(2);
  const rebalances = new Seen<number>();
  other.on('consumer.rebalancing', () => rebalances.add(0));
  await first.disconnect();
  const again = await member(groupId, topic, () => {}, config);
  expect((await again.describeGroup()).members).toHaveLength(2);
  expect(rebalances.all).toEqual([]);
}, 30_000);

test('partitions are handled side by side, as many as partitionsConsumedConcurrently', async () => {
  const topic = await lab.topic(4);
  for (const partition of [0, 1, 2, 3]) await lab.produce(topic, numbered(5, 0, partition));
  const consumer = lab.consumer();
  await consumer.subscribe({ topic, fromBeginning: true });
  let active = 0;
  let most = 0;
  const order = Array.from({ length: 4 }, () => [] as string[]);
  const done = new Seen<number>();
  await consumer.run({
    partitionsConsumedConcurrently: 3,
    eachMessage: async ({ partition, message }) => {
      active += 1;
      most = Math.max(most, active);
      order[partition]?.push(message.offset);
      await new Promise((resolve) => setTimeout(resolve, 20));
      active -= 1;
      done.add(0);
    },
  });
  await done.count(20);
  expect(most).toBe(3);
  expect(order).toEqual(Array(4).fill(['0', '1', '2', '3', '4']));
});

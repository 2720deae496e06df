/** When offsets are committed, and which. */
import { expect, test } from 'vitest';
import { unique, useBroker } from '../support/kafka-broker.ts';
import { Lab, numbered, Seen } from './consumer-support.ts';

const lab = new Lab(useBroker());

/** The offsets of each commit of partition 0. */
function commitsOf(consumer: ReturnType<Lab['consumer']>): Seen<string> {
  const commits = new Seen<string>();
  consumer.on('consumer.commit_offsets', ({ payload }) => {
    commits.add(payload.topics[0]?.partitions[0]?.offset as string);
  });
  return commits;
}

test('autoCommitThreshold commits after so many messages', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(25));
  const consumer = lab.consumer();
  const commits = commitsOf(consumer);
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ autoCommitThreshold: 10, eachMessage: async () => {} });
  await commits.until((all) => all.at(-1) === '25');
  expect(commits.all).toEqual(['10', '20', '25']);
});

test('autoCommitInterval commits in the middle of a batch', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(20));
  const consumer = lab.consumer();
  const commits = commitsOf(consumer);
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommitInterval: 30,
    eachMessage: () => new Promise((resolve) => setTimeout(resolve, 10)),
  });
  await commits.until((all) => all.at(-1) === '20');
  expect(commits.all.length).toBeGreaterThan(2);
});

test('without autoCommit only users commit, at once and with metadata', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(10));
  const groupId = unique('group');
  const consumer = lab.consumer({ groupId });
  const seen = new Seen<string>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await expect(consumer.commitOffsets([{ topic, partition: 0, offset: '1' }])).rejects.toThrow(
    'consumer#run must be called first',
  );
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => seen.add(message.offset),
  });
  await seen.count(10);
  expect(await lab.committed(groupId, topic)).toEqual([-1]);
  await consumer.commitOffsets([{ topic, partition: 0, offset: '7', metadata: 'so far' }]);
  const [offsets] = await lab.admin((it) => it.fetchOffsets({ groupId, topics: [topic] }));
  expect(offsets?.partitions).toEqual([{ partition: 0, offset: '7', metadata: 'so far' }]);
});

test('commitOffsetsIfNecessary commits what it is given, or what is due', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(10));
  const groupId = unique('group');
  const consumer = lab.consumer({ groupId });
  const committed = new Seen<number[]>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    autoCommitThreshold: 5,
    eachBatch: async ({ resolveOffset, commitOffsetsIfNecessary }) => {
      resolveOffset('2');
      await commitOffsetsIfNecessary();
      committed.add(await lab.committed(groupId, topic));
      resolveOffset('6');
      await commitOffsetsIfNecessary();
      committed.add(await lab.committed(groupId, topic));
      await commitOffsetsIfNecessary({
        topics: [{ topic, partitions: [{ partition: 0, offset: '4' }] }],
      });
      committed.add(await lab.committed(groupId, topic));
    },
  });
  expect(await committed.count(3)).toEqual([[-1], [7], [4]]);
});

test('what eachBatch leaves unresolved is read again', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(5));
  const groupId = unique('group');
  const consumer = lab.consumer({ groupId });
  const firsts = new Seen<string | null>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset }) => {
      firsts.add(batch.firstOffset());
      resolveOffset(batch.firstOffset() as string);
    },
  });
  expect(await firsts.count(5)).toEqual(['0', '1', '2', '3', '4']);
  await expect.poll(() => lab.committed(groupId, topic)).toEqual([5]);
});

test('another consumer of the group goes on where this one has stopped', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(2_000));
  const groupId = unique('group');
  const all: number[] = [];
  while (all.length < 2_000) {
    const consumer = lab.consumer({ groupId });
    const seen = new Seen<number>();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => seen.add(Number(message.value)) });
    await seen.count(Math.min(300, 2_000 - all.length));
    await consumer.disconnect();
    all.push(...seen.all);
  }
  expect(all).toEqual(Array.from({ length: 2_000 }, (_, i) => i));
});

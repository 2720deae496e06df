/** What users do with a consumer that runs: pause, resume, seek, stop, disconnect. */
import { expect, test } from 'vitest';
import { unique, useBroker } from '../support/kafka-broker.ts';
import { Lab, numbered, nextEvent, Seen } from './consumer-support.ts';

const lab = new Lab(useBroker());

const range = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

test('a paused partition rests while others go on, and goes on where it stopped', async () => {
  const topic = await lab.topic(2);
  const consumer = lab.consumer();
  const seen = [new Seen<number>(), new Seen<number>()];
  await consumer.subscribe({ topic, fromBeginning: true });
  let resume = () => {};
  await consumer.run({
    eachMessage: async ({ partition, message, pause }) => {
      seen[partition]?.add(Number(message.value));
      if (partition === 0 && message.value?.toString() === '4') resume = pause();
    },
  });
  await lab.produce(topic, numbered(2_500));
  await lab.produce(topic, numbered(2_500, 0, 1));
  await seen[1]?.count(2_500);
  expect(seen[0]?.all).toEqual(range(5));
  expect(consumer.paused()).toEqual([{ topic, partitions: [0] }]);
  resume();
  expect(consumer.paused()).toEqual([]);
  expect(await seen[0]?.count(2_500)).toEqual(range(2_500));
});

test('a whole topic is paused, with partitions that are assigned later', async () => {
  const [topic, other] = [await lab.topic(2), await lab.topic(1)];
  for (const partition of [0, 1]) await lab.produce(topic, numbered(5, 0, partition));
  const consumer = lab.consumer();
  const seen = new Seen<string>();
  await consumer.subscribe({ topics: [topic, other], fromBeginning: true });
  const running = consumer.run({
    eachMessage: async ({ topic: from, partition }) => seen.add(`${from} ${partition}`),
  });
  // Before anything is assigned.
  consumer.pause([{ topic }]);
  await running;
  await lab.produce(other, numbered(3));
  await seen.count(3);
  expect(consumer.paused()).toEqual([{ topic, partitions: [0, 1] }]);
  consumer.resume([{ topic, partitions: [1] }]);
  await seen.count(8);
  consumer.resume([{ topic }]);
  const all = await seen.count(13);
  expect(all.slice(0, 3)).toEqual(Array(3).fill(`${other} 0`));
  expect(all.slice(3, 8)).toEqual(Array(5).fill(`${topic} 1`));
  expect(all.slice(8)).toEqual(Array(5).fill(`${topic} 0`));
});

test('a run that begins takes orders at once, and is the only one', async () => {
  const [topic, other] = [await lab.topic(2), await lab.topic(1)];
  await lab.produce(topic, [...numbered(5), ...numbered(5, 5, 1)]);
  await lab.produce(other, numbered(5, 10));
  const consumer = lab.consumer();
  const seen = new Seen<number>();
  await consumer.subscribe({ topics: [topic, other], fromBeginning: true });
  const seek = (partition: number, offset: string) => consumer.seek({ topic, partition, offset });
  expect(() => seek(0, '3')).toThrow('consumer#run must be called first');
  // As in kafkajs's documentation, nobody waits for it.
  const running = consumer.run({
    eachMessage: async ({ message }) => seen.add(Number(message.value)),
  });
  seek(0, '1');
  seek(1, '4');
  seek(0, '3');
  consumer.pause([{ topic: other }, { topic, partitions: [1] }]);
  consumer.resume([{ topic, partitions: [1] }]);
  expect(consumer.paused()).toEqual([]);
  await consumer.run({ eachMessage: async () => seen.add(-1) });
  expect(lab.lines.at(-1)?.log.message).toContain('already running');
  await expect(consumer.subscribe({ topic: other })).rejects.toThrow('while consumer is running');
  await running;
  expect((await seen.count(3)).toSorted((a, b) => a - b)).toEqual([3, 4, 9]);
  consumer.resume([{ topic: other }]);
  expect((await seen.count(8)).slice(3)).toEqual(range(5, 10));
});

test('resuming while a handler has a message does not give it again', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(50));
  const consumer = lab.consumer();
  const seen = new Seen<number>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message, pause }) => {
      const resume = pause();
      resume();
      await new Promise(setImmediate);
      seen.add(Number(message.value));
    },
  });
  expect(await seen.count(50)).toEqual(range(50));
});

test('a handler that pauses and fails gets its message again after resume', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(3));
  const consumer = lab.consumer();
  const seen = new Seen<number>();
  const paused = new Seen<() => void>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message, pause }) => {
      seen.add(Number(message.value));
      if (seen.all.length === 2) {
        paused.add(pause());
        throw new Error('too busy');
      }
    },
  });
  const [resume] = await paused.count(1);
  expect(seen.all).toEqual([0, 1]);
  resume?.();
  expect(await seen.count(4)).toEqual([0, 1, 1, 2]);
});

test('seek goes back and forth, at once and before partitions are there', async () => {
  const topic = await lab.topic(2);
  for (const partition of [0, 1]) await lab.produce(topic, numbered(10, 0, partition));
  const groupId = unique('group');
  const consumer = lab.consumer({ groupId });
  const seen = new Seen<string>();
  await consumer.subscribe({ topic, fromBeginning: true });
  const running = consumer.run({
    eachMessage: async ({ partition, message }) => seen.add(`${partition}:${message.offset}`),
  });
  consumer.seek({ topic, partition: 0, offset: '8' });
  await running;
  await seen.count(12);
  expect(seen.all.filter((it) => it.startsWith('0'))).toEqual(['0:8', '0:9']);
  consumer.seek({ topic, partition: 0, offset: '7' });
  await expect.poll(() => lab.committed(groupId, topic)).toEqual([10, 10]);
  expect((await seen.count(15)).slice(12)).toEqual(['0:7', '0:8', '0:9']);
  consumer.seek({ topic, partition: 1, offset: '-2' });
  expect((await seen.count(25)).slice(15)).toEqual(range(10).map((it) => `1:${it}`));
});

test('seek in a handler makes its batch stale, whatever it resolves afterwards', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(10));
  const consumer = lab.consumer();
  const seen = new Seen<string>();
  await consumer.subscribe({ topic, fromBeginning: true });
  let sought = false;
  await consumer.run({
    eachBatch: async ({ batch, isStale, resolveOffset }) => {
      for (const { offset } of batch.messages) {
        if (isStale()) break;
        seen.add(offset);
        if (offset === '4' && !sought) {
          sought = true;
          consumer.seek({ topic, partition: 0, offset: '2' });
        }
        resolveOffset(offset);
      }
    },
  });
  const all = await seen.count(13);
  expect(all).toEqual([...range(5), ...range(8, 2)].map(String));
});

test('seek in eachMessage goes on there at once: the rest of the batch does not come', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(6));
  const consumer = lab.consumer();
  const seen = new Seen<string>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.add(message.offset);
      if (message.offset === '1') consumer.seek({ topic, partition: 0, offset: '4' });
    },
  });
  expect(await seen.until((all) => all.includes('5'))).toEqual(['0', '1', '4', '5']);
});

test('seek behind the last message begins anew, as the subscription says', async () => {
  const [topic, groupId] = [await lab.topic(), unique('group')];
  await lab.produce(topic, numbered(10));
  const consumer = lab.consumer({ groupId });
  const seen = new Seen<number>();
  await consumer.subscribe({ topic, fromBeginning: true });
  void consumer.run({ eachMessage: async ({ message }) => seen.add(Number(message.offset)) });
  consumer.seek({ topic, partition: 0, offset: '100' });
  expect(await seen.count(10)).toEqual(range(10));
  consumer.seek({ topic, partition: 0, offset: '5000' });
  expect((await seen.count(20)).slice(10)).toEqual(range(10));
  await expect.poll(() => lab.committed(groupId, topic)).toEqual([10]);
});

test('without autoCommit, seek commits nothing', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(5));
  const groupId = unique('group');
  const consumer = lab.consumer({ groupId });
  const seen = new Seen<string>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message }) => seen.add(message.offset),
  });
  await seen.count(5);
  consumer.seek({ topic, partition: 0, offset: '3' });
  await seen.count(7);
  await consumer.stop();
  expect(await lab.committed(groupId, topic)).toEqual([-1]);
});

test('a consumer that was stopped runs again, with other topics and another handler', async () => {
  const [first, second] = [await lab.topic(), await lab.topic()];
  await lab.produce(first, numbered(5));
  await lab.produce(second, numbered(5));
  const consumer = lab.consumer();
  const seen = new Seen<string>();
  await consumer.subscribe({ topic: first, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => seen.add(`a${message.offset}`) });
  await seen.count(5);
  await expect(consumer.subscribe({ topic: second })).rejects.toThrow('while consumer is running');
  const stopped = nextEvent(consumer, 'consumer.stop');
  await Promise.all([consumer.stop(), consumer.stop()]);
  await stopped;
  await consumer.subscribe({ topic: second, fromBeginning: true });
  await lab.produce(first, numbered(1, 5));
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { offset } of batch.messages) seen.add(`b${batch.topic === first}${offset}`);
    },
  });
  const all = await seen.count(11);
  expect(all.slice(5).sort()).toEqual([
    'bfalse0',
    'bfalse1',
    'bfalse2',
    'bfalse3',
    'bfalse4',
    'btrue5',
  ]);
});

test('stop waits for the handler, and commits what it did', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(10));
  const groupId = unique('group');
  const consumer = lab.consumer({ groupId });
  const seen = new Seen<string>();
  await consumer.subscribe({ topic, fromBeginning: true });
  let finish = () => {};
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.add(message.offset);
      if (message.offset === '3') await new Promise<void>((resolve) => (finish = resolve));
    },
  });
  await seen.count(4);
  const stopping = consumer.stop();
  finish();
  await stopping;
  expect(seen.all).toEqual(['0', '1', '2', '3']);
  expect(await lab.committed(groupId, topic)).toEqual([4]);
});

test('disconnect ends within 5 s while messages come, and while a handler hangs', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(20_000));
  const consumer = lab.consumer();
  const seen = new Seen<number>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async () => seen.add(0) });
  await seen.count(1);
  const start = Date.now();
  await consumer.disconnect();
  expect(Date.now() - start).toBeLessThan(1_000);
  const count = seen.all.length;

  const hanging = lab.consumer();
  const begun = new Seen<number>();
  await hanging.subscribe({ topic, fromBeginning: true });
  await hanging.run({
    eachMessage: () => {
      begun.add(0);
      return new Promise(() => {});
    },
  });
  await begun.count(1);
  const later = Date.now();
  await hanging.disconnect();
  expect(Date.now() - later).toBeLessThan(5_000);
  expect(begun.all.length).toBe(1);
  expect(seen.all.length).toBe(count);
});

test('disconnect in a handler does not wait for itself', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(2));
  const consumer = lab.consumer();
  const done = new Seen<number>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async () => {
      await consumer.disconnect();
      done.add(0);
    },
  });
  await done.count(1);
  expect(done.all).toHaveLength(1);
});

/** Handlers that fail, and runs that crash. */
import { expect, test } from 'vitest';
import { unique, useBroker } from '../support/kafka-broker.ts';
import { Lab, numbered, nextEvent, Seen } from './consumer-support.ts';

const lab = new Lab(useBroker());

test('a message whose handler fails comes again, and nothing behind it before', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(5));
  const groupId = unique('group');
  const consumer = lab.consumer({ groupId });
  const seen = new Seen<string>();
  const committed = new Seen<number[]>();
  await consumer.subscribe({ topic, fromBeginning: true });
  let failures = 0;
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.add(message.offset);
      if (message.offset !== '2') return;
      failures += 1;
      if (failures === 2) committed.add(await lab.committed(groupId, topic));
      if (failures < 4) throw new Error('not yet');
    },
  });
  expect(await seen.count(8)).toEqual(['0', '1', '2', '2', '2', '2', '3', '4']);
  expect(committed.all).toEqual([[2]]);
  await expect.poll(() => lab.committed(groupId, topic)).toEqual([5]);
  const lines = lab.lines.filter((it) => it.log.message === 'Error when calling eachMessage');
  expect(lines.at(-1)?.log).toMatchObject({ topic, partition: 0, offset: '2' });
});

test('a batch whose handler fails comes again from what it has not resolved', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(6));
  const consumer = lab.consumer();
  const firsts = new Seen<string | null>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachBatch: async ({ batch, resolveOffset }) => {
      firsts.add(batch.firstOffset());
      if (firsts.all.length > 1) return;
      resolveOffset('3');
      throw new Error('the rest is too much');
    },
  });
  expect(await firsts.count(2)).toEqual(['0', '4']);
});

test('after so many failures it crashes, says so, and starts again', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(3));
  const consumer = lab.consumer({ retry: { retries: 2, initialRetryTime: 10, maxRetryTime: 20 } });
  const seen = new Seen<string>();
  await consumer.subscribe({ topic, fromBeginning: true });
  const crash = nextEvent(consumer, 'consumer.crash');
  let failures = 0;
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.add(message.offset);
      if (message.offset === '1') {
        failures += 1;
        if (failures <= 3) throw new Error('boom');
      }
    },
  });
  expect((await crash).payload).toMatchObject({
    restart: true,
    error: { name: 'KafkaJSNumberOfRetriesExceeded', retryCount: 2, cause: { message: 'boom' } },
  });
  expect(await seen.count(6)).toEqual(['0', '1', '1', '1', '1', '2']);
});

test('restartOnFailure may refuse, and a fault of the code is not tried again', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(1));
  const refusing = lab.consumer({
    retry: { retries: 0, initialRetryTime: 10, restartOnFailure: async () => false },
  });
  await refusing.subscribe({ topic, fromBeginning: true });
  const refused = nextEvent(refusing, 'consumer.crash');
  await refusing.run({ eachMessage: () => Promise.reject(new Error('boom')) });
  expect((await refused).payload).toMatchObject({ restart: false });

  const faulty = lab.consumer();
  await faulty.subscribe({ topic, fromBeginning: true });
  const crash = nextEvent(faulty, 'consumer.crash');
  let calls = 0;
  await faulty.run({
    eachMessage: async () => {
      calls += 1;
      throw new TypeError('undefined is not a function');
    },
  });
  expect((await crash).payload).toMatchObject({
    restart: false,
    error: { name: 'KafkaJSNonRetriableError', cause: { name: 'TypeError' } },
  });
  expect(calls).toBe(1);
});

test('a handler that hangs longer than maxHandlerTime gives its partitions to others', async () => {
  const topic = await lab.topic();
  await lab.produce(topic, numbered(3));
  const groupId = unique('group');
  const hanging = lab.consumer({
    ...{ groupId, maxHandlerTime: 300, heartbeatInterval: 50 },
    retry: { restartOnFailure: async () => false },
  });
  const seen = new Seen<string>();
  const crash = nextEvent(hanging, 'consumer.crash');
  await hanging.subscribe({ topic, fromBeginning: true });
  await hanging.run({
    eachMessage: async ({ message, heartbeat }) => {
      seen.add(message.offset);
      if (message.offset === '1') await new Promise(() => {});
      // One that is slow and says so is none that hangs.
      for (let round = 0; round < 10; round += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        await heartbeat();
      }
    },
  });
  expect((await crash).payload).toMatchObject({ error: { name: 'KafkaJSError' } });
  const other = lab.consumer({ groupId });
  await other.subscribe({ topic, fromBeginning: true });
  await other.run({ eachMessage: async ({ message }) => seen.add(message.offset) });
  expect(await seen.count(4)).toEqual(['0', '1', '1', '2']);
});

test('a consumer that stops commits what is handled before it waits for a handler', async () => {
  const topic = await lab.topic();
  // In one send, and so in one batch: nothing of it is committed before its end.
  await lab.produce(topic, numbered(3));
  const groupId = unique('group');
  const consumer = lab.consumer({ groupId });
  const seen = new Seen<string>();
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.add(message.offset);
      if (message.offset === '1') await finished;
    },
  });
  await seen.count(2);
  expect(await lab.committed(groupId, topic)).toEqual([-1]);

  // It has all the time in the world, and the handler takes it.
  const stopped = consumer.stop();
  await expect.poll(() => lab.committed(groupId, topic), { timeout: 10_000 }).toEqual([1]);
  finish();
  await stopped;
  expect(await lab.committed(groupId, topic)).toEqual([2]);
  expect(seen.all).toEqual(['0', '1']);
});

test('a topic that is not there rejects subscribe() as with kafkajs; run() then idles', async () => {
  const config = { groupId: unique('group'), allowAutoTopicCreation: false };
  const absent = unique('absent');
  const theirs = lab.kafkajs.consumer(config);
  await theirs.connect();
  const expected = await theirs.subscribe({ topic: absent }).catch((error) => error);
  await theirs.disconnect();
  const { name, type, code, retriable, message } = expected;

  const consumer = lab.consumer({ ...config, retry: { retries: 1, initialRetryTime: 10 } });
  const crashes = new Seen<unknown>();
  consumer.on('consumer.crash', crashes.add);
  await expect(consumer.subscribe({ topic: absent })).rejects.toMatchObject({
    ...{ name, type, code, retriable, message },
  });
  await consumer.subscribe({ topic: new RegExp(`^${absent}`) });
  const joined = nextEvent(consumer, 'consumer.group_join');
  await consumer.run({ eachMessage: async () => {} });
  expect((await joined).payload).toMatchObject({ memberAssignment: {} });
  await consumer.disconnect();
  expect(crashes.all).toEqual([]);
});

test('disconnect() while it tries to start again ends it for good', async () => {
  const topic = await lab.topic();
  const consumer = lab.consumer({
    ...{ allowAutoTopicCreation: false, retry: { retries: 0, initialRetryTime: 1 } },
  });
  await consumer.subscribe({ topic });
  await lab.admin((admin) => admin.deleteTopics({ topics: [topic] }));
  const crashes = new Seen<unknown>();
  consumer.on('consumer.crash', crashes.add);
  await consumer.run({ eachMessage: async () => {} });
  await crashes.count(2);
  await consumer.disconnect();
  const before = crashes.all.length;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(crashes.all.length).toBe(before);
});

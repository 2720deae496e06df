/**
 * A consumer between its calls: what ends a run that is about to begin, what a failed subscription leaves, and how
 * often what is tried, over an engine that answers what it is told to.
 */
import { expect, test, vi } from 'vitest';
import type { ConsumerConfig } from '../../lib/kafka/consumer/types.js';
import type { KafkaConfig } from '../../lib/kafka/types.js';
import { later, NativeDouble, PATIENCE, type Request, topicsOf } from './native-double.js';
import { crossed, deferred } from './support.js';

type Answer = (request: Request) => unknown;

const UNKNOWN = { code: 3, name: 'UNKNOWN_TOPIC_OR_PART', message: 'Unknown topic or partition' };
const AWAY = { code: -195, name: '_TRANSPORT', message: 'Connection refused' };

/** A consumer, what its engines were asked and what it told. `answer` may throw. */
function newConsumer(
  answer: Answer = () => undefined,
  config: Partial<ConsumerConfig> = {},
  kafkaConfig: Partial<KafkaConfig> = {},
) {
  const native = new NativeDouble();
  native.answer = answer;
  const consumer = native.consumer(config, kafkaConfig);
  const events: string[] = [];
  for (const name of Object.values(consumer.events)) {
    consumer.on(name, () => events.push(name.replace('consumer.', '')));
  }
  const count = (type: string) => native.count(type);
  return { consumer, requests: native.requests, events, count };
}

test.each(['disconnect', 'stop'] as const)(
  '%s() during an attempt to restart ends it for good',
  async (end) => {
    const attempt = deferred();
    let declares = 0;
    const { consumer, events, count } = newConsumer(
      async (request) => {
        if (request.type !== 'declare') return undefined;
        declares += 1;
        if (declares === 1) return undefined;
        if (declares === 3) await attempt.promise;
        return topicsOf(request, UNKNOWN);
      },
      { allowAutoTopicCreation: false },
    );
    await consumer.subscribe({ topic: 'a' });
    await consumer.run();
    await vi.waitFor(() => expect(declares).toBe(3));
    expect(events).toContain('crash');

    await consumer[end]();
    const ended = events.length;
    attempt.resolve();
    await later();
    expect(events.slice(ended)).toEqual([]);
    expect(count('connect')).toBe(2);

    // Until it is run again.
    await consumer.run();
    await vi.waitFor(() => expect(declares).toBeGreaterThan(3));
  },
);

test('a run that follows a crash is none of what ended the one before', async () => {
  let subscribes = 0;
  const { consumer, events, count } = newConsumer(({ type }) => {
    if (type !== 'subscribe') return;
    subscribes += 1;
    if (subscribes === 1) throw crossed(AWAY);
  });
  await consumer.subscribe({ topic: 'a' });
  void consumer.run();
  await vi.waitFor(() => expect(subscribes).toBe(2));
  expect(events).toContain('crash');
  await later(2 * PATIENCE);
  expect(count('close')).toBe(1);
  expect(() => consumer.pause([{ topic: 'a' }])).not.toThrow();
});

test('a run that follows disconnect() at once is none of what that has ended', async () => {
  const { consumer, count } = newConsumer();
  await consumer.subscribe({ topic: 'a' });
  void consumer.run();
  await vi.waitFor(() => expect(count('subscribe')).toBe(1));
  await consumer.disconnect();
  await consumer.connect();
  void consumer.run();
  await vi.waitFor(() => expect(count('subscribe')).toBe(2));
  await later(2 * PATIENCE);
  expect(count('close')).toBe(1);
});

test.each(['disconnect', 'stop'] as const)(
  '%s() ends a run that was to begin when the one before has stopped',
  async (end) => {
    const closing = deferred();
    const { consumer, events, count } = newConsumer(async ({ type }) => {
      if (type === 'close') await closing.promise;
    });
    await consumer.subscribe({ topic: 'a' });
    void consumer.run();
    await vi.waitFor(() => expect(count('subscribe')).toBe(1));
    const stopped = consumer.stop();
    const ran = consumer.run();
    const ended = consumer[end]();
    closing.resolve();
    await Promise.all([stopped, ran, ended]);
    await later(2 * PATIENCE);
    expect(count('connect')).toBe(1);
    expect(events).not.toContain('crash');
    expect(() => consumer.resume([{ topic: 'a' }])).toThrow();
  },
);

test('disconnect() while a crash asks whether to restart is the answer', async () => {
  const asked = deferred();
  const restart = deferred();
  const { consumer, count } = newConsumer(
    ({ type }) => {
      if (type === 'subscribe') throw crossed({ ...AWAY });
    },
    {
      retry: {
        ...{ initialRetryTime: 1, retries: 0 },
        restartOnFailure: async () => {
          asked.resolve();
          await restart.promise;
          return true;
        },
      },
    },
  );
  await consumer.subscribe({ topic: 'a' });
  const ran = consumer.run();
  await asked.promise;
  await consumer.disconnect();
  restart.resolve();
  await ran;
  await later();
  expect(count('subscribe')).toBe(1);
});

test('run() while it starts is told that it runs, and starts nothing', async () => {
  const { consumer, count } = newConsumer(({ type }) => {
    if (type === 'subscribe') return new Promise(() => {});
  });
  await consumer.subscribe({ topic: 'a' });
  void consumer.run();
  await consumer.run();
  await vi.waitFor(() => expect(count('subscribe')).toBe(1));
  await expect(consumer.subscribe({ topic: 'b' })).rejects.toThrow('while consumer is running');
  await later();
  expect(count('subscribe')).toBe(1);
});

test('without a topic it idles as a member with nothing', async () => {
  const { consumer, events, count } = newConsumer();
  await consumer.subscribe({ topics: [/nothing like this/] });
  const joined = new Promise((resolve) => {
    consumer.on('consumer.group_join', ({ payload }) => resolve(payload.memberAssignment));
  });
  await consumer.run();
  expect(await joined).toEqual({});
  await consumer.stop();
  expect(events).not.toContain('crash');
  expect(events.at(-1)).toBe('stop');
  expect(count('subscribe')).toBe(0);
});

test("whatever the engine refuses is kafkajs's error", async () => {
  const { consumer } = newConsumer(
    ({ type }) => {
      if (type === 'subscribe') throw crossed({ code: -186, name: '_INVALID_ARG', message: 'no' });
    },
    { retry: { retries: 0 } },
  );
  await consumer.subscribe({ topic: 'a' });
  const crash = new Promise((resolve) => {
    consumer.on('consumer.crash', ({ payload }) => resolve(payload));
  });
  await consumer.run();
  expect(await crash).toMatchObject({
    ...{ restart: false, error: { name: 'KafkaJSNonRetriableError', message: 'no' } },
  });
});

test('a topic that is not there rejects subscribe() at once, and is not subscribed', async () => {
  const { consumer, requests, count } = newConsumer(
    (request) => {
      const absent = JSON.stringify(request.topics ?? '').includes('absent');
      return request.type === 'declare' && absent ? topicsOf(request, UNKNOWN) : undefined;
    },
    { allowAutoTopicCreation: false },
  );
  await consumer.subscribe({ topic: 'there' });
  await expect(consumer.subscribe({ topics: ['absent', 'there too'] })).rejects.toMatchObject({
    ...{ name: 'KafkaJSProtocolError', type: 'UNKNOWN_TOPIC_OR_PARTITION', retriable: true },
  });
  expect(count('declare')).toBe(2);
  void consumer.run();
  await vi.waitFor(() => expect(requests.at(-1)).toMatchObject({ type: 'subscribe' }));
  expect(requests.at(-1)?.topics).toEqual(['there']);
});

test('a topic that is being created is waited for, and its absence told as it is', async () => {
  let missing = 2;
  const { consumer, count } = newConsumer(
    (request) => {
      if (request.type !== 'declare' || missing === 0) return undefined;
      missing -= 1;
      return topicsOf(request, UNKNOWN);
    },
    {},
    { retry: { initialRetryTime: 1, retries: 3 } },
  );
  await consumer.subscribe({ topic: 'new' });
  expect(count('declare')).toBe(3);
  missing = 100;
  await expect(consumer.subscribe({ topic: 'never' })).rejects.toMatchObject({
    ...{ name: 'KafkaJSProtocolError', type: 'UNKNOWN_TOPIC_OR_PARTITION' },
  });
  expect(count('declare')).toBe(7);
});

test.each([
  ["the Kafka's, whatever the consumer's are", { retries: 2 }, { retries: 0 }, 3],
  ["the Kafka's, without any of the consumer", { retries: 1 }, undefined, 2],
  ['the default, with those of the consumer alone', {}, { retries: 1 }, 6],
])('retries of connect() are %s', async (_, ofKafka, ofConsumer, attempts) => {
  const { consumer, count } = newConsumer(
    ({ type }) => {
      if (type === 'connect') throw crossed(AWAY);
    },
    { retry: ofConsumer },
    { retry: { initialRetryTime: 1, ...ofKafka } },
  );
  await expect(consumer.connect()).rejects.toMatchObject({
    ...{ name: 'KafkaJSNumberOfRetriesExceeded', retryCount: attempts - 1 },
  });
  expect(count('connect')).toBe(attempts);
});

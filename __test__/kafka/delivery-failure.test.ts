/**
 * A message that could not be delivered: what its sender is told.
 */
import {
  EmbeddedKafka,
  Kafka,
  type KafkaConfig,
  type LogEntry,
  type Producer,
} from '@libs/messaging';
import { expect, onTestFinished, test } from 'vitest';

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1';

test('the error says why, and nothing of the message', async () => {
  const embedded = await EmbeddedKafka.start({ topics: [{ topic: 'letters' }] });
  onTestFinished(() => embedded.close());
  const lines: LogEntry[] = [];
  const kafka = new Kafka({
    brokers: embedded.brokers,
    requestTimeout: 300,
    logCreator: () => (entry) => {
      lines.push(entry);
    },
  });
  const producer = kafka.producer({ retry: { retries: 0 } });
  onTestFinished(() => producer.disconnect());
  await producer.connect();
  const letter = { key: 'to-ada', value: 'my secret' };
  await producer.send({ topic: 'letters', messages: [letter] });

  await embedded.close();
  const failure = await producer.send({ topic: 'letters', messages: [letter], timeout: 300 }).then(
    () => 'delivered',
    (error) => error,
  );
  expect(failure).toMatchObject({
    name: 'KafkaJSNumberOfRetriesExceeded',
    cause: { name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' },
  });
  for (const text of [failure.message, failure.stack, JSON.stringify(lines)]) {
    expect(text).not.toMatch(/secret|to-ada/);
  }
});

/** A producer whose brokers are gone, and what it sent before to `letters`. */
async function abandoned(config: Partial<KafkaConfig>): Promise<Producer> {
  const embedded = await EmbeddedKafka.start({ topics: [{ topic: 'letters' }] });
  onTestFinished(() => embedded.close());
  const producer = new Kafka({ brokers: embedded.brokers, logLevel: 0, ...config }).producer();
  onTestFinished(() => producer.disconnect());
  await producer.connect();
  await producer.send({ topic: 'letters', messages: [{ value: 'arrives' }] });
  await embedded.close();
  return producer;
}

test('sends to topics of which nothing is known yet are told as soon as others', async () => {
  // Two seconds with all retries.
  const producer = await abandoned({
    requestTimeout: 1_700,
    retry: { retries: 2, initialRetryTime: 100 },
  });
  const start = performance.now();
  const times = ['letters', 'cards', 'parcels', 'notes', 'bills'].map(async (topic) => {
    await expect(producer.send({ topic, messages: [{ value: 'lost' }] })).rejects.toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
    });
    return performance.now() - start;
  });
  expect(Math.max(...(await Promise.all(times)))).toBeLessThan(4_000);
});

test('disconnect() gives up on what is unsent when no broker has been there for some seconds', async () => {
  const producer = await abandoned({});
  const failures = ['letters', 'cards'].map((topic) =>
    producer.send({ topic, messages: [{ value: 'lost' }] }).then(
      () => 'delivered',
      (error) => error.name,
    ),
  );
  const start = performance.now();
  await producer.disconnect();
  expect(performance.now() - start).toBeLessThan(8_000);
  expect(await Promise.all(failures)).toEqual(
    failures.map(() => expect.stringMatching(/^KafkaJS/)),
  );
});

/**
 * A message that could not be delivered: what its sender is told.
 */
import { EmbeddedKafka, Kafka, type LogEntry } from '@libs/messaging';
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
  expect(failure).toMatchObject({ name: 'KafkaJSNumberOfRetriesExceeded' });
  expect(failure.message).toMatch(/timed out/);
  for (const text of [failure.message, failure.stack, JSON.stringify(lines)]) {
    expect(text).not.toMatch(/secret|to-ada/);
  }
});

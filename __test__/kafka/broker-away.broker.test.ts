/** A consumer whose broker is away: at its start, and later. */
import { expect, onTestFinished, test } from 'vitest';
import { Kafka } from '../../dist/kafka/kafka.js';
import { BROKER_PATIENCE, startBroker, unique } from '../support/kafka-broker.ts';
import { nextEvent, Seen } from './consumer-support.ts';
import { createTopic } from './read-back.ts';

test('a consumer that starts while its broker is away is told so, and reads when it is there', {
  timeout: BROKER_PATIENCE,
}, async (context) => {
  const broker = await startBroker(context);
  const { plaintext } = broker.brokers;
  const topic = await createTopic(plaintext, unique('away'));
  const retry = { retries: 2, initialRetryTime: 20, maxRetryTime: 50 };
  const kafka = new Kafka({ brokers: [plaintext], logCreator: () => () => {}, retry });
  const producer = kafka.producer();
  onTestFinished(() => producer.disconnect());
  await producer.connect();
  const send = (value: string) => producer.send({ topic, messages: [{ value }] });
  await send('before');
  await broker.kill();

  const consumer = kafka.consumer({ groupId: unique('group') });
  onTestFinished(() => consumer.disconnect());
  await expect(consumer.connect()).rejects.toMatchObject({
    name: 'KafkaJSNumberOfRetriesExceeded',
    retryCount: 2,
    cause: { name: 'KafkaJSConnectionError' },
  });

  await broker.restart();
  await consumer.connect();
  const seen = new Seen<string>();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => seen.add(String(message.value)) });
  await seen.count(1);

  // While it reads, an absence is no crash, and nothing is lost by it.
  let crashed = false;
  void nextEvent(consumer, 'consumer.crash').then(() => {
    crashed = true;
  });
  await broker.kill();
  await broker.restart();
  await send('after');
  await seen.count(2);
  expect(seen.all).toEqual(['before', 'after']);
  expect(crashed).toBe(false);
});

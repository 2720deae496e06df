/**
 * The test kit's Kafka, as the tests of a service use it.
 */
import { EmbeddedKafka, KafkaClient } from '@libs/messaging';
import { createTestKafka } from '@libs/messaging/testing';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { runNode } from './support/node-process.ts';

afterEach(async () => {
  vi.unstubAllEnvs();
  await KafkaClient.disconnect();
  KafkaClient.configure({});
});

test('KafkaClient is at it, whatever the environment says', async () => {
  vi.stubEnv('KAFKA_BROKERS', '127.0.0.1:1');
  vi.stubEnv('KAFKA_SSL', 'true');
  vi.stubEnv('KAFKA_SASL', 'true');
  vi.stubEnv('KAFKA_USERNAME', 'ada');
  vi.stubEnv('KAFKA_PASSWORD', 'secret');
  const kafka = await createTestKafka({ topics: [{ topic: 'orders', numPartitions: 1 }] });
  onTestFinished(() => kafka.close());
  await kafka.createTopic('bills', 1);

  const producer = await KafkaClient.getProducer();
  const consumer = await KafkaClient.createConsumer('billing');
  await consumer.subscribe({ topics: ['orders', 'bills'], fromBeginning: true });
  const received = new Promise<string[]>((resolve) => {
    const values: string[] = [];
    consumer.run({
      eachMessage: async ({ topic, message }) => {
        if (values.push(`${topic} ${message.value}`) === 2) resolve(values.sort());
      },
    });
  });
  await producer.send({ topic: 'orders', messages: [{ value: 'one' }] });
  await producer.send({ topic: 'bills', messages: [{ value: 'two' }] });
  expect(await received).toEqual(['bills two', 'orders one']);
});

test('closed, it leaves nothing connected, and KafkaClient to the environment', async () => {
  const kafka = await createTestKafka();
  await KafkaClient.getProducer();
  await KafkaClient.createConsumer('billing');
  await Promise.all([kafka.close(), kafka.close()]);
  await kafka.close();
  expect(KafkaClient.getStats().total.nativeClients).toBe(0);
  await expect(kafka.createTopic('late')).rejects.toMatchObject({ code: 'ERR_EMBEDDED_KAFKA' });

  vi.stubEnv('KAFKA_SASL', 'true');
  vi.stubEnv('KAFKA_SASL_MECHANISM', 'aws');
  expect(() => KafkaClient.getInstance()).toThrow('SASL AWS');
});

test('refuses a KafkaClient that is in use, and starts nothing then', async () => {
  const closed = vi.spyOn(EmbeddedKafka.prototype, 'close');
  onTestFinished(() => closed.mockRestore());
  KafkaClient.getInstance();
  await expect(createTestKafka()).rejects.toThrow('KafkaClient is in use');
  expect(closed).toHaveBeenCalledOnce();
});

test('its process ends by itself once it is closed', async () => {
  const end = await runNode(`
    import { KafkaClient } from '@libs/messaging';
    import { createTestKafka } from '@libs/messaging/testing';
    const kafka = await createTestKafka();
    const producer = await KafkaClient.getProducer();
    await producer.send({ topic: 'orders', messages: [{ value: 'one' }] });
    await kafka.close();
    console.log('closed');
  `);
  expect(end).toMatchObject({ code: 0, signal: null, output: 'closed\n', errors: '' });
});

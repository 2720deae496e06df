/** An admin whose brokers are lost after it has connected: calls fail as soon as others of kafkajs do, with the reason. */
import { EmbeddedKafka, Kafka, logLevel } from '@libs/messaging';
import { expect, onTestFinished, test } from 'vitest';

const TOPIC = 'orders';

/** Connected, to brokers that a test closes. */
async function connected(retry: { retries: number; initialRetryTime?: number }) {
  const embedded = await EmbeddedKafka.start({ topics: [{ topic: TOPIC }] });
  onTestFinished(() => embedded.close());
  const kafka = new Kafka({ brokers: embedded.brokers, logLevel: logLevel.NOTHING, retry });
  const admin = kafka.admin();
  onTestFinished(() => admin.disconnect());
  await admin.connect();
  expect(await admin.listTopics()).toEqual([TOPIC]);
  return { admin, embedded };
}

// Within the test's time, which is less than `requestTimeout`.

test('calls are tried as often as `retry` says, and tell why there is no broker', async () => {
  const { admin, embedded } = await connected({ retries: 1, initialRetryTime: 50 });
  await embedded.close();
  const calls = {
    listTopics: () => admin.listTopics(),
    describeCluster: () => admin.describeCluster(),
    fetchTopicOffsets: () => admin.fetchTopicOffsets(TOPIC),
    fetchOffsets: () => admin.fetchOffsets({ groupId: 'billing', topics: [TOPIC] }),
  };
  for (const [name, call] of Object.entries(calls)) {
    await expect(call(), name).rejects.toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      cause: { name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' },
      retryCount: 1,
    });
  }
});

test('what was asked before does not wait for an answer that cannot come', async () => {
  const { admin, embedded } = await connected({ retries: 0 });
  const calls = Array.from({ length: 50 }, () => admin.fetchTopicOffsets(TOPIC));
  const settled = Promise.allSettled(calls);
  await embedded.close();
  const failures = (await settled).filter((it) => it.status === 'rejected');
  expect(failures.length).toBeGreaterThan(0);
  for (const { reason } of failures) {
    const { name } = reason.cause ?? reason;
    expect(name).toMatch(/^KafkaJSConnection(Closed)?Error$/);
  }
});

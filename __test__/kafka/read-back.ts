/**
 * What is in a topic, as npm's kafkajs reads it.
 */
import kafkajs, { type Admin, type IHeaders, type ITopicConfig } from 'kafkajs';
import { vi } from 'vitest';
import { unique } from '../support/kafka-broker.ts';

export const theirs = (broker: string) =>
  new kafkajs.Kafka({ brokers: [broker], logLevel: kafkajs.logLevel.NOTHING });

export interface ReadMessage {
  partition: number;
  offset: string;
  key: string | null;
  value: string | null;
  timestamp: string;
  headers: Record<string, string | string[]>;
}

/** Makes topics with so many partitions, and waits until they have leaders. */
export async function createTopic(
  broker: string,
  topic: string,
  numPartitions = 1,
  config: Record<string, string> = {},
): Promise<string> {
  const admin = theirs(broker).admin();
  await admin.connect();
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  await makeTopic(admin, { topic, numPartitions, configEntries });
  await admin.disconnect();
  return topic;
}

/** Makes a topic. On a busy machine it is there before the broker knows it, for which kafkajs does not wait. */
export async function makeTopic(admin: Admin, config: ITopicConfig): Promise<void> {
  const { topic } = config;
  await admin.createTopics({ topics: [config], waitForLeaders: false });
  await vi.waitFor(
    async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      if (topics[0]?.partitions.some(({ leader }) => leader < 0)) throw new Error('no leader');
    },
    { timeout: 10_000, interval: 20 },
  );
}

/** Reads so many messages, and everything else that is there, by partition and offset. */
export async function readBack(
  broker: string,
  topic: string,
  count: number,
): Promise<ReadMessage[]> {
  const consumer = theirs(broker).consumer({ groupId: unique('reader') });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const read: ReadMessage[] = [];
  await new Promise<void>((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload: { error, restart } }) => {
      if (!restart) reject(error);
    });
    consumer
      .run({
        eachBatch: async ({ batch: { partition, messages } }) => {
          for (const { key, value, offset, timestamp, headers } of messages) {
            read.push({
              partition,
              offset,
              key: key?.toString() ?? null,
              value: value?.toString() ?? null,
              timestamp,
              headers: textOf(headers ?? {}),
            });
          }
          if (read.length >= count) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return read.sort((a, b) => a.partition - b.partition || Number(a.offset) - Number(b.offset));
}

/** Reads all that is in a topic to which nothing comes any more, if all of it is messages. */
export async function readAll(broker: string, topic: string): Promise<ReadMessage[]> {
  const admin = theirs(broker).admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const count = offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  return readBack(broker, topic, count);
}

function textOf(headers: IHeaders): ReadMessage['headers'] {
  const texts = Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.map(String) : String(value),
  ]);
  return Object.fromEntries(texts);
}

/**
 * What is in a topic, as npm's kafkajs reads it.
 */
import kafkajs, { type IHeaders } from 'kafkajs';
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
  await admin.createTopics({ topics: [{ topic, numPartitions, configEntries }] });
  await admin.disconnect();
  return topic;
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

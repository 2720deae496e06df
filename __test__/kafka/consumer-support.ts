/**
 * What the suites of consumers share: topics and messages by kafkajs, and waiting for what a consumer does.
 */
import { Kafka as KafkaJS, logLevel, type Message } from 'kafkajs';
import { afterAll, onTestFinished } from 'vitest';
import { Kafka } from '../../dist/kafka/kafka.js';
import type { LogEntry } from '../../dist/kafka/logger.js';
import type { Consumer, ConsumerConfig } from '../../dist/kafka/consumer/types.js';
import { type BrokerAddress, unique } from '../support/kafka-broker.ts';
import { makeTopic } from './read-back.ts';

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1';

/** kafkajs on the other side, and consumers of ours that end with their test. */
export class Lab {
  readonly #address: BrokerAddress;
  readonly #ends: (() => Promise<void>)[] = [];
  #kafkajs: KafkaJS | undefined;
  readonly lines: LogEntry[] = [];

  constructor(address: BrokerAddress) {
    this.#address = address;
    afterAll(async () => {
      for (const end of this.#ends.splice(0)) await end();
    });
  }

  get brokers(): string[] {
    return [this.#address.brokers.plaintext];
  }

  get kafkajs(): KafkaJS {
    this.#kafkajs ??= new KafkaJS({ brokers: this.brokers, logLevel: logLevel.NOTHING });
    return this.#kafkajs;
  }

  get kafka(): Kafka {
    return new Kafka({
      brokers: this.brokers,
      logCreator: () => (entry) => {
        this.lines.push(entry);
      },
    });
  }

  async admin<T>(call: (admin: ReturnType<KafkaJS['admin']>) => Promise<T>): Promise<T> {
    const admin = this.kafkajs.admin();
    await admin.connect();
    try {
      return await call(admin);
    } finally {
      await admin.disconnect();
    }
  }

  /** A new topic. */
  async topic(numPartitions = 1, name = 'topic'): Promise<string> {
    const topic = unique(name);
    await this.admin((admin) => makeTopic(admin, { topic, numPartitions }));
    return topic;
  }

  async produce(topic: string, messages: Message[]): Promise<void> {
    // Without this a send of which one partition fails, as in a topic that has just been made, is repeated for all of them.
    const producer = this.kafkajs.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    for (let at = 0; at < messages.length; at += 1_000) {
      await producer.send({ topic, messages: messages.slice(at, at + 1_000) });
    }
    await producer.disconnect();
  }

  consumer(config: Partial<ConsumerConfig> = {}): Consumer {
    const retry = { initialRetryTime: 20, maxRetryTime: 100 };
    const consumer = this.kafka.consumer({
      ...{ groupId: unique('group'), maxWaitTimeInMs: 100, retry },
      ...config,
    });
    onTestFinished(() => consumer.disconnect());
    return consumer;
  }

  /** What the group has committed of a topic, by partition; -1 for nothing. */
  async committed(groupId: string, topic: string): Promise<number[]> {
    const [offsets] = await this.admin((admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
    return (offsets?.partitions ?? [])
      .sort((a, b) => a.partition - b.partition)
      .map(({ offset }) => Number(offset));
  }
}

/** Messages `0`, `1` … for one partition. */
export function numbered(count: number, from = 0, partition = 0): Message[] {
  return Array.from({ length: count }, (_, index) => ({
    key: String(from + index),
    value: String(from + index),
    partition,
  }));
}

/** Gathers what happens, for tests to wait for. */
export class Seen<T> {
  readonly all: T[] = [];
  readonly #waiting = new Set<() => void>();

  readonly add = (item: T): void => {
    this.all.push(item);
    for (const look of [...this.#waiting]) look();
  };

  /** Resolves when there are so many. */
  count(count: number): Promise<T[]> {
    return this.until((all) => all.length >= count);
  }

  /** Resolves when it is so. */
  until(condition: (all: T[]) => boolean): Promise<T[]> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition(this.all)) return;
        this.#waiting.delete(look);
        resolve(this.all);
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** The next event of this name. */
export function nextEvent(
  consumer: Consumer,
  name: Parameters<Consumer['on']>[0],
): Promise<{ payload: Record<string, unknown> }> {
  return new Promise((resolve) => {
    const off = consumer.on(name, (event) => {
      off();
      resolve(event as unknown as { payload: Record<string, unknown> });
    });
  });
}

/**
 * What `KafkaClient` keeps: one Kafka, one producer for all, and the consumers that it has made.
 */
import type { Consumer } from './consumer/types.js';
import { KafkaJSNonRetriableError } from './errors.js';
import type { Kafka } from './kafka.js';
import { type EngineStats, NO_STATS, statsOf } from './native.js';
import { Partitioners } from './producer/partitioners.js';
import type { KafkaConfig, Producer } from './types.js';

/** What the clients of `KafkaClient` cost. */
export interface KafkaClientStats {
  /** The shared producer, or null while there is none. */
  producer: EngineStats | null;
  /** Each consumer that is connected. */
  consumers: EngineStats[];
  /** Their sum. A Kafka by itself costs nothing. */
  total: EngineStats;
}

/** With a partitioner, since kafkajs's warning about its default is for who can choose another. */
const PRODUCER = {
  transactionTimeout: 30_000,
  allowAutoTopicCreation: true,
  createPartitioner: Partitioners.DefaultPartitioner,
};
const CONSUMER = { sessionTimeout: 30_000, heartbeatInterval: 3_000 };

/** The state of `KafkaClient`. `createKafka` is given what `configure` was, over the environment. */
export class SharedClients {
  #configured: Partial<KafkaConfig> = {};
  #kafka: Kafka | undefined;
  #producer: { producer: Producer; connected: Promise<Producer> } | undefined;
  readonly #consumers = new Set<Consumer>();

  constructor(readonly createKafka: (configured: Partial<KafkaConfig>) => Kafka) {}

  configure(config: Partial<KafkaConfig>): void {
    if (this.#kafka !== undefined) {
      throw new KafkaJSNonRetriableError(
        'KafkaClient is in use: call configure() before getInstance(), or after disconnect()',
      );
    }
    this.#configured = { ...config };
  }

  getInstance(): Kafka {
    this.#kafka ??= this.createKafka(this.#configured);
    return this.#kafka;
  }

  async getProducer(): Promise<Producer> {
    this.#producer ??= this.#connectProducer();
    return this.#producer.connected;
  }

  async createConsumer(groupId: string): Promise<Consumer> {
    const consumer = this.getInstance().consumer({ groupId, ...CONSUMER });
    // Known before it is connected, so that disconnect() finds it; its users may disconnect it themselves,
    // and a consumer that starts again after a crash connects anew.
    this.#consumers.add(consumer);
    consumer.on('consumer.connect', () => this.#consumers.add(consumer));
    consumer.on('consumer.disconnect', () => this.#consumers.delete(consumer));
    try {
      await consumer.connect();
    } catch (error) {
      this.#consumers.delete(consumer);
      throw error;
    }
    return consumer;
  }

  async disconnect(): Promise<void> {
    const clients = [...this.#consumers, ...(this.#producer ? [this.#producer.producer] : [])];
    this.#consumers.clear();
    this.#producer = undefined;
    this.#kafka = undefined;
    const outcomes = await Promise.allSettled(clients.map((it) => it.disconnect()));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
  }

  getStats(): KafkaClientStats {
    const producer = this.#producer ? statsOf(this.#producer.producer) : null;
    const consumers = [...this.#consumers].map(statsOf);
    const total = [...consumers, ...(producer ? [producer] : [])].reduce(sum, { ...NO_STATS });
    return { producer, consumers, total };
  }

  #connectProducer() {
    const producer = this.getInstance().producer(PRODUCER);
    const forget = (): void => {
      if (this.#producer?.producer === producer) this.#producer = undefined;
    };
    producer.on('producer.disconnect', forget);
    const connected = producer.connect().then(
      () => producer,
      (error) => {
        forget();
        throw error;
      },
    );
    return { producer, connected };
  }
}

function sum(a: EngineStats, b: EngineStats): EngineStats {
  return {
    nativeClients: a.nativeClients + b.nativeClients,
    threads: a.threads + b.threads,
    connections: a.connections + b.connections,
  };
}

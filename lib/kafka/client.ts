/**
 * `KafkaClient`: the Kafka of a service, from its environment.
 */
import type { Consumer } from './consumer/types.js';
import { kafkaConfigOf } from './environment.js';
import { Kafka } from './kafka.js';
import { type KafkaClientStats, SharedClients } from './shared-clients.js';
import type { KafkaConfig, Producer } from './types.js';

const shared = new SharedClients((configured) => {
  const kafka = new Kafka({ ...kafkaConfigOf(process.env), ...configured });
  const { KAFKA_USERNAME, KAFKA_SASL } = process.env;
  if (KAFKA_USERNAME && !KAFKA_SASL && !configured.sasl) {
    kafka.logger().warn('KAFKA_USERNAME is set, KAFKA_SASL is not: no login');
  }
  return kafka;
});

/**
 * One Kafka for the whole process, configured by `KAFKA_CLIENT_ID`, `KAFKA_BROKERS`, `KAFKA_SSL`,
 * `KAFKA_SASL`, `KAFKA_SASL_MECHANISM`, `KAFKA_USERNAME` and `KAFKA_PASSWORD`. The environment is read when
 * the Kafka is made.
 */
// biome-ignore lint/complexity/noStaticOnlyClass: its users call these static methods.
export class KafkaClient {
  /** The Kafka. It is made at the first call, and not connected. */
  static getInstance(): Kafka {
    return shared.getInstance();
  }

  /**
   * The producer that all share, connected: `transactionTimeout` 30,000 and `allowAutoTopicCreation` true.
   * Calls while it connects wait for the same connection. When that fails they reject, and the next call
   * tries again.
   */
  static getProducer(): Promise<Producer> {
    return shared.getProducer();
  }

  /** A consumer of its own, connected: `sessionTimeout` 30,000 and `heartbeatInterval` 3,000. */
  static createConsumer(groupId: string): Promise<Consumer> {
    return shared.createConsumer(groupId);
  }

  /**
   * Sets options that go before the environment's, instead of those set before. Call it before anything else,
   * or after `disconnect()`.
   *
   * @throws KafkaJSNonRetriableError when the Kafka is in use
   */
  static configure(config: Partial<KafkaConfig>): void {
    shared.configure(config);
  }

  /**
   * Disconnects the producer and all consumers, also those that are connecting. The next call of any method
   * begins anew.
   */
  static disconnect(): Promise<void> {
    return shared.disconnect();
  }

  /**
   * Native clients, threads and connections as they are now: of the producer, of each consumer, and in all. With
   * n brokers, the producer has for each combination of `acks`, `timeout` and `compression` that is sent with one
   * native client, 3 + n threads and at most n connections; each consumer has one, 4 + n and at most 1 + n.
   */
  static getStats(): KafkaClientStats {
    return shared.getStats();
  }
}

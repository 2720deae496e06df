/**
 * kafkajs's `Kafka`: one configuration, and the clients that are made from it.
 */
import type { Admin, AdminConfig } from './admin/types.js';
import { checkKafkaConfig, type ClientOptions, resolveConfig } from './config.js';
import { checkConsumerConfig } from './consumer/checks.js';
import type { Consumer, ConsumerConfig } from './consumer/types.js';
import { type ClientBase, type Engines, engines as packagedEngines } from './engines.js';
import { logLevel } from './enums.js';
import { KafkaJSNotImplemented } from './errors.js';
import { consoleLogCreator, createLogger, type Logger } from './logger.js';
import { createProducer } from './producer/producer.js';
import type { KafkaConfig, Producer, ProducerConfig } from './types.js';

/** kafkajs says once in a process that its default partitioner is no longer that of its version 1. */
let partitionerWasSaid = false;

const PARTITIONER_WARNING =
  'KafkaJS v2.0.0 switched default partitioner. To retain the same partitioning behavior as in previous versions, create the producer with the option "createPartitioner: Partitioners.LegacyPartitioner". See the migration guide at https://kafka.js.org/docs/migration-guide-v2.0.0#producer-new-default-partitioner for details. Silence this warning by setting the environment variable "KAFKAJS_NO_PARTITIONER_WARNING=1"';

/**
 * A Kafka cluster, as one application reaches it. Making it does not connect: the clients do.
 */
export class Kafka {
  readonly #config: KafkaConfig;
  readonly #logger: Logger;
  readonly #engines: Partial<Engines>;

  /**
   * @param config - how to reach it; brokers and credentials are looked at by `connect()`, as in kafkajs
   * @throws KafkaJSNonRetriableError for what the engine cannot do: a `socketFactory`, a mechanism with an
   *   `authenticationProvider`, `aws`, options of TLS beyond those that `KafkaConfig.ssl` names
   */
  constructor(config: KafkaConfig);
  /** @internal */
  constructor(config: KafkaConfig, engines?: Partial<Engines>);
  constructor(config: KafkaConfig, engines: Partial<Engines> = packagedEngines) {
    this.#config = { ...config };
    checkKafkaConfig(this.#config);
    this.#logger = createLogger(
      config.logLevel ?? logLevel.INFO,
      config.logCreator ?? consoleLogCreator,
    );
    this.#engines = engines;
  }

  /**
   * A producer of its own.
   *
   * @throws KafkaJSNonRetriableError when it is idempotent and may not retry
   */
  producer(config: ProducerConfig = {}): Producer {
    const createEngine = this.#engine('producer');
    if (config.createPartitioner == null) this.#sayPartitioner();
    return createProducer({ ...config, ...this.#clientBase(config), createEngine });
  }

  /**
   * A consumer, one member of its group.
   *
   * @throws KafkaJSNonRetriableError without a group, or when `heartbeatInterval` is not under `sessionTimeout`
   */
  consumer(config: ConsumerConfig): Consumer {
    const settings = checkConsumerConfig(config ?? {});
    return this.#engine('consumer')({ ...this.#clientBase(settings), settings });
  }

  /** An admin. */
  admin(config: AdminConfig = {}): Admin {
    const base = this.#clientBase({ ...config, allowAutoTopicCreation: false });
    return this.#engine('admin')({ ...base, settings: config });
  }

  /** The logger of this Kafka. Its clients log through it. */
  logger(): Logger {
    return this.#logger;
  }

  #clientBase(client: ClientOptions): ClientBase {
    return {
      logger: this.#logger,
      retry: { ...this.#config.retry, ...client.retry },
      clusterRetry: { ...this.#config.retry },
      resolve: () => resolveConfig(this.#config, client),
    };
  }

  #engine<K extends keyof Engines>(kind: K): Engines[K] {
    const engine = this.#engines[kind];
    if (engine) return engine as Engines[K];
    throw new KafkaJSNotImplemented(`Kafka.${kind}() is not supported by the engine yet`);
  }

  #sayPartitioner(): void {
    if (partitionerWasSaid) return;
    partitionerWasSaid = true;
    if (process.env.KAFKAJS_NO_PARTITIONER_WARNING == null) this.#logger.warn(PARTITIONER_WARNING);
  }
}

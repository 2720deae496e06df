/**
 * kafkajs's producer over an engine: when it is connected, which errors users see, who chooses partitions.
 */
import type { ResolvedConfig } from '../config.js';
import {
  KafkaJSError,
  KafkaJSMetadataNotLoaded,
  KafkaJSNonRetriableError,
  KafkaJSNotImplemented,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSQueueFullError,
} from '../errors.js';
import { type ProducerEventPayloads, producerEvents } from '../events.js';
import { Instrumentation } from '../instrumentation.js';
import type { Logger } from '../logger.js';
import {
  NO_STATS,
  type ProducerEngine,
  type ProducerEngineOptions,
  reportStats,
} from '../native.js';
import { kafkaErrorOf, translatedKafka } from '../native-errors.js';
import { type RetryOptions, retrySettings } from '../retry.js';
import { type Connectable, Sessions } from '../session.js';
import type {
  Producer,
  ProducerBatch,
  ProducerConfig,
  ProducerRecord,
  RecordMetadata,
  TopicMessages,
} from '../types.js';
import {
  type ConnectionStatus,
  checkBatch,
  checkConnected,
  checkIdempotence,
  checkPartitions,
  partitionNumber,
} from './checks.js';
import { Partitioners } from './partitioners.js';

/** What a producer is made with. */
export interface ProducerOptions extends ProducerConfig {
  /** That of the Kafka under that of the producer. */
  retry: RetryOptions;
  /** The Kafka's logger. */
  logger: Logger;
  /** Asks for the configuration, at each `connect()`. */
  resolve: () => Promise<ResolvedConfig>;
  createEngine: (options: ProducerEngineOptions) => ProducerEngine;
}

/** An engine whose failures to connect are kafkajs's errors. */
interface OpenProducer extends Connectable {
  readonly engine: ProducerEngine;
}

/**
 * A producer. Its engine is made when it connects.
 *
 * @throws KafkaJSNonRetriableError as kafkajs does
 */
export function createProducer(options: ProducerOptions): Producer {
  const { idempotent = false, transactionalId, transactionTimeout = 60_000, retry } = options;
  checkIdempotence(idempotent, retry);
  const logger = options.logger.namespace('Producer');
  if (idempotent && (retry.retries as number) < Number.MAX_SAFE_INTEGER) {
    logger.warn('Limiting retries for the idempotent producer may invalidate EoS guarantees');
  }
  const partitioner = ownPartitioner(options.createPartitioner);
  const settings = retrySettings(retry);
  const events = new Instrumentation<ProducerEventPayloads>('producer', producerEvents, logger);
  let disconnects = 0;

  const create = async (ended: AbortSignal): Promise<OpenProducer> => {
    const { config, oauthBearerProvider } = await options.resolve();
    ended.throwIfAborted();
    const engine = options.createEngine({
      config,
      ...(oauthBearerProvider && { oauthBearerProvider }),
      retry: settings,
      logger,
      idempotent,
      ...(transactionalId !== undefined && { transactionalId }),
      transactionTimeout,
      ...(options.maxInFlightRequests != null && {
        maxInFlightRequests: options.maxInFlightRequests,
      }),
    });
    const context = config.sasl ? { mechanism: config.sasl.mechanism } : {};
    return {
      engine,
      login: () => translatedKafka(async () => engine.login?.(), context),
      connect: () => translatedKafka(() => engine.connect(), context),
      disconnect: () => translatedKafka(() => engine.disconnect()),
    };
  };
  const sessions = new Sessions({ create, retry: settings, logger, disconnected });

  const status = (): ConnectionStatus => {
    if (sessions.connected) return 'connected';
    return disconnects > 0 ? 'disconnecting' : 'disconnected';
  };

  const connect = async (): Promise<void> => {
    await sessions.connect();
    events.emit('producer.connect');
  };

  const disconnect = async (): Promise<void> => {
    disconnects += 1;
    try {
      await sessions.disconnect();
    } finally {
      disconnects -= 1;
    }
    events.emit('producer.disconnect');
  };

  /** Sends what is given, after kafkajs's checks, which throw. */
  const start = (
    acks = -1,
    timeout = 30_000,
    codec: ProducerBatch['compression'],
    topicMessages: TopicMessages[] = [],
  ): Promise<RecordMetadata[]> => {
    const compression = codec ?? 0;
    const topics = checkBatch({ acks, compression, topicMessages }, idempotent);
    checkConnected(status());
    const { engine } = sessions.connected as OpenProducer;
    if (topics.every(({ messages }) => messages.length === 0)) return Promise.resolve([]);
    const options = { acks, timeout, compression };
    if (partitioner) {
      return partition(engine, topics).then((partitioned) => engine.send(options, partitioned));
    }
    checkPartitions(topics);
    return engine.send(options, topics);
  };

  const partition = async (
    engine: ProducerEngine,
    topics: TopicMessages[],
  ): Promise<TopicMessages[]> => {
    const choose = partitioner as NonNullable<typeof partitioner>;
    return Promise.all(
      topics.map(async ({ topic, messages }) => {
        const partitionMetadata = await engine.partitionMetadata(topic);
        if (partitionMetadata.length === 0) {
          throw new KafkaJSMetadataNotLoaded('Producing to topic without metadata');
        }
        return {
          topic,
          messages: messages.map((message) => ({
            ...message,
            partition: partitionNumber(topic, choose({ topic, partitionMetadata, message })),
          })),
        };
      }),
    );
  };

  /** The engine has retried by itself, so what could be tried again has been tried often enough. */
  const afterRetries = (thrown: unknown): Error => {
    const error = kafkaErrorOf(thrown);
    logger.error(error.message);
    if (!(error instanceof KafkaJSError) || !error.retriable) return error;
    if (error instanceof KafkaJSQueueFullError) return error;
    const { retries, initialRetryTime } = settings;
    return new KafkaJSNumberOfRetriesExceeded(error, {
      retryCount: retries,
      retryTime: initialRetryTime,
    });
  };

  const producer: Producer = {
    connect,
    disconnect,
    isIdempotent: () => idempotent,
    events: producerEvents,
    on: events.on,
    // A send of one message costs about as much as its promises, so both are flat, and spread nothing.
    send: async ({ acks, timeout, compression, topic, messages }: ProducerRecord) => {
      const sent = start(acks, timeout, compression, [{ topic, messages }]);
      try {
        return await sent;
      } catch (thrown) {
        throw afterRetries(thrown);
      }
    },
    sendBatch: async ({ acks, timeout, compression, topicMessages }: ProducerBatch) => {
      const sent = start(acks, timeout, compression, topicMessages);
      try {
        return await sent;
      } catch (thrown) {
        throw afterRetries(thrown);
      }
    },
    transaction: async () => {
      if (!transactionalId) {
        throw new KafkaJSNonRetriableError(
          'Must provide transactional id for transactional producer',
        );
      }
      throw new KafkaJSNotImplemented('Transactions are not supported by the engine yet');
    },
    logger: () => logger,
  };
  reportStats(producer, () => sessions.engine?.engine.stats() ?? { ...NO_STATS });
  return producer;
}

/** The partitioner, unless it is the engine's own. */
function ownPartitioner(create: ProducerConfig['createPartitioner']) {
  return create == null || create === Partitioners.DefaultPartitioner ? undefined : create();
}

function disconnected(): Error {
  return new KafkaJSError('The producer is disconnected');
}

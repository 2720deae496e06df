/**
 * What TypeScript asks of the engine. Whatever implements these interfaces can be tested without the rest,
 * and the rest without it.
 */
import type { EngineConfig } from './config.js';
import type { Logger } from './logger.js';
import type { RetrySettings } from './retry.js';
import type {
  Message,
  OauthbearerProviderResponse,
  PartitionMetadata,
  RecordMetadata,
} from './types.js';

/** An error of the engine, as its JSON says it. `native-errors.ts` makes kafkajs's of it. */
export interface NativeError {
  /** The protocol's number, or librdkafka's own, which is negative. */
  code: number;
  /** librdkafka's name of it, such as `_TRANSPORT`. */
  name: string;
  message: string;
  /** Whether trying again may help, where the engine knows. */
  retriable?: boolean;
  /** Whether the client has ended for good, and must be made anew. */
  fatal?: boolean;
  /** What is behind it, where that is another fault. */
  reason?: NativeError;
}

/** What a client costs. */
export interface EngineStats {
  /** Clients of librdkafka. */
  nativeClients: number;
  /** Threads of the system: librdkafka's, and one of the engine's own for each client. */
  threads: number;
  /** Connections to brokers that are open. */
  connections: number;
}

/** What every engine is made with. It belongs to one `connect()`, and ends with `disconnect()`. */
export interface EngineOptions {
  /** How to reach the cluster: JSON of the core's `ClientConfig`. */
  config: EngineConfig;
  /** Gives tokens, when the configuration's mechanism is `oauthbearer`. */
  oauthBearerProvider?: () => Promise<OauthbearerProviderResponse>;
  /** How often and how long to try again: the Kafka's options under the client's. */
  retry: RetrySettings;
  /** The client's logger, with its namespace. */
  logger: Logger;
}

/** What a producer's engine is made with. */
export interface ProducerEngineOptions extends EngineOptions {
  idempotent: boolean;
  transactionalId?: string;
  /** Milliseconds. */
  transactionTimeout: number;
  /** Requests that may wait for their answer. Absent: the engine's default. */
  maxInFlightRequests?: number;
}

/** How messages of one send are sent. */
export interface SendOptions {
  /** -1, 0 or 1. */
  acks: number;
  /** Milliseconds. */
  timeout: number;
  /** A number of `CompressionTypes`. */
  compression: number;
}

/** Errors are `NativeError`s, or kafkajs's own. */
export interface ProducerEngine {
  /** Gets the first token, when the mechanism is `oauthbearer`. */
  login?(): Promise<void>;
  /** One attempt to reach the cluster. It may be called again after it has failed. */
  connect(): Promise<void>;
  /** Waits for what is being sent, and ends. A `connect()` that is under way rejects. */
  disconnect(): Promise<void>;
  /**
   * One crossing, one promise. Partitions are chosen already where `message.partition` is set. Each topic
   * comes once, and there is at least one message. With acks 0 the list is empty.
   */
  send(
    options: SendOptions,
    topicMessages: { topic: string; messages: Message[] }[],
  ): Promise<RecordMetadata[]>;
  /** For custom partitioners: what is known of a topic, asked of a broker only when nothing is. */
  partitionMetadata(topic: string): Promise<PartitionMetadata[]>;
  stats(): EngineStats;
}

const statsOfClients = new WeakMap<object, () => EngineStats>();

/** Lets `KafkaClient.getStats()` know what this producer or consumer costs. */
export function reportStats(client: object, stats: () => EngineStats): void {
  statsOfClients.set(client, stats);
}

/** What this producer or consumer costs now; nothing while it is not connected. */
export function statsOf(client: object): EngineStats {
  return statsOfClients.get(client)?.() ?? { ...NO_STATS };
}

/** What costs nothing. */
export const NO_STATS: Readonly<EngineStats> = { nativeClients: 0, threads: 0, connections: 0 };

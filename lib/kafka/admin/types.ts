/**
 * The public types of admins, by kafkajs's names.
 */
import type { AdminEventPayloads, AdminEvents } from '../events.js';
import type {
  InstrumentationEvent,
  RemoveInstrumentationEventListener,
} from '../instrumentation.js';
import type { Logger } from '../logger.js';
import type { RetryOptions } from '../retry.js';
import type { PartitionMetadata, PartitionOffset } from '../types.js';

/** Options of `Kafka.admin()`. */
export interface AdminConfig {
  /** Over the Kafka's own. */
  retry?: RetryOptions;
}

/** A topic to create. */
export interface ITopicConfig {
  topic: string;
  /** Default: -1, which is the brokers' own. */
  numPartitions?: number;
  /** Default: -1, which is the brokers' own. */
  replicationFactor?: number;
  /** Which brokers get which partition. Default: as the brokers choose. */
  replicaAssignment?: ReplicaAssignment[];
  configEntries?: IResourceConfigEntry[];
}

export interface ReplicaAssignment {
  partition: number;
  replicas: Array<number>;
}

export interface IResourceConfigEntry {
  name: string;
  value: string;
}

export interface ITopicMetadata {
  name: string;
  partitions: PartitionMetadata[];
}

export type SeekEntry = PartitionOffset;
export type FetchOffsetsPartition = PartitionOffset & { metadata: string | null };

/** What `createTopics` takes. */
export interface CreateTopicsOptions {
  /** Whether only to check. Default: false. */
  validateOnly?: boolean;
  /** Whether to wait until the partitions can be written to. Default: true. */
  waitForLeaders?: boolean;
  /** Milliseconds, default 5,000. */
  timeout?: number;
  topics: ITopicConfig[];
}

/** What `fetchOffsets` takes. */
export interface FetchOffsetsOptions {
  groupId: string;
  /** Default: all that the group has committed. */
  topics?: string[];
  /** Whether -1 and -2 are replaced by the positions that they stand for. Default: false. */
  resolveOffsets?: boolean;
}

/** Manages topics and groups. Its methods need no `this`. */
export type Admin = {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  listTopics(): Promise<string[]>;
  /** Whether topics were created: false when all of them were there already. */
  createTopics(options: CreateTopicsOptions): Promise<boolean>;
  deleteTopics(options: { topics: string[]; timeout?: number }): Promise<void>;
  fetchTopicMetadata(options?: { topics: string[] }): Promise<{ topics: Array<ITopicMetadata> }>;
  fetchOffsets(
    options: FetchOffsetsOptions,
  ): Promise<Array<{ topic: string; partitions: FetchOffsetsPartition[] }>>;
  fetchTopicOffsets(topic: string): Promise<Array<SeekEntry & { high: string; low: string }>>;
  /** Calls `listener` at each of these events. An unknown name throws KafkaJSNonRetriableError. */
  on<K extends keyof AdminEventPayloads>(
    eventName: K,
    listener: (event: InstrumentationEvent<AdminEventPayloads[K]>) => void,
  ): RemoveInstrumentationEventListener<K>;
  logger(): Logger;
  readonly events: AdminEvents;
};

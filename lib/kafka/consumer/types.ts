/**
 * The public types of consumers, by kafkajs's names.
 */
import type { ConsumerEventPayloads, ConsumerEvents } from '../events.js';
import type {
  InstrumentationEvent,
  RemoveInstrumentationEventListener,
} from '../instrumentation.js';
import type { Cluster } from '../inner-types.js';
import type { Logger } from '../logger.js';
import type { RetryOptions } from '../retry.js';
import type { IHeaders, Offsets, PartitionMetadata, TopicOffsets } from '../types.js';

/** Options of `Kafka.consumer()`. */
export interface ConsumerConfig {
  /** The group. Its members share the partitions of their topics. */
  groupId: string;
  /** `[PartitionAssigners.roundRobin]`, the default, or nothing: others are refused. */
  partitionAssigners?: PartitionAssigner[] | undefined;
  /** How old what is known of topics may get. Milliseconds, default 300,000. */
  metadataMaxAge?: number | undefined;
  /** After how long without a heartbeat the group goes on without this member. Milliseconds, default 30,000. */
  sessionTimeout?: number | undefined;
  /** For members to join again in a rebalance. Milliseconds, default 60,000. */
  rebalanceTimeout?: number | undefined;
  /** Between heartbeats; must be under `sessionTimeout`. Milliseconds, default 3,000. */
  heartbeatInterval?: number | undefined;
  /** Of one partition in one fetch. Bytes, default 1,048,576. */
  maxBytesPerPartition?: number | undefined;
  /** What a broker waits for before it answers a fetch. Bytes, default 1. */
  minBytes?: number | undefined;
  /** Of one fetch. Bytes, default 10,485,760. */
  maxBytes?: number | undefined;
  /** How long a broker waits for `minBytes`. Milliseconds, default 5,000. */
  maxWaitTimeInMs?: number | undefined;
  /** Over the Kafka's own. Default: 5 retries. */
  retry?: RetryOptions | undefined;
  /** Whether subscribing to a topic has brokers create it, where they do. Default: true. */
  allowAutoTopicCreation?: boolean | undefined;
  /** Not used: the engine has one fetch for each broker. */
  maxInFlightRequests?: number | undefined;
  /** Whether to read messages of transactions that are open or were aborted. Default: false. */
  readUncommitted?: boolean | undefined;
  /** Where this client is, so that it may read from a replica nearby. Default: ''. */
  rackId?: string | undefined;
  /** This member's own name in the group, which then waits for it through a restart. kafkajs has no such option. */
  groupInstanceId?: string | undefined;
  /**
   * How long a handler may take without a sign of life: a message that is done, or a call of `heartbeat()`. Then
   * the consumer crashes, and others get its partitions. Milliseconds, default 300,000; 0 for no limit. kafkajs
   * has `sessionTimeout` for it, which here is only for the process.
   */
  maxHandlerTime?: number | undefined;
}

/** A kafkajs assigner; see {@link ConsumerConfig.partitionAssigners}. */
export type PartitionAssigner = (config: {
  cluster: Cluster;
  groupId: string;
  logger: Logger;
}) => Assigner;

export type Assigner = {
  name: string;
  version: number;
  assign(group: { members: GroupMember[]; topics: string[] }): Promise<GroupMemberAssignment[]>;
  protocol(subscription: { topics: string[] }): GroupState;
};

/** What an assigner needs of a cluster. */
export interface AssignerCluster {
  findTopicPartitionMetadata(topic: string): PartitionMetadata[];
}

export type Assignment = { [topic: string]: number[] };
export type GroupMember = { memberId: string; memberMetadata: Buffer };
export type GroupMemberAssignment = { memberId: string; memberAssignment: Buffer };
export type GroupState = { name: string; metadata: Buffer };
export type MemberMetadata = { version: number; topics: string[]; userData: Buffer };
export type MemberAssignment = { version: number; assignment: Assignment; userData: Buffer };

/** A layout of bytes. */
export interface ISerializer<T> {
  encode(value: T): Buffer;
  decode(buffer: Buffer): T | null;
}

export type MemberDescription = {
  clientHost: string;
  clientId: string;
  memberId: string;
  memberAssignment: Buffer;
  memberMetadata: Buffer;
};

export type ConsumerGroupState =
  | 'Unknown'
  | 'PreparingRebalance'
  | 'CompletingRebalance'
  | 'Stable'
  | 'Dead'
  | 'Empty';

export type GroupDescription = {
  groupId: string;
  members: MemberDescription[];
  protocol: string;
  protocolType: string;
  state: ConsumerGroupState;
};

export type TopicPartitions = { topic: string; partitions: number[] };
export type TopicPartition = { topic: string; partition: number };
export type TopicPartitionOffset = TopicPartition & { offset: string };
export type TopicPartitionOffsetAndMetadata = TopicPartitionOffset & { metadata?: string | null };

export interface MessageSetEntry {
  key: Buffer | null;
  value: Buffer | null;
  timestamp: string;
  attributes: number;
  offset: string;
  size: number;
  headers?: never;
}

export interface RecordBatchEntry {
  key: Buffer | null;
  value: Buffer | null;
  timestamp: string;
  attributes: number;
  offset: string;
  headers: IHeaders;
  size?: never;
}

/** A message that was consumed. */
export type KafkaMessage = MessageSetEntry | RecordBatchEntry;

/** Messages of one partition, in order. */
export type Batch = {
  topic: string;
  partition: number;
  /** The offset that the partition's next message will get. */
  highWatermark: string;
  messages: KafkaMessage[];
  isEmpty(): boolean;
  firstOffset(): string | null;
  lastOffset(): string;
  /** Messages after the last one of this batch. */
  offsetLag(): string;
  /** Messages after the first one of this batch. */
  offsetLagLow(): string;
};

export interface OffsetsByTopicPartition {
  topics: TopicOffsets[];
}

export interface EachMessagePayload {
  topic: string;
  partition: number;
  message: KafkaMessage;
  heartbeat(): Promise<void>;
  /** Pauses this partition. The function it gives resumes it. */
  pause(): () => void;
}

export interface EachBatchPayload {
  batch: Batch;
  /** Counts everything up to this offset as handled. */
  resolveOffset(offset: string): void;
  heartbeat(): Promise<void>;
  /** Pauses this partition. The function it gives resumes it. */
  pause(): () => void;
  commitOffsetsIfNecessary(offsets?: Offsets): Promise<void>;
  uncommittedOffsets(): OffsetsByTopicPartition;
  isRunning(): boolean;
  /** Whether the partition was sought elsewhere, or taken away, since this batch was read. */
  isStale(): boolean;
}

export type ConsumerEachMessagePayload = EachMessagePayload;
export type ConsumerEachBatchPayload = EachBatchPayload;
export type EachBatchHandler = (payload: EachBatchPayload) => Promise<void>;
export type EachMessageHandler = (payload: EachMessagePayload) => Promise<void>;

/** What `run` takes. */
export type ConsumerRunConfig = {
  /** Whether offsets are committed without being asked. Default: true. */
  autoCommit?: boolean | undefined;
  /** Commits so often, at most. Milliseconds. Default: after each batch. */
  autoCommitInterval?: number | null | undefined;
  /** Commits after so many messages. Default: after each batch. */
  autoCommitThreshold?: number | null | undefined;
  /** Whether a batch counts as handled when `eachBatch` is done. Default: true. */
  eachBatchAutoResolve?: boolean | undefined;
  /** How many partitions are handled at a time. Default: 1. */
  partitionsConsumedConcurrently?: number | undefined;
  eachBatch?: EachBatchHandler | undefined;
  eachMessage?: EachMessageHandler | undefined;
};

/** @deprecated `ConsumerSubscribeTopics` takes its place, as in kafkajs. */
export type ConsumerSubscribeTopic = {
  topic: string | RegExp;
  fromBeginning?: boolean | undefined;
};
export type ConsumerSubscribeTopics = {
  topics: (string | RegExp)[];
  fromBeginning?: boolean | undefined;
};

/** Reads messages as a member of a group. Its methods need no `this`. */
export type Consumer = {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  subscribe(subscription: ConsumerSubscribeTopics | ConsumerSubscribeTopic): Promise<void>;
  stop(): Promise<void>;
  run(config?: ConsumerRunConfig): Promise<void>;
  commitOffsets(topicPartitions: Array<TopicPartitionOffsetAndMetadata>): Promise<void>;
  seek(topicPartitionOffset: TopicPartitionOffset): void;
  describeGroup(): Promise<GroupDescription>;
  pause(topics: Array<{ topic: string; partitions?: number[] | undefined }>): void;
  paused(): TopicPartitions[];
  resume(topics: Array<{ topic: string; partitions?: number[] | undefined }>): void;
  /** Calls `listener` at each of these events. An unknown name throws KafkaJSNonRetriableError. */
  on<K extends keyof ConsumerEventPayloads>(
    eventName: K,
    listener: (event: InstrumentationEvent<ConsumerEventPayloads[K]>) => void,
  ): RemoveInstrumentationEventListener<K>;
  logger(): Logger;
  readonly events: ConsumerEvents;
};

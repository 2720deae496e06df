/**
 * The public types of admins, by kafkajs's names.
 */
import type { GroupDescription, TopicPartitions } from '../consumer/types.js';
import type { DeleteGroupsResult } from '../errors.js';
import type { AdminEventPayloads, AdminEvents } from '../events.js';
import type {
  InstrumentationEvent,
  RemoveInstrumentationEventListener,
} from '../instrumentation.js';
import type { Logger } from '../logger.js';
import type { RetryOptions } from '../retry.js';
import type { PartitionMetadata, PartitionOffset } from '../types.js';
import type {
  AclEntry,
  AclFilter,
  DeleteAclResponse,
  DescribeAclResponse,
  DescribeConfigResponse,
  IResourceConfig,
  ITopicPartitionConfig,
  ListPartitionReassignmentsResponse,
  PartitionReassignment,
  ResourceConfigQuery,
} from './cluster-types.js';

/** Options of `Kafka.admin()`. */
export interface AdminConfig {
  /** Over the Kafka's own. */
  retry?: RetryOptions | undefined;
}

/** A topic to create. */
export interface ITopicConfig {
  topic: string;
  /** Default: -1, which is the brokers' own. */
  numPartitions?: number | undefined;
  /** Default: -1, which is the brokers' own. */
  replicationFactor?: number | undefined;
  /** Which brokers get which partition. Default: as the brokers choose. */
  replicaAssignment?: ReplicaAssignment[] | undefined;
  configEntries?: IResourceConfigEntry[] | undefined;
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
  validateOnly?: boolean | undefined;
  /** Whether to wait until the partitions can be written to. Default: true. */
  waitForLeaders?: boolean | undefined;
  /** Milliseconds, default 5,000. */
  timeout?: number | undefined;
  topics: ITopicConfig[];
}

/** What `fetchOffsets` takes. */
export interface FetchOffsetsOptions {
  groupId: string;
  /** Default: all that the group has committed. */
  topics?: string[] | undefined;
  /** Whether -1 and -2 are replaced by the positions that they stand for. Default: false. */
  resolveOffsets?: boolean | undefined;
}

/** A group, as a list of groups has it. */
export interface GroupOverview {
  groupId: string;
  /** `consumer`, or that of another kind of group. */
  protocolType: string;
}

export interface GroupDescriptions {
  groups: GroupDescription[];
}

/**
 * Manages topics and groups. Its methods need no `this`, and connect by themselves where `connect()` was not
 * called, as in kafkajs.
 *
 * What a broker refuses rejects with KafkaJSProtocolError, with kafkajs's `type` and `code`; what is given
 * wrongly, with KafkaJSNonRetriableError, before anything is asked.
 */
export type Admin = {
  /**
   * Reaches the cluster. Connecting twice is fine. Wrong credentials reject at once, with
   * KafkaJSSASLAuthenticationError; brokers that are not there after the attempts that `retry` allows, with
   * KafkaJSNumberOfRetriesExceeded, whose `cause` is the KafkaJSConnectionError.
   */
  connect(): Promise<void>;
  /** Closes. What waits for an answer rejects. `connect()` may be called again. */
  disconnect(): Promise<void>;
  listTopics(): Promise<string[]>;
  /**
   * Whether topics were created: false when what was wanted was there already. With `waitForLeaders`, each
   * partition has a leader when it resolves, and after `timeout` it rejects with KafkaJSTimeout. Other
   * failures reject with KafkaJSAggregateError, whose `errors` are a KafkaJSCreateTopicError for each topic.
   */
  createTopics(options: CreateTopicsOptions): Promise<boolean>;
  /** `timeout`: milliseconds, default 5,000. An unknown topic is tried again, as `retry` allows. */
  deleteTopics(options: { topics: string[]; timeout?: number | undefined }): Promise<void>;
  /** Without topics, all of them. Asking for one does not create it. */
  fetchTopicMetadata(options?: { topics: string[] }): Promise<{ topics: Array<ITopicMetadata> }>;
  /** What a group has committed, `-1` where it has nothing; without topics, all that it has committed. */
  fetchOffsets(
    options: FetchOffsetsOptions,
  ): Promise<Array<{ topic: string; partitions: FetchOffsetsPartition[] }>>;
  /** Where each partition begins (`low`) and ends (`high`, `offset`). */
  fetchTopicOffsets(topic: string): Promise<Array<SeekEntry & { high: string; low: string }>>;
  /**
   * The first offset whose message is not older than this (milliseconds since 1970), or else the end of the
   * partition.
   */
  fetchTopicOffsetsByTimestamp(topic: string, timestamp?: number): Promise<Array<SeekEntry>>;
  describeCluster(): Promise<{
    brokers: Array<{ nodeId: number; host: string; port: number }>;
    controller: number | null;
    clusterId: string;
  }>;
  /**
   * Commits for a group that has no running members. `-1` and `-2` are committed as the numbers of the end and
   * the beginning, where kafkajs commits the marks.
   */
  setOffsets(options: { groupId: string; topic: string; partitions: SeekEntry[] }): Promise<void>;
  /** Commits the beginning of each partition, or its end. As `setOffsets`. */
  resetOffsets(options: {
    groupId: string;
    topic: string;
    earliest?: boolean | undefined;
  }): Promise<void>;
  listGroups(): Promise<{ groups: GroupOverview[] }>;
  /** Members describe themselves in `memberMetadata` and `memberAssignment`: see `AssignerProtocol`. */
  describeGroups(groupIds: string[]): Promise<GroupDescriptions>;
  /** Rejects with KafkaJSDeleteGroupsError, whose `groups` are those that were not deleted. */
  deleteGroups(groupIds: string[]): Promise<DeleteGroupsResult[]>;
  /** Calls `listener` at each of these events. An unknown name throws KafkaJSNonRetriableError. */
  on<K extends keyof AdminEventPayloads>(
    eventName: K,
    listener: (event: InstrumentationEvent<AdminEventPayloads[K]>) => void,
  ): RemoveInstrumentationEventListener<K>;
  logger(): Logger;
  readonly events: AdminEvents;

  /** Not there yet: rejects with KafkaJSNotImplemented. */
  createPartitions(options: {
    validateOnly?: boolean | undefined;
    timeout?: number | undefined;
    topicPartitions: ITopicPartitionConfig[];
  }): Promise<boolean>;
  /** Not there yet: rejects with KafkaJSNotImplemented. */
  describeConfigs(configs: {
    resources: ResourceConfigQuery[];
    includeSynonyms: boolean;
  }): Promise<DescribeConfigResponse>;
  /** Not there yet: rejects with KafkaJSNotImplemented. */
  alterConfigs(configs: {
    validateOnly: boolean;
    resources: IResourceConfig[];
    // biome-ignore lint/suspicious/noExplicitAny: kafkajs's type.
  }): Promise<any>;
  /** Not there yet: rejects with KafkaJSNotImplemented. */
  describeAcls(options: AclFilter): Promise<DescribeAclResponse>;
  /** Not there yet: rejects with KafkaJSNotImplemented. */
  deleteAcls(options: { filters: AclFilter[] }): Promise<DeleteAclResponse>;
  /** Not there yet: rejects with KafkaJSNotImplemented. */
  createAcls(options: { acl: AclEntry[] }): Promise<boolean>;
  /** Not there yet: rejects with KafkaJSNotImplemented. */
  deleteTopicRecords(options: { topic: string; partitions: SeekEntry[] }): Promise<void>;
  /** Not there yet: rejects with KafkaJSNotImplemented. */
  alterPartitionReassignments(request: {
    topics: PartitionReassignment[];
    timeout?: number | undefined;
  }): Promise<void>;
  /** Not there yet: rejects with KafkaJSNotImplemented. */
  listPartitionReassignments(request: {
    topics?: TopicPartitions[] | undefined;
    timeout?: number | undefined;
  }): Promise<ListPartitionReassignmentsResponse>;
};

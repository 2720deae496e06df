/**
 * kafkajs's types of its inner parts: the cluster and brokers that assigners are given, mechanisms in JavaScript,
 * and details of errors. Code that names them compiles; the engine has nothing of the kind to hand out.
 */
import type { ConnectionOptions } from 'node:tls';
import type {
  ListPartitionReassignmentsResponse,
  PartitionReassignment,
} from './admin/cluster-types.js';
import type { TopicPartitions } from './consumer/types.js';
import type { CompressionTypes } from './enums.js';
import type { KafkaJSDeleteTopicRecordsErrorPartition, KafkaJSError } from './errors.js';
import type { Logger } from './logger.js';
import type { Message, PartitionMetadata, TopicOffsets } from './types.js';

/** What an {@link ISocketFactory} is given. */
export interface ISocketFactoryArgs {
  host: string;
  port: number;
  ssl: ConnectionOptions;
  onConnect: () => void;
}

export type SaslAuthenticationRequest = { encode: () => Buffer | Promise<Buffer> };

export type SaslAuthenticationResponse<ParseResult> = {
  decode: (rawResponse: Buffer) => Buffer | Promise<Buffer>;
  parse: (data: Buffer) => ParseResult;
};

export type SaslAuthenticateArgs<ParseResult> = {
  request: SaslAuthenticationRequest;
  response?: SaslAuthenticationResponse<ParseResult>;
};

export type Authenticator = { authenticate: () => Promise<void> };

export type AuthenticationProviderArgs = {
  host: string;
  port: number;
  logger: Logger;
  saslAuthenticate: <ParseResult>(
    args: SaslAuthenticateArgs<ParseResult>,
    // biome-ignore lint/suspicious/noConfusingVoidType: kafkajs's type.
  ) => Promise<ParseResult | void>;
};

export interface CoordinatorMetadata {
  errorCode: number;
  coordinator: { nodeId: number; host: string; port: number };
}

export interface BrokerMetadata {
  brokers: Array<{ nodeId: number; host: string; port: number; rack?: string }>;
  topicMetadata: Array<{
    topicErrorCode: number;
    topic: string;
    partitionMetadata: PartitionMetadata[];
  }>;
}

export interface ApiVersions {
  [apiKey: number]: { minVersion: number; maxVersion: number };
}

/** A broker, as kafkajs's own code speaks to it. Its answers are not typed there. */
export type Broker = {
  isConnected(): boolean;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  apiVersions(): Promise<ApiVersions>;
  metadata(topics: string[]): Promise<BrokerMetadata>;
  // biome-ignore lint/suspicious/noExplicitAny: kafkajs's type.
  describeGroups: (options: { groupIds: string[] }) => Promise<any>;
  offsetCommit(request: {
    groupId: string;
    groupGenerationId: number;
    memberId: string;
    retentionTime?: number;
    topics: TopicOffsets[];
    // biome-ignore lint/suspicious/noExplicitAny: kafkajs's type.
  }): Promise<any>;
  offsetFetch(request: {
    groupId: string;
    topics: TopicOffsets[];
  }): Promise<{ responses: TopicOffsets[] }>;
  fetch(request: {
    replicaId?: number;
    isolationLevel?: number;
    maxWaitTime?: number;
    minBytes?: number;
    maxBytes?: number;
    topics: Array<{
      topic: string;
      partitions: Array<{ partition: number; fetchOffset: string; maxBytes: number }>;
    }>;
    rackId?: string;
    // biome-ignore lint/suspicious/noExplicitAny: kafkajs's type.
  }): Promise<any>;
  produce(request: {
    topicData: Array<{
      topic: string;
      partitions: Array<{ partition: number; firstSequence?: number; messages: Message[] }>;
    }>;
    transactionalId?: string;
    producerId?: number;
    producerEpoch?: number;
    acks?: number;
    timeout?: number;
    compression?: CompressionTypes;
    // biome-ignore lint/suspicious/noExplicitAny: kafkajs's type.
  }): Promise<any>;
  alterPartitionReassignments(request: {
    topics: PartitionReassignment[];
    timeout?: number;
    // biome-ignore lint/suspicious/noExplicitAny: kafkajs's type.
  }): Promise<any>;
  listPartitionReassignments(request: {
    topics?: TopicPartitions[];
    timeout?: number;
  }): Promise<ListPartitionReassignmentsResponse>;
};

/** What an assigner of kafkajs's is given. */
export type Cluster = {
  getNodeIds(): number[];
  metadata(): Promise<BrokerMetadata>;
  removeBroker(options: { host: string; port: number }): void;
  addMultipleTargetTopics(topics: string[]): Promise<void>;
  isConnected(): boolean;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  refreshMetadataIfNecessary(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  findBroker(node: { nodeId: string }): Promise<Broker>;
  findControllerBroker(): Promise<Broker>;
  findTopicPartitionMetadata(topic: string): PartitionMetadata[];
  findLeaderForPartitions(topic: string, partitions: number[]): { [leader: string]: number[] };
  findGroupCoordinator(group: { groupId: string }): Promise<Broker>;
  findGroupCoordinatorMetadata(group: { groupId: string }): Promise<CoordinatorMetadata>;
  defaultOffset(config: { fromBeginning: boolean }): number;
  fetchTopicsOffset(
    topics: Array<
      { topic: string; partitions: Array<{ partition: number }> } & (
        | { fromBeginning: boolean; fromTimestamp?: never }
        | { fromTimestamp: number; fromBeginning?: never }
      )
    >,
  ): Promise<TopicOffsets[]>;
};

export type ConsumerGroup = {
  groupId: string;
  generationId: number;
  memberId: string;
  coordinator: Broker;
};

export interface KafkaJSDeleteGroupsErrorGroups {
  groupId: string;
  errorCode: number;
  error: KafkaJSError;
}

export interface KafkaJSDeleteTopicRecordsErrorTopic {
  topic: string;
  partitions: KafkaJSDeleteTopicRecordsErrorPartition[];
}

export interface KafkaJSOffsetOutOfRangeMetadata {
  topic: string;
  partition: number;
}

export interface KafkaJSConnectionErrorMetadata {
  broker?: string;
  code?: string;
}

export interface KafkaJSTopicMetadataNotLoadedMetadata {
  topic: string;
}

export interface KafkaJSStaleTopicMetadataAssignmentMetadata {
  topic: string;
  unknownPartitions: PartitionMetadata[];
}

export interface KafkaJSServerDoesNotSupportApiKeyMetadata {
  apiKey: number;
  apiName: string;
}

// Helpers that kafkajs's declarations export too.

export type ValueOf<T> = T[keyof T];
export type Without<T, U> = { [P in Exclude<keyof T, keyof U>]?: never };
export type XOR<T, U> = T | U extends object ? (Without<T, U> & U) | (Without<U, T> & T) : T | U;

/**
 * kafkajs's checks of what a consumer is given, in its order and with its messages. Each comes before the look
 * at whether the consumer runs, which is {@link notRunning}.
 */
import { types } from 'node:util';
import type { Complete } from '../complete.js';
import { KafkaJSNonRetriableError } from '../errors.js';
import type { RetryOptions } from '../retry.js';
import { PartitionAssigners } from './assigners.js';
import type {
  ConsumerConfig,
  ConsumerRunConfig,
  ConsumerSubscribeTopic,
  ConsumerSubscribeTopics,
  TopicPartitionOffset,
  TopicPartitionOffsetAndMetadata,
} from './types.js';

/** A consumer's options, with kafkajs's defaults. */
export type ConsumerSettings = Complete<
  Omit<ConsumerConfig, 'partitionAssigners' | 'retry' | 'groupInstanceId' | 'maxInFlightRequests'>
> & { retry: RetryOptions; groupInstanceId?: string };

/** What is committed, by topic. */
export interface TopicCommits {
  topic: string;
  partitions: { partition: number; offset: bigint; metadata: string | null }[];
}

/** The offsets that stand for the beginning and the end of a partition. */
const EARLIEST = -2n;
const LATEST = -1n;

/** Checks a consumer's options, and fills in what is not given. */
export function checkConsumerConfig(config: ConsumerConfig): ConsumerSettings {
  const {
    groupId,
    partitionAssigners = [],
    sessionTimeout = 30_000,
    heartbeatInterval = 3_000,
    groupInstanceId,
  } = config;
  if (!groupId) {
    throw new KafkaJSNonRetriableError('Consumer groupId must be a non-empty string.');
  }
  if (partitionAssigners.some((assigner) => assigner !== PartitionAssigners.roundRobin)) {
    throw new KafkaJSNonRetriableError(
      'partitionAssigners: an assigner in JavaScript is not supported, only PartitionAssigners.roundRobin',
    );
  }
  if (heartbeatInterval >= sessionTimeout) {
    throw new KafkaJSNonRetriableError(
      `Consumer heartbeatInterval (${heartbeatInterval}) must be lower than sessionTimeout (${sessionTimeout}). It is recommended to set heartbeatInterval to approximately a third of the sessionTimeout.`,
    );
  }
  return {
    groupId,
    sessionTimeout,
    heartbeatInterval,
    metadataMaxAge: config.metadataMaxAge ?? 300_000,
    rebalanceTimeout: config.rebalanceTimeout ?? 60_000,
    maxBytesPerPartition: config.maxBytesPerPartition ?? 1_048_576,
    minBytes: config.minBytes ?? 1,
    maxBytes: config.maxBytes ?? 10_485_760,
    maxWaitTimeInMs: config.maxWaitTimeInMs ?? 5_000,
    allowAutoTopicCreation: config.allowAutoTopicCreation ?? true,
    readUncommitted: config.readUncommitted ?? false,
    rackId: config.rackId ?? '',
    maxHandlerTime: config.maxHandlerTime ?? 300_000,
    retry: config.retry ?? { retries: 5 },
    ...(groupInstanceId !== undefined && { groupInstanceId }),
  };
}

/** Checks a subscription: the topics, and where to begin. `running` is whether `run` was called. */
export function checkSubscription(
  subscription: ConsumerSubscribeTopics | ConsumerSubscribeTopic,
  running: boolean,
): { topics: (string | RegExp)[]; fromBeginning: boolean } {
  const given = subscription as ConsumerSubscribeTopics & ConsumerSubscribeTopic;
  const { topic, topics, fromBeginning = false } = given;
  if (running) {
    throw new KafkaJSNonRetriableError('Cannot subscribe to topic while consumer is running');
  }
  if (!topic && !topics) {
    throw new KafkaJSNonRetriableError('Missing required argument "topics"');
  }
  if (topics != null && !Array.isArray(topics)) {
    throw new KafkaJSNonRetriableError('Argument "topics" must be an array');
  }
  const list = topics ?? [topic];
  for (const it of list) {
    if (typeof it !== 'string' && !types.isRegExp(it)) {
      throw new KafkaJSNonRetriableError(
        `Invalid topic ${it} (${typeof it}), the topic name has to be a String or a RegExp`,
      );
    }
  }
  return { topics: list, fromBeginning };
}

/** What `run` is given, with kafkajs's defaults. */
export function checkRun(config: ConsumerRunConfig = {}) {
  const { eachBatch = null, eachMessage = null } = config;
  // kafkajs finds out with the first message.
  for (const [name, handler] of Object.entries({ eachBatch, eachMessage })) {
    if (handler !== null && typeof handler !== 'function') {
      throw new KafkaJSNonRetriableError(`Invalid ${name}, expected a function`);
    }
  }
  return {
    autoCommit: config.autoCommit ?? true,
    autoCommitInterval: config.autoCommitInterval ?? null,
    autoCommitThreshold: config.autoCommitThreshold ?? null,
    eachBatchAutoResolve: config.eachBatchAutoResolve ?? true,
    partitionsConsumedConcurrently: config.partitionsConsumedConcurrently ?? 1,
    eachBatch,
    eachMessage,
  };
}

/** Checks offsets to commit, and gathers them by topic. */
export function checkCommits(
  topicPartitions: TopicPartitionOffsetAndMetadata[] = [],
): TopicCommits[] {
  const byTopic = new Map<string, TopicCommits>();
  for (const { topic, partition, offset, metadata = null } of topicPartitions) {
    const committed = checkPosition(topic, partition, offset);
    if (committed < 0n) {
      throw new KafkaJSNonRetriableError('Offset must not be a negative number');
    }
    if (metadata !== null && typeof metadata !== 'string') {
      throw new KafkaJSNonRetriableError(
        `Invalid offset metadata, expected string or null, received ${metadata}`,
      );
    }
    const commits = byTopic.get(topic) ?? { topic, partitions: [] };
    commits.partitions.push({ partition, offset: committed, metadata });
    byTopic.set(topic, commits);
  }
  return [...byTopic.values()];
}

/** Checks a position to go to: an offset, or -1 and -2 for the end and the beginning. */
export function checkSeek({ topic, partition, offset }: TopicPartitionOffset): {
  topic: string;
  partition: number;
  offset: bigint;
} {
  const sought = checkPosition(topic, partition, offset);
  if (sought < 0n && sought !== EARLIEST && sought !== LATEST) {
    throw new KafkaJSNonRetriableError('Offset must not be a negative number');
  }
  return { topic, partition, offset: sought };
}

/** Checks what is paused or resumed. */
export function checkPartitions(
  verb: 'pause' | 'resume',
  topicPartitions: { topic: string; partitions?: number[] | undefined }[],
): void {
  for (const it of topicPartitions) {
    if (!it?.topic) throw new KafkaJSNonRetriableError(`Invalid topic ${it?.topic || it}`);
    const { partitions } = it;
    if (partitions === undefined) continue;
    if (!Array.isArray(partitions) || partitions.some(isNoNumber)) {
      throw new KafkaJSNonRetriableError(
        `Array of valid partitions required to ${verb} specific partitions instead of ${partitions}`,
      );
    }
  }
}

/** What methods throw that need a consumer that runs. */
export function notRunning(): KafkaJSNonRetriableError {
  return new KafkaJSNonRetriableError(
    'Consumer group was not initialized, consumer#run must be called first',
  );
}

function checkPosition(topic: string, partition: number, offset: string): bigint {
  if (!topic) throw new KafkaJSNonRetriableError(`Invalid topic ${topic}`);
  if (isNoNumber(partition)) {
    throw new KafkaJSNonRetriableError(
      `Invalid partition, expected a number received ${partition}`,
    );
  }
  try {
    return toLong(offset);
  } catch {
    throw new KafkaJSNonRetriableError(`Invalid offset, expected a long received ${offset}`);
  }
}

/** As JavaScript's own `isNaN` has it: '1' and null are numbers. */
function isNoNumber(value: unknown): boolean {
  return Number.isNaN(Number(value));
}

/** What kafkajs takes for a long: also numbers, and what is no number for 0. */
function toLong(value: unknown): bigint {
  if (value === '' || value === null || value === undefined) throw new RangeError('no number');
  if (/^(NaN|[+-]?Infinity)$/.test(String(value)) && typeof value === 'string') return 0n;
  if (Number.isNaN(value)) return 0n;
  return BigInt(value as string);
}

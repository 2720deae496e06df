/**
 * kafkajs's checks of what an admin is given, in its order and with its messages. They come before any request.
 */
import type { Complete } from '../complete.js';
import { KafkaJSNonRetriableError } from '../errors.js';
import type { CreateTopicsOptions, FetchOffsetsOptions, ITopicConfig } from './types.js';

/** Checks topics to create, and fills in what is not given. */
export function checkCreateTopics({
  topics,
  validateOnly = false,
  timeout = 5_000,
  waitForLeaders = true,
}: CreateTopicsOptions): Complete<CreateTopicsOptions> {
  if (!topics || !Array.isArray(topics)) {
    throw new KafkaJSNonRetriableError(`Invalid topics array ${topics}`);
  }
  if (topics.some(({ topic }) => typeof topic !== 'string')) {
    throw new KafkaJSNonRetriableError(
      'Invalid topics array, the topic names have to be a valid string',
    );
  }
  if (new Set(topics.map(({ topic }) => topic)).size < topics.length) {
    throw new KafkaJSNonRetriableError(
      'Invalid topics array, it cannot have multiple entries for the same topic',
    );
  }
  topics.forEach(checkConfigEntries);
  return { topics, validateOnly, timeout, waitForLeaders };
}

/** Checks topics to delete. */
export function checkDeleteTopics({
  topics,
  timeout = 5_000,
}: {
  topics: string[];
  timeout?: number;
}): { topics: string[]; timeout: number } {
  if (!topics || !Array.isArray(topics)) {
    throw new KafkaJSNonRetriableError(`Invalid topics array ${topics}`);
  }
  if (topics.some((topic) => typeof topic !== 'string')) {
    throw new KafkaJSNonRetriableError('Invalid topics array, the names must be a valid string');
  }
  return { topics, timeout };
}

/** Checks topics to describe. None are all of them. */
export function checkTopicMetadata({ topics = [] }: { topics?: string[] } = {}): string[] {
  // null is all of them too, as there.
  const list = topics ?? [];
  list.forEach(checkTopic);
  return list;
}

/** Checks the topic whose offsets are asked for. */
export function checkTopic(topic: string): string {
  if (!topic || typeof topic !== 'string') {
    throw new KafkaJSNonRetriableError(`Invalid topic ${topic}`);
  }
  return topic;
}

/** Checks the group whose offsets are asked for, and fills in what is not given. No topics are all. */
export function checkFetchOffsets({
  groupId,
  topics,
  resolveOffsets = false,
}: FetchOffsetsOptions): Complete<FetchOffsetsOptions> {
  if (!groupId) throw new KafkaJSNonRetriableError(`Invalid groupId ${groupId}`);
  const list = topics || [];
  if (!Array.isArray(list)) {
    throw new KafkaJSNonRetriableError('Expected topics array to be set');
  }
  return { groupId, topics: list, resolveOffsets };
}

function checkConfigEntries({ topic, configEntries }: ITopicConfig): void {
  if (configEntries == null) return;
  if (!Array.isArray(configEntries)) {
    throw new KafkaJSNonRetriableError(
      `Invalid configEntries for topic "${topic}", must be an array`,
    );
  }
  for (const [index, entry] of configEntries.entries()) {
    if (typeof entry !== 'object' || entry == null) {
      throw new KafkaJSNonRetriableError(
        `Invalid configEntries for topic "${topic}". Entry ${index} must be an object`,
      );
    }
    for (const name of ['name', 'value'] as const) {
      if (Object.hasOwn(entry, name) && typeof entry[name] === 'string') continue;
      throw new KafkaJSNonRetriableError(
        `Invalid configEntries for topic "${topic}". Entry ${index} must have a valid "${name}" property`,
      );
    }
  }
}

/** Checks positions to commit. */
export function checkSetOffsets<
  T extends { groupId: string; topic: string; partitions: unknown[] },
>(options: T): T {
  checkGroupAndTopic(options);
  if (!options.partitions || options.partitions.length === 0) {
    throw new KafkaJSNonRetriableError('Invalid partitions');
  }
  return options;
}

/** Checks whose positions are to be reset, and fills in what is not given. */
export function checkResetOffsets({
  groupId,
  topic,
  earliest = false,
}: {
  groupId: string;
  topic: string;
  earliest?: boolean;
}): { groupId: string; topic: string; earliest: boolean } {
  checkGroupAndTopic({ groupId, topic });
  return { groupId, topic, earliest };
}

/** Checks groups to delete. */
export function checkGroupIds(groupIds: string[]): void {
  if (!groupIds || !Array.isArray(groupIds)) {
    throw new KafkaJSNonRetriableError(`Invalid groupIds array ${groupIds}`);
  }
  // kafkajs says whether there is one, and not which.
  if (groupIds.some((groupId) => typeof groupId !== 'string')) {
    throw new KafkaJSNonRetriableError('Invalid groupId name: true');
  }
}

function checkGroupAndTopic({ groupId, topic }: { groupId: string; topic: string }): void {
  if (!groupId) throw new KafkaJSNonRetriableError(`Invalid groupId ${groupId}`);
  if (!topic) throw new KafkaJSNonRetriableError(`Invalid topic ${topic}`);
}

/**
 * An admin's methods for topics.
 */
import { KafkaJSAggregateError, KafkaJSCreateTopicError } from '../errors.js';
import { fromNativeError } from '../native-errors.js';
import { protocolErrorOf } from '../protocol-errors.js';
import { checkCreateTopics, checkDeleteTopics, checkTopic, checkTopicMetadata } from './checks.js';
import type { AdminRequests, Ask, DescribedTopic, Outcome } from './engine.js';
import { type AdminContext, retryingOn, waitUntil } from './retrying.js';
import type { Admin, CreateTopicsOptions, ITopicConfig, SeekEntry } from './types.js';

type TopicMethods = Pick<
  Admin,
  | 'listTopics'
  | 'createTopics'
  | 'deleteTopics'
  | 'fetchTopicMetadata'
  | 'fetchTopicOffsets'
  | 'fetchTopicOffsetsByTimestamp'
  | 'describeCluster'
>;

/** The times that stand for the ends of a partition. */
const LATEST = -1;
const EARLIEST = -2;

/** How long kafkajs waits for leaders when no `timeout` says otherwise; milliseconds. */
const LEADERS_WAIT = 10_000;

/** Numbers of the protocol's errors. */
const INVALID_REQUEST = 42;
const INVALID_REPLICA_ASSIGNMENT = 39;

const UNKNOWN_TOPIC = 'UNKNOWN_TOPIC_OR_PARTITION';

export function topicMethods(ask: Ask, context: AdminContext): TopicMethods {
  const createTopics = async (options: CreateTopicsOptions): Promise<boolean> => {
    const { topics, validateOnly, timeout, waitForLeaders } = checkCreateTopics(options);
    if (topics.length === 0) return true;
    const retryOn = { types: ['NOT_CONTROLLER'], warning: 'Could not create topics' };
    return retryingOn(context, retryOn, async () => {
      const all = topics.map(completed);
      const refused = all.flatMap((topic) => refusal(topic) ?? []);
      const possible = all.filter((topic) => refusal(topic) === undefined);
      const request = { topics: possible, validateOnly, timeout };
      const answered = possible.length === 0 ? [] : await ask('createTopics', request);
      const failures = creationErrors([...refused, ...answered]);
      if (failures[0]) {
        const all = (wanted: string) => failures.every(({ type }) => type === wanted);
        if (all('TOPIC_ALREADY_EXISTS')) return false;
        if (all('NOT_CONTROLLER')) throw failures[0];
        throw new KafkaJSAggregateError('Topic creation errors', failures);
      }
      if (waitForLeaders && !validateOnly) {
        const names = topics.map(({ topic }) => topic);
        const longest = options.timeout ?? LEADERS_WAIT;
        await waitUntil(() => haveLeaders(ask, names), longest, 'topic leaders');
      }
      return true;
    });
  };

  const deleteTopics = async (options: { topics: string[]; timeout?: number }): Promise<void> => {
    const { topics, timeout } = checkDeleteTopics(options);
    if (topics.length === 0) return;
    const retryOn = {
      types: ['NOT_CONTROLLER', UNKNOWN_TOPIC],
      warning: 'Could not delete topics',
    };
    await retryingOn(context, retryOn, async () => {
      const outcomes = await ask('deleteTopics', { topics: [...new Set(topics)], timeout });
      const failure = byName(outcomes).find(({ error }) => error);
      if (!failure?.error) return;
      const error = fromNativeError(failure.error);
      if ((error as { type?: string }).type === 'REQUEST_TIMED_OUT') {
        context.logger.error(
          'Could not delete topics, check if "delete.topic.enable" is set to "true" (the default value is "false") or increase the timeout',
          { error: error.message },
        );
      }
      throw error;
    });
  };

  const fetchTopicMetadata: Admin['fetchTopicMetadata'] = async (options) => {
    const names = checkTopicMetadata(options);
    const topics = await retryingOn(context, { types: ['LEADER_NOT_AVAILABLE'] }, async () =>
      names.length === 0
        ? await ask('describeAllTopics', {})
        : sound(await ask('describeTopics', { topics: [...new Set(names)] })),
    );
    return { topics: topics.map(({ name, partitions }) => ({ name, partitions })) };
  };

  const offsetsAt = async (topic: string, ...times: number[]): Promise<Map<number, string>[]> => {
    const partitions = await partitionsOf(ask, topic);
    return Promise.all(
      times.map(async (timestamp) => {
        const request = partitions.map((partition) => ({ topic, partition, timestamp }));
        const positions = await ask('listOffsets', { partitions: request });
        const failure = positions.find(({ error }) => error)?.error;
        if (failure) throw fromNativeError(failure);
        const offsets = new Map(positions.map(({ partition, offset }) => [partition, offset]));
        return new Map(partitions.map((partition) => [partition, offsets.get(partition) ?? '-1']));
      }),
    );
  };

  const fetchTopicOffsets = async (
    topic: string,
  ): Promise<(SeekEntry & { high: string; low: string })[]> => {
    checkTopic(topic);
    return retryingOn(context, { types: [UNKNOWN_TOPIC] }, async () => {
      const [highs, lows] = (await offsetsAt(topic, LATEST, EARLIEST)) as [Offsets, Offsets];
      return [...highs].map(([partition, high]) => {
        return { partition, offset: high, high, low: lows.get(partition) as string };
      });
    });
  };

  const fetchTopicOffsetsByTimestamp = async (
    topic: string,
    timestamp?: number,
  ): Promise<SeekEntry[]> => {
    checkTopic(topic);
    const time = timestamp == null ? LATEST : Math.trunc(Number(timestamp));
    return retryingOn(context, { types: [UNKNOWN_TOPIC] }, async () => {
      const [highs, offsets] = (await offsetsAt(topic, LATEST, time)) as [Offsets, Offsets];
      // After the last message there is none yet.
      return [...offsets].map(([partition, offset]) => {
        return { partition, offset: offset === '-1' ? (highs.get(partition) as string) : offset };
      });
    });
  };

  return {
    createTopics,
    deleteTopics,
    listTopics: () => ask('listTopics', {}),
    fetchTopicMetadata,
    fetchTopicOffsets,
    fetchTopicOffsetsByTimestamp,
    describeCluster: async () => {
      const { brokers, controller, clusterId } = await ask('describeCluster', {});
      return { brokers, controller, clusterId: clusterId as string };
    },
  };
}

type Offsets = Map<number, string>;

/** The numbers of a topic's partitions, in order. An unknown topic throws. */
export async function partitionsOf(ask: Ask, topic: string): Promise<number[]> {
  const [described] = sound(await ask('describeTopics', { topics: [topic] }));
  const partitions = described?.partitions.map(({ partitionId }) => partitionId) ?? [];
  return partitions.sort((a, b) => a - b);
}

type CompletedTopic = AdminRequests['createTopics'][0]['topics'][number];

/** A broker's answer to assignments that the engine cannot send: with gaps, or beside other numbers. */
function refusal(topic: CompletedTopic): Outcome | undefined {
  const { topic: name, numPartitions, replicationFactor, replicaAssignment } = topic;
  if (replicaAssignment.length === 0) return undefined;
  const refused = (code: number): Outcome => ({ name, error: { code, name: '', message: '' } });
  if (numPartitions !== -1 || replicationFactor !== -1) return refused(INVALID_REQUEST);
  const partitions = replicaAssignment.map(({ partition }) => partition).sort((a, b) => a - b);
  const inOrder = partitions.every((partition, index) => partition === index);
  return inOrder ? undefined : refused(INVALID_REPLICA_ASSIGNMENT);
}

function completed(topic: ITopicConfig): CompletedTopic {
  return {
    topic: topic.topic,
    numPartitions: topic.numPartitions ?? -1,
    replicationFactor: topic.replicationFactor ?? -1,
    replicaAssignment: topic.replicaAssignment ?? [],
    configEntries: (topic.configEntries ?? []).map(({ name, value }) => ({ name, value })),
  };
}

function creationErrors(outcomes: Outcome[]): KafkaJSCreateTopicError[] {
  return byName(outcomes).flatMap(({ name, error }) =>
    error ? [new KafkaJSCreateTopicError(protocolErrorOf(error.code), name)] : [],
  );
}

/** kafkajs's order of failures. */
function byName(outcomes: Outcome[]): Outcome[] {
  return outcomes.toSorted((a, b) => a.name.localeCompare(b.name));
}

/** Whether the topics are known and each of their partitions has a leader. */
async function haveLeaders(ask: Ask, topics: string[]): Promise<boolean> {
  const described = await ask('describeTopics', { topics });
  return described.every(
    ({ error, partitions }) =>
      !error && partitions.length > 0 && partitions.every(({ leader }) => leader >= 0),
  );
}

/** The topics, unless something is wrong with one of them. */
function sound(topics: DescribedTopic[]): DescribedTopic[] {
  for (const { error, partitions } of topics) {
    if (error) throw fromNativeError(error);
    const code = partitions.find(({ partitionErrorCode }) => partitionErrorCode !== 0);
    if (code) throw fromNativeError({ code: code.partitionErrorCode, name: '', message: '' });
  }
  return topics;
}

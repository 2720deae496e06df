/**
 * An admin's methods for groups and their positions.
 */
import {
  type DeleteGroupsResult,
  KafkaJSDeleteGroupsError,
  KafkaJSNonRetriableError,
  KafkaJSProtocolError,
} from '../errors.js';
import { fromNativeError } from '../native-errors.js';
import type { NativeError } from '../native.js';
import { createErrorFromCode } from '../protocol-errors.js';
import { checkFetchOffsets, checkGroupIds, checkResetOffsets, checkSetOffsets } from './checks.js';
import type { Ask, DescribedGroup, Position } from './engine.js';
import { type AdminContext, retryingOn } from './retrying.js';
import { partitionsOf } from './topics.js';
import type {
  Admin,
  FetchOffsetsOptions,
  FetchOffsetsPartition,
  GroupDescriptions,
  SeekEntry,
} from './types.js';

type GroupMethods = Pick<
  Admin,
  'fetchOffsets' | 'setOffsets' | 'resetOffsets' | 'listGroups' | 'describeGroups' | 'deleteGroups'
>;

/** Marks of kafkajs's for the ends of a partition. */
const LATEST = '-1';
const EARLIEST = '-2';

/** What a coordinator answers while it moves or starts. */
const COORDINATOR_ERRORS = [
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
];

export function groupMethods(
  ask: Ask,
  context: AdminContext,
  { fetchTopicOffsets }: Pick<Admin, 'fetchTopicOffsets'>,
): GroupMethods {
  const describeGroups = async (groupIds: string[]): Promise<GroupDescriptions> => {
    if (groupIds.length === 0) return { groups: [] };
    return retryingOn(context, { types: COORDINATOR_ERRORS }, async () => {
      const described = await ask('describeGroups', { groupIds: [...new Set(groupIds)] });
      const failure = described.find(({ errorCode }) => errorCode !== 0);
      if (failure) throw createErrorFromCode(failure.errorCode);
      const byId = new Map(described.map((group) => [group.groupId, group]));
      return { groups: groupIds.map((groupId) => description(byId.get(groupId), groupId)) };
    });
  };

  /** The positions, those at an end in numbers. */
  const resolved = async (
    topic: string,
    partitions: FetchOffsetsPartition[],
  ): Promise<FetchOffsetsPartition[]> => {
    if (!partitions.some(({ offset }) => Number(offset) < 0)) return partitions;
    const ends = new Map((await fetchTopicOffsets(topic)).map((it) => [it.partition, it]));
    return partitions.map(({ partition, offset, metadata }) => {
      const end = ends.get(partition);
      const named = { [EARLIEST]: end?.low, [LATEST]: end?.high }[String(offset)];
      return { partition, offset: named ?? offset, metadata };
    });
  };

  const setOffsets = async (options: {
    groupId: string;
    topic: string;
    partitions: SeekEntry[];
  }): Promise<void> => {
    const { groupId, topic, partitions } = checkSetOffsets(options);
    const state = (await describeGroups([groupId])).groups[0]?.state;
    if (state !== 'Empty' && state !== 'Dead') {
      throw new KafkaJSNonRetriableError(
        `The consumer group must have no running instances, current state: ${state}`,
      );
    }
    const named = partitions.map(({ partition, offset }) => {
      return { partition: Number(partition), offset: String(offset), metadata: null };
    });
    const positions = await resolved(topic, named);
    await retryingOn(context, { types: COORDINATOR_ERRORS }, async () => {
      const request = positions.map(({ partition, offset }) => ({ topic, partition, offset }));
      sound(await ask('alterGroupOffsets', { groupId, partitions: request }));
    });
  };

  const fetchOffsets = async (
    options: FetchOffsetsOptions,
  ): Promise<{ topic: string; partitions: FetchOffsetsPartition[] }[]> => {
    const { groupId, topics, resolveOffsets } = checkFetchOffsets(options);
    const asked = await Promise.all(
      [...new Set(topics)].map(async (topic) =>
        (await partitionsOf(ask, topic)).map((partition) => ({ topic, partition })),
      ),
    );
    const partitions = topics.length === 0 ? null : asked.flat();
    const positions = await retryingOn(context, { types: COORDINATOR_ERRORS }, async () =>
      sound(await ask('listGroupOffsets', { groupId, partitions })),
    );
    const committed = new Set(positions.map(({ topic }) => topic));
    return Promise.all(
      [...committed].map(async (topic) => {
        const found = positions.filter((position) => position.topic === topic);
        const own = found.map(({ partition, offset, metadata }) => {
          return { partition, offset, metadata: metadata || null };
        });
        own.sort((a, b) => a.partition - b.partition);
        if (!resolveOffsets) return { topic, partitions: own };
        const numbers = await resolved(topic, own);
        await setOffsets({ groupId, topic, partitions: numbers });
        return { topic, partitions: numbers };
      }),
    );
  };

  const resetOffsets = async (options: {
    groupId: string;
    topic: string;
    earliest?: boolean;
  }): Promise<void> => {
    const { groupId, topic, earliest } = checkResetOffsets(options);
    const offset = earliest ? EARLIEST : LATEST;
    const partitions = await partitionsOf(ask, topic);
    const positions = partitions.map((partition) => ({ partition, offset }));
    await setOffsets({ groupId, topic, partitions: positions });
  };

  const deleteGroups = async (groupIds: string[]): Promise<DeleteGroupsResult[]> => {
    checkGroupIds(groupIds);
    if (groupIds.length === 0) return [];
    const results = new Map<string, DeleteGroupsResult>();
    let remaining = [...new Set(groupIds)];
    await retryingOn(context, { types: COORDINATOR_ERRORS }, async () => {
      const outcomes = await ask('deleteGroups', { groupIds: remaining });
      for (const { name, error } of outcomes) results.set(name, deletion(name, error));
      const again = [...results.values()].filter(({ error }) => isOfCoordinator(error));
      remaining = again.map(({ groupId }) => groupId);
      if (again[0]) throw again[0].error;
    });
    const all = [...results.values()];
    const failures = all.filter(({ error }) => error);
    if (failures.length > 0) throw new KafkaJSDeleteGroupsError('Error in DeleteGroups', failures);
    return all;
  };

  return {
    fetchOffsets,
    setOffsets,
    resetOffsets,
    listGroups: async () => ({
      groups: (await ask('listGroups', {})).map(({ groupId, protocolType }) => ({
        groupId,
        protocolType,
      })),
    }),
    describeGroups,
    deleteGroups,
  };
}

/** What became of one. What kept the engine from its coordinator throws. */
function deletion(groupId: string, error: NativeError | null): DeleteGroupsResult {
  if (!error) return { groupId, errorCode: 0 };
  const failure = fromNativeError(error);
  if (!(failure instanceof KafkaJSProtocolError)) throw failure;
  return { groupId, errorCode: failure.code, error: failure };
}

function isOfCoordinator(error: KafkaJSProtocolError | undefined): boolean {
  return error !== undefined && COORDINATOR_ERRORS.includes(error.type);
}

/** A group as kafkajs has it; one that the brokers do not know is dead there. */
function description(
  group: DescribedGroup | undefined,
  groupId: string,
): GroupDescriptions['groups'][number] {
  const { errorCode = 0, state = 'Dead', protocolType = '', protocol = '' } = group ?? {};
  const members = (group?.members ?? []).map((member) => ({
    ...member,
    memberMetadata: Buffer.from(member.memberMetadata),
    memberAssignment: Buffer.from(member.memberAssignment),
  }));
  const described = { errorCode, groupId, state, protocolType, protocol, members };
  return described as unknown as GroupDescriptions['groups'][number];
}

/** The positions, unless one of them could not be had. */
function sound(positions: Position[]): Position[] {
  const failure = positions.find(({ error }) => error)?.error;
  if (failure) throw fromNativeError(failure);
  return positions;
}

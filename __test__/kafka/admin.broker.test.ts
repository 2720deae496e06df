/**
 * The admin on a real broker, its answers beside those of kafkajs.
 */
import { setImmediate } from 'node:timers/promises';
import { type Admin as Theirs, AssignerProtocol, Kafka as TheirKafka } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Admin } from '../../lib/kafka/admin/types.js';
import { logLevel } from '../../lib/kafka/enums.js';
import { Kafka } from '../../lib/kafka/kafka.js';
import {
  BROKER_PATIENCE,
  needsBroker,
  startBroker,
  unique,
  useBroker,
} from '../support/kafka-broker.ts';
import { seen } from './support.js';

const broker = useBroker();
const retry = { retries: 1, initialRetryTime: 50 };

let ours: Admin;
let theirs: Theirs;

beforeAll(async () => {
  if (!broker.brokers) return;
  const config = { brokers: [broker.brokers.plaintext], logLevel: logLevel.NOTHING, retry };
  ours = new Kafka(config).admin();
  theirs = new TheirKafka(config).admin();
  await Promise.all([ours.connect(), theirs.connect()]);
  // A broker that has just started does not answer for its groups yet.
  const groups = Array.from({ length: 20 }, () => unique('group'));
  const coordinated = (groupId: string) =>
    ours.fetchOffsets({ groupId }).then(
      () => true,
      () => false,
    );
  await vi.waitUntil(async () => (await Promise.all(groups.map(coordinated))).every(Boolean), {
    timeout: 60_000,
  });
}, BROKER_PATIENCE);

afterAll(async () => {
  await Promise.all([ours?.disconnect(), theirs?.disconnect()]);
});

/** What both answer to the same call, where they agree. */
async function both<T>(call: (admin: Admin | Theirs) => Promise<T>): Promise<T> {
  const [our, their] = [await settled(() => call(ours)), await settled(() => call(theirs))];
  expect(our).toEqual(their);
  if ('error' in our) throw our.error;
  return our.value;
}

async function settled<T>(call: () => Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await call() };
  } catch (error) {
    return { error: detailed(error) };
  }
}

/** What users see of an error, those inside of it too. */
function detailed(error: unknown): object {
  const { errors, groups, cause, retryCount, topic } = error as Record<string, unknown>;
  const all = (list: unknown) => (list as unknown[] | undefined)?.map(detailed);
  return {
    ...(seen(error) as object),
    ...{ topic, retryCount, errors: all(errors), cause: cause && detailed(cause) },
    groups: (groups as { groupId: string; errorCode: number; error: Error }[])
      ?.map(({ groupId, errorCode, error }) => ({ groupId, errorCode, error: detailed(error) }))
      .sort((a, b) => a.groupId.localeCompare(b.groupId)),
  };
}

/** A topic with messages in its partition 0, and none in the others. */
async function topicWith(messages: { value: string; timestamp?: string }[]): Promise<string> {
  const topic = unique('topic');
  await ours.createTopics({ topics: [{ topic, numPartitions: 3 }] });
  const producer = new TheirKafka({
    brokers: [broker.brokers.plaintext],
    logLevel: logLevel.NOTHING,
  }).producer();
  await producer.connect();
  await producer.send({ topic, messages: messages.map((it) => ({ ...it, partition: 0 })) });
  await producer.disconnect();
  return topic;
}

describe('topics', () => {
  test('a topic is created with its partitions, leaders and settings, and listed', async () => {
    const topic = unique('created');
    const created = await ours.createTopics({
      topics: [
        { topic, numPartitions: 3, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] },
      ],
    });
    expect(created).toBe(true);
    expect(await ours.listTopics()).toContain(topic);
    const { topics } = await both((admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    expect(topics[0]?.partitions).toHaveLength(3);
    const { resources } = await theirs.describeConfigs({
      resources: [{ type: 2, name: topic, configNames: ['cleanup.policy'] }],
      includeSynonyms: false,
    });
    expect(resources[0]?.configEntries[0]?.configValue).toBe('compact');
  });

  test('creating what is there already is false', async () => {
    const topic = unique('twice');
    expect(await ours.createTopics({ topics: [{ topic }] })).toBe(true);
    expect(await both((admin) => admin.createTopics({ topics: [{ topic }] }))).toBe(false);
    expect(await both((admin) => admin.createTopics({ topics: [] }))).toBe(true);
  });

  test('validateOnly creates nothing', async () => {
    const topic = unique('validated');
    expect(await ours.createTopics({ validateOnly: true, topics: [{ topic }] })).toBe(true);
    expect(await ours.listTopics()).not.toContain(topic);
    const refused = ours.createTopics({
      validateOnly: true,
      topics: [{ topic, replicationFactor: 9 }],
    });
    await expect(refused).rejects.toMatchObject({
      errors: [{ type: 'INVALID_REPLICATION_FACTOR', topic }],
    });
  });

  test('each topic that cannot be created has an error of its own', async () => {
    const topic = unique('there');
    await ours.createTopics({ topics: [{ topic }] });
    const name = unique('refused');
    const refused = both((admin) =>
      admin.createTopics({
        topics: [
          { topic },
          { topic: 'not a name' },
          { topic: `${name}-a`, replicationFactor: 9 },
          { topic: `${name}-b`, configEntries: [{ name: 'nothing', value: '1' }] },
          { topic: `${name}-c`, replicaAssignment: [{ partition: 1, replicas: [1] }] },
          { topic: `${name}-d`, replicaAssignment: [{ partition: 0, replicas: [7] }] },
          {
            topic: `${name}-e`,
            numPartitions: 1,
            replicaAssignment: [{ partition: 0, replicas: [1] }],
          },
        ],
      }),
    );
    await expect(refused).rejects.toMatchObject({ name: 'KafkaJSAggregateError' });
  });

  test('replicas go where they are assigned to', async () => {
    const topic = unique('assigned');
    const replicaAssignment = [1, 0].map((partition) => ({ partition, replicas: [1] }));
    expect(await ours.createTopics({ topics: [{ topic, replicaAssignment }] })).toBe(true);
    const { topics } = await both((admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    expect(topics[0]?.partitions.map(({ replicas }) => replicas)).toEqual([[1], [1]]);
  });

  test('a deleted topic is gone, and one that was never there is tried again', async () => {
    const topic = unique('deleted');
    await ours.createTopics({ topics: [{ topic }] });
    expect(await ours.deleteTopics({ topics: [topic] })).toBeUndefined();
    await vi.waitUntil(async () => !(await ours.listTopics()).includes(topic));
    const refused = both((admin) => admin.deleteTopics({ topics: [unique('never')] }));
    await expect(refused).rejects.toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      retryCount: 1,
      cause: { type: 'UNKNOWN_TOPIC_OR_PARTITION' },
    });
  });

  test('metadata is of all topics or of those named, and creates none', async () => {
    const topic = await topicWith([]);
    const all = await ours.fetchTopicMetadata();
    expect(byName(all.topics)).toEqual(byName((await theirs.fetchTopicMetadata()).topics));
    expect(all.topics.map(({ name }) => name)).toContain(topic);

    const missing = unique('missing');
    for (const name of [missing, 'not a name']) {
      const refused = both((admin) => admin.fetchTopicMetadata({ topics: [topic, name] }));
      await expect(refused).rejects.toMatchObject({ name: 'KafkaJSProtocolError' });
    }
    expect(await ours.listTopics()).not.toContain(missing);
  });

  test('offsets of a topic: its ends, and by time', async () => {
    const topic = await topicWith([
      { value: 'one', timestamp: '1000' },
      { value: 'two', timestamp: '2000' },
    ]);
    const byPartition = <T extends { partition: number }>(list: T[]): T[] =>
      list.toSorted((a, b) => a.partition - b.partition);
    const ends = await both(async (admin) => byPartition(await admin.fetchTopicOffsets(topic)));
    expect(ends[0]).toEqual({ partition: 0, offset: '2', high: '2', low: '0' });
    expect(ends[2]).toEqual({ partition: 2, offset: '0', high: '0', low: '0' });
    for (const [time, offset] of [
      [1000, '0'],
      [1001, '1'],
      [2001, '2'],
      [undefined, '2'],
    ] as const) {
      const offsets = await both(async (admin) =>
        byPartition(await admin.fetchTopicOffsetsByTimestamp(topic, time)),
      );
      expect(offsets[0], `${time}`).toEqual({ partition: 0, offset });
    }
    const refused = both((admin) => admin.fetchTopicOffsets(unique('missing')));
    await expect(refused).rejects.toMatchObject({ name: 'KafkaJSNumberOfRetriesExceeded' });
  });

  test('the cluster', async () => {
    const cluster = await both((admin) => admin.describeCluster());
    expect(cluster.brokers).toHaveLength(1);
    expect(cluster.controller).toBe(1);
  });
});

describe('groups', () => {
  test('offsets of a group are set, fetched, reset and resolved', async () => {
    const topic = await topicWith([{ value: 'one' }, { value: 'two' }]);
    const groupId = unique('group');
    const partitions = [
      { partition: 0, offset: '1' },
      { partition: 1, offset: '0' },
    ];
    expect(await ours.setOffsets({ groupId, topic, partitions })).toBeUndefined();
    for (const topics of [[topic], undefined]) {
      const offsets = await both((admin) =>
        admin.fetchOffsets({ groupId, ...(topics && { topics }) }),
      );
      const none = { partition: 2, offset: '-1', metadata: null };
      const committed = partitions.map((it) => ({ ...it, metadata: null }));
      expect(offsets).toEqual([{ topic, partitions: topics ? [...committed, none] : committed }]);
    }

    const offsetsOf = async (resolveOffsets = false): Promise<string[] | undefined> => {
      const [found] = await ours.fetchOffsets({ groupId, topics: [topic], resolveOffsets });
      return found?.partitions.map(({ offset }) => offset);
    };
    await ours.resetOffsets({ groupId, topic });
    expect(await offsetsOf()).toEqual(['2', '0', '0']);
    await ours.resetOffsets({ groupId, topic, earliest: true });
    expect(await offsetsOf()).toEqual(['0', '0', '0']);
    // kafkajs has committed the marks, which are no positions.
    await theirs.resetOffsets({ groupId, topic, earliest: false });
    expect(await offsetsOf(true)).toEqual(['2', '0', '0']);
    expect(await offsetsOf()).toEqual(['2', '0', '0']);

    const missing = both((admin) => admin.fetchOffsets({ groupId, topics: [unique('missing')] }));
    await expect(missing).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION' });
  });

  test('a group is listed and described with what its members say of themselves', async () => {
    const topic = await topicWith([{ value: 'one' }]);
    const [groupId, unknown] = [unique('members'), unique('unknown')];
    const consumer = new TheirKafka({
      brokers: [broker.brokers.plaintext],
      logLevel: logLevel.NOTHING,
    }).consumer({ groupId });
    await consumer.subscribe({ topic });
    const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve));
    await consumer.connect();
    await consumer.run({ eachMessage: async () => {} });
    await joined;

    const [group, other] = await both(async (admin) => {
      const { groups } = await admin.describeGroups([unknown, groupId]);
      return groups.toSorted((a, b) => a.groupId.localeCompare(b.groupId));
    });
    expect([group?.state, other?.state]).toEqual(['Stable', 'Dead']);
    const member = group?.members[0];
    const assigned = AssignerProtocol.MemberAssignment.decode(member?.memberAssignment as Buffer);
    expect(assigned?.assignment).toEqual({ [topic]: [0, 1, 2] });
    const metadata = AssignerProtocol.MemberMetadata.decode(member?.memberMetadata as Buffer);
    expect(metadata?.topics).toEqual([topic]);
    const listed = (await ours.listGroups()).groups.find((it) => it.groupId === groupId);
    expect(listed).toEqual({ groupId, protocolType: 'consumer' });

    const partitions = [{ partition: 0, offset: '0' }];
    const refused = both((admin) => admin.setOffsets({ groupId, topic, partitions }));
    await expect(refused).rejects.toMatchObject({ name: 'KafkaJSNonRetriableError' });
    const kept = both((admin) => admin.deleteGroups([groupId, unknown]));
    await expect(kept).rejects.toMatchObject({ name: 'KafkaJSDeleteGroupsError' });

    await consumer.disconnect();
    expect(await ours.deleteGroups([groupId])).toEqual([{ groupId, errorCode: 0 }]);
    expect(await both((admin) => admin.deleteGroups([]))).toEqual([]);
    expect(await both((admin) => admin.describeGroups([]))).toEqual({ groups: [] });
  });
});

describe('a connection', () => {
  test('is made by the first request where nobody has connected, as with kafkajs', async () => {
    const admin = new Kafka({ brokers: [broker.brokers.plaintext], retry }).admin();
    const connected = vi.fn();
    admin.on(admin.events.CONNECT, connected);
    expect((await admin.describeCluster()).brokers).toHaveLength(1);
    expect(connected).not.toHaveBeenCalled();
    await admin.disconnect();
  });

  test('is told of, ends once, and may be made again', async () => {
    const admin = new Kafka({ brokers: [broker.brokers.plaintext], retry }).admin();
    const told: string[] = [];
    admin.on(admin.events.CONNECT, ({ type }) => void told.push(type));
    admin.on(admin.events.DISCONNECT, ({ type }) => void told.push(type));
    await Promise.all([admin.connect(), admin.connect()]);
    await admin.disconnect();
    await admin.connect();
    expect(await admin.listTopics()).toBeInstanceOf(Array);
    await admin.disconnect();
    await admin.disconnect();
    const [connect, disconnect] = ['admin.connect', 'admin.disconnect'];
    expect(told).toEqual([connect, connect, disconnect, connect, disconnect, disconnect]);
  });
});

test('a request fails when the admin disconnects, and the admin finds a broker that comes back', async (context) => {
  needsBroker(context);
  const own = await startBroker(context);
  const admin = new Kafka({
    brokers: [own.brokers.plaintext],
    logLevel: logLevel.NOTHING,
    retry: { retries: 1_000, initialRetryTime: 100, maxRetryTime: 200 },
  }).admin();
  const topic = unique('kept');
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] });
  await own.kill();
  const waiting = settled(() => admin.fetchTopicMetadata({ topics: [topic] }));
  await setImmediate();
  await admin.disconnect();
  expect(await waiting).toMatchObject({
    error: { name: 'KafkaJSConnectionError', message: 'Closed connection' },
  });

  const again = admin.connect();
  await own.restart();
  await again;
  expect(await admin.listTopics()).toContain(topic);
  await admin.disconnect();
}, 120_000);

function byName<T extends { name: string }>(topics: T[]): T[] {
  return topics.toSorted((a, b) => a.name.localeCompare(b.name));
}

/**
 * What an admin waits for and tries again, by an engine whose answers are written down.
 */
import { expect, test, vi } from 'vitest';
import type { AdminRequests, Ask } from '../../lib/kafka/admin/engine.js';
import { groupMethods } from '../../lib/kafka/admin/groups.js';
import { topicMethods } from '../../lib/kafka/admin/topics.js';
import type { Admin } from '../../lib/kafka/admin/types.js';
import { createLogger } from '../../lib/kafka/logger.js';
import { retrySettings } from '../../lib/kafka/retry.js';

type Answers = { [K in keyof AdminRequests]?: AdminRequests[K][1][] };

const NOT_CONTROLLER = { code: 41, name: 'NOT_CONTROLLER', message: '' };
const UNKNOWN_TOPIC = { code: 3, name: 'UNKNOWN_TOPIC_OR_PART', message: '' };
const LOADING = { code: 14, name: 'COORDINATOR_LOAD_IN_PROGRESS', message: '' };
const CREATED = [{ name: 'orders', error: null }];

/** An admin that gets these answers, the last of each kind again and again, and what it has asked. */
function adminOf(answers: Answers) {
  const asked = vi.fn((type: keyof AdminRequests, _request: unknown) => {
    const list = answers[type] as unknown[];
    return list.length > 1 ? list.shift() : list[0];
  });
  const ask: Ask = async (type, request) => asked(type, request) as never;
  const context = {
    logger: createLogger(0, () => () => {}),
    retry: retrySettings({ retries: 2, initialRetryTime: 1 }),
  };
  const topics = topicMethods(ask, context);
  const admin = { ...topics, ...groupMethods(ask, context, topics) } as Admin;
  const count = (type: string) => asked.mock.calls.filter(([it]) => it === type).length;
  return { admin, asked, count };
}

/** The topic, with these leaders. */
function described(...leaders: number[]): AdminRequests['describeTopics'][1] {
  const partitions = leaders.map((leader, partitionId) => {
    return { partitionErrorCode: leader < 0 ? 5 : 0, partitionId, leader, replicas: [], isr: [] };
  });
  return [{ name: 'orders', error: null, partitions }];
}

const topics = [{ topic: 'orders' }];

test('a topic is created when it is known and each partition has a leader', async () => {
  const unknown = [{ name: 'orders', error: UNKNOWN_TOPIC, partitions: [] }];
  const { admin, count } = adminOf({
    createTopics: [CREATED],
    describeTopics: [unknown, described(1, -1), described(1, 2)],
  });
  expect(await admin.createTopics({ topics })).toBe(true);
  expect(count('describeTopics')).toBe(3);
});

test('leaders are waited for only so long, and only when it is wanted', async () => {
  const { admin, count } = adminOf({ createTopics: [CREATED], describeTopics: [described(-1)] });
  await expect(admin.createTopics({ topics, timeout: 150 })).rejects.toMatchObject({
    name: 'KafkaJSTimeout',
    message: 'Timed out while waiting for topic leaders',
  });
  const before = count('describeTopics');
  expect(await admin.createTopics({ topics, waitForLeaders: false })).toBe(true);
  expect(await admin.createTopics({ topics, validateOnly: true })).toBe(true);
  expect(count('describeTopics')).toBe(before);
});

test('a controller that has moved is asked again', async () => {
  const moved = [{ name: 'orders', error: NOT_CONTROLLER }];
  const { admin, count } = adminOf({
    createTopics: [moved, CREATED],
    deleteTopics: [moved, CREATED],
    describeTopics: [described(1)],
  });
  expect(await admin.createTopics({ topics })).toBe(true);
  await admin.deleteTopics({ topics: ['orders'] });
  expect([count('createTopics'), count('deleteTopics')]).toEqual([2, 2]);
});

test('metadata without a leader is asked for again, and then is an error', async () => {
  const { admin, count } = adminOf({ describeTopics: [described(-1), described(1)] });
  expect((await admin.fetchTopicMetadata({ topics: ['orders'] })).topics).toHaveLength(1);
  expect(count('describeTopics')).toBe(2);

  const never = adminOf({ describeTopics: [described(-1)] });
  await expect(never.admin.fetchTopicMetadata({ topics: ['orders'] })).rejects.toMatchObject({
    name: 'KafkaJSNumberOfRetriesExceeded',
    cause: { type: 'LEADER_NOT_AVAILABLE' },
  });
});

test('only the groups whose coordinator was not ready are deleted again', async () => {
  const { admin, asked } = adminOf({
    deleteGroups: [
      [
        { name: 'a', error: null },
        { name: 'b', error: LOADING },
      ],
      [{ name: 'b', error: null }],
    ],
  });
  expect(await admin.deleteGroups(['a', 'b'])).toEqual([
    { groupId: 'a', errorCode: 0 },
    { groupId: 'b', errorCode: 0 },
  ]);
  expect(asked.mock.calls.map(([, request]) => request)).toEqual([
    { groupIds: ['a', 'b'] },
    { groupIds: ['b'] },
  ]);
});

test('positions are asked for again while a coordinator loads, each of which may fail', async () => {
  const position = { topic: 'orders', partition: 0, offset: '7', metadata: '' };
  const { admin } = adminOf({
    describeTopics: [described(1)],
    listGroupOffsets: [[{ ...position, error: LOADING }], [{ ...position, error: null }]],
  });
  const offsets = await admin.fetchOffsets({ groupId: 'g', topics: ['orders'] });
  expect(offsets).toEqual([
    { topic: 'orders', partitions: [{ partition: 0, offset: '7', metadata: null }] },
  ]);
});

test('a time after the last message is the end of the partition', async () => {
  const at = (offset: string) => [
    { topic: 'orders', partition: 0, offset, metadata: null, error: null },
  ];
  const { admin } = adminOf({
    describeTopics: [described(1)],
    listOffsets: [at('9'), at('-1')],
  });
  expect(await admin.fetchTopicOffsetsByTimestamp('orders', 1)).toEqual([
    { partition: 0, offset: '9' },
  ]);
});

/**
 * The bytes and the choices of kafkajs's assigner.
 */
import kafkajs from 'kafkajs';
import { expect, test } from 'vitest';
import { AssignerProtocol } from '../../lib/kafka/consumer/assigner-protocol.js';
import { PartitionAssigners } from '../../lib/kafka/consumer/assigners.js';
import { partitionsOf } from './support.js';

const METADATA = [
  { version: 0, topics: [] },
  { version: 1, topics: ['a', 'zürich-€'], userData: Buffer.from('u') },
  { version: 0, topics: ['a'], userData: null },
];
const ASSIGNMENTS = [
  { version: 0, assignment: {} },
  { version: 1, assignment: { a: [0, 2, 65_536], 'zürich-€': [] }, userData: Buffer.from('u') },
  { version: 0, assignment: { a: [1] }, userData: null },
];

test.each([
  ['MemberMetadata', METADATA],
  ['MemberAssignment', ASSIGNMENTS],
] as const)('%s has the bytes that it has in kafkajs', (name, values) => {
  const [ours, theirs] = [AssignerProtocol[name], kafkajs.AssignerProtocol[name]];
  for (const value of values) {
    const bytes = theirs.encode(value as never);
    expect(ours.encode(value as never)).toEqual(bytes);
    expect(ours.decode(bytes)).toEqual(theirs.decode(bytes));
  }
});

test('a member without partitions may have no bytes', () => {
  expect(AssignerProtocol.MemberAssignment.decode(Buffer.alloc(0))).toBeNull();
});

test('roundRobin assigns as that of kafkajs', async () => {
  const counts: Record<string, number> = { a: 5, b: 1, c: 0 };
  const cluster = {
    findTopicPartitionMetadata: (topic: string) => partitionsOf(counts[topic] ?? 0),
  };
  const args = { cluster, groupId: 'g', logger: undefined } as never;
  const ours = PartitionAssigners.roundRobin(args);
  const theirs = kafkajs.PartitionAssigners.roundRobin(args);
  expect([ours.name, ours.version]).toEqual([theirs.name, theirs.version]);
  expect(ours.protocol({ topics: ['a', 'b'] })).toEqual(theirs.protocol({ topics: ['a', 'b'] }));
  for (const ids of [['m'], ['m2', 'm1', 'm3'], Array.from({ length: 9 }, (_, it) => `m${it}`)]) {
    const members = ids.map((memberId) => ({ memberId, memberMetadata: Buffer.alloc(0) }));
    const group = { members, topics: ['b', 'c', 'a'] };
    expect(await ours.assign(group)).toEqual(await theirs.assign(group));
  }
});

/**
 * A handler that holds the event loop for a minute, with the session timeout that everybody has, which is half of it; and
 * one that holds it while the group rebalances, for longer than the group waits.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { unique, useBroker } from '../support/kafka-broker.ts';
import { startNode } from '../support/node-process.ts';
import { Lab, numbered, Seen } from './consumer-support.ts';

const broker = useBroker();
const lab = new Lab(broker);

const PARTITIONS = 2;
const BLOCK = 60_000;

test(
  'a handler that blocks the event loop for 60 s keeps its partitions',
  async () => {
    const topic = await lab.topic(PARTITIONS);
    const groupId = unique('group');
    await lab.produce(topic, [...numbered(5), ...numbered(5, 5, 1)]);
    // In a process of its own, whose event loop nobody else needs.
    const service = startNode(
      `
      import { Kafka } from './dist/kafka/kafka.js';
      const kafka = new Kafka({ brokers: ['${broker.brokers.plaintext}'], logLevel: 0 });
      const handled = new Set();
      const consumer = kafka.consumer({ groupId: '${groupId}' });
      consumer.on('consumer.group_join', ({ payload: { memberAssignment } }) => {
        console.log('joined with', (memberAssignment['${topic}'] ?? []).length);
      });
      consumer.on('consumer.rebalancing', () => console.log('rebalancing'));
      consumer.on('consumer.crash', ({ payload: { error } }) => console.log('crash', error.message));
      await consumer.connect();
      await consumer.subscribe({ topic: '${topic}', fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ message: { value } }) => {
          console.log('handles', String(value));
          handled.add(String(value));
          if (handled.size === 20) setImmediate(() => consumer.disconnect());
          if (String(value) === '2') {
            const before = performance.now();
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${BLOCK});
            console.log('blocked for', Math.floor(performance.now() - before), 'ms');
          }
        },
      });
    `,
      { patience: BLOCK * 2 },
    );
    await service.printed(/handles 2\n/);
    let blocked: number | undefined;
    const unblocked = service.printed(/blocked for (\d+) ms/).then(([, time]) => {
      blocked = Number(time);
    });
    const members = new Set<string>();
    while (blocked === undefined) {
      const { groups } = await lab.admin((admin) => admin.describeGroups([groupId]));
      for (const { state, members: all } of groups) {
        members.add(`${state}: ${all.map(({ memberId }) => memberId)}`);
      }
      await Promise.race([unblocked, sleep(1_000)]);
    }
    expect(blocked).toBeGreaterThanOrEqual(BLOCK - 1);
    // To the broker it was the same member all the time.
    expect([...members]).toEqual([expect.stringMatching(/^Stable: [^,]+$/)]);
    // What comes afterwards is for the member that was silent for so long.
    await lab.produce(topic, [...numbered(5, 10), ...numbered(5, 15, 1)]);
    const { output, code } = await service.end;
    const handled = [...output.matchAll(/handles (\d+)/g)].map(([, value]) => Number(value));
    expect(handled.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(output.match(/joined with \d+/g)).toEqual([`joined with ${PARTITIONS}`]);
    expect(output).not.toMatch(/rebalancing|crash/);
    expect(await lab.committed(groupId, topic)).toEqual([10, 10]);
    expect(code).toBe(0);
  },
  BLOCK * 3,
);

test('a handler that blocks through a rebalance, longer than the group waits, leaves nothing out', async () => {
  const partitions = 4;
  const each = 2_000;
  const topic = await lab.topic(partitions);
  const groupId = unique('group');
  for (let at = 0; at < partitions; at += 1) await lab.produce(topic, numbered(1, 0, at));
  const service = startNode(
    `
    import { Kafka } from './dist/kafka/kafka.js';
    const kafka = new Kafka({ brokers: ['${broker.brokers.plaintext}'], logLevel: 0 });
    const consumer = kafka.consumer({
      groupId: '${groupId}',
      sessionTimeout: 6_000,
      rebalanceTimeout: 2_000,
      heartbeatInterval: 300,
      maxWaitTimeInMs: 100,
    });
    consumer.on('consumer.rebalancing', () => console.log('rebalancing'));
    consumer.on('consumer.crash', ({ payload: { error } }) => console.log('crash', error.message));
    let joins = 0;
    consumer.on('consumer.group_join', ({ payload: { memberAssignment } }) => {
      joins += 1;
      console.log('join', joins, (memberAssignment['${topic}'] ?? []).length);
    });
    let handled = 0;
    let last = 0;
    await consumer.subscribe({ topic: '${topic}', fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ partition, message: { offset } }) => {
        console.log('handles', partition + ':' + offset);
        handled += 1;
        if (offset === '${each + 10}') last += 1;
        if (last === 2) setImmediate(() => consumer.disconnect());
        if (handled !== ${partitions} + 1) return;
        console.log('blocks');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 9_000);
        console.log('goes on');
      },
    });
  `,
    { patience: 60_000 },
  );
  await service.printed(/(handles \d:0\n.*){4}/s);
  const blocks = service.printed(/blocks\n/);
  for (let at = 0; at < partitions; at += 1) await lab.produce(topic, numbered(each, 1, at));
  await blocks;
  const others = new Seen<string>();
  const other = lab.consumer({ groupId, sessionTimeout: 6_000, heartbeatInterval: 300 });
  await other.subscribe({ topic, fromBeginning: true });
  await other.run({
    eachMessage: async ({ partition, message: { offset } }) => others.add(`${partition}:${offset}`),
  });
  await service.printed(/goes on\n/);
  await service.printed(/join 2 2\n/);
  // Behind what there was, so that a partition that has got there has skipped what it never will handle.
  for (let at = 0; at < partitions; at += 1) await lab.produce(topic, numbered(10, each + 1, at));
  const { output, code } = await service.end;
  const ends = Array<number>(partitions).fill(each + 11);
  await expect.poll(() => lab.committed(groupId, topic), { timeout: 20_000 }).toEqual(ends);
  const all = new Set(others.all);
  for (const [, place] of output.matchAll(/handles (\d:\d+)/g)) all.add(place as string);
  const missing = ends.flatMap((end, partition) =>
    Array.from({ length: end }, (_, offset) => `${partition}:${offset}`).filter(
      (it) => !all.has(it),
    ),
  );
  expect(missing).toEqual([]);
  expect(output).not.toContain('crash');
  expect(code).toBe(0);
}, 90_000);

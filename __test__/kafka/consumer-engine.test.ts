/** What a consumer makes of its engine's notices and batches, whatever the order in which they come. */
import { expect, test, vi } from 'vitest';
import type { LogEntry } from '../../lib/kafka/logger.js';
import { logLevel } from '../../lib/kafka/enums.js';
import { batch, later, NativeDouble } from './native-double.js';
import { crossed, deferred } from './support.js';

/** It asks to be in the group. */
const subscribed = (native: NativeDouble) =>
  vi.waitFor(() => expect(native.count('subscribe')).toBe(1));

test('a batch that comes before the notice of its assignment is handled', async () => {
  const native = new NativeDouble();
  const consumer = native.consumer();
  const offsets: string[] = [];
  await consumer.subscribe({ topic: 'a' });
  native.assign(1);
  void consumer.run({ eachMessage: async ({ message }) => void offsets.push(message.offset) });
  await subscribed(native);
  native.batches.push(batch({ assignment: 1, offset: 0, count: 2 }));
  native.onBatch();
  await vi.waitFor(() => expect(offsets).toEqual(['0', '1']));

  native.revoke(1);
  native.onNotice();
  await vi.waitFor(() => expect(native.commands.at(-1)?.type).toBe('release'));
  native.assign(2);
  native.batches.push(batch({ assignment: 2, offset: 2, count: 2 }));
  native.batches.push(batch({ assignment: 2, offset: 4, count: 1 }));
  native.onBatch();
  await vi.waitFor(() => expect(offsets).toHaveLength(5));
  expect(offsets).toEqual(['0', '1', '2', '3', '4']);
});

test('a partition that is resumed while it is handled, and then given back, goes on when it comes again', async () => {
  const native = new NativeDouble();
  const consumer = native.consumer();
  const busy = deferred();
  const handled: string[] = [];
  await consumer.subscribe({ topic: 'a' });
  native.assign(1);
  const running = consumer.run({
    eachMessage: async ({ message }) => {
      handled.push(message.offset);
      await busy.promise;
    },
  });
  await subscribed(native);
  native.batches.push(batch({ assignment: 1, offset: 0, count: 2 }));
  native.onBatch();
  await running;
  await vi.waitFor(() => expect(handled).toEqual(['0']));
  consumer.pause([{ topic: 'a', partitions: [0] }]);
  consumer.resume([{ topic: 'a', partitions: [0] }]);
  const held = native.commands.at(-1) as { rules: { paused: number[] }[] } | undefined;
  expect(held?.rules[0]?.paused, 'its outcome says where it goes on').toEqual([0]);
  native.revoke(1);
  native.onNotice();
  busy.resolve();
  await vi.waitFor(() => expect(native.commands.at(-1)?.type).toBe('release'));

  native.assign(2);
  native.onNotice();
  const told = native.commands.at(-1) as
    | { type: string; rules: { paused: number[] }[]; changes: { epoch: number }[] }
    | undefined;
  expect(told?.type).toBe('pauses');
  expect(told?.rules.flatMap(({ paused }) => paused)).toEqual([]);
  expect(told?.changes).toMatchObject([{ topic: 'a', partition: 0 }]);
  const epoch = told?.changes[0]?.epoch ?? 0;
  native.batches.push(batch({ assignment: 2, epoch, offset: 1, count: 1 }));
  native.onBatch();
  await vi.waitFor(() => expect(handled).toEqual(['0', '1']));
});

test('while a partition waits after a failure only so many bytes are read ahead', async () => {
  const native = new NativeDouble();
  const consumer = native.consumer({ retry: { initialRetryTime: 60_000, maxRetryTime: 60_000 } });
  await consumer.subscribe({ topic: 'a' });
  native.assign(1);
  void consumer.run({
    eachMessage: async () => {
      throw new Error('the database is away');
    },
  });
  await subscribed(native);
  for (let at = 0; at < 100; at += 1) {
    native.batches.push(batch({ assignment: 1, offset: 10 * at, count: 10, bytes: 100_000 }));
  }
  native.onBatch();
  await later(200);
  expect(native.taken).toBeGreaterThan(2);
  expect(native.taken, '16 MiB, and one batch').toBeLessThanOrEqual(18);
});

test('a commit that fails is tried again though nothing more comes, and is a warning in the end', async () => {
  const native = new NativeDouble();
  const lines: LogEntry[] = [];
  const consumer = native.consumer(
    {},
    { logLevel: logLevel.WARN, logCreator: () => (entry) => lines.push(entry) },
  );
  let commits = 0;
  native.answer = ({ type }) => {
    if (type !== 'commit') return undefined;
    commits += 1;
    if (commits > 3) return undefined;
    const error = {
      name: 'COORDINATOR_NOT_AVAILABLE',
      code: 15,
      message: 'The coordinator is away',
    };
    throw crossed(error);
  };
  await consumer.subscribe({ topic: 'a' });
  native.assign(1);
  void consumer.run({ eachMessage: async () => {} });
  await subscribed(native);
  native.batches.push(batch({ assignment: 1, offset: 0, count: 2 }));
  native.onBatch();
  await vi.waitFor(() => expect(commits).toBe(4), { timeout: 5_000 });
  const warnings = lines.filter(({ log }) => log.message.startsWith('Offsets were not committed'));
  expect(warnings).toHaveLength(1);
  await later(300);
  expect(commits, 'it is committed').toBe(4);
});

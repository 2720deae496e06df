/** What a consumer's engine promises of the order in which things come. */
import { expect, test } from 'vitest';
import { ConsumerEngine, type NativeConsumer } from '../../lib/kafka/consumer/engine.js';

test('an assignment is told before the first batch of it, whichever wakes JavaScript first', () => {
  const assigned = {
    type: 'assigned',
    assignment: 2,
    partitions: [],
    memberId: 'm',
    generation: 2,
  };
  const notices = [JSON.stringify(assigned)];
  const batches = [Buffer.alloc(8)];
  class Native implements NativeConsumer {
    take = () => batches.shift() ?? null;
    topics = () => [];
    takeNotices = () => notices.splice(0);
    stats = () => '{}';
    setToken() {}
    command() {}
    request = async () => '{}';
  }
  const [config, settings, logger] = [{ config: {} }, {}, {}] as never[];
  const engine = new ConsumerEngine(Native, config as never, settings as never, logger as never);
  const seen: unknown[] = [];
  engine.onNotices = (taken) => seen.push(...taken);
  expect(engine.take()).not.toBeNull();
  expect(seen).toEqual([assigned]);
});

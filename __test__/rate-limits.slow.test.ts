/**
 * A client that stays over its rate is closed after 10 s, and one that pauses is not.
 */
import { connectClient } from '@libs/messaging/testing';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { startManager } from './support/managers.js';

test('10 s of excess without a pause close with 1008', { timeout: 30_000 }, async () => {
  const manager = await startManager({ limits: { messagesPerSecond: 1 } });
  const [steady, pausing] = [await connectClient(manager), await connectClient(manager)];
  const begin = performance.now();
  let closedAt = 0;
  void steady.closed.then(() => {
    closedAt = performance.now() - begin;
  });
  while (closedAt === 0 && performance.now() - begin < 20_000) {
    steady.send({ type: 'heartbeat' });
    // Over its rate as well, but for a second and a half in each three.
    if ((performance.now() - begin) % 3000 < 1500) {
      for (let i = 0; i < 5; i += 1) pausing.send({ type: 'heartbeat' });
    }
    await delay(100);
  }
  expect(await steady.closed).toEqual({ code: 1008, reason: 'Rate limit exceeded' });
  expect(closedAt).toBeGreaterThan(9_900);
  expect(closedAt).toBeLessThan(15_000);
  await vi.waitUntil(() => pausing.pending.some(({ payload }) => payload.code === 'RATE_LIMITED'));
  expect(manager.getConnection(pausing.connectionId)).toBeDefined();
});

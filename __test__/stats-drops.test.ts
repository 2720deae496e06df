/**
 * The figures of getStats() about messages that wait, and about those that are never sent.
 */
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WebSocketManager, WebSocketWarning } from '@libs/messaging';
import { flush } from '@libs/messaging/testing';
import { describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { connectMute } from './support/mute-client.js';
import { MEGABYTE, nextEvent, openManager, portOf, queueUp } from './support/test-manager.js';

/** A client that has stopped reading until it is resumed. Without compression, which would leave little to read. */
async function connectPaused(manager: WebSocketManager): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${portOf(manager)}/ws`, {
    perMessageDeflate: false,
  });
  await once(socket, 'open');
  socket.pause();
  return socket;
}

test('queuedBytes counts a broadcast once, however many wait for it, until all have it', async () => {
  const manager = await openManager({ maxBufferedAmount: 2 ** 30 });
  const sockets = await Promise.all([1, 2, 3].map(() => connectPaused(manager)));
  const sent = await queueUp(manager);
  expect(manager.getStats().queuedBytes).toBeLessThan(sent * 1_010_000);
  for (const socket of sockets) socket.resume();
  await flush(manager);
  expect(manager.getStats().queuedBytes).toBe(0);
  for (const socket of sockets) socket.terminate();
});

test('overloaded: sends over memoryBudget are refused, counted and warned of', async () => {
  const manager = await openManager({ memoryBudget: 5_000_000, maxBufferedAmount: 2 ** 30 });
  const warnings: WebSocketWarning[] = [];
  manager.on('warning', (warning) => warnings.push(warning));
  await connectMute(manager);
  const refused = () => manager.getStats().drops.overloaded;
  const sent = await queueUp(manager, () => refused() > 0);
  expect(sent).toBeGreaterThanOrEqual(5);
  expect(refused()).toBe(1);
  expect(manager.getStats().queuedBytes).toBeLessThanOrEqual(5_000_000);

  const [connection] = manager.getConnections();
  while (connection?.socket.send(MEGABYTE)) await nextTurn();
  expect(refused()).toBe(2);
  await vi.waitFor(() => expect(warnings).toHaveLength(2));
  expect(warnings[0]?.code).toBe('ERR_OVERLOADED');
  expect(manager.getStats().drops).toMatchObject({ slowConsumer: 0, departed: 0 });
});

describe('slowConsumers', () => {
  test("are closed with slowConsumer: 'disconnect', and what they missed is counted", async () => {
    const manager = await openManager({ maxBufferedAmount: 100_000 });
    const warned = nextEvent<[WebSocketWarning]>(manager, 'warning');
    await connectMute(manager);
    const [connection] = manager.getConnections();
    const sent = await queueUp(manager, () => manager.getConnectionCount() === 0);
    expect((await warned)[0]).toMatchObject({
      code: 'ERR_SLOW_CONSUMER',
      connectionId: connection?.id,
    });
    const { slowConsumers, drops } = manager.getStats();
    expect(slowConsumers).toBe(1);
    expect(drops.slowConsumer).toBeGreaterThan(0);
    expect(drops.slowConsumer).toBeLessThanOrEqual(sent);
  });

  test("are kept with slowConsumer: 'dropOldest', and lose what waits longest", async () => {
    const config = { maxBufferedAmount: 3_000_000, slowConsumer: 'dropOldest' } as const;
    const manager = await openManager(config);
    let warnings = 0;
    manager.on('warning', () => {
      warnings += 1;
    });
    const socket = await connectPaused(manager);
    const numbers: number[] = [];
    const end = new Promise<void>((resolve) => {
      socket.on('message', (data) => {
        const { type, payload } = JSON.parse(String(data));
        if (type === 'filler') numbers.push(payload.number);
        if (type === 'end') resolve();
      });
    });
    const sent = await queueUp(manager, () => manager.getStats().drops.slowConsumer >= 5);
    manager.broadcast({ type: 'end', payload: null });
    socket.resume();
    await end;
    const { slowConsumers, drops } = manager.getStats();
    expect(slowConsumers).toBe(1);
    expect(numbers).toHaveLength(sent - drops.slowConsumer);
    // In order, and the newest is not among the lost.
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(numbers.at(-1)).toBe(sent - 1);
    await vi.waitFor(() => expect(warnings).toBe(1));
    socket.terminate();
  });
});

test('departed: whatever a send counts is written to, or has departed', async () => {
  const manager = await openManager({ protocol: 'raw' });
  let counted = 0;
  for (let round = 0; manager.getStats().drops.departed === 0 || round < 10; round += 1) {
    const clients = await Promise.all([1, 2, 3, 4, 5].map(() => connectMute(manager)));
    for (const client of clients) client.destroy();
    while (manager.getConnectionCount() > 0) {
      counted += manager.broadcast({ type: 'n', payload: round });
      if (counted % 7 === 0) await nextTurn();
    }
    await flush(manager);
    const { messagesOut, drops } = manager.getStats();
    expect(messagesOut + drops.departed).toBe(counted);
  }
});

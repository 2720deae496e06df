/**
 * The limits: how many connections, how much may wait for one that reads slowly, and how much for all.
 * A client that does not read fills the buffers of the network first, which hold some megabytes; so these
 * tests send until the server has reacted.
 */
import type { WebSocketConnection, WebSocketManager } from '@libs/messaging';
import { connectClient, flush, type TestClient } from '@libs/messaging/testing';
import { describe, expect, test, vi } from 'vitest';
import { closePayload, frame, Opcode } from './support/frames.js';
import { startManager, warningsOf } from './support/managers.js';
import { RawClient } from './support/raw-client.js';
import { nextEvent } from './support/test-manager.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const BLOCK = 'x'.repeat(64 * KIB);

/** A message of 64 KiB with a number by which it is known. */
const block = (payload: number) => ({ type: 'block', payload, block: BLOCK });

/** A client that has stopped to read. */
async function connectStuck(manager: WebSocketManager): Promise<RawClient> {
  const stuck = await RawClient.greeted(manager);
  stuck.pause();
  return stuck;
}

/**
 * Sends numbered blocks until `enough`, and returns how many. Each waits for an answer to another client,
 * so that what piles up waits for the stuck one alone.
 */
async function sendUntil(
  enough: () => boolean,
  other: TestClient,
  send: (message: ReturnType<typeof block>) => unknown,
): Promise<number> {
  let sent = 0;
  while (!enough()) {
    send(block(sent));
    sent += 1;
    await other.unsubscribe('nothing');
  }
  return sent;
}

describe('maxConnections', () => {
  test('one too many is closed with 1013, and a place that becomes free can be taken', async () => {
    const manager = await startManager({ maxConnections: 3 });
    const [first] = [
      await connectClient(manager),
      await connectClient(manager),
      await connectClient(manager),
    ];
    const connections: string[] = [];
    manager.on('connection', ({ id }) => connections.push(id));

    // The handshake is completed, since a browser shows its page no other way why it was refused.
    const refused = await RawClient.open(manager);
    expect(await refused.frame()).toMatchObject({
      opcode: Opcode.close,
      payload: closePayload(1013, 'Server overloaded'),
    });
    await refused.ended;
    expect(manager.getConnectionCount()).toBe(3);
    expect(manager.getStats()).toMatchObject({
      totalConnections: 3,
      refusals: { server_overloaded: 1 },
    });

    await first?.close();
    const next = await connectClient(manager);
    expect(manager.getConnectionCount()).toBe(3);
    await vi.waitUntil(() => connections.length > 0);
    expect(connections).toEqual([next.connectionId]);
  });
});

describe('maxPayload', () => {
  test('16 KiB unless told otherwise: one byte more closes with 1009', async () => {
    const manager = await startManager({ protocol: 'raw' });
    const client = await RawClient.open(manager);
    const heard = nextEvent<[string]>(manager, 'data');
    client.write(frame(Opcode.text, 'x'.repeat(16 * KIB)));
    expect((await heard)[0]).toHaveLength(16 * KIB);
    client.write(frame(Opcode.text, 'x'.repeat(16 * KIB + 1)));
    expect((await client.closing()).code).toBe(1009);
  });

  test('binds clients alone: the service may send more', async () => {
    const manager = await startManager({ maxPayload: KIB });
    const client = await connectClient(manager);
    manager.broadcast(block(1));
    expect((await client.next('block')).block).toBe(BLOCK);
  });
});

describe("slowConsumer: 'disconnect'", () => {
  test('who reads too slowly is closed with 1013, and others are unharmed', async () => {
    const manager = await startManager({ maxBufferedAmount: MIB });
    const warnings = warningsOf(manager);
    const left = nextEvent<[WebSocketConnection, number]>(manager, 'disconnect');
    const healthy = await connectClient(manager);
    const stuck = await connectStuck(manager);

    const sent = await sendUntil(
      () => manager.getStats().slowConsumers > 0,
      healthy,
      (message) => manager.broadcast(message),
    );
    for (let i = 0; i < sent; i += 1) expect((await healthy.next('block')).payload).toBe(i);
    expect(manager.getConnection(stuck.id)).toBeUndefined();
    expect(manager.getStats().slowConsumers).toBe(1);
    await vi.waitUntil(() => warnings.length > 0);
    expect(warnings).toMatchObject([{ code: 'ERR_SLOW_CONSUMER', connectionId: stuck.id }]);

    // What it has missed is counted, whole messages only; and the close frame tells it to come back.
    stuck.resume();
    const got: number[] = [];
    for (let next = await stuck.frame(); next.opcode !== Opcode.close; next = await stuck.frame()) {
      got.push(JSON.parse(next.payload.toString()).payload);
      if (got.length > sent) break;
    }
    expect(got).toEqual(got.map((_, i) => i));
    expect(got.length + manager.getStats().drops.slowConsumer).toBe(sent);
    stuck.write(frame(Opcode.close, closePayload(1013)));
    await stuck.ended;
    const [connection, code] = await left;
    expect([connection.id, code]).toEqual([stuck.id, 1013]);
  });

  test('who never reads again is gone after `closeTimeout`', async () => {
    const manager = await startManager({ maxBufferedAmount: MIB, closeTimeout: 50 });
    const stuck = await connectStuck(manager);
    const left = nextEvent<[WebSocketConnection, number]>(manager, 'disconnect');
    await sendUntil(
      () => manager.getStats().slowConsumers > 0,
      await connectClient(manager),
      (message) => manager.sendToConnection(stuck.id, message),
    );
    const [connection, code] = await left;
    expect([connection.id, code]).toEqual([stuck.id, 1006]);
    await vi.waitUntil(() => manager.getStats().queuedBytes === 0);
  });

  test('a message larger than the limit is no fault of a client that owes nothing', async () => {
    const manager = await startManager({ maxBufferedAmount: KIB });
    const client = await connectClient(manager);
    for (let i = 0; i < 5; i += 1) {
      expect(manager.broadcast(block(i))).toBe(1);
      expect((await client.next('block')).payload).toBe(i);
    }
    expect(manager.getStats().slowConsumers).toBe(0);
  });
});

describe("slowConsumer: 'dropOldest'", () => {
  test('who reads too slowly stays, and lacks the oldest of what waited', async () => {
    const manager = await startManager({ maxBufferedAmount: MIB, slowConsumer: 'dropOldest' });
    const warnings = warningsOf(manager);
    const healthy = await connectClient(manager);
    const stuck = await connectStuck(manager);

    const sent = await sendUntil(
      () => manager.getStats().drops.slowConsumer > 20,
      healthy,
      (message) => manager.broadcast(message),
    );
    for (let i = 0; i < sent; i += 1) expect((await healthy.next('block')).payload).toBe(i);
    expect(manager.getConnectionCount()).toBe(2);
    expect(manager.getStats().slowConsumers).toBe(1);
    await vi.waitUntil(() => warnings.length > 0);
    // Once for each time that it falls behind, not for each message.
    expect(warnings).toMatchObject([{ code: 'ERR_SLOW_CONSUMER', connectionId: stuck.id }]);

    stuck.resume();
    const got: number[] = [];
    while (got.at(-1) !== sent - 1) got.push((await stuck.message()).payload);
    expect(got.length + manager.getStats().drops.slowConsumer).toBe(sent);
    expect(got).toEqual([...new Set(got)].sort((a, b) => a - b));
    expect(got.slice(0, 3)).toEqual([0, 1, 2]);
    // What the limit has room for, and not less, is kept: the newest.
    const newest = Array.from({ length: 14 }, (_, i) => sent - 14 + i);
    expect(got.slice(-14)).toEqual(newest);

    await flush(manager);
    manager.sendToConnection(stuck.id, block(-1));
    expect((await stuck.message()).payload).toBe(-1);
    expect(JSON.parse(await stuck.ask({ type: 'heartbeat' })).payload).toBe('pong');
  });
});

describe('memoryBudget', () => {
  test('over it a send is refused whole, with a warning, until there is room again', async () => {
    const manager = await startManager({ memoryBudget: 2 * MIB, maxBufferedAmount: 64 * MIB });
    const warnings = warningsOf(manager);
    const stuck = await connectStuck(manager);
    const other = await connectClient(manager);
    manager.joinRoom(stuck.id, 'stuck');

    let refused = false;
    const sent = await sendUntil(
      () => refused,
      other,
      (message) => {
        refused = manager.sendToRoom('stuck', message) === 0;
      },
    );
    expect(manager.getStats().drops.overloaded).toBe(1);
    expect(manager.getStats().queuedBytes).toBeLessThanOrEqual(2 * MIB);
    expect(manager.getStats().queuedBytes).toBeGreaterThan(MIB);

    // The budget is one for all, so a large message to another client is refused as well.
    const large = { type: 'large', payload: 'x'.repeat(MIB) };
    expect(manager.sendToConnection(other.connectionId, large)).toBe(false);
    expect(manager.broadcast(large)).toBe(0);
    expect(manager.getConnection(other.connectionId)?.socket.send(large.payload)).toBe(false);
    await expect(manager.request(other.connectionId, large)).rejects.toMatchObject({
      code: 'ERR_OVERLOADED',
    });
    expect(manager.getStats().drops.overloaded).toBe(5);

    // Both clients live, what was accepted arrives, and what was refused does not.
    stuck.resume();
    for (let i = 0; i < sent - 1; i += 1) expect((await stuck.message()).payload).toBe(i);
    await flush(manager);
    expect(manager.getStats().queuedBytes).toBe(0);
    expect(manager.sendToRoom('stuck', block(sent))).toBe(1);
    expect((await stuck.message()).payload).toBe(sent);
    await other.settled();
    expect(other.pending).toEqual([]);
    expect(manager.getStats().drops).toEqual({
      overloaded: 5,
      slowConsumer: 0,
      departed: 0,
      unwritten: 0,
    });

    await vi.waitUntil(() => warnings.length > 0);
    expect(new Set(warnings.map(({ code }) => code))).toEqual(new Set(['ERR_OVERLOADED']));
  });
});

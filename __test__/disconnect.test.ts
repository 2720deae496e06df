/**
 * How connections end, what the `disconnect` event says of it, and what the client sees.
 */
import { once } from 'node:events';
import type { WebSocketConfig, WebSocketConnection, WebSocketManager } from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { clientFrame, connectMute } from './support/mute-client.js';
import { nextEvent, openManager, portOf } from './support/test-manager.js';

type DisconnectEvent = [connection: WebSocketConnection, code: number, reason: string];

const TEXT = 1;
const CLOSE = 8;

/** The code and reason of the next disconnect. */
async function nextEnd(manager: WebSocketManager) {
  const [, code, reason] = await nextEvent<DisconnectEvent>(manager, 'disconnect');
  return { code, reason };
}

describe('the client ends it', () => {
  test.for([
    { code: 1000, reason: '' },
    { code: 1001, reason: 'page left' },
    { code: 3000, reason: 'grüß dich' },
    { code: 4999, reason: 'x'.repeat(123) },
  ])('by a close frame with $code', async ({ code, reason }) => {
    const manager = await openManager();
    const ended = nextEnd(manager);
    const client = await connectClient(manager);
    // The close frame of the server carries the same code (RFC 6455, section 5.5.1).
    expect(await client.close(code, reason)).toMatchObject({ code });
    expect(await ended).toEqual({ code, reason });
  });

  test('by a close frame without a code: 1005', async () => {
    const manager = await openManager();
    const ended = nextEnd(manager);
    const socket = new WebSocket(`ws://127.0.0.1:${portOf(manager)}/ws`);
    await once(socket, 'open');
    socket.close();
    const [code] = await once(socket, 'close');
    expect(code).toBe(1005);
    expect(await ended).toEqual({ code: 1005, reason: '' });
  });

  test.for(['destroy', 'resetAndDestroy', 'end'] as const)(
    'by %s of its TCP socket, without a close frame: 1006',
    async (how) => {
      const manager = await openManager();
      const ended = nextEnd(manager);
      const client = await connectMute(manager);
      client[how]();
      expect(await ended).toEqual({ code: 1006, reason: '' });
    },
  );

  test('in the middle of a message: 1006', async () => {
    const manager = await openManager();
    const ended = nextEnd(manager);
    const client = await connectMute(manager);
    client.end(clientFrame(TEXT, '{"type":"never whole"}').subarray(0, 12));
    expect(await ended).toEqual({ code: 1006, reason: '' });
  });
});

describe('the service ends it', () => {
  const endings: [string, (manager: WebSocketManager, id: string) => void, number, string][] = [
    ['disconnect(id)', (manager, id) => manager.disconnect(id), 1000, ''],
    ['disconnect(id, code)', (manager, id) => manager.disconnect(id, 4001), 4001, ''],
    [
      'disconnect(id, code, reason)',
      (manager, id) => manager.disconnect(id, 1008, 'not allowed'),
      1008,
      'not allowed',
    ],
    ['socket.close()', (manager, id) => manager.getConnection(id)?.socket.close(), 1000, ''],
    [
      'socket.close(code, reason)',
      (manager, id) => manager.getConnection(id)?.socket.close(3001, 'bye'),
      3001,
      'bye',
    ],
    ['close()', (manager) => manager.close(), 1001, 'Server shutting down'],
    ['shutdown()', (manager) => void manager.shutdown(), 1001, 'Server shutting down'],
  ];

  test.for(endings)('by %s', async ([, end, code, reason]) => {
    const manager = await openManager();
    const ended = nextEnd(manager);
    const client = await connectClient(manager);
    end(manager, client.connectionId);
    expect(await client.closed).toEqual({ code, reason });
    expect(await ended).toEqual({ code, reason });
  });

  test('behind what it has sent before', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    for (let i = 0; i < 100; i += 1) {
      manager.sendToConnection(client.connectionId, { type: 'news', payload: i });
    }
    manager.disconnect(client.connectionId);
    expect(manager.sendToConnection(client.connectionId, { type: 'late', payload: 0 })).toBe(false);
    await client.closed;
    expect(client.pending.map(({ payload }) => payload)).toEqual([...Array(100).keys()]);
  });

  test('and its code stands when the client answers with another', async () => {
    const manager = await openManager();
    const ended = nextEnd(manager);
    const client = await connectMute(manager);
    const [connection] = manager.getConnections();
    connection?.socket.close(4000, 'ours');
    client.write(clientFrame(CLOSE, Buffer.from([0x03, 0xe8])));
    expect(await ended).toEqual({ code: 4000, reason: 'ours' });
  });

  test('and the client never answers: 1006 after closeTimeout', async () => {
    const manager = await openManager({ closeTimeout: 50 });
    const ended = nextEnd(manager);
    await connectMute(manager);
    const [connection] = manager.getConnections();
    connection?.socket.close(4000, 'ours');
    expect(await ended).toEqual({ code: 1006, reason: '' });
  });

  test('only once', async () => {
    const manager = await openManager();
    let ends = 0;
    manager.on('disconnect', () => {
      ends += 1;
    });
    const client = await connectClient(manager);
    expect(manager.disconnect(client.connectionId, 4000)).toBe(true);
    expect(manager.disconnect(client.connectionId, 4001)).toBe(false);
    expect(await client.closed).toMatchObject({ code: 4000 });
    const other = await connectClient(manager);
    const ended = nextEvent(manager, 'disconnect');
    await other.close();
    await ended;
    expect(ends).toBe(2);
  });

  test.for([0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_536, -1, 1.5, Number.NaN, '1000'])(
    'never with the code %s',
    async (code) => {
      const manager = await openManager();
      const client = await connectClient(manager);
      const connection = manager.getConnection(client.connectionId);
      const refusal = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', name: 'TypeError' });
      expect(() => manager.disconnect(client.connectionId, code as number)).toThrow(refusal);
      expect(() => connection?.socket.close(code as number)).toThrow(refusal);
      expect(manager.getConnectionCount()).toBe(1);
    },
  );

  test('never with a reason over 123 bytes', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const refusal = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', name: 'TypeError' });
    expect(() => manager.disconnect(client.connectionId, 1000, 'ü'.repeat(62))).toThrow(refusal);
    expect(() => manager.disconnect(client.connectionId, 1000, 7 as never)).toThrow(refusal);
    expect(manager.disconnect(client.connectionId, 1000, 'x'.repeat(123))).toBe(true);
  });
});

describe('the server ends it', () => {
  const violations: [string, Buffer, WebSocketConfig, number, string][] = [
    ['an unmasked frame', Buffer.from([0x81, 0]), {}, 1002, 'frame is not masked'],
    ['reserved bits', clientFrame(0x40 | TEXT), {}, 1002, 'reserved bits must be clear'],
    ['text that is not UTF-8', clientFrame(TEXT, Buffer.of(0xff)), {}, 1007, 'invalid UTF-8'],
    [
      'a message over maxPayload',
      clientFrame(TEXT, 'x'.repeat(11)),
      { maxPayload: 10 },
      1009,
      'message is too big',
    ],
  ];

  test.for(violations)('for %s', async ([, frame, config, code, reason]) => {
    const manager = await openManager(config);
    const ended = nextEnd(manager);
    const client = await connectMute(manager);
    client.write(frame);
    expect(await ended).toEqual({ code, reason });
  });

  test('for silence over two heartbeats: 1006', async () => {
    const manager = await openManager({ heartbeatInterval: 20 });
    const ended = nextEnd(manager);
    const client = await connectMute(manager);
    expect(await ended).toEqual({ code: 1006, reason: 'Heartbeat timeout' });
    client.resume();
    await once(client, 'close');
  });

  test('for reading too slowly: 1013, which it reads when it reads again', async () => {
    const manager = await openManager({ maxBufferedAmount: 1000 });
    const ended = nextEnd(manager);
    // Compressed, so much of one letter would fit into the network's buffers.
    const socket = new WebSocket(`ws://127.0.0.1:${portOf(manager)}/ws`, {
      perMessageDeflate: false,
    });
    await once(socket, 'open');
    socket.pause();
    const [connection] = manager.getConnections();
    while (connection?.socket.send('x'.repeat(1_000_000))) await new Promise(setImmediate);
    socket.resume();
    const [code, reason] = await once(socket, 'close');
    expect({ code, reason: String(reason) }).toEqual({ code: 1013, reason: 'Slow consumer' });
    expect(await ended).toEqual({ code: 1013, reason: 'Slow consumer' });
  });
});

test('getConnection and every send know nothing of a connection that ended', async () => {
  const manager = await openManager();
  const client = await connectClient(manager, { userId: 'ann' });
  await client.join('r');
  await client.subscribe('t');
  const message = { type: 'news', payload: 1 };
  const ended = nextEvent(manager, 'disconnect');
  await client.close();
  await ended;
  expect(manager.getConnection(client.connectionId)).toBeUndefined();
  expect(manager.sendToConnection(client.connectionId, message)).toBe(false);
  expect(manager.sendToUser('ann', message)).toBe(0);
  expect(manager.sendToRoom('r', message)).toBe(0);
  expect(manager.broadcastToTopic('t', message)).toBe(0);
  expect(manager.broadcast(message)).toBe(0);
  expect(manager.getActiveRooms()).toEqual([]);
  expect(manager.getActiveTopics()).toEqual([]);
  expect(manager.getUserConnections('ann')).toEqual([]);
});

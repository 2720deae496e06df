/**
 * The heartbeat: who is silent is pinged, who stays silent is closed, and any frame is a sign of life.
 * The interval is short here, and no test measures time: each waits for what the server sends.
 */
import type { WebSocketConnection } from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { describe, expect, test, vi } from 'vitest';
import { frame, Opcode, text } from './support/frames.js';
import { startManager } from './support/managers.js';
import { RawClient } from './support/raw-client.js';
import { nextEvent } from './support/test-manager.js';

const SHORT = { heartbeatInterval: 150 };

/** For clients that must answer within it, on a machine that is busy with other tests. */
const ANSWERABLE = { heartbeatInterval: 1000 };

/** Takes frames up to the next ping. */
async function nextPing(client: RawClient): Promise<void> {
  while ((await client.frame()).opcode !== Opcode.ping);
}

describe('a silent client', () => {
  test('is pinged, then closed, and its socket really ends', async () => {
    const manager = await startManager(SHORT);
    const client = await RawClient.greeted(manager);
    const left = nextEvent<[WebSocketConnection, number, string]>(manager, 'disconnect');
    manager.joinRoom(client.id, 'lobby');

    expect(await client.frame()).toMatchObject({ opcode: Opcode.ping });
    expect(manager.getConnectionCount()).toBe(1);
    expect(await client.closing()).toEqual({ code: 1001, reason: 'Heartbeat timeout' });
    await client.ended;

    const [connection, ...how] = await left;
    expect(connection.id).toBe(client.id);
    // As the RFC has it, 1006 says that no close frame of the client's was seen.
    expect(how).toEqual([1006, 'Heartbeat timeout']);
    expect(connection.socket.readyState).toBe(3);
    expect(manager.getConnectionCount()).toBe(0);
    expect(manager.getActiveRooms()).toEqual([]);
    expect(manager.sendToConnection(client.id, { type: 'note', payload: 1 })).toBe(false);
  });

  test('is closed alone: others live on', async () => {
    const manager = await startManager(ANSWERABLE);
    // ws answers pings by itself.
    const lively = await connectClient(manager);
    const silent = await RawClient.greeted(manager);
    await silent.ended;
    await lively.join('still here');
    expect(manager.getConnections().map(({ id }) => id)).toEqual([lively.connectionId]);
  });

  test('is closed also under `protocol: raw`', async () => {
    const manager = await startManager({ ...SHORT, protocol: 'raw' });
    const client = await RawClient.open(manager);
    expect(await client.frame()).toMatchObject({ opcode: Opcode.ping });
    expect((await client.closing()).code).toBe(1001);
    await client.ended;
  });

  test('that is sent messages all the time is silent all the same', async () => {
    const manager = await startManager(SHORT);
    const client = await RawClient.greeted(manager);
    const sending = setInterval(() => manager.broadcast({ type: 'note', payload: 1 }), 5);
    const { code } = await client.closing().finally(() => clearInterval(sending));
    expect(code).toBe(1001);
  });
});

describe('a client that answers each ping', () => {
  // A ping comes only after an interval of silence. So three of them are at least three intervals, within
  // which a client that was silent would have been closed.
  const PINGS = 3;
  const ANSWERS = {
    'a pong': frame(Opcode.pong),
    'a pong of something else': frame(Opcode.pong, 'unasked'),
    'a heartbeat message': text({ type: 'heartbeat' }),
    'another message of the protocol': text({ type: 'join_room', payload: { room: 'r' } }),
    'a message that is an error': text('not JSON'),
    'a binary frame': frame(Opcode.binary, Buffer.from([1, 2, 3])),
    'a ping of its own': frame(Opcode.ping),
  };

  test('stays connected, with whatever frame it answers', async () => {
    const manager = await startManager(ANSWERABLE);
    const stayed = Object.entries(ANSWERS).map(async ([what, answer]) => {
      const client = await RawClient.greeted(manager);
      const connection = manager.getConnection(client.id) as WebSocketConnection;
      let heard = connection.lastHeartbeat;
      for (let i = 0; i < PINGS; i += 1) {
        await expect(nextPing(client), `ping ${i} before ${what}`).resolves.toBeUndefined();
        expect(connection.lastHeartbeat, what).toEqual(heard);
        client.write(answer);
        await vi.waitUntil(() => connection.lastHeartbeat > heard);
        heard = connection.lastHeartbeat;
      }
    });
    await Promise.all(stayed);
    expect(manager.getConnectionCount()).toBe(stayed.length);
  });
});

describe('a client that talks', () => {
  test('is not even pinged', async () => {
    const manager = await startManager(SHORT);
    const talking = await RawClient.greeted(manager);
    const silent = await RawClient.greeted(manager);
    let over = false;
    silent.ended.then(() => {
      over = true;
    });
    // Each answer follows right behind the other: a ping between them would fail this.
    while (!over) await talking.ask({ type: 'heartbeat' });
    expect(manager.getConnections().map(({ id }) => id)).toEqual([talking.id]);
  });
});

describe('enableHeartbeat: false', () => {
  test('pings and closes nobody', async () => {
    const resting = await startManager({ ...SHORT, enableHeartbeat: false });
    const silent = await RawClient.greeted(resting);
    // Two silent clients of another manager, one after the other, show that the time has passed.
    const watching = await startManager(SHORT);
    await (await RawClient.greeted(watching)).ended;
    await (await RawClient.greeted(watching)).ended;

    expect(resting.getConnectionCount()).toBe(1);
    // The next frame is the answer: no ping lies before it.
    expect(JSON.parse(await silent.ask({ type: 'heartbeat' })).payload).toBe('pong');
  });
});

/**
 * The connection objects that events and look-ups give.
 */
import type { WebSocketConnection } from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { describe, expect, test, vi } from 'vitest';
import { connectMute } from './support/mute-client.js';
import { nextEvent, openManager } from './support/test-manager.js';

type ConnectionEvent = [connection: WebSocketConnection];

/** A manager, one client, and its connection as the event gave it. */
async function connected() {
  const manager = await openManager();
  const told = nextEvent<ConnectionEvent>(manager, 'connection');
  const client = await connectClient(manager);
  const [connection] = await told;
  return { manager, client, connection };
}

describe('one object for each connection', () => {
  test('is what all events and look-ups give', async () => {
    const { manager, client, connection } = await connected();
    const seen: unknown[] = [];
    manager.on('message', (_, sender) => seen.push(sender));
    manager.on('binary', (_, sender) => seen.push(sender));
    manager.on('authenticated', (sender) => seen.push(sender));
    manager.on('disconnect', (sender) => seen.push(sender));
    const disconnected = nextEvent(manager, 'disconnect');
    seen.push(manager.getConnection(client.connectionId), ...manager.getConnections());
    client.send({ type: 'chat', payload: 1 });
    client.send(Buffer.of(1));
    await client.authenticate({ userId: 'ann' });
    await client.close();
    await disconnected;
    expect(seen).toHaveLength(6);
    expect(seen.every((object) => object === connection)).toBe(true);
  });

  test('keeps the data that the service puts there, until its end', async () => {
    const { manager, client, connection } = await connected();
    connection.data = { cart: [1] };
    connection.data.cart.push(2);
    expect(manager.getConnection(client.connectionId)?.data).toEqual({ cart: [1, 2] });
    const disconnected = nextEvent<ConnectionEvent>(manager, 'disconnect');
    await client.close();
    expect((await disconnected)[0].data).toEqual({ cart: [1, 2] });
  });

  test('is kept as well when a look-up made it', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const connection = manager.getConnection(client.connectionId) as WebSocketConnection;
    connection.data = 'kept';
    // Later listeners get this object too.
    const disconnected = nextEvent<ConnectionEvent>(manager, 'disconnect');
    await client.close();
    expect((await disconnected)[0]).toBe(connection);
  });

  test('has an id that is unlike all others', async () => {
    const manager = await openManager();
    const clients = await Promise.all([...Array(20)].map(() => connectClient(manager)));
    const ids = manager.getConnections().map(({ id }) => id);
    expect(new Set(ids)).toEqual(new Set(clients.map(({ connectionId }) => connectionId)));
    for (const id of ids) expect(id).toMatch(/^conn_\d{13}_[0-9a-z]{9}$/);
  });
});

describe('what it shows', () => {
  test('is the present: user, session, subscriptions and rooms', async () => {
    const { client, connection } = await connected();
    expect(connection).toMatchObject({ userId: undefined, sessionId: undefined });
    expect(connection.subscriptions).toEqual(new Set());
    await client.authenticate({ userId: 'ann', sessionId: 's1' });
    await client.subscribe('news');
    await client.subscribe('sport');
    await client.join('kitchen');
    expect(connection).toMatchObject({ userId: 'ann', sessionId: 's1' });
    expect(connection.subscriptions).toEqual(new Set(['news', 'sport']));
    expect(connection.rooms).toEqual(new Set(['kitchen']));
    await client.unsubscribe('news');
    expect(connection.subscriptions).toEqual(new Set(['sport']));
  });

  test('includes what the service did itself, at once', async () => {
    const { manager, connection } = await connected();
    manager.subscribe(connection.id, 'news');
    manager.joinRoom(connection.id, 'kitchen');
    expect([...connection.subscriptions, ...connection.rooms]).toEqual(['news', 'kitchen']);
    manager.unsubscribe(connection.id, 'news');
    manager.leaveRoom(connection.id, 'kitchen');
    expect([...connection.subscriptions, ...connection.rooms]).toEqual([]);
  });

  test('is a snapshot of the subscriptions: changing the set changes nothing else', async () => {
    const { manager, client, connection } = await connected();
    await client.subscribe('news');
    const snapshot = connection.subscriptions;
    snapshot.add('sport');
    expect(connection.subscriptions).toEqual(new Set(['news']));
    expect(manager.getTopicSubscribers('sport')).toEqual([]);
    await client.unsubscribe('news');
    expect(snapshot).toEqual(new Set(['news', 'sport']));
  });

  test('is the time of the last frame', async () => {
    const { client, connection } = await connected();
    const { lastHeartbeat } = connection;
    expect(lastHeartbeat).toBeInstanceOf(Date);
    expect(Math.abs(lastHeartbeat.getTime() - Date.now())).toBeLessThan(60_000);
    await vi.waitFor(async () => {
      client.send({ type: 'heartbeat' });
      await client.next('heartbeat');
      expect(connection.lastHeartbeat.getTime()).toBeGreaterThan(lastHeartbeat.getTime());
    });
  });

  test('cannot be changed', async () => {
    const { connection } = await connected();
    const writable = connection as { -readonly [K in keyof WebSocketConnection]: unknown };
    expect(() => {
      writable.userId = 'mallory';
    }).toThrow(TypeError);
    expect(connection.userId).toBeUndefined();
  });
});

describe('its socket', () => {
  test('sends frames as they are: text for strings, binary for bytes', async () => {
    const { connection, client } = await connected();
    const bytes = new Uint8Array([1, 2, 3, 4]);
    expect(connection.socket.send('plain text')).toBe(true);
    expect(connection.socket.send('{"type":"bare"}')).toBe(true);
    for (const data of [Buffer.from(bytes), bytes, bytes.buffer, bytes.subarray(1, 3)]) {
      expect(connection.socket.send(data)).toBe(true);
    }
    expect(connection.socket.send(new DataView(bytes.buffer, 2, 1))).toBe(true);
    expect(await client.next('#text')).toEqual({ type: '#text', payload: 'plain text' });
    expect(await client.next('bare')).toEqual({ type: 'bare' });
    const received = [];
    for (let i = 0; i < 5; i += 1) received.push([...(await client.next('#binary')).payload]);
    expect(received).toEqual([[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4], [2, 3], [3]]);
  });

  test('refuses what is neither, with a warning', async () => {
    const { manager, connection } = await connected();
    const warnings: unknown[] = [];
    manager.on('warning', (warning) => warnings.push(warning));
    for (const data of [undefined, null, 7, {}, [1], Symbol('x')]) {
      expect(connection.socket.send(data as never)).toBe(false);
    }
    expect(warnings).toHaveLength(6);
    expect(warnings[0]).toEqual({
      code: 'ERR_INVALID_MESSAGE',
      message: 'socket.send: a frame must be a string or bytes, got undefined',
      connectionId: connection.id,
    });
  });

  test('is one object', async () => {
    const { connection } = await connected();
    expect(connection.socket).toBe(connection.socket);
  });

  test('tells its state: open, closing, closed', async () => {
    const manager = await openManager({ closeTimeout: 50 });
    const told = nextEvent<ConnectionEvent>(manager, 'connection');
    // A client that never answers keeps the connection in its closing handshake.
    await connectMute(manager);
    const [{ socket }] = await told;
    expect(socket.readyState).toBe(1);
    const disconnected = nextEvent(manager, 'disconnect');
    socket.close();
    expect(socket.readyState).toBe(2);
    await disconnected;
    expect(socket.readyState).toBe(3);
  });

  test('sends and closes no more when it is closing or closed', async () => {
    const { manager, client, connection } = await connected();
    const disconnected = nextEvent(manager, 'disconnect');
    connection.socket.close(4000);
    expect(connection.socket.send('late')).toBe(false);
    connection.socket.close(4001);
    expect(await client.closed).toMatchObject({ code: 4000 });
    expect(client.pending).toEqual([]);
    await disconnected;
    expect(connection.socket.send('late')).toBe(false);
    expect(() => connection.socket.close()).not.toThrow();
  });
});

test('it can be read after its end, and shows the last state', async () => {
  const { manager, client, connection } = await connected();
  await client.authenticate({ userId: 'ann', sessionId: 's1' });
  await client.subscribe('news');
  await client.join('kitchen');
  const { id, lastHeartbeat } = connection;
  const last = {
    userId: 'ann',
    sessionId: 's1',
    subscriptions: new Set(['news']),
    rooms: new Set(['kitchen']),
  };
  const disconnected = nextEvent<ConnectionEvent>(manager, 'disconnect');
  await client.close();
  expect((await disconnected)[0]).toBe(connection);
  await manager.shutdown();
  expect(connection).toMatchObject(last);
  expect(connection.id).toBe(id);
  expect(connection.lastHeartbeat.getTime()).toBeGreaterThanOrEqual(lastHeartbeat.getTime());
  expect(connection.socket.readyState).toBe(3);
});

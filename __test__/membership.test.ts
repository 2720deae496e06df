/**
 * Rooms, topics and connections from the service's side: joining and leaving on behalf of clients, what
 * the listings say and in which order, and ending a connection.
 */
import type { WebSocketConnection, WebSocketManager } from '@libs/messaging';
import { connectClient, flush, type TestClient } from '@libs/messaging/testing';
import { describe, expect, test } from 'vitest';
import { connectClients, startManager } from './support/managers.js';
import { nextEvent } from './support/test-manager.js';

const note = (payload: unknown) => ({ type: 'note', payload });

/** The payloads that a client has received, when all that was sent has arrived. */
async function notesOf(manager: WebSocketManager, client: TestClient): Promise<unknown[]> {
  await flush(manager);
  await client.settled();
  return client.pending.map(({ payload }) => payload);
}

const idsOf = (clients: TestClient[]) => clients.map((client) => client.connectionId);

/** Rooms and topics have the same rules, each under its own names. */
const KINDS = [
  {
    kind: 'rooms',
    enter: 'joinRoom',
    exit: 'leaveRoom',
    members: 'getRoomMembers',
    active: 'getActiveRooms',
    send: 'sendToRoom',
    ownedBy: 'rooms',
    ask: (client: TestClient, name: string) => client.join(name),
    leave: (client: TestClient, name: string) => client.leave(name),
  },
  {
    kind: 'topics',
    enter: 'subscribe',
    exit: 'unsubscribe',
    members: 'getTopicSubscribers',
    active: 'getActiveTopics',
    send: 'broadcastToTopic',
    ownedBy: 'subscriptions',
    ask: (client: TestClient, name: string) => client.subscribe(name),
    leave: (client: TestClient, name: string) => client.unsubscribe(name),
  },
] as const;

describe.each(KINDS)('$kind', ({ enter, exit, members, active, send, ownedBy, ask, leave }) => {
  test(`${enter}(); ${send}() in one tick delivers`, async () => {
    const manager = await startManager();
    const clients = await connectClients(manager, 4);
    for (const [i, { connectionId }] of clients.entries()) {
      expect(manager[enter](connectionId, 'x')).toBe(true);
      expect(manager[send]('x', note(i))).toBe(i + 1);
    }
    expect(await Promise.all(clients.map((client) => notesOf(manager, client)))).toEqual([
      [0, 1, 2, 3],
      [1, 2, 3],
      [2, 3],
      [3],
    ]);
  });

  test(`${send}(); ${exit}(); ${send}() in one tick delivers the first alone`, async () => {
    const manager = await startManager();
    const clients = await connectClients(manager, 4);
    for (const client of clients) await ask(client, 'x');
    const [first, ...others] = clients as [TestClient, ...TestClient[]];

    expect(manager[send]('x', note(1))).toBe(4);
    expect(manager[exit](first.connectionId, 'x')).toBe(true);
    expect(manager[send]('x', note(2))).toBe(3);
    expect(await notesOf(manager, first)).toEqual([1]);
    for (const client of others) expect(await notesOf(manager, client)).toEqual([1, 2]);
  });

  test('in and out within one tick: whoever is counted is sent to or counted as departed', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    let counted = 0;
    for (let i = 0; i < 100; i += 1) {
      manager[enter](client.connectionId, 'x');
      counted += manager[send]('x', note(i));
      manager[exit](client.connectionId, 'x');
      expect(manager[send]('x', note('to nobody'))).toBe(0);
    }
    const received = await notesOf(manager, client);
    expect(counted).toBe(100);
    expect(received).not.toContain('to nobody');
    expect(received.length + manager.getStats().drops.departed).toBe(counted);
    expect(manager[members]('x')).toEqual([]);
  });

  test('entering twice counts once, and once out is out', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    expect(manager[enter](client.connectionId, 'x')).toBe(true);
    expect(manager[enter](client.connectionId, 'x')).toBe(true);
    await ask(client, 'x');
    expect(manager[members]('x')).toEqual([client.connectionId]);
    expect(manager[send]('x', note(1))).toBe(1);
    expect(manager[exit](client.connectionId, 'x')).toBe(true);
    expect(manager[exit](client.connectionId, 'x')).toBe(false);
    expect(manager[send]('x', note(2))).toBe(0);
    expect(await notesOf(manager, client)).toEqual([1]);
  });

  test('what the service did a client can undo, and the other way round', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    manager[enter](client.connectionId, 'x');
    await leave(client, 'x');
    expect(manager[members]('x')).toEqual([]);

    await ask(client, 'x');
    expect(manager[exit](client.connectionId, 'x')).toBe(true);
    expect(manager[members]('x')).toEqual([]);
  });

  test('the client is told nothing of it', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    manager[enter](client.connectionId, 'x');
    manager[exit](client.connectionId, 'x');
    expect(await notesOf(manager, client)).toEqual([]);
  });

  test('members are listed as they came, and names as they came to be', async () => {
    const manager = await startManager();
    const clients = await connectClients(manager, 6);
    const order = [4, 0, 5, 2, 1, 3];
    for (const i of order) manager[enter](idsOf(clients)[i] as string, 'x');
    expect(manager[members]('x')).toEqual(order.map((i) => idsOf(clients)[i]));

    // Who comes back comes last.
    manager[exit](idsOf(clients)[0] as string, 'x');
    manager[enter](idsOf(clients)[0] as string, 'x');
    expect(manager[members]('x')).toEqual([4, 5, 2, 1, 3, 0].map((i) => idsOf(clients)[i]));

    const id = idsOf(clients)[0] as string;
    for (const name of ['m', 'z', 'a']) manager[enter](id, name);
    expect(manager[active]()).toEqual(['x', 'm', 'z', 'a']);
    manager[exit](id, 'm');
    expect(manager[active]()).toEqual(['x', 'z', 'a']);
  });

  test('a connection tells what it belongs to, in a copy', async () => {
    const manager = await startManager();
    const { connectionId } = await connectClient(manager);
    const connection = manager.getConnection(connectionId) as WebSocketConnection;
    manager[enter](connectionId, 'b');
    manager[enter](connectionId, 'a');
    const snapshot = connection[ownedBy];
    expect([...snapshot]).toEqual(['b', 'a']);

    snapshot.clear();
    expect([...connection[ownedBy]]).toEqual(['b', 'a']);
    expect(manager[members]('a')).toEqual([connectionId]);
  });

  test('who leaves is a member of nothing, and an empty name is gone', async () => {
    const manager = await startManager();
    const [leaving, staying] = (await connectClients(manager, 2)) as [TestClient, TestClient];
    manager[enter](leaving.connectionId, 'both');
    manager[enter](staying.connectionId, 'both');
    manager[enter](leaving.connectionId, 'one');
    const connection = manager.getConnection(leaving.connectionId);

    await leaving.close();
    expect(manager[members]('both')).toEqual([staying.connectionId]);
    expect(manager[active]()).toEqual(['both']);
    expect(manager[enter](leaving.connectionId, 'both')).toBe(false);
    expect(manager[exit](leaving.connectionId, 'both')).toBe(false);
    // The object shows the last state.
    expect([...(connection?.[ownedBy] ?? [])]).toEqual(['both', 'one']);
  });

  test('unknown connections enter nothing', async () => {
    const manager = await startManager();
    for (const id of ['conn_1700000000000_aaaaaaaaa', 'nonsense', '']) {
      expect(manager[enter](id, 'x')).toBe(false);
      expect(manager[exit](id, 'x')).toBe(false);
    }
    expect(manager[active]()).toEqual([]);
  });

  test.each([
    [undefined],
    [null],
    [{}],
    [true],
    [''],
    ['\ud800'],
    ['x'.repeat(257)],
    ['é'.repeat(129)],
  ])('a name of %j is the caller’s error', async (name) => {
    const manager = await startManager();
    const { connectionId } = await connectClient(manager);
    const error = expect.objectContaining({
      name: 'TypeError',
      code: 'ERR_INVALID_ARGUMENT',
    });
    expect(() => manager[enter](connectionId, name as string)).toThrow(error);
    expect(() => manager[exit](connectionId, name as string)).toThrow(error);
    expect(manager[active]()).toEqual([]);
  });
});

describe('listings', () => {
  test('half a surrogate pair is not the name that UTF-8 has in its place', async () => {
    const manager = await startManager();
    const { connectionId } = await connectClient(manager, { userId: '\ufffd' });
    manager.joinRoom(connectionId, '\ufffd');
    manager.subscribe(connectionId, '\ufffd');
    const message = { type: 'note', payload: 1 };
    expect(manager.sendToUser('\ufffd', message)).toBe(1);
    expect(manager.sendToUser('\ud800', message)).toBe(0);
    expect(manager.sendToRoom('\ud800', message)).toBe(0);
    expect(manager.broadcastToTopic('\ud800', message)).toBe(0);
    expect(manager.getUserConnections('\ud800')).toEqual([]);
    expect(manager.getRoomMembers('\ud800')).toEqual([]);
    expect(manager.getTopicSubscribers('\ud800')).toEqual([]);
  });

  test('connections are listed as they came, and each is one object', async () => {
    const manager = await startManager();
    const clients = await connectClients(manager, 5);
    expect(manager.getConnections().map(({ id }) => id)).toEqual(idsOf(clients));
    for (const connection of manager.getConnections()) {
      expect(manager.getConnection(connection.id)).toBe(connection);
    }
    await clients[1]?.close();
    expect(manager.getConnection(clients[1]?.connectionId as string)).toBeUndefined();
    expect(manager.getConnections()).toHaveLength(4);
    expect(manager.getConnectionCount()).toBe(4);
  });

  test('a user’s connections are listed as they logged in', async () => {
    const manager = await startManager();
    const clients = await connectClients(manager, 3);
    for (const i of [2, 0, 1]) await clients[i]?.authenticate({ userId: 'ada' });
    expect(manager.getUserConnections('ada')).toEqual([2, 0, 1].map((i) => idsOf(clients)[i]));
    expect(manager.getUserConnections('bob')).toEqual([]);
    expect(manager.getStats()).toMatchObject({ connections: 3, users: 1, rooms: 0, topics: 0 });
  });

  test('they are copies', async () => {
    const manager = await startManager();
    const { connectionId } = await connectClient(manager);
    manager.joinRoom(connectionId, 'x');
    manager.getActiveRooms().length = 0;
    manager.getRoomMembers('x').length = 0;
    manager.getConnections().length = 0;
    expect(manager.getActiveRooms()).toEqual(['x']);
    expect(manager.getRoomMembers('x')).toEqual([connectionId]);
    expect(manager.getConnections()).toHaveLength(1);
  });

  test('what the service keeps with a connection stays with it', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    const connection = manager.getConnection(client.connectionId) as WebSocketConnection;
    connection.data = { visits: 1 };
    const left = nextEvent<[WebSocketConnection]>(manager, 'disconnect');
    await client.close();
    const [gone] = await left;
    expect(gone).toBe(connection);
    expect(gone.data).toEqual({ visits: 1 });
    expect(gone.socket.readyState).toBe(3);
  });
});

describe('disconnect', () => {
  test('closes behind what was sent before, and counts no more at once', async () => {
    const manager = await startManager();
    const client = await connectClient(manager, { userId: 'ada' });
    manager.joinRoom(client.connectionId, 'x');
    const left = nextEvent<[WebSocketConnection, number, string]>(manager, 'disconnect');

    manager.broadcast(note('last words'));
    expect(manager.disconnect(client.connectionId, 4000, 'behave')).toBe(true);
    expect(manager.getConnectionCount()).toBe(0);
    expect(manager.getRoomMembers('x')).toEqual([]);
    expect(manager.getUserConnections('ada')).toEqual([]);
    expect(manager.broadcast(note('too late'))).toBe(0);
    expect(manager.disconnect(client.connectionId)).toBe(false);

    expect(await client.closed).toEqual({ code: 4000, reason: 'behave' });
    expect(client.pending.map(({ payload }) => payload)).toEqual(['last words']);
    const [connection, ...how] = await left;
    expect(connection.id).toBe(client.connectionId);
    expect(how).toEqual([4000, 'behave']);
  });

  test('says 1000 unless told otherwise, as socket.close does', async () => {
    const manager = await startManager();
    const [first, second] = (await connectClients(manager, 2)) as [TestClient, TestClient];
    manager.disconnect(first.connectionId);
    manager.getConnection(second.connectionId)?.socket.close();
    expect(await first.closed).toEqual({ code: 1000, reason: '' });
    expect(await second.closed).toEqual({ code: 1000, reason: '' });
  });

  test('knows no unknown connection', async () => {
    const manager = await startManager();
    expect(manager.disconnect('conn_1700000000000_aaaaaaaaa')).toBe(false);
    expect(manager.disconnect('nonsense')).toBe(false);
  });

  test('takes a reason of 123 bytes', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    const reason = `${'é'.repeat(61)}!`;
    manager.disconnect(client.connectionId, 3000, reason);
    expect(await client.closed).toEqual({ code: 3000, reason });
  });

  test.each<[unknown, unknown]>([
    [999, ''],
    [1004, ''],
    [1005, ''],
    [1006, ''],
    [1015, ''],
    [2999, ''],
    [5000, ''],
    [-1, ''],
    [1000.5, ''],
    ['1000', ''],
    [1000, 'x'.repeat(124)],
    [1000, 5],
  ])(
    'refuses the code %j with the reason %j, and the connection lives on',
    async (code, reason) => {
      const manager = await startManager();
      const { connectionId } = await connectClient(manager);
      const error = expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARGUMENT' });
      expect(() => manager.disconnect(connectionId, code as never, reason as never)).toThrow(error);
      const socket = manager.getConnection(connectionId)?.socket;
      expect(() => socket?.close(code as never, reason as never)).toThrow(error);
      expect(manager.getConnectionCount()).toBe(1);
    },
  );
});

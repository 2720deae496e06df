/**
 * A thousand clients, which is what a manager takes unless told otherwise: they connect, log in, chat in
 * rooms and leave in every way there is. After each stage every count is exact.
 */
import type { WebSocketManager } from '@libs/messaging';
import { connectClient, flush, type TestClient } from '@libs/messaging/testing';
import { expect, test, vi } from 'vitest';
import { startManager } from './support/managers.js';
import { RawClient } from './support/raw-client.js';

const CLIENTS = 1000;
const ROOMS = 50;
const USERS = 250;
const TOPICS = 4;
const MEMBERS = CLIENTS / ROOMS;

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const room = (i: number) => `room-${i % ROOMS}`;
const user = (i: number) => `user-${i % USERS}`;
const topic = (i: number) => `topic-${i % TOPICS}`;

/** Does something for each client, a hundred at a time: the kernel queues only so many handshakes. */
async function forAll<T>(count: number, each: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let start = 0; start < count; start += 100) {
    results.push(...(await Promise.all(numbers(100).map((i) => each(start + i)))));
  }
  return results;
}

function counts(manager: WebSocketManager) {
  const { connections, users, rooms, topics, totalConnections } = manager.getStats();
  expect(manager.getConnectionCount()).toBe(connections);
  expect(manager.getConnections()).toHaveLength(connections);
  expect(manager.getActiveRooms()).toHaveLength(rooms);
  expect(manager.getActiveTopics()).toHaveLength(topics);
  return { connections, users, rooms, topics, totalConnections };
}

test('1,000 clients connect, chat and leave, and every count is exact', {
  timeout: 60_000,
}, async () => {
  const manager = await startManager({ shards: 3 });
  const connected = new Set<string>();
  const disconnected = new Map<string, number>();
  manager.on('connection', ({ id }) => connected.add(id));
  manager.on('disconnect', ({ id }, code) => {
    expect(disconnected.has(id)).toBe(false);
    disconnected.set(id, code);
  });
  manager.on('message', (message, { id }) => {
    // The service passes what a client says to the room that it says it in.
    const [first] = manager.getConnection(id)?.rooms ?? [];
    expect(manager.sendToRoom(first as string, message)).toBe(MEMBERS);
  });

  // They connect. There is no place for one more.
  const clients = await forAll(CLIENTS, () => connectClient(manager, { timeout: 20_000 }));
  const all = new Set(clients.map(({ connectionId }) => connectionId));
  expect(all.size).toBe(CLIENTS);
  await vi.waitUntil(() => connected.size === CLIENTS);
  expect(connected).toEqual(all);
  expect((await (await RawClient.open(manager)).closing()).code).toBe(1013);
  expect(counts(manager)).toEqual({
    connections: 1000,
    users: 0,
    rooms: 0,
    topics: 0,
    totalConnections: 1000,
  });

  // They log in, join and subscribe.
  await forAll(CLIENTS, async (i) => {
    const client = clients[i] as TestClient;
    await client.authenticate({ userId: user(i) });
    await client.join(room(i));
    await client.subscribe(topic(i));
  });
  expect(counts(manager)).toMatchObject({ connections: 1000, users: 250, rooms: 50, topics: 4 });
  for (const i of numbers(ROOMS)) {
    const members = clients.filter((_, at) => at % ROOMS === i);
    expect(new Set(manager.getRoomMembers(room(i)))).toEqual(
      new Set(members.map(({ connectionId }) => connectionId)),
    );
  }

  // They chat: each says one thing, and hears what its room says, each speaker once.
  for (const [i, client] of clients.entries()) client.send({ type: 'chat', payload: i });
  await forAll(CLIENTS, async (i) => {
    const heard = new Set<number>();
    for (const _ of numbers(MEMBERS)) {
      heard.add((await (clients[i] as TestClient).next('chat', { timeout: 20_000 })).payload);
    }
    expect(heard).toEqual(new Set(numbers(MEMBERS).map((k) => (i % ROOMS) + k * ROOMS)));
  });

  // The service sends in its four ways to many.
  expect(manager.broadcast({ type: 'note', payload: 'all' })).toBe(1000);
  expect(manager.sendToUser(user(7), { type: 'note', payload: 'user' })).toBe(4);
  expect(manager.sendToRoom(room(7), { type: 'note', payload: 'room' })).toBe(20);
  expect(manager.broadcastToTopic(topic(7), { type: 'note', payload: 'topic' })).toBe(250);
  await flush(manager);
  const received = { all: 0, user: 0, room: 0, topic: 0 };
  await forAll(CLIENTS, async (i) => {
    await clients[i]?.settled();
    for (const { payload } of clients[i]?.pending ?? []) received[payload as 'all'] += 1;
  });
  expect(received).toEqual({ all: 1000, user: 4, room: 20, topic: 250 });
  expect(manager.getStats().drops).toEqual({
    overloaded: 0,
    slowConsumer: 0,
    departed: 0,
    unwritten: 0,
  });

  // Every fifth one leaves its room, which empties the rooms whose numbers end in 0 or 5.
  await forAll(CLIENTS, async (i) => {
    if (i % 5 === 0) await clients[i]?.leave(room(i));
  });
  expect(counts(manager)).toMatchObject({ connections: 1000, users: 250, rooms: 40, topics: 4 });

  // A quarter closes, the readers of the first topic; another is sent away by the service.
  await forAll(CLIENTS, async (i) => {
    if (i % TOPICS === 0) await clients[i]?.close(4000);
    if (i % TOPICS === 1) {
      expect(manager.disconnect((clients[i] as TestClient).connectionId, 4001)).toBe(true);
      await clients[i]?.closed;
    }
  });
  await vi.waitUntil(() => disconnected.size === 500);
  expect(counts(manager)).toMatchObject({ connections: 500, topics: 2, totalConnections: 1000 });
  expect(manager.broadcast({ type: 'note', payload: 'all' })).toBe(500);
  expect(manager.getRoomMembers(room(1))).toHaveLength(MEMBERS / 2);

  // The rest is sent away by the end of the service.
  const end = manager.shutdown({ timeout: 30_000 });
  expect(counts(manager)).toMatchObject({ connections: 0, users: 0, rooms: 0, topics: 0 });
  const codes = await forAll(CLIENTS, async (i) => (await clients[i]?.closed)?.code);
  expect(codes).toEqual(numbers(CLIENTS).map((i) => [4000, 4001, 1001, 1001][i % TOPICS]));
  await end;
  await vi.waitUntil(() => disconnected.size === CLIENTS);
  expect(new Set(disconnected.keys())).toEqual(all);
  for (const [i, { connectionId }] of clients.entries()) {
    expect(disconnected.get(connectionId)).toBe(codes[i]);
  }
});

/**
 * What one caller sends arrives in the order in which it was sent, by whatever way each message goes and
 * whichever thread serves the receiver.
 */
import type { WebSocketManager } from '@libs/messaging';
import { connectClient, flush, type TestClient } from '@libs/messaging/testing';
import { expect, test } from 'vitest';
import { connectClients, startManager } from './support/managers.js';

/** A small generator (Park and Miller), so that a run that fails can be repeated. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

/** A receiver and the numbers that it has to get, in this order. */
interface Receiver {
  client: TestClient;
  user: string;
  room: string;
  topic: string;
  expected: number[];
}

const NAMES = ['a', 'b', 'c'];

/** Receivers with every mixture of three users, rooms and topics. */
async function connectMixture(manager: WebSocketManager): Promise<Receiver[]> {
  const receivers: Receiver[] = [];
  for (const user of NAMES) {
    for (const room of NAMES) {
      for (const topic of NAMES) {
        const client = await connectClient(manager, { userId: user });
        await client.join(room);
        await client.subscribe(topic);
        receivers.push({ client, user, room, topic, expected: [] });
      }
    }
  }
  return receivers;
}

async function expectAll(manager: WebSocketManager, receivers: Receiver[]): Promise<void> {
  await flush(manager);
  for (const { client, expected } of receivers) {
    await client.settled();
    expect(client.pending.map(({ payload }) => payload)).toEqual(expected);
  }
}

test('5,000 mixed sends arrive in order at 27 receivers on three threads', async () => {
  const manager = await startManager({ shards: 3 });
  const receivers = await connectMixture(manager);
  const pick = random(1);
  const anyName = () => NAMES[pick(NAMES.length)] as string;

  for (let i = 0; i < 5000; i += 1) {
    const message = { type: 'note', payload: i };
    const name = anyName();
    const one = receivers[pick(receivers.length)] as Receiver;
    const [addressed, count] = (
      [
        () => [(it) => it === one, manager.sendToConnection(one.client.connectionId, message)],
        () => [(it) => it.user === name, manager.sendToUser(name, message)],
        () => [(it) => it.room === name, manager.sendToRoom(name, message)],
        () => [(it) => it.topic === name, manager.broadcastToTopic(name, message)],
        () => [() => true, manager.broadcast(message)],
      ] as (() => [(receiver: Receiver) => boolean, boolean | number])[]
    )[pick(5)]?.() ?? [() => false, 0];
    const hit = receivers.filter(addressed);
    expect(Number(count)).toBe(hit.length);
    for (const { expected } of hit) expected.push(i);
    // Long runs within one tick, and pauses at odd moments.
    if (pick(200) === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await expectAll(manager, receivers);
});

test('joining and leaving keep their places among the sends', async () => {
  const manager = await startManager({ shards: 3 });
  const clients = await connectClients(manager, 9);
  const members = new Set<TestClient>();
  const receivers = clients.map((client) => ({ client, expected: [] as number[] }));
  const pick = random(2);

  for (let i = 0; i < 3000; i += 1) {
    const { client } = receivers[pick(receivers.length)] as Receiver;
    if (pick(3) > 0) {
      expect(manager.sendToRoom('lobby', { type: 'note', payload: i })).toBe(members.size);
      for (const { client, expected } of receivers) if (members.has(client)) expected.push(i);
    } else if (members.has(client)) {
      expect(manager.leaveRoom(client.connectionId, 'lobby')).toBe(true);
      members.delete(client);
    } else {
      manager.joinRoom(client.connectionId, 'lobby');
      members.add(client);
      // Who leaves in the very tick of joining may miss what lies between, so this tick ends here.
      await flush(manager);
    }
  }
  await expectAll(manager, receivers as Receiver[]);
});

test('10,000 messages from a listener, in answer to what clients send, arrive in order', async () => {
  const manager = await startManager({ shards: 3 });
  const clients = await connectClients(manager, 10);
  let number = 0;
  manager.on('message', () => {
    for (let i = 0; i < 100; i += 1) {
      manager.broadcast({ type: 'note', payload: number });
      number += 1;
    }
  });
  for (const client of clients) {
    for (let i = 0; i < 10; i += 1) client.send({ type: 'go', payload: i });
  }
  for (const client of clients) {
    for (let i = 0; i < 10_000; i += 1) {
      const { payload } = await client.next('note', { timeout: 15_000 });
      if (payload !== i) expect(payload).toBe(i);
    }
  }
  expect(number).toBe(10_000);
  expect(manager.getStats().drops).toEqual({
    overloaded: 0,
    slowConsumer: 0,
    departed: 0,
    unwritten: 0,
  });
});

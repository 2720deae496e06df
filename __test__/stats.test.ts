/**
 * The figures of getStats(), one by one.
 */
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import type { WebSocketManager, WebSocketStats } from '@libs/messaging';
import { connectClient, flush } from '@libs/messaging/testing';
import { describe, expect, test, vi } from 'vitest';
import { connectMute, HANDSHAKE } from './support/mute-client.js';
import { newManager, nextEvent, openManager, portOf } from './support/test-manager.js';

/** What the figures grew by while something was done. */
async function growth(
  manager: WebSocketManager,
  work: () => Promise<unknown>,
): Promise<(figure: Exclude<keyof WebSocketStats, 'drops' | 'refusals' | 'process'>) => number> {
  // Behind the turn in which the engine did something, and so behind its counting: a client may be faster.
  await flush(manager);
  const before = manager.getStats();
  await work();
  await flush(manager);
  const after = manager.getStats();
  return (figure) => after[figure] - before[figure];
}

test('a new manager has zeros everywhere, but for its threads', async () => {
  const manager = await openManager({ shards: 2 });
  const { process: _, ...stats } = manager.getStats();
  expect(stats).toEqual({
    connections: 0,
    users: 0,
    rooms: 0,
    topics: 0,
    totalConnections: 0,
    messagesIn: 0,
    messagesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    queuedBytes: 0,
    slowConsumers: 0,
    shards: 2,
    drops: { overloaded: 0, slowConsumer: 0, departed: 0, unwritten: 0 },
    refusals: {
      bad_request: 0,
      not_found: 0,
      not_a_websocket: 0,
      unsupported_version: 0,
      headers_too_large: 0,
      handshake_timeout: 0,
      server_overloaded: 0,
      origin: 0,
      ip_limited: 0,
      handshake_rate: 0,
      proxy_header: 0,
      tls_handshake: 0,
      auth_failed: 0,
      auth_required: 0,
      auth_timeout: 0,
      token_expired: 0,
      forbidden: 0,
      hook_timeout: 0,
      message_rate: 0,
      byte_rate: 0,
      user_message_rate: 0,
      room_limit: 0,
      subscription_limit: 0,
      user_connection_limit: 0,
    },
  });
});

test('the reasons of refusals are in one order, for every manager and call', () => {
  const managers = [newManager(), newManager({ shards: 2 }), newManager({ path: '/other' })];
  const orders = [...managers, ...managers].map((it) => Object.keys(it.getStats().refusals));
  expect(new Set(orders.map(String)).size).toBe(1);
});

test('it is a copy', async () => {
  const manager = await openManager();
  const stats = manager.getStats();
  stats.drops.overloaded = 7;
  stats.refusals.not_found = 7;
  stats.connections = 7;
  expect(manager.getStats()).toMatchObject({
    connections: 0,
    drops: { overloaded: 0 },
    refusals: { not_found: 0 },
  });
});

test('connections, users, rooms and topics count what there is now', async () => {
  const manager = await openManager();
  const now = () => {
    const { connections, users, rooms, topics, totalConnections } = manager.getStats();
    return { connections, users, rooms, topics, totalConnections };
  };
  const [ann, annAgain, ben, guest] = await Promise.all([
    connectClient(manager, { userId: 'ann' }),
    connectClient(manager, { userId: 'ann' }),
    connectClient(manager, { userId: 'ben' }),
    connectClient(manager),
  ]);
  await Promise.all([ann.join('kitchen'), ben.join('kitchen'), ben.join('cellar')]);
  await Promise.all([ann.subscribe('news'), guest.subscribe('news')]);
  expect(now()).toEqual({ connections: 4, users: 2, rooms: 2, topics: 1, totalConnections: 4 });

  await ben.leave('cellar');
  expect(now()).toMatchObject({ rooms: 1 });
  await annAgain.authenticate({ userId: 'carl' });
  expect(now()).toMatchObject({ users: 3 });
  for (const client of [ann, annAgain, ben, guest]) {
    const ended = nextEvent(manager, 'disconnect');
    await client.close();
    await ended;
  }
  expect(now()).toEqual({ connections: 0, users: 0, rooms: 0, topics: 0, totalConnections: 4 });
});

describe('messages and bytes', () => {
  test('in: the messages and all bytes of clients', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const grew = await growth(manager, async () => {
      client.send('x'.repeat(100));
      client.send(Buffer.from('{"type":"heartbeat"}'));
      await client.next('heartbeat');
    });
    expect(grew('messagesIn')).toBe(2);
    // Masked frames: two bytes of header and four of mask each (RFC 6455, section 5.2).
    expect(grew('bytesIn')).toBe(6 + 100 + 6 + 20);
  });

  test('in: pings and pongs are bytes, but no messages', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const grew = await growth(manager, () => client.settled());
    expect(grew('messagesIn')).toBe(0);
    expect(grew('bytesIn')).toBe(6);
    expect(grew('messagesOut')).toBe(0);
    expect(grew('bytesOut')).toBe(2);
  });

  test('out: a broadcast counts once for each receiver', async () => {
    const manager = await openManager();
    const clients = await Promise.all([1, 2, 3].map(() => connectClient(manager)));
    const message = { type: 'news', payload: 'x'.repeat(50), timestamp: 'now' };
    const grew = await growth(manager, async () => manager.broadcast(message));
    expect(grew('messagesOut')).toBe(3);
    expect(grew('bytesOut')).toBe(3 * (2 + JSON.stringify(message).length));
    for (const client of clients) await client.next('news');
  });

  test('out: answers, frames as they are and requests count too', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const [connection] = manager.getConnections();
    const grew = await growth(manager, async () => {
      await client.join('kitchen');
      connection?.socket.send('x');
      connection?.socket.send(Buffer.of(1));
      const answered = manager.request(client.connectionId, { type: 'question', payload: 0 });
      const { id } = await client.next('question');
      client.send({ type: 'answer', payload: 0, id });
      await answered;
    });
    expect(grew('messagesOut')).toBe(4);
    expect(grew('messagesIn')).toBe(2);
  });

  test('the greeting and the handshake count', async () => {
    const manager = await openManager();
    const grew = await growth(manager, () => connectMute(manager));
    expect(grew('messagesOut')).toBe(1);
    expect(grew('bytesIn')).toBe(HANDSHAKE.length);
    expect(grew('bytesOut')).toBeGreaterThan(100);
  });

  test('totals stay after close(), while what there is now is nothing', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    client.send({ type: 'heartbeat' });
    await client.next('heartbeat');
    await manager.shutdown();
    expect(manager.getStats()).toMatchObject({
      connections: 0,
      totalConnections: 1,
      messagesIn: 1,
      messagesOut: 2,
    });
  });
});

describe('refusals by reason', () => {
  /** A request over HTTP, and the status of its answer. */
  async function ask(manager: WebSocketManager, path: string, headers: Record<string, string>) {
    const port = portOf(manager);
    const outgoing = request({ port, host: '127.0.0.1', path, headers }).end();
    const [response] = await once(outgoing, 'response');
    response.resume();
    return response.statusCode;
  }

  const upgrade = {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };

  test.for([
    ['not_found', 404, '/other', upgrade],
    ['bad_request', 400, '/ws', { ...upgrade, 'Sec-WebSocket-Key': 'short' }],
    ['not_a_websocket', 426, '/ws', {}],
    ['unsupported_version', 426, '/ws', { ...upgrade, 'Sec-WebSocket-Version': '8' }],
    ['headers_too_large', 431, '/ws', { ...upgrade, 'X-Large': 'x'.repeat(100_000) }],
  ] as const)('%s', async ([reason, status, path, headers]) => {
    const manager = await openManager();
    expect(await ask(manager, path, headers)).toBe(status);
    const { refusals, totalConnections } = manager.getStats();
    expect(refusals[reason]).toBe(1);
    expect(Object.values(refusals).reduce((sum, count) => sum + count)).toBe(1);
    expect(totalConnections).toBe(0);
  });

  test('handshake_timeout', async () => {
    const manager = await openManager({ handshakeTimeout: 20 });
    await once(connect(portOf(manager), '127.0.0.1').resume(), 'close');
    expect(manager.getStats().refusals.handshake_timeout).toBe(1);
  });

  test('server_overloaded', async () => {
    const manager = await openManager({ maxConnections: 1 });
    await connectClient(manager);
    await expect(connectClient(manager)).rejects.toThrow('1013');
    const { refusals, totalConnections } = manager.getStats();
    expect(refusals.server_overloaded).toBe(1);
    expect(totalConnections).toBe(1);
  });
});

test('the figures of the process are its own', async () => {
  const manager = await openManager();
  const { process: first } = manager.getStats();
  expect(first.rss).toBeGreaterThan(first.heapUsed);
  expect(first.heapUsed).toBeGreaterThan(1_000_000);
  expect(Math.abs(first.uptime - process.uptime())).toBeLessThan(60);
  expect(first.eventLoopUtilization.utilization).toBeGreaterThanOrEqual(0);
  expect(first.eventLoopUtilization.utilization).toBeLessThanOrEqual(1);
  // Work moves them.
  await vi.waitFor(() => {
    const { cpu, uptime } = manager.getStats().process;
    expect(cpu.user + cpu.system).toBeGreaterThan(first.cpu.user + first.cpu.system);
    expect(uptime).toBeGreaterThan(first.uptime);
  });
});

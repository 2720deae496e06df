/**
 * The events of a manager and what their listeners are given.
 */
import { EventEmitter, once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { WebSocketConnection, WebSocketMessage, WebSocketRequest } from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { clientFrame, connectMute, HANDSHAKE } from './support/mute-client.js';
import { newManager, nextEvent, openManager, portOf } from './support/test-manager.js';

type MessageEvent = [message: WebSocketMessage, connection: WebSocketConnection];
type ConnectionEvent = [connection: WebSocketConnection, request: WebSocketRequest];

test('a manager is an EventEmitter of Node', async () => {
  const manager = newManager();
  expect(manager).toBeInstanceOf(EventEmitter);
  const [address] = await once(manager, 'listening');
  expect(address).toEqual(manager.address());
});

test('listening comes once, in a later turn, with the address', async () => {
  const manager = newManager();
  const addresses: unknown[] = [];
  manager.on('listening', (address) => addresses.push(address));
  expect(addresses).toEqual([]);
  await manager.ready();
  await connectClient(manager);
  expect(addresses).toEqual([{ address: '127.0.0.1', family: 'IPv4', port: portOf(manager) }]);
});

describe('connection', () => {
  test('tells of the connection and of the request that opened it', async () => {
    const manager = await openManager();
    const connected = nextEvent<ConnectionEvent>(manager, 'connection');
    const client = await connectClient(manager, {
      path: '/ws?token=a%20b&token=c',
      headers: { 'X-Device': 'phone', Cookie: 'a=1; b=2' },
    });
    const [connection, request] = await connected;
    expect(connection.id).toBe(client.connectionId);
    expect(request.url).toBe('/ws?token=a%20b&token=c');
    expect(request.headers).toMatchObject({
      'x-device': 'phone',
      cookie: 'a=1; b=2',
      host: `127.0.0.1:${portOf(manager)}`,
      upgrade: 'websocket',
    });
    expect(request.remoteAddress).toBe('127.0.0.1');
    expect(request.remotePort).toBeGreaterThan(0);
  });

  test('shows IPv4 clients of a dual-stack server by their IPv4 address', async () => {
    const manager = await openManager({ host: undefined });
    const connected = nextEvent<ConnectionEvent>(manager, 'connection');
    await connectClient(manager);
    expect((await connected)[1].remoteAddress).toBe('127.0.0.1');
  });

  test('joins the values of a header that comes twice', async () => {
    const manager = await openManager();
    const connected = nextEvent<ConnectionEvent>(manager, 'connection');
    const twice = { 'X-Tag': ['a', 'b'], Cookie: ['c=1', 'd=2'] };
    const headers = twice as unknown as Record<string, string>;
    await connectClient(manager, { headers });
    expect((await connected)[1].headers).toMatchObject({ 'x-tag': 'a, b', cookie: 'c=1; d=2' });
  });

  test('takes any name for a header, even __proto__', async () => {
    const manager = await openManager();
    const connected = nextEvent<ConnectionEvent>(manager, 'connection');
    await connectClient(manager, { headers: JSON.parse('{"__proto__":"x"}') });
    const [, request] = await connected;
    expect(Object.keys(request.headers)).toContain('__proto__');
    expect(request.headers.toString).toBeUndefined();
  });

  test('comes before the messages of the client, in their order', async () => {
    const manager = await openManager();
    const seen: string[] = [];
    manager.on('connection', () => seen.push('connection'));
    manager.on('message', ({ type }) => seen.push(type));
    manager.on('authenticated', () => seen.push('authenticated'));
    manager.on('disconnect', () => seen.push('disconnect'));
    const disconnected = nextEvent(manager, 'disconnect');
    const client = await connectClient(manager);
    client.send({ type: 'a', payload: 1 });
    client.send({ type: 'authenticate', payload: { userId: 'ann' } });
    client.send({ type: 'b', payload: 2 });
    await client.close();
    await disconnected;
    expect(seen).toEqual(['connection', 'a', 'authenticated', 'b', 'disconnect']);
  });
});

describe('message', () => {
  test('is a client message of a type that the protocol does not own, as it was sent', async () => {
    const manager = await openManager();
    const received = nextEvent<MessageEvent>(manager, 'message');
    const client = await connectClient(manager);
    const message = { type: 'chat', payload: { text: 'grüß dich 🌍' }, id: 'm1', extra: [1, null] };
    client.send(message);
    const [seen, connection] = await received;
    expect(seen).toEqual(message);
    expect(connection.id).toBe(client.connectionId);
  });

  test('may come in a binary frame', async () => {
    const manager = await openManager();
    const received = nextEvent<MessageEvent>(manager, 'message');
    const client = await connectClient(manager);
    client.send(Buffer.from('{"type":"chat","payload":1}'));
    expect((await received)[0]).toEqual({ type: 'chat', payload: 1 });
  });

  test('leaves the types of the protocol to the protocol', async () => {
    const manager = await openManager();
    const types: string[] = [];
    manager.on('message', ({ type }) => types.push(type));
    const client = await connectClient(manager, { userId: 'ann' });
    await client.join('r');
    await client.leave('r');
    await client.subscribe('t');
    await client.unsubscribe('t');
    client.send({ type: 'heartbeat' });
    await client.next('heartbeat');
    const last = nextEvent(manager, 'message');
    client.send({ type: 'last', payload: null });
    await last;
    expect(types).toEqual(['last']);
  });

  test('without a listener, its sender gets an error', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const ask = async () => {
      client.send({ type: 'chat', payload: 1 });
      return (await client.next('error')).payload;
    };
    const refusal = { message: 'Unknown message type: chat', code: 'UNKNOWN_TYPE', type: 'chat' };
    expect(await ask()).toEqual(refusal);

    const listener = () => {};
    manager.on('message', listener);
    client.send({ type: 'chat', payload: 1 });
    client.send({ type: 'heartbeat' });
    await client.next('heartbeat');
    expect(client.pending).toEqual([]);

    manager.off('message', listener);
    expect(await ask()).toEqual(refusal);
  });
});

describe('binary', () => {
  const bytes = Buffer.from([0, 1, 0xff, 0x7b]);

  test('is a binary frame that holds no message', async () => {
    const manager = await openManager();
    const received = nextEvent<[Buffer, WebSocketConnection]>(manager, 'binary');
    const client = await connectClient(manager);
    client.send(bytes);
    const [data, connection] = await received;
    expect(Buffer.isBuffer(data)).toBe(true);
    expect(data.equals(bytes)).toBe(true);
    expect(connection.id).toBe(client.connectionId);
  });

  test('without a listener, its sender gets an error', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    client.send(bytes);
    expect((await client.next('error')).payload.message).toBe('Invalid message format');
  });
});

test('data is every frame under the raw protocol: a string for text, a Buffer for binary', async () => {
  const manager = await openManager({ protocol: 'raw' });
  const frames: [string | Buffer, string][] = [];
  const all = new Promise<void>((resolve) => {
    manager.on('data', (data, connection) => {
      frames.push([data, connection.id]);
      if (frames.length === 3) resolve();
    });
  });
  const client = await connectMute(manager);
  client.write(clientFrame(1, '{"type":"heartbeat"}'));
  client.write(clientFrame(2, '{}'));
  client.write(clientFrame(1, ''));
  await all;
  const [connection] = manager.getConnections();
  expect(frames).toEqual([
    ['{"type":"heartbeat"}', connection?.id],
    [Buffer.from('{}'), connection?.id],
    ['', connection?.id],
  ]);
});

test('authenticated comes with each login, the user already in place', async () => {
  const manager = await openManager();
  const logins: unknown[] = [];
  manager.on('authenticated', ({ id, userId, sessionId }) =>
    logins.push({ id, userId, sessionId }),
  );
  const client = await connectClient(manager);
  const id = client.connectionId;
  for (const login of [{ userId: 'ann', sessionId: 's1' }, { userId: 7 }]) {
    const told = nextEvent(manager, 'authenticated');
    await client.authenticate(login);
    await told;
  }
  expect(logins).toEqual([
    { id, userId: 'ann', sessionId: 's1' },
    { id, userId: '7', sessionId: undefined },
  ]);
});

describe('listeners', () => {
  test('added in the tick of the constructor see every connection', async () => {
    // A client that connects from another thread, while this one is busy in that tick.
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const manager = newManager();
    const worker = new Worker(
      `const { port, handshake, flag } = require('node:worker_threads').workerData;
       const socket = require('node:net').connect(port, '127.0.0.1');
       socket.write(handshake, () => {
         Atomics.store(flag, 0, 1);
         Atomics.notify(flag, 0);
       });
       socket.once('data', () => socket.end());`,
      { eval: true, workerData: { port: portOf(manager), handshake: HANDSHAKE, flag } },
    );
    expect(Atomics.wait(flag, 0, 0, 10_000)).not.toBe('timed-out');
    // Time for a server that does not wait for the end of the tick to be wrong in.
    Atomics.wait(flag, 0, 1, 100);
    const connected = nextEvent<ConnectionEvent>(manager, 'connection');
    const disconnected = nextEvent(manager, 'disconnect');
    expect((await connected)[1].url).toBe('/ws');
    await disconnected;
    await worker.terminate();
  });

  test('work with once, prependListener and removeAllListeners', async () => {
    const manager = await openManager();
    const seen: string[] = [];
    const client = await connectClient(manager);
    manager.on('message', ({ type }) => seen.push(`on ${type}`));
    manager.prependListener('message', ({ type }) => seen.push(`first ${type}`));
    manager.prependOnceListener('message', ({ type }) => seen.push(`once ${type}`));
    manager.addListener('message', ({ type }) => seen.push(`last ${type}`));
    for (const type of ['a', 'b']) {
      const received = nextEvent(manager, 'message');
      client.send({ type, payload: 0 });
      await received;
    }
    expect(seen).toEqual(
      ['once a', 'first a', 'on a', 'last a'].concat(['first b', 'on b', 'last b']),
    );
    manager.removeAllListeners('message');
    client.send({ type: 'c', payload: 0 });
    await client.next('error');
    manager.once('message', () => {});
    client.send({ type: 'd', payload: 0 });
    client.send({ type: 'heartbeat' });
    await client.next('heartbeat');
    manager.removeAllListeners();
    client.send({ type: 'e', payload: 0 });
    expect((await client.next('error')).payload.type).toBe('e');
  });

  test('hear the same event in the order in which they were added, and of all connections', async () => {
    const manager = await openManager();
    const ids: string[] = [];
    const three = new Promise<void>((resolve) => {
      manager.on('connection', ({ id }) => {
        ids.push(id);
        if (ids.length === 3) resolve();
      });
    });
    const clients = await Promise.all([1, 2, 3].map(() => connectClient(manager)));
    await three;
    expect(ids.toSorted()).toEqual(clients.map(({ connectionId }) => connectionId).toSorted());
  });

  test('get thousands of messages complete and in order', async () => {
    const manager = await openManager({ limits: { messagesPerSecond: false } });
    const count = 20_000;
    const numbers: number[] = [];
    const all = new Promise<void>((resolve) => {
      manager.on('message', ({ payload }) => {
        numbers.push(payload);
        if (numbers.length === count) resolve();
      });
    });
    const socket = new WebSocket(`ws://127.0.0.1:${portOf(manager)}/ws`);
    await once(socket, 'open');
    for (let i = 0; i < count; i += 1) socket.send(JSON.stringify({ type: 'n', payload: i }));
    await all;
    expect(numbers.every((value, index) => value === index)).toBe(true);
    socket.terminate();
  });
});

/**
 * The test kit `@libs/messaging/testing`, which services test themselves with.
 */
import { type WebSocketConnection, WebSocketManager } from '@libs/messaging';
import { connectClient, createTestManager, flush } from '@libs/messaging/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Server } from 'node:http';
import { certificate, httpsServer, unixServer } from './support/http-servers.js';
import { connectMute } from './support/mute-client.js';
import {
  endAfterTest,
  MEGABYTE,
  newManager,
  nextEvent,
  openManager,
  queueUp,
} from './support/test-manager.js';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

/** A client of a manager of its own. */
async function connected(options?: Parameters<typeof connectClient>[1]) {
  const manager = await openManager();
  return { manager, client: await connectClient(manager, options) };
}

describe('createTestManager', () => {
  test('makes a manager on a free port of 127.0.0.1 that accepts connections', async () => {
    const manager = endAfterTest(await createTestManager());
    expect(manager).toBeInstanceOf(WebSocketManager);
    expect(manager.address()).toMatchObject({ address: '127.0.0.1', family: 'IPv4' });
    await connectClient(manager);
    expect(manager.getConnectionCount()).toBe(1);
  });

  test('takes the options of a manager', async () => {
    const manager = endAfterTest(await createTestManager({ path: '/live', shards: 2 }));
    expect(manager.getStats().shards).toBe(2);
    await connectClient(manager);
  });

  test('takes nothing from the environment', async () => {
    for (const [name, value] of Object.entries({
      WS_PATH: '/from-env',
      WS_PROTOCOL: 'raw',
      WS_MAX_CONNECTIONS: '1',
      WS_SHARDS: 'no number',
      WS_HOST: 'no address',
    })) {
      vi.stubEnv(name, value);
    }
    const manager = endAfterTest(await createTestManager());
    await connectClient(manager, { path: '/ws' });
    await connectClient(manager);
    expect(manager.getConnectionCount()).toBe(2);
  });

  test('rejects where a manager would fail', async () => {
    await expect(createTestManager({ shards: -1 })).rejects.toBeInstanceOf(RangeError);
    const port = (await openManager()).address()?.port;
    await expect(createTestManager({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

describe('connectClient', () => {
  test('connects, and has the id that the server gave', async () => {
    const { manager, client } = await connected();
    expect(manager.getConnections().map(({ id }) => id)).toEqual([client.connectionId]);
    expect(client.pending).toEqual([]);
  });

  test('logs in if it is told who the client is', async () => {
    const { manager, client } = await connected({ userId: 'ann', sessionId: 's1' });
    expect(manager.getUserConnections('ann')).toEqual([client.connectionId]);
    expect(manager.getConnection(client.connectionId)?.sessionId).toBe('s1');
    expect(client.pending).toEqual([]);
    await connectClient(manager, { userId: 7 });
    expect(manager.getUserConnections('7')).toHaveLength(1);
  });

  test('sends header fields and takes a path of its own', async () => {
    const manager = await openManager();
    const told = nextEvent<[WebSocketConnection, { url: string; headers: object }]>(
      manager,
      'connection',
    );
    await connectClient(manager, { path: '/ws?room=1', headers: { 'X-Device': 'phone' } });
    const [, { url, headers }] = await told;
    expect(url).toBe('/ws?room=1');
    expect(headers).toMatchObject({ 'x-device': 'phone' });
  });

  test("finds the manager's path, wherever it comes from", async () => {
    await connectClient(await openManager({ path: '/from-option' }));
    vi.stubEnv('WS_PATH', '/from-env');
    const manager = newManager();
    vi.stubEnv('WS_PATH', '/of-another-manager');
    await connectClient(manager);
  });

  test('finds a manager that is not ready yet, or listens on all addresses', async () => {
    await connectClient(newManager());
    await connectClient(newManager({ host: undefined }));
  });

  test('goes over TLS, and over a Unix domain socket', async () => {
    const tls = certificate();
    const attached = async (server: object) =>
      endAfterTest(WebSocketManager.fromHttpServer(server as Server));
    for (const manager of [
      await openManager({ tls }),
      await attached(await httpsServer()),
      await attached((await unixServer()).server),
    ]) {
      await connectClient(manager);
      expect(manager.getConnectionCount()).toBe(1);
    }
  });

  test('rejects with the reason why the server refused, first of all', async () => {
    const manager = await openManager({ maxConnections: 1 });
    await expect(connectClient(manager, { path: '/other' })).rejects.toMatchObject({
      code: 'ERR_CONNECTION_CLOSED',
      message: expect.stringMatching(/^cannot connect: Unexpected server response: 404;/),
    });
    await connectClient(manager);
    await expect(connectClient(manager)).rejects.toMatchObject({
      code: 'ERR_CONNECTION_CLOSED',
      message: expect.stringMatching(/^the connection was closed with 1013 "Server overloaded";/),
    });
  });

  test("rejects for protocol 'raw' at once, wherever that comes from", async () => {
    vi.stubEnv('WS_PROTOCOL', 'raw');
    for (const manager of [await openManager({ protocol: 'raw' }), newManager()]) {
      await expect(connectClient(manager)).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringMatching(/^manager: must have the protocol 'messaging', got 'raw'/),
      });
      expect(manager.getStats().totalConnections).toBe(0);
    }
  });

  test('rejects for a login that the server refuses, with its code', async () => {
    const manager = await openManager();
    const refused = connectClient(manager, { userId: true as never });
    await expect(refused).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
      message: expect.stringMatching(/^"authenticate" was refused: /),
    });
  });

  test('rejects for a manager that is closed, and for what is no manager', async () => {
    const manager = await openManager();
    manager.close();
    await expect(connectClient(manager)).rejects.toMatchObject({ code: 'ERR_MANAGER_CLOSED' });
    await expect(connectClient({} as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    });
  });
});

describe('next', () => {
  test('takes messages in the order in which they came, whenever it is asked', async () => {
    const { manager, client } = await connected();
    for (let payload = 0; payload < 3; payload += 1) manager.broadcast({ type: 'n', payload });
    expect((await client.next()).payload).toBe(0);
    expect((await client.next()).payload).toBe(1);
    expect((await client.next()).payload).toBe(2);
    const later = client.next();
    manager.broadcast({ type: 'n', payload: 3 });
    expect((await later).payload).toBe(3);
  });

  test('takes the oldest of a type and leaves the others', async () => {
    const { manager, client } = await connected();
    for (const type of ['a', 'b', 'a', 'b']) manager.broadcast({ type, payload: type });
    await client.next('b');
    await client.next('b');
    expect(client.pending.map(({ type }) => type)).toEqual(['a', 'a']);
  });

  test('gives each message to one who waits for it, the first first', async () => {
    const { manager, client } = await connected();
    const waiting = [client.next('a'), client.next('b'), client.next('a')];
    for (const [type, payload] of [
      ['a', 1],
      ['a', 2],
      ['b', 3],
    ] as const) {
      manager.broadcast({ type, payload });
    }
    expect((await Promise.all(waiting)).map(({ payload }) => payload)).toEqual([1, 3, 2]);
  });

  test('gives frames that are no messages under the types #text and #binary', async () => {
    const { manager, client } = await connected();
    const [connection] = manager.getConnections();
    connection?.socket.send('plain');
    connection?.socket.send('[1]');
    connection?.socket.send(Buffer.of(1, 2));
    expect(await client.next('#text')).toEqual({ type: '#text', payload: 'plain' });
    expect(await client.next('#text')).toEqual({ type: '#text', payload: '[1]' });
    expect(await client.next('#binary')).toEqual({ type: '#binary', payload: Buffer.of(1, 2) });
  });

  test('that waits in vain fails with what did arrive', async () => {
    const { manager, client } = await connected();
    manager.broadcast({ type: 'other', payload: 1, timestamp: 'now' });
    await client.settled();
    const error = await client.next('news', { timeout: 20 }).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(error.code).toBe('ERR_TEST_TIMEOUT');
    expect(error.message.split('\n')).toEqual([
      'no message of type "news": waited 20 ms. Arrived: 2:',
      expect.stringMatching(/^ {2}\{"type":"connection",.*\} \(taken\)$/),
      '  {"type":"other","payload":1,"timestamp":"now"}',
    ]);
  });

  test('that waits in vain for anything says so', async () => {
    const { client } = await connected();
    await expect(client.next(undefined, { timeout: 20 })).rejects.toThrow(
      /^no message: waited 20 ms/,
    );
  });

  test('fails at once when the connection has ended, or ends', async () => {
    const { manager, client } = await connected();
    const waiting = client.next('news', { timeout: 600_000 });
    const refused = expect(waiting).rejects.toMatchObject({
      code: 'ERR_CONNECTION_CLOSED',
      message: expect.stringContaining('the connection was closed with 4000 "enough"'),
    });
    manager.disconnect(client.connectionId, 4000, 'enough');
    await refused;
    await expect(client.next('news', { timeout: 600_000 })).rejects.toMatchObject({
      code: 'ERR_CONNECTION_CLOSED',
    });
  });

  test('still gives what had arrived before the end', async () => {
    const { manager, client } = await connected();
    manager.broadcast({ type: 'news', payload: 1 });
    manager.close();
    await client.closed;
    expect((await client.next('news')).payload).toBe(1);
  });

  test("names the test's line in its stack", async () => {
    const { client } = await connected();
    const error = await client.next('news', { timeout: 1 }).catch((thrown) => thrown);
    expect(error.stack).toContain('testing-kit.test.ts');
  });

  test('is not stopped by a fake clock', async () => {
    const { client } = await connected();
    vi.useFakeTimers();
    await expect(client.next('news', { timeout: 20 })).rejects.toMatchObject({
      code: 'ERR_TEST_TIMEOUT',
    });
  });
});

describe('the protocol', () => {
  test('authenticate, join, leave, subscribe and unsubscribe resolve with the answers', async () => {
    const { manager, client } = await connected();
    const login = await client.authenticate({ userId: 'ann' });
    expect(login).toMatchObject({ type: 'authenticated', payload: { userId: 'ann' } });
    expect(await client.join('r')).toMatchObject({ type: 'joined_room', payload: { room: 'r' } });
    expect(await client.subscribe('t')).toMatchObject({ type: 'subscribed' });
    expect([manager.getActiveRooms(), manager.getActiveTopics()]).toEqual([['r'], ['t']]);
    expect(await client.leave('r')).toMatchObject({ type: 'left_room' });
    expect(await client.unsubscribe('t')).toMatchObject({ type: 'unsubscribed' });
    expect([manager.getActiveRooms(), manager.getActiveTopics()]).toEqual([[], []]);
    expect(client.pending).toEqual([]);
  });

  test('several at once do not take the answers of one another', async () => {
    const { client } = await connected();
    const rooms = ['a', 'b', 'c'];
    const answers = await Promise.all(rooms.map((room) => client.join(room)));
    expect(answers.map(({ payload }) => payload.room)).toEqual(rooms);
  });

  test('reject with the code of the error that the server answers', async () => {
    const { client } = await connected();
    await expect(client.join('')).rejects.toMatchObject({ code: 'INVALID_PAYLOAD' });
    await expect(client.subscribe('x'.repeat(257))).rejects.toMatchObject({
      code: 'INVALID_PAYLOAD',
    });
  });
});

describe('flush and settled', () => {
  test('after both, pending is all that was sent', async () => {
    const { manager, client } = await connected();
    for (let i = 0; i < 100; i += 1) manager.broadcast({ type: 'n', payload: i });
    await flush(manager);
    await client.settled();
    expect(client.pending.map(({ payload }) => payload)).toEqual([...Array(100).keys()]);
  });

  test('flush waits until large frames are written, and then nothing waits', async () => {
    const manager = await openManager({ maxBufferedAmount: 2 ** 30 });
    const client = await connectClient(manager);
    for (let i = 0; i < 10; i += 1) manager.broadcast({ type: 'n', payload: MEGABYTE });
    await flush(manager);
    expect(manager.getStats().queuedBytes).toBe(0);
    await client.settled();
    expect(client.pending).toHaveLength(10);
  });

  test('flush resolves without connections', async () => {
    const manager = await openManager();
    await flush(manager);
    await expect(flush({} as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });

  test('flush resolves when the manager ends, as its receivers are gone', async () => {
    const manager = await openManager({ maxBufferedAmount: 2 ** 30 });
    await connectMute(manager);
    await queueUp(manager);
    const flushed = flush(manager);
    await manager.shutdown({ timeout: 0 });
    await flushed;
  });

  test('flush resolves when the manager has ended', async () => {
    const manager = await openManager();
    await manager.shutdown();
    await flush(manager);
  });

  test('settled rejects when the connection ends instead', async () => {
    const { manager, client } = await connected();
    manager.disconnect(client.connectionId, 4000);
    await client.closed;
    await expect(client.settled()).rejects.toMatchObject({ code: 'ERR_CONNECTION_CLOSED' });
  });
});

describe('the end of a client', () => {
  test('close() resolves with what the server answered, as closed does', async () => {
    const { client } = await connected();
    expect(await client.close(4000, 'enough')).toMatchObject({ code: 4000 });
    expect(await client.closed).toMatchObject({ code: 4000 });
    expect(await client.close()).toMatchObject({ code: 4000 });
  });

  test('closed resolves whoever ends it', async () => {
    const { manager, client } = await connected();
    manager.disconnect(client.connectionId, 1008, 'not allowed');
    expect(await client.closed).toEqual({ code: 1008, reason: 'not allowed' });
  });
});

/**
 * The orderly end: shutdown() stops accepting, lets what is queued arrive, and is over by its deadline.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { connectClient } from '@libs/messaging/testing';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { connectMute } from './support/mute-client.js';
import { newManager, nextEvent, openManager, portOf, queueUp } from './support/test-manager.js';

const MESSAGE = { type: 'news', payload: 1 };

describe('shutdown()', () => {
  test('sends 1001 to everybody, and resolves when all connections have ended', async () => {
    const manager = await openManager();
    const ends: unknown[] = [];
    manager.on('disconnect', ({ id }, code, reason) => ends.push({ id, code, reason }));
    const clients = await Promise.all([1, 2, 3].map(() => connectClient(manager)));
    await manager.shutdown();
    const end = { code: 1001, reason: 'Server shutting down' };
    for (const { closed } of clients) expect(await closed).toEqual(end);
    const ids = clients.map(({ connectionId }) => connectionId).toSorted();
    // The last events may be on their way to the listeners still.
    while (ends.length < ids.length) await nextEvent(manager, 'disconnect');
    expect(ends).toHaveLength(3);
    expect(ends).toEqual(expect.arrayContaining(ids.map((id) => ({ id, ...end }))));
  });

  test('stops accepting at once', async () => {
    const manager = await openManager();
    const port = portOf(manager);
    // It holds the shutdown up, for it never answers.
    await connectMute(manager);
    const over = manager.shutdown();
    expect(manager.address()).toBeNull();
    const socket = connect(port, '127.0.0.1');
    const [error] = await once(socket, 'error');
    expect(error.code).toBe('ECONNREFUSED');
    expect(newManager({ port }).address()?.port).toBe(port);
    await manager.shutdown({ timeout: 0 });
    await over;
  });

  test('knows no connections from the call on, and sends nothing more', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const over = manager.shutdown();
    expect(manager.getConnectionCount()).toBe(0);
    expect(manager.broadcast(MESSAGE)).toBe(0);
    expect(manager.sendToConnection(client.connectionId, MESSAGE)).toBe(false);
    await over;
    await client.closed;
    expect(client.pending).toEqual([]);
  });

  test('lets what is queued arrive, also at a client that reads late', async () => {
    const manager = await openManager({ maxBufferedAmount: 2 ** 30 });
    const socket = new WebSocket(`ws://127.0.0.1:${portOf(manager)}/ws`);
    await once(socket, 'open');
    socket.pause();
    const numbers: number[] = [];
    socket.on('message', (data) => {
      const { type, payload } = JSON.parse(String(data));
      if (type === 'filler') numbers.push(payload.number);
    });
    const sent = await queueUp(manager);
    const over = manager.shutdown();
    socket.resume();
    const [code] = await once(socket, 'close');
    await over;
    expect(code).toBe(1001);
    expect(numbers).toEqual([...Array(sent).keys()]);
  });

  test('is over by its deadline, however silent a client is', async () => {
    // Without the deadline the client would have ten minutes for its answer.
    const manager = await openManager({ closeTimeout: 600_000 });
    const ended = nextEvent(manager, 'disconnect');
    const client = await connectMute(manager);
    await manager.shutdown({ timeout: 100 });
    expect((await ended).slice(1)).toEqual([1006, '']);
    client.resume();
    await once(client, 'close');
  });

  test('is over by its deadline, however much is queued for a client that does not read', async () => {
    const manager = await openManager({ closeTimeout: 600_000, maxBufferedAmount: 2 ** 30 });
    const ended = nextEvent(manager, 'disconnect');
    await connectMute(manager);
    await queueUp(manager);
    await manager.shutdown({ timeout: 100 });
    expect((await ended).slice(1)).toEqual([1006, '']);
    expect(manager.getStats().queuedBytes).toBe(0);
  });

  test('with a deadline of 0 ends everything at once', async () => {
    const manager = await openManager({ closeTimeout: 600_000 });
    await connectMute(manager);
    await manager.shutdown({ timeout: 0 });
  });

  test('resolves at once without connections, and before anything listened', async () => {
    await (await openManager()).shutdown();
    const early = newManager();
    const refused = expect(early.ready()).rejects.toMatchObject({ code: 'ERR_MANAGER_CLOSED' });
    await early.shutdown();
    await refused;
  });

  test('rejects the requests that wait for answers', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const answer = manager.request(client.connectionId, MESSAGE);
    const refused = expect(answer).rejects.toMatchObject({ code: 'ERR_CONNECTION_CLOSED' });
    await manager.shutdown();
    await refused;
  });
});

describe('more than one end', () => {
  test('shutdown() twice: both resolve when all is over', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    await Promise.all([manager.shutdown(), manager.shutdown()]);
    expect(await client.closed).toMatchObject({ code: 1001 });
    await manager.shutdown();
  });

  test('a later shutdown() may shorten the deadline, and then both are over', async () => {
    const manager = await openManager({ closeTimeout: 600_000 });
    await connectMute(manager);
    const patient = manager.shutdown({ timeout: 600_000 });
    await manager.shutdown({ timeout: 50 });
    await patient;
  });

  test('a later shutdown() does not lengthen it', async () => {
    const manager = await openManager({ closeTimeout: 600_000 });
    await connectMute(manager);
    const hasty = manager.shutdown({ timeout: 50 });
    await manager.shutdown({ timeout: 600_000 });
    await hasty;
  });

  test('close() after shutdown() does not hurt', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const over = manager.shutdown();
    manager.close();
    await over;
    expect(await client.closed).toMatchObject({ code: 1001 });
    manager.close();
  });

  test('shutdown() after close() resolves when all is over', async () => {
    const manager = await openManager();
    const ended = nextEvent(manager, 'disconnect');
    const client = await connectClient(manager);
    manager.close();
    await manager.shutdown();
    expect((await ended)[1]).toBe(1001);
    expect(await client.closed).toMatchObject({ code: 1001 });
  });
});

describe('its timeout', () => {
  test.for([
    ['1000', 'TypeError', 'ERR_INVALID_OPTION_TYPE'],
    [true, 'TypeError', 'ERR_INVALID_OPTION_TYPE'],
    [-1, 'RangeError', 'ERR_INVALID_OPTION_RANGE'],
    [0.5, 'RangeError', 'ERR_INVALID_OPTION_RANGE'],
    [2 ** 31, 'RangeError', 'ERR_INVALID_OPTION_RANGE'],
    [Number.NaN, 'RangeError', 'ERR_INVALID_OPTION_RANGE'],
    [Number.POSITIVE_INFINITY, 'RangeError', 'ERR_INVALID_OPTION_RANGE'],
  ] as const)('cannot be %s, which rejects and ends nothing', async ([timeout, name, code]) => {
    const manager = await openManager();
    const refused = manager.shutdown({ timeout: timeout as number });
    const message = expect.stringMatching(/^timeout: must be /);
    await expect(refused).rejects.toMatchObject({ name, code, message });
    await connectClient(manager);
  });
});

test('`await using` is shutdown()', async () => {
  const manager = await openManager();
  const client = await connectClient(manager);
  await manager[Symbol.asyncDispose]();
  expect(manager.address()).toBeNull();
  expect(await client.closed).toMatchObject({ code: 1001 });
});

/**
 * Bad input gets a clear answer, and nothing is lost: each case of the tables in support/, and that
 * docs/bad-input.md tells of the same.
 */
import { once } from 'node:events';
import type { WebSocketConnection } from '@libs/messaging';
import { WebSocketManager } from '@libs/messaging';
import { connectClient, createTestManager } from '@libs/messaging/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { BAD_OPTIONS, LATE_CALLS } from './support/bad-call-cases.js';
import { BAD_FRAMES, BAD_HANDSHAKES, BAD_MESSAGES, CONFIG } from './support/bad-input-cases.js';
import { badInputDocument } from './support/bad-input-table.js';
import { frame, Opcode, text } from './support/frames.js';
import { startManager } from './support/managers.js';
import { runNode } from './support/node-process.js';
import { RawClient, request } from './support/raw-client.js';
import { nextEvent, portOf } from './support/test-manager.js';

/** Cases with their titles in front, which `%s` shows whole and `$given` would cut. */
function titled<Case extends { given: string }>(cases: Case[]): [title: string, it: Case][] {
  return cases.map((it) => [it.given, it]);
}

describe('a message', () => {
  test.each(titled(BAD_MESSAGES))('%s', async (_, { frame: bad, answer }) => {
    const manager = await startManager(CONFIG);
    const client = await RawClient.greeted(manager);
    client.write(bad);
    expect(await client.message()).toEqual({
      type: 'error',
      payload: answer,
      timestamp: expect.any(String),
    });

    // The connection lives on, and what came with the fault changed nothing.
    expect(JSON.parse(await client.ask({ type: 'heartbeat' })).type).toBe('heartbeat');
    const { userId, sessionId, rooms, subscriptions } = manager.getConnection(
      client.id,
    ) as WebSocketConnection;
    expect([userId, sessionId, rooms.size, subscriptions.size]).toEqual([
      undefined,
      undefined,
      0,
      0,
    ]);
    expect(manager.getStats()).toMatchObject({ connections: 1, users: 0, rooms: 0, topics: 0 });
  });

  test('a fault keeps what the connection had', async () => {
    const manager = await startManager(CONFIG);
    const client = await connectClient(manager, { userId: 'ada', sessionId: 's1' });
    await client.join('lobby');
    await client.subscribe('news');
    const connection = manager.getConnection(client.connectionId) as WebSocketConnection;
    for (const { frame: bad } of BAD_MESSAGES) {
      // Behind the header of a short frame come the mask and the payload, which ws makes anew.
      const length = bad.readUInt8(1) & 0x7f;
      const mask = bad.subarray(length === 126 ? 4 : 2);
      const payload = mask.subarray(4).map((byte, i) => byte ^ (mask[i % 4] as number));
      client.send(payload);
      expect((await client.next()).type).toBe('error');
    }
    expect([connection.userId, connection.sessionId]).toEqual(['ada', 's1']);
    expect([...connection.rooms]).toEqual(['lobby']);
    expect([...connection.subscriptions]).toEqual(['news']);
  });
});

describe('frames', () => {
  test.each(titled(BAD_FRAMES))('%s', async (_, { frames, close }) => {
    const manager = await startManager(CONFIG);
    const client = await RawClient.greeted(manager);
    const bystander = await connectClient(manager);
    const left = nextEvent<[WebSocketConnection, number, string]>(manager, 'disconnect');
    // What comes behind the fault is not looked at.
    client.write(...frames, text({ type: 'heartbeat' }));

    const answer = await client.frame();
    expect(answer).toMatchObject({ opcode: Opcode.close, fin: true, reserved: 0, masked: false });
    expect(answer.payload.readUInt16BE()).toBe(close.code);
    expect(answer.payload.subarray(2).toString()).toBe(close.reason);
    await client.ended;
    await expect(client.frame()).rejects.toThrow('the connection ended');

    const [connection, ...how] = await left;
    expect(connection.id).toBe(client.id);
    expect(how).toEqual([close.code, close.reason]);
    await bystander.join('still here');
    expect(manager.getConnectionCount()).toBe(1);
  });

  test('what came before the fault is handled and answered', async () => {
    const client = await RawClient.greeted(await startManager(CONFIG));
    client.write(
      text({ type: 'heartbeat', id: 'before' }),
      frame(Opcode.ping, 'before too'),
      frame(Opcode.text, '{}', { masked: false }),
    );
    expect((await client.message()).id).toBe('before');
    expect(await client.frame()).toMatchObject({ opcode: Opcode.pong });
    expect((await client.closing()).code).toBe(1002);
  });

  test('a message of exactly `maxPayload` bytes is fine', async () => {
    const { maxPayload = 0 } = CONFIG;
    const client = await RawClient.greeted(await startManager(CONFIG));
    const message = { type: 'heartbeat', payload: '' };
    message.payload = 'x'.repeat(maxPayload - JSON.stringify(message).length);
    expect(JSON.parse(await client.ask(message)).type).toBe('heartbeat');

    const half = JSON.stringify(message).length / 2;
    client.write(
      frame(Opcode.text, JSON.stringify(message).slice(0, half), { fin: false }),
      frame(Opcode.continuation, JSON.stringify(message).slice(half)),
    );
    expect((await client.message()).type).toBe('heartbeat');
  });
});

describe('a handshake', () => {
  test.each(titled(BAD_HANDSHAKES))('%s', async (_, bad) => {
    const manager = await startManager();
    const client = await RawClient.connect(manager);
    client.write(bad.request);

    const { status, headers, body } = await client.response();
    expect(status).toBe(bad.status);
    expect(body).toBe(`${bad.body}\n`);
    expect(headers.connection?.toLowerCase().split(', ')).toContain('close');
    expect(headers).toMatchObject(bad.headers ?? {});
    await client.ended;
    expect(manager.getStats().refusals).toMatchObject({ [bad.refusal]: 1 });
    expect(manager.getStats().totalConnections).toBe(0);
    await connectClient(manager);
  });

  test('a handshake that dribbles is ended after `handshakeTimeout`', async () => {
    const manager = await startManager({ handshakeTimeout: 50 });
    const client = await RawClient.connect(manager);
    client.write(request().slice(0, -2), 'X-Dribble: ');
    // A byte now and then earns no more time.
    const dribble = setInterval(() => client.write('x'), 5);
    await client.ended.finally(() => clearInterval(dribble));
    expect(manager.getStats().refusals).toMatchObject({ handshake_timeout: 1 });
  });

  test('a client that says nothing at all is ended too', async () => {
    const manager = await startManager({ handshakeTimeout: 50 });
    await (await RawClient.connect(manager)).ended;
    expect(manager.getStats().refusals).toMatchObject({ handshake_timeout: 1 });
  });
});

describe('options', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test.each(BAD_OPTIONS)(
    '$given: $error.name, $error.code',
    ({ config, env = {}, error, path }) => {
      for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
      const matching = expect.objectContaining({
        ...error,
        message: expect.stringMatching(new RegExp(`^${path}: `)),
      });
      expect(() => new WebSocketManager(config as never)).toThrow(matching);
    },
  );
});

describe('a port that is taken', () => {
  const fault = {
    code: 'EADDRINUSE',
    syscall: 'listen',
    address: '127.0.0.1',
  };

  test('is an `error` event after the constructor has returned', async () => {
    const port = portOf(await startManager());
    const late = new WebSocketManager({ port, host: '127.0.0.1' });
    expect(late.address()).toBeNull();
    expect(late.broadcast({ type: 'note', payload: 1 })).toBe(0);
    const [error] = await once(late, 'error');
    expect(error).toMatchObject({ ...fault, port });
    expect(error.message).toContain('EADDRINUSE');
    late.close();
  });

  test('rejects `ready()`, which is then enough', async () => {
    const port = portOf(await startManager());
    const late = new WebSocketManager({ port, host: '127.0.0.1' });
    await expect(late.ready()).rejects.toMatchObject({ ...fault, port });
  });

  test('is an uncaught exception where nobody listens', async () => {
    const port = portOf(await startManager());
    const { code, errors } = await runNode(
      `import { WebSocketManager } from '@libs/messaging';
       new WebSocketManager({ port: ${port}, host: '127.0.0.1' });`,
    );
    expect(code).toBe(1);
    expect(errors).toContain('EADDRINUSE');
  });
});

describe('after close()', () => {
  test.each(LATE_CALLS)('$call', async ({ run, returns }) => {
    const manager = await createTestManager();
    const client = await connectClient(manager, { userId: 'ada' });
    await client.join('lobby');
    await client.subscribe('news');
    manager.close();
    expect(await run(manager)).toEqual(returns);
    expect(await client.closed).toEqual({ code: 1001, reason: 'Server shutting down' });
  });

  test('ready() still resolves, and request() rejects', async () => {
    const manager = await createTestManager();
    const { connectionId } = await connectClient(manager);
    manager.close();
    expect(await manager.ready()).toMatchObject({ family: 'IPv4' });
    await expect(
      manager.request(connectionId, { type: 'question', payload: 1 }),
    ).rejects.toMatchObject({ code: 'ERR_CONNECTION_CLOSED' });
  });
});

test('docs/bad-input.md tells of the same', async () => {
  await expect(badInputDocument()).toMatchFileSnapshot('../docs/bad-input.md');
});

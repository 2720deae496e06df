/**
 * What one client may ask for: messages in a second, bytes, rooms, topics. What is over it is refused,
 * counted, and changes nothing.
 */
import { randomBytes } from 'node:crypto';
import type { WebSocketManager } from '@libs/messaging';
import { connectClient, type TestClient } from '@libs/messaging/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { frame, Opcode } from './support/frames.js';
import { connectClients, startManager, warningsOf } from './support/managers.js';
import { RawClient, request } from './support/raw-client.js';
import { newManager as newOne } from './support/test-manager.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A rate that gives nothing back while a test runs. */
const ONCE = { messagesPerSecond: 1, burst: 10 };

/** Sends so many heartbeats at once, and returns what each was answered. */
async function beat(client: TestClient, count: number): Promise<string[]> {
  for (let id = 0; id < count; id += 1) client.send({ type: 'heartbeat', id: String(id) });
  const answers: string[] = [];
  for (let id = 0; id < count; id += 1) {
    const { type, id: echoed, payload } = await client.next();
    expect(echoed).toBe(String(id));
    answers.push(type === 'error' ? payload.code : type);
  }
  return answers;
}

const refused = (manager: WebSocketManager) => manager.getStats().refusals;

describe('messages in a second', () => {
  test('100, and 200 at once, unless told otherwise', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    const warnings = warningsOf(manager);
    const answers = await beat(client, 1000);
    const passed = answers.filter((answer) => answer === 'heartbeat').length;
    expect(answers.slice(0, 200)).toEqual(Array(200).fill('heartbeat'));
    // What flows in while they arrive depends on the machine; all is far less than what came.
    expect(passed).toBeLessThan(900);
    expect(refused(manager).message_rate).toBe(1000 - passed);
    await vi.waitUntil(() => warnings.length > 0);
    expect(warnings).toMatchObject([
      { code: 'ERR_RATE_LIMITED', connectionId: client.connectionId },
    ]);
  });

  test('a message over it is not carried out, and its answer has its id and type', async () => {
    const manager = await startManager({ limits: ONCE });
    const heard: unknown[] = [];
    manager.on('message', (message) => heard.push(message));
    const [client, other] = [await connectClient(manager), await connectClient(manager)];
    await beat(client, 10);
    client.send({ type: 'join_room', payload: { room: 'lobby' }, id: 'j' });
    expect(await client.next()).toMatchObject({
      type: 'error',
      payload: { code: 'RATE_LIMITED', type: 'join_room' },
      id: 'j',
    });
    client.send({ type: 'chat', payload: 1, id: 'c' });
    expect(await client.next()).toMatchObject({
      payload: { code: 'RATE_LIMITED', type: 'chat' },
      id: 'c',
    });
    client.send('{');
    expect((await client.next()).payload.code).toBe('RATE_LIMITED');
    client.send(new Uint8Array([1, 2, 3]));
    expect((await client.next()).payload.code).toBe('RATE_LIMITED');
    expect(manager.getActiveRooms()).toEqual([]);
    expect(heard).toEqual([]);
    expect(refused(manager).message_rate).toBe(4);
    // It is one connection's, and the service may send as much as it likes.
    expect(await beat(other, 10)).toEqual(Array(10).fill('heartbeat'));
    for (let i = 0; i < 50; i += 1) manager.sendToConnection(client.connectionId, news(i));
    for (let i = 0; i < 50; i += 1) expect((await client.next('news')).payload).toBe(i);
  });

  test('pings count, and are not answered over it', async () => {
    const manager = await startManager({ limits: ONCE });
    const client = await RawClient.greeted(manager);
    for (let i = 0; i < 30; i += 1) client.write(frame(Opcode.ping, String(i)));
    client.write(frame(Opcode.text, '{"type":"heartbeat"}'));
    for (let i = 0; i < 10; i += 1) {
      expect(await client.frame()).toMatchObject({
        opcode: Opcode.pong,
        payload: Buffer.from(`${i}`),
      });
    }
    expect((await client.message()).payload.code).toBe('RATE_LIMITED');
    expect(refused(manager).message_rate).toBe(21);
  });

  test('it goes on when time has passed', async () => {
    const manager = await startManager({ limits: { messagesPerSecond: 20, burst: 1 } });
    const client = await connectClient(manager);
    expect((await beat(client, 5)).at(-1)).toBe('RATE_LIMITED');
    await vi.waitUntil(async () => (await beat(client, 1))[0] === 'heartbeat');
  });

  test.for([
    { limits: { messagesPerSecond: false as const }, variable: '1/1' },
    { limits: undefined, variable: 'off' },
    { limits: {}, variable: '0' },
  ])('$limits with WS_RATE_LIMIT=$variable is none', async ({ limits, variable }) => {
    vi.stubEnv('WS_RATE_LIMIT', variable);
    const manager = newOne({ limits });
    const client = await connectClient(manager);
    expect(await beat(client, 1000)).toEqual(Array(1000).fill('heartbeat'));
  });

  test('WS_RATE_LIMIT has both', async () => {
    vi.stubEnv('WS_RATE_LIMIT', '1/7');
    const answers = await beat(await connectClient(newOne({})), 10);
    expect(answers.indexOf('RATE_LIMITED')).toBe(7);
  });

  test("there is none under protocol: 'raw', unless it is asked for; then messages are lost", async () => {
    const [free, bound] = [
      await startManager({ protocol: 'raw' }),
      await startManager({ protocol: 'raw', limits: ONCE }),
    ];
    for (const manager of [free, bound]) {
      let heard = 0;
      manager.on('data', () => {
        heard += 1;
      });
      const client = await RawClient.open(manager);
      for (let i = 0; i < 1000; i += 1) client.write(frame(Opcode.text, 'x'));
      const { refusals } = manager.getStats();
      await vi.waitUntil(() => heard + (refused(manager).message_rate ?? 0) === 1000);
      expect(heard, JSON.stringify(refusals)).toBe(manager === free ? 1000 : 10);
    }
  });
});

describe('bytes in a second', () => {
  test('are not limited unless asked for', async () => {
    const manager = await startManager({ maxPayload: 1 << 20, protocol: 'raw' });
    const client = await RawClient.open(manager);
    for (let i = 0; i < 20; i += 1) client.write(frame(Opcode.text, 'x'.repeat(1 << 20)));
    await vi.waitUntil(() => manager.getStats().messagesIn === 20);
    expect(refused(manager)).toMatchObject({ byte_rate: 0, message_rate: 0 });
  });

  test('whoever was quiet may send the largest message, and then has to wait', async () => {
    const manager = await startManager({
      maxPayload: 200_000,
      limits: { bytesPerSecond: 100, messagesPerSecond: false },
    });
    const client = await connectClient(manager);
    client.send({ type: 'heartbeat', padding: noise() });
    expect((await client.next()).type).toBe('heartbeat');
    client.send({ type: 'heartbeat', padding: noise() });
    await client.next();
    client.send({ type: 'heartbeat', id: 'late' });
    expect(await client.next()).toMatchObject({ payload: { code: 'RATE_LIMITED' }, id: 'late' });
    expect(refused(manager).byte_rate).toBeGreaterThan(0);
    expect(refused(manager).message_rate).toBe(0);
  });
});

describe.for([
  {
    kind: 'rooms',
    ask: 'join_room',
    leave: 'leave_room',
    key: 'room',
    variable: 'WS_MAX_ROOMS',
    reason: 'room_limit',
  },
  {
    kind: 'subscriptions',
    ask: 'subscribe',
    leave: 'unsubscribe',
    key: 'topic',
    variable: 'WS_MAX_SUBSCRIPTIONS',
    reason: 'subscription_limit',
  },
] as const)('$kind of one connection', ({ kind, ask, leave, key, variable, reason }) => {
  const groups = (manager: WebSocketManager) =>
    kind === 'rooms' ? manager.getActiveRooms() : manager.getActiveTopics();

  test('10,000 by one client: 1,000 of them are carried out', { timeout: 30_000 }, async () => {
    const manager = await startManager({ limits: { messagesPerSecond: false } });
    const client = await connectClient(manager);
    const answers: Record<string, number> = {};
    for (let i = 0; i < 10_000; i += 1) client.send({ type: ask, payload: { [key]: `name ${i}` } });
    for (let i = 0; i < 10_000; i += 1) {
      const { type, payload } = await client.next();
      const answer = type === 'error' ? `${payload.code} ${payload.type}` : type;
      answers[answer] = (answers[answer] ?? 0) + 1;
    }
    expect(Object.values(answers).sort()).toEqual([1000, 9000]);
    expect(answers[`LIMIT_EXCEEDED ${ask}`]).toBe(9000);
    expect(groups(manager)).toEqual(Array.from({ length: 1000 }, (_, i) => `name ${i}`));
    const counted = { room_limit: 0, subscription_limit: 0, user_connection_limit: 0 };
    expect(refused(manager)).toMatchObject({ ...counted, [reason]: 9000 });
  });

  test('the limit binds the client; what the service does counts and is not refused', async () => {
    const manager = await startManager({ limits: { [kind]: 2 } });
    const client = await connectClient(manager);
    const byService = (name: string) =>
      kind === 'rooms'
        ? manager.joinRoom(client.connectionId, name)
        : manager.subscribe(client.connectionId, name);
    const by = async (type: string, name: string) => {
      client.send({ type, payload: { [key]: name }, id: name });
      const answer = await client.next();
      expect(answer.id).toBe(name);
      return answer.payload.code ?? answer.payload.status;
    };
    expect(await by(ask, 'a')).toBe('success');
    expect(byService('b')).toBe(true);
    expect(await by(ask, 'c')).toBe('LIMIT_EXCEEDED');
    expect(byService('d')).toBe(true);
    // Where it is already it may join again, and what it leaves makes room.
    expect(await by(ask, 'a')).toBe('success');
    expect(await by(leave, 'a')).toBe('success');
    expect(await by(ask, 'c')).toBe('LIMIT_EXCEEDED');
    expect(await by(leave, 'b')).toBe('success');
    expect(await by(ask, 'c')).toBe('success');
    expect(groups(manager)).toEqual(['d', 'c']);
  });

  test(`false is none, and ${variable} counts where the option is not given`, async () => {
    vi.stubEnv(variable, '1');
    for (const [limits, allowed] of [
      [{ [kind]: false }, 2],
      [{}, 1],
    ] as const) {
      const manager = newOne({ limits });
      const client = await connectClient(manager);
      for (const name of ['a', 'b']) client.send({ type: ask, payload: { [key]: name } });
      await client.next();
      await client.next();
      expect(groups(manager)).toHaveLength(allowed);
    }
  });
});

/** 160,000 characters that do not compress to less than the limit. */
const noise = () => randomBytes(120_000).toString('base64');

const news = (payload: number) => ({ type: 'news', payload });

describe('one user', () => {
  test('has so many connections; a further login is refused, and the earlier ones stay', async () => {
    const manager = await startManager({ limits: { connectionsPerUser: 2 } });
    const [first, second, third] = await connectClients(manager, 3);
    const login = (client: TestClient | undefined, userId: string) =>
      client?.authenticate({ userId });
    await login(first, 'ada');
    await login(second, 'ada');
    await expect(login(third, 'ada')).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(manager.getUserConnections('ada')).toHaveLength(2);
    // To log in again is not a further one; and who is refused stays whom it was.
    await login(first, 'ada');
    await login(third, 'bob');
    await expect(login(third, 'ada')).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(manager.getUserConnections('bob')).toEqual([third?.connectionId]);
    expect(refused(manager).user_connection_limit).toBe(2);
    // Places are given back by another login, and by the end of a connection.
    await login(first, 'carl');
    await login(third, 'ada');
    await second?.close();
    await vi.waitFor(() => login(first, 'ada'));
  });

  test.for(['messaging', 'raw'] as const)(
    '%s: a token of the handshake opens no connection too many',
    async (protocol) => {
      const authenticate = () => ({ userId: 'ada' });
      const limits = { connectionsPerUser: 1 };
      const manager = await startManager({ authenticate, protocol, tokenFrom: 'query:t', limits });
      const connected = async () => {
        const client = await RawClient.connect(manager);
        client.write(request({}, 'GET /ws?t=good HTTP/1.1'));
        expect((await client.response()).status).toBe(101);
        return client;
      };
      await connected();
      await vi.waitFor(() => expect(manager.getUserConnections('ada')).toHaveLength(1));
      const second = await connected();
      if (protocol === 'messaging') {
        expect((await second.message()).type).toBe('connection');
        expect((await second.message()).payload).toMatchObject({ code: 'LIMIT_EXCEEDED' });
      }
      const { opcode, payload } = await second.frame();
      expect([opcode, payload.readUInt16BE()]).toEqual([Opcode.close, 1008]);
      expect(payload.subarray(2).toString()).toBe('Too many connections of this user');
      expect(manager.getUserConnections('ada')).toHaveLength(1);
      expect(refused(manager)).toMatchObject({ user_connection_limit: 1, auth_failed: 0 });
    },
  );

  test('has one rate over all its connections, on whichever thread', async () => {
    const limits = { messagesPerSecondPerUser: 5, messagesPerSecond: false as const };
    const manager = await startManager({ limits });
    const clients = await connectClients(manager, 4);
    for (const client of clients) await client.authenticate({ userId: 'ada' });
    const answers: string[] = [];
    for (const client of clients) answers.push(...(await beat(client, 10)));
    const passed = answers.filter((answer) => answer === 'heartbeat').length;
    expect(passed).toBeGreaterThanOrEqual(10);
    expect(passed).toBeLessThan(25);
    expect(refused(manager)).toMatchObject({ user_message_rate: 40 - passed, message_rate: 0 });
    expect(await beat(await connectClient(manager, { userId: 'bob' }), 10)).not.toContain(
      'RATE_LIMITED',
    );
    // To come back does not help.
    for (const client of clients) await client.close();
    const back = await connectClient(manager, { userId: 'ada' });
    expect(await beat(back, 20)).toContain('RATE_LIMITED');
  });
});

describe('fragments', () => {
  const begin = (text: string) => frame(Opcode.text, text, { fin: false });
  const empty = (count: number) =>
    Buffer.concat(
      Array.from({ length: count }, () => frame(Opcode.continuation, '', { fin: false })),
    );
  const end = (text: string) => frame(Opcode.continuation, text);

  test('each that is small takes a place, and a message over the rate is refused once', async () => {
    const manager = await startManager({ limits: ONCE });
    const heard: unknown[] = [];
    manager.on('message', (message) => heard.push(message));
    const client = await RawClient.greeted(manager);
    client.write(begin('{"type":"few",'), empty(3), end('"payload":1}'));
    client.write(begin('{"type":"many",'), empty(10));
    // It is counted before it ends, so that what follows comes in further reads.
    await vi.waitUntil(() => refused(manager).message_rate === 1);
    client.write(empty(10_000));
    client.write(empty(10_000), end('"payload":1,"id":"m"}'));
    expect(await client.message()).toMatchObject({
      id: 'm',
      payload: { code: 'RATE_LIMITED', type: 'many' },
    });
    expect(refused(manager).message_rate).toBe(1);
    // The answer was the engine's, which may be faster than events.
    await vi.waitUntil(() => heard.length > 0);
    expect(heard).toMatchObject([{ type: 'few' }]);
  });

  test('that are large take none', async () => {
    const manager = await startManager({ limits: { messagesPerSecond: 1, burst: 3 } });
    const heard: unknown[] = [];
    manager.on('message', (message) => heard.push(message));
    const client = await RawClient.open(manager);
    const text = JSON.stringify({ type: 'large', payload: 'x'.repeat(10_000) });
    const [first, ...others] = text.match(/.{1,1024}/g) ?? [];
    const last = others.pop();
    client.write(
      Buffer.concat([
        frame(Opcode.text, first, { fin: false }),
        ...others.map((piece) => frame(Opcode.continuation, piece, { fin: false })),
        frame(Opcode.continuation, last),
      ]),
    );
    await vi.waitUntil(() => heard.length > 0);
    expect(refused(manager).message_rate).toBe(0);
  });
});

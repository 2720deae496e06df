/**
 * Who a client is, by the word of the service's hook: what the hook is asked, what its answers do, and
 * what a client sees meanwhile.
 */
import {
  type WebSocketConfig,
  type WebSocketIdentity,
  type WebSocketLogin,
  WebSocketManager,
} from '@libs/messaging';
import { connectClient, type TestClient } from '@libs/messaging/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { text } from './support/frames.js';
import { startManager, warningsOf } from './support/managers.js';
import { RawClient, request } from './support/raw-client.js';
import { endAfterTest, nextEvent } from './support/test-manager.js';

/** Users by their tokens, as a service might have them. */
const USERS: Record<string, WebSocketIdentity> = {
  'token-ada': { userId: 'ada', sessionId: 's1' },
  'token-42': { userId: 42, claims: { team: 'red' } },
};
const byToken = async ({ token = '' }: WebSocketLogin) => USERS[token] ?? null;

const codes = (messages: { type: string; payload: { code?: string } }[]) =>
  messages.map(({ type, payload }) => payload.code ?? type);

describe('a hook that answers', () => {
  test('is told what the client claims, and its word is what counts', async () => {
    const logins: WebSocketLogin[] = [];
    const manager = await startManager({
      authenticate: (login) => {
        logins.push({ ...login, request: { ...login.request } });
        return byToken(login);
      },
    });
    const client = await connectClient(manager, {
      path: '/ws?tab=1',
      headers: { 'X-Tab': 'one' },
    });
    const authenticated = nextEvent(manager, 'authenticated');
    const answer = await client.authenticate({
      userId: 'eve',
      sessionId: 's9',
      token: 'token-ada',
    });
    expect(answer.payload).toEqual({ userId: 'ada', sessionId: 's1', status: 'success' });
    expect(logins).toEqual([
      {
        connectionId: client.connectionId,
        userId: 'eve',
        sessionId: 's9',
        token: 'token-ada',
        request: {
          url: '/ws?tab=1',
          ip: '127.0.0.1',
          headers: expect.objectContaining({ 'x-tab': 'one', upgrade: 'websocket' }),
        },
      },
    ]);
    const [connection] = await authenticated;
    expect(connection).toMatchObject({ userId: 'ada', sessionId: 's1' });
    expect(manager.getUserConnections('ada')).toEqual([client.connectionId]);
    expect(manager.getUserConnections('eve')).toEqual([]);
  });

  test('may do so at once, and give numbers, claims, and no session', async () => {
    const manager = await startManager({ authenticate: ({ token = '' }) => USERS[token] });
    const client = await connectClient(manager);
    const { payload } = await client.authenticate({ sessionId: 's9', token: 'token-42' });
    expect(payload).toEqual({ userId: '42', status: 'success' });
    const connection = manager.getConnection(client.connectionId);
    expect(connection?.sessionId).toBeUndefined();
    expect(connection?.claims).toEqual({ team: 'red' });
  });

  test('may give claims of a class, which count as their JSON', async () => {
    class Claims {
      readonly #team = 'red';
      toJSON() {
        return { team: this.#team };
      }
    }
    const authenticate = () => ({ userId: 'ada', claims: new Claims() });
    const manager = await startManager({ authenticate });
    const client = await connectClient(manager, { userId: 'ada' });
    expect(manager.getConnection(client.connectionId)?.claims).toEqual({ team: 'red' });
  });

  test('is a method of its options', async () => {
    class Options {
      port = 0;
      host = '127.0.0.1';
      #users = USERS;
      authenticate({ token = '' }: WebSocketLogin) {
        return this.#users[token] ?? null;
      }
    }
    const manager = endAfterTest(new WebSocketManager(new Options()));
    const client = await connectClient(manager, { token: 'token-ada' });
    expect(manager.getUserConnections('ada')).toEqual([client.connectionId]);
  });

  test('is asked without a user and without a token too', async () => {
    const manager = await startManager({ authenticate: () => ({ userId: 'guest' }) });
    const client = await connectClient(manager);
    expect((await client.authenticate({})).payload.userId).toBe('guest');
  });

  test('again replaces who the client is', async () => {
    const manager = await startManager({ authenticate: byToken });
    const client = await connectClient(manager, { token: 'token-ada' });
    await client.authenticate({ token: 'token-42' });
    expect(manager.getUserConnections('ada')).toEqual([]);
    expect(manager.getConnection(client.connectionId)).toMatchObject({
      userId: '42',
      sessionId: undefined,
    });
  });
});

describe('a refusal', () => {
  test.for([null, undefined, false] as const)('is %s', async (no) => {
    const manager = await startManager({ authenticate: () => no });
    const warnings = warningsOf(manager);
    const client = await connectClient(manager);
    client.send({ type: 'authenticate', payload: { userId: 'ada', token: 'x' }, id: '7' });
    const { payload, id } = await client.next('error');
    expect({ ...payload, id }).toEqual({
      message: 'Authentication failed',
      code: 'AUTH_FAILED',
      type: 'authenticate',
      id: '7',
    });
    expect(manager.getConnection(client.connectionId)?.userId).toBeUndefined();
    expect(manager.getStats()).toMatchObject({ users: 0, refusals: { auth_failed: 1 } });
    expect(warnings).toEqual([]);
  });

  test('keeps who the client was before', async () => {
    const manager = await startManager({ authenticate: byToken });
    const client = await connectClient(manager, { token: 'token-ada' });
    await expect(client.authenticate({ token: 'x' })).rejects.toMatchObject({
      code: 'AUTH_FAILED',
    });
    expect(manager.getUserConnections('ada')).toEqual([client.connectionId]);
  });

  test('closes the connection with 4401 when there are too many of them, logins between them or not', async () => {
    const manager = await startManager({ authenticate: byToken, maxAuthFailures: 2 });
    const client = await connectClient(manager);
    const attempt = (token: string) => client.send({ type: 'authenticate', payload: { token } });
    attempt('x');
    // Or whoever has one good token could try others for ever.
    attempt('token-ada');
    attempt('x');
    attempt('token-ada');
    expect(await client.closed).toEqual({ code: 4401, reason: 'Authentication failed' });
    const expected = ['AUTH_FAILED', 'authenticated', 'AUTH_FAILED'];
    expect(codes(client.pending)).toEqual(expected);
  });
});

describe('a hook that is at fault', () => {
  const login = async (config: WebSocketConfig) => {
    const manager = await startManager(config);
    const warnings = warningsOf(manager);
    const client = await connectClient(manager);
    const refused = client.authenticate({ userId: 'ada' });
    await expect(refused).rejects.toMatchObject({ code: 'AUTH_FAILED' });
    expect(manager.getConnection(client.connectionId)?.userId).toBeUndefined();
    return { manager, warnings, client };
  };
  const failure = new Error('the database is gone');

  test.for<[string, NonNullable<WebSocketConfig['authenticate']>]>([
    [
      'throws',
      () => {
        throw failure;
      },
    ],
    ['rejects', () => Promise.reject(failure)],
    [
      'is no promise after all',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: what is like a promise may be broken.
        then: () => {
          throw failure;
        },
      }),
    ],
  ])('and %s refuses, and is warned of', async ([, authenticate]) => {
    const { warnings, client } = await login({ authenticate });
    expect(warnings).toEqual([
      {
        code: 'ERR_HOOK',
        message: 'authenticate failed: the database is gone',
        connectionId: client.connectionId,
        cause: failure,
      },
    ]);
  });

  test.for<[string, () => WebSocketIdentity | Promise<null>]>([
    [
      'throws',
      () => {
        throw Object.create(null);
      },
    ],
    ['rejects with', () => Promise.reject(Object.create(null))],
  ])('and %s what has no text refuses, and harms nothing else', async ([, authenticate]) => {
    const { warnings, client } = await login({ authenticate, maxAuthFailures: 9 });
    expect(warnings).toMatchObject([{ code: 'ERR_HOOK', connectionId: client.connectionId }]);
    await client.authenticate({}).catch(() => {});
    expect(warnings).toHaveLength(2);
  });

  test('and hangs refuses after hookTimeout, and does not count against the client', async () => {
    const authenticate = () => new Promise<null>(() => {});
    const { manager, warnings, client } = await login({
      authenticate,
      hookTimeout: 50,
      maxAuthFailures: 1,
    });
    const { connectionId } = client;
    expect(warnings).toMatchObject([{ code: 'ERR_HOOK_TIMEOUT', connectionId }]);
    expect(manager.getStats().refusals).toMatchObject({ hook_timeout: 1, auth_failed: 0 });
    await client.settled();
  });

  test('and is late changes nothing any more', async () => {
    let late: (identity: WebSocketIdentity) => void = () => {};
    const { manager, client } = await login({
      authenticate: () =>
        new Promise((resolve) => {
          late = resolve;
        }),
      hookTimeout: 50,
    });
    late({ userId: 'ada' });
    await sleep(0);
    await client.settled();
    expect(client.pending).toEqual([]);
    expect(manager.getStats().users).toBe(0);
  });

  test.for<[string, unknown]>([
    ['true', true],
    ['a string', 'ada'],
    ['an array', [{ userId: 'ada' }]],
    ['no user', {}],
    ['an empty user', { userId: '' }],
    ['a user that is NaN', { userId: Number.NaN }],
    ['a user by a number that stands for several', { userId: Number.MAX_SAFE_INTEGER + 1 }],
    ['a user by a fraction', { userId: 1.5 }],
    ['a session by such a number', { userId: 'ada', sessionId: 2 ** 60 }],
    ['a user with half a surrogate pair', { userId: 'ada\ud800' }],
    ['a session with half a surrogate pair', { userId: 'ada', sessionId: '\udc00' }],
    ['a user that is an object', { userId: {} }],
    ['a user of 257 bytes', { userId: 'x'.repeat(257) }],
    ['a session that is an object', { userId: 'ada', sessionId: {} }],
    ['a session of 257 bytes', { userId: 'ada', sessionId: 'x'.repeat(257) }],
    ['an end that is text', { userId: 'ada', expiresAt: '2030-01-01' }],
    ['an end in seconds', { userId: 'ada', expiresAt: 1_900_000_000 }],
    ['an end that is no date', { userId: 'ada', expiresAt: new Date('x') }],
    ['claims that are a string', { userId: 'ada', claims: '{}' }],
    ['claims that have no end', { userId: 'ada', claims: { n: 1n } }],
    ['claims that are an array', { userId: 'ada', claims: [] }],
    ['claims that are a Date, and so a string', { userId: 'ada', claims: new Date(0) }],
    ['claims that are a number as JSON', { userId: 'ada', claims: { toJSON: () => 1 } }],
    ['claims that are an array as JSON', { userId: 'ada', claims: { toJSON: () => [{}] } }],
    ['claims that are nothing as JSON', { userId: 'ada', claims: { toJSON: () => undefined } }],
    ['claims over 16 KiB', { userId: 'ada', claims: { a: 'x'.repeat(16_384) } }],
  ])('and returns %s refuses, and is warned of', async ([, identity]) => {
    const { warnings } = await login({ authenticate: () => identity as WebSocketIdentity });
    expect(warnings).toMatchObject([{ code: 'ERR_HOOK' }]);
  });

  test.for<[string, number[], WebSocketIdentity]>([
    ['an empty user', [0, 0, 0], { userId: '' }],
    ['a user of 257 bytes', [257, 0, 0], { userId: 'x'.repeat(257) }],
    ['a session of 257 bytes', [3, 257, 0], { userId: 'ada', sessionId: 'x'.repeat(257) }],
    ['claims of 16385 bytes', [3, 0, 16385], { userId: 'ada', claims: { a: 'x'.repeat(16377) } }],
  ])('and returns %s is told the limits', async ([, got, identity]) => {
    const { warnings } = await login({ authenticate: () => identity });
    const rule = 'userId must have 1 to 256 bytes, sessionId at most 256, claims at most 16384';
    const [user, session, claims] = got;
    expect(warnings[0]?.message).toBe(
      `authenticate failed: ${rule}, got ${user}, ${session} and ${claims}`,
    );
  });

  test('whose client leaves meanwhile is not waited for, and its answer is nobody’s', async () => {
    const answers: (() => void)[] = [];
    const authenticate = () =>
      new Promise<WebSocketIdentity>((resolve) => {
        answers.push(() => resolve({ userId: 'ada' }));
      });
    const manager = await startManager({ authenticate, shards: 1 });
    const warnings = warningsOf(manager);
    const client = await RawClient.greeted(manager);
    const authenticated = vi.fn();
    manager.on('authenticated', authenticated);
    client.write(text({ type: 'authenticate', payload: {} }));
    await expect.poll(() => answers.length).toBe(1);
    // Its end is seen behind what is not read yet.
    client.write(text({ type: 'heartbeat' }));
    const disconnected = nextEvent(manager, 'disconnect');
    client.destroy();
    const [, code] = await disconnected;
    expect(code).toBe(1006);
    answers[0]?.();
    // A client that comes after it is another one.
    await connectClient(manager);
    expect(warnings).toEqual([]);
    expect(authenticated).not.toHaveBeenCalled();
    expect(manager.getStats()).toMatchObject({ connections: 1, users: 0 });
  });

  test('and is asked when the manager is closed harms nobody', async () => {
    let asked = () => {};
    const isAsked = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const manager = await startManager({
      authenticate: async () => {
        asked();
        await manager.shutdown({ timeout: 100 });
        return { userId: 'ada' };
      },
    });
    const client = await connectClient(manager);
    client.send({ type: 'authenticate', payload: {} });
    await isAsked;
    expect(await client.closed).toMatchObject({ code: 1001 });
  });
});

describe('order', () => {
  test('50 messages behind a login of 100 ms come in their order, and none before it', async () => {
    const events: unknown[] = [];
    const manager = await startManager({
      authenticate: async () => {
        await sleep(100);
        return { userId: 'ada' };
      },
    });
    manager.on('authenticated', () => events.push('authenticated'));
    manager.on('message', ({ payload }, { userId }) => events.push([userId, payload]));
    const client = await connectClient(manager);
    client.send({ type: 'authenticate', payload: { token: 'x' } });
    for (let i = 0; i < 50; i += 1) {
      client.send(i % 5 === 0 ? { type: 'join_room', payload: { room: `r${i}` } } : note(i));
    }
    client.send({ type: 'heartbeat' });
    await client.next('heartbeat');
    const expected = Array.from({ length: 50 }, (_, i) => i).filter((i) => i % 5 !== 0);
    await expect.poll(() => events.length).toBe(41);
    expect(events).toEqual(['authenticated', ...expected.map((i) => ['ada', i])]);
    const answers = client.pending.map(({ type }) => type);
    expect(answers).toEqual(['authenticated', ...Array<string>(10).fill('joined_room')]);
  });

  test('frames in the segment of the handshake wait too', async () => {
    const manager = await startManager({ authenticate: byToken });
    const client = await RawClient.connect(manager);
    const login = { type: 'authenticate', payload: { token: 'token-ada' } };
    client.write(request(), text(login), text({ type: 'join_room', payload: { room: 'a' } }));
    await client.response();
    const types = [];
    for (let i = 0; i < 3; i += 1) types.push((await client.message()).type);
    expect(types).toEqual(['connection', 'authenticated', 'joined_room']);
  });

  test('a client that waits gets what is sent to it meanwhile', async () => {
    const answers: ((identity: WebSocketIdentity) => void)[] = [];
    const manager = await startManager({
      authenticate: () =>
        new Promise((resolve) => {
          answers.push(resolve);
        }),
    });
    const client = await connectClient(manager);
    const login = client.authenticate({});
    await expect.poll(() => answers.length).toBe(1);
    expect(manager.broadcast(note(1))).toBe(1);
    await client.next('note');
    answers[0]?.({ userId: 'ada' });
    await login;
  });

  const note = (payload: number) => ({ type: 'note', payload });
});

test('1,200 clients whose logins take their time all get in, with 1,024 of them asked about at once', async () => {
  const waiting: (() => void)[] = [];
  const manager = await startManager({
    maxConnections: 2000,
    hookTimeout: 60_000,
    authenticate: ({ userId = '' }) =>
      new Promise((resolve) => {
        waiting.push(() => resolve({ userId }));
      }),
  });
  const clients: TestClient[] = [];
  for (let i = 0; i < 1200; i += 100) {
    const some = Array.from({ length: 100 }, () => connectClient(manager));
    clients.push(...(await Promise.all(some)));
  }
  const logins = clients.map((client, i) => client.authenticate({ userId: `u${i}` }, 30_000));
  await expect.poll(() => waiting.length).toBe(1024);
  // Each answer makes room for one more.
  for (let answered = 0; answered < 1200; answered += 1) {
    await expect.poll(() => waiting.length, { interval: 1 }).toBeGreaterThan(answered);
    expect(waiting.length).toBeLessThanOrEqual(1024 + answered);
    waiting[answered]?.();
  }
  const answers = await Promise.all(logins);
  expect(answers.map(({ payload }) => payload.userId)).toEqual(clients.map((_, i) => `u${i}`));
  expect(manager.getStats().users).toBe(1200);
});

test('a hook that hangs is not called ever more often, by clients that ask again and again', async () => {
  const hanging: (() => void)[] = [];
  let hangs = true;
  const manager = await startManager({
    hookTimeout: 50,
    authenticate: ({ userId = '' }) =>
      hangs ? new Promise((resolve) => hanging.push(() => resolve(null))) : { userId },
  });
  const clients: TestClient[] = [];
  for (let i = 0; i < 300; i += 100) {
    clients.push(...(await Promise.all(Array.from({ length: 100 }, () => connectClient(manager)))));
  }
  const tryOften = async (client: TestClient): Promise<void> => {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const refused = client.authenticate({ userId: 'ada' }, 30_000);
      await expect(refused).rejects.toMatchObject({ code: 'AUTH_FAILED' });
    }
  };
  await Promise.all(clients.map(tryOften));
  expect(hanging).toHaveLength(1024);
  expect(manager.getStats().refusals.hook_timeout).toBe(1500);

  hangs = false;
  for (const end of hanging) end();
  await expect(clients[0]?.authenticate({ userId: 'ada' })).resolves.toBeDefined();
});

test('without a hook, and only then, those who listen are warned once', async () => {
  const warned = async (config: WebSocketConfig) => {
    const lines: string[] = [];
    const logger = { info: () => {}, warn: (line: string) => lines.push(line), error: () => {} };
    const manager = await startManager({ ...config, logger });
    await connectClient(
      manager,
      config.protocol === 'raw' ? {} : { userId: 'ada', token: 'x' },
    ).catch(() => {});
    return lines.map((line) => line.split(':')[0]);
  };
  expect(await warned({})).toEqual(['ERR_UNVERIFIED_USERS']);
  expect(await warned({ authenticate: () => ({ userId: 'ada' }) })).toEqual([]);
  expect(await warned({ protocol: 'raw' })).toEqual([]);
});

test('without a hook a token may be anything, as nobody looks at it', async () => {
  const manager = await startManager();
  const client = await connectClient(manager);
  for (const token of [5, {}, null, 'x'.repeat(9000)]) {
    client.send({ type: 'authenticate', payload: { userId: 'ada', token } });
    await client.next('authenticated');
  }
});

test.for([5, {}, [], true, 'x'.repeat(8193)])(
  'with a hook a token that is none is a failed attempt, and the hook is not asked',
  async (token) => {
    const authenticate = vi.fn(() => ({ userId: 'ada' }));
    const manager = await startManager({ authenticate, maxAuthFailures: 2 });
    const client = await connectClient(manager);
    for (const id of ['1', '2']) {
      client.send({ type: 'authenticate', payload: { userId: 'ada', token }, id });
      const { payload, id: echoed } = await client.next('error');
      expect({ ...payload, id: echoed }).toEqual({
        message: 'Authentication failed',
        code: 'AUTH_FAILED',
        type: 'authenticate',
        id,
      });
    }
    expect(await client.closed).toEqual({ code: 4401, reason: 'Authentication failed' });
    expect(manager.getStats().refusals.auth_failed).toBe(2);
    expect(authenticate).not.toHaveBeenCalled();
  },
);

test('with a hook a token that is null is an absent one', async () => {
  const manager = await startManager({
    authenticate: ({ token }) => ({ userId: token === undefined ? 'guest' : 'ada' }),
  });
  const client = await connectClient(manager);
  client.send({ type: 'authenticate', payload: { token: null } });
  expect((await client.next('authenticated')).payload.userId).toBe('guest');
});

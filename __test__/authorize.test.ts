/**
 * Where clients may go: by patterns, which the engine matches, and by the service's hook.
 */
import type { WebSocketAccess, WebSocketConfig } from '@libs/messaging';
import { connectClient, type TestClient } from '@libs/messaging/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { startManager, warningsOf } from './support/managers.js';
import { newManager } from './support/test-manager.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const authenticate: WebSocketConfig['authenticate'] = ({ userId = '' }) => ({
  userId,
  sessionId: `session-of-${userId}`,
  claims: { team: 'red', projects: [7, 'apollo'], org: { id: 'acme' } },
});

/** What becomes of a wish to go there. */
async function outcome(client: TestClient, action: string, name: string): Promise<string> {
  const wish = action === 'subscribe' ? client.subscribe(name) : client.join(name);
  return await wish.then(
    ({ type }) => type,
    ({ code }) => code,
  );
}

describe('patterns', () => {
  const authorize = {
    subscribe: ['public:*', 'user:{userId}:*', 'session:{sessionId}', 'org:{claims.org.id}'],
    join_room: ['team_{claims.team}', 'project_{claims.projects}'],
  };

  test.for([
    ['subscribe', 'public:news', true],
    ['subscribe', 'user:ada:inbox', true],
    ['subscribe', 'user:eve:inbox', false],
    ['subscribe', 'session:session-of-ada', true],
    ['subscribe', 'org:acme', true],
    ['subscribe', 'org:other', false],
    ['subscribe', 'team_red', false],
    ['join_room', 'team_red', true],
    ['join_room', 'team_blue', false],
    ['join_room', 'project_7', true],
    ['join_room', 'project_apollo', true],
    ['join_room', 'project_8', false],
  ] as const)('%s %s: %s', async ([action, name, allowed]) => {
    const manager = await startManager({ authenticate, authorize });
    const client = await connectClient(manager, { userId: 'ada', token: 'x' });
    const done = action === 'subscribe' ? 'subscribed' : 'joined_room';
    expect(await outcome(client, action, name)).toBe(allowed ? done : 'FORBIDDEN');
    const count = manager.getActiveRooms().length + manager.getActiveTopics().length;
    expect(count).toBe(allowed ? 1 : 0);
  });

  test('know nothing of who has not authenticated', async () => {
    const manager = await startManager({ authenticate, authorize });
    const client = await connectClient(manager);
    expect(await outcome(client, 'subscribe', 'public:news')).toBe('subscribed');
    expect(await outcome(client, 'subscribe', 'user::inbox')).toBe('FORBIDDEN');
    expect(await outcome(client, 'join_room', 'team_')).toBe('FORBIDDEN');
  });

  test('take what is known as it is, and never for a pattern', async () => {
    const manager = await startManager({ authorize: { subscribe: ['user:{userId}'] } });
    const client = await connectClient(manager, { userId: '*' });
    expect(await outcome(client, 'subscribe', 'user:eve')).toBe('FORBIDDEN');
    expect(await outcome(client, 'subscribe', 'user:*')).toBe('subscribed');
  });

  test('of one action alone deny the other', async () => {
    const manager = await startManager({ authorize: { subscribe: ['*'] } });
    const client = await connectClient(manager);
    expect(await outcome(client, 'subscribe', 'a')).toBe('subscribed');
    expect(await outcome(client, 'join_room', 'a')).toBe('FORBIDDEN');
  });

  test('come from the environment too', async () => {
    vi.stubEnv('WS_AUTHORIZE_SUBSCRIBE', 'a:*, b');
    const manager = newManager();
    const client = await connectClient(manager);
    expect(await outcome(client, 'subscribe', 'a:1')).toBe('subscribed');
    expect(await outcome(client, 'subscribe', 'b')).toBe('subscribed');
    expect(await outcome(client, 'subscribe', 'c')).toBe('FORBIDDEN');
    expect(await outcome(client, 'join_room', 'a:1')).toBe('FORBIDDEN');
  });

  test('do not bind the service itself, nor leaving', async () => {
    const manager = await startManager({ authorize: {} });
    const client = await connectClient(manager);
    expect(manager.joinRoom(client.connectionId, 'a')).toBe(true);
    expect((await client.leave('a')).type).toBe('left_room');
  });
});

test('a denial names the action and echoes the id', async () => {
  const manager = await startManager({ authorize: () => false });
  const client = await connectClient(manager);
  client.send({ type: 'join_room', payload: { room: 'board' }, id: '7' });
  const { payload, id } = await client.next('error');
  expect({ ...payload, id }).toEqual({
    message: 'Not allowed to join board',
    code: 'FORBIDDEN',
    type: 'join_room',
    id: '7',
  });
  client.send({ type: 'subscribe', payload: { topic: 'secrets' } });
  expect((await client.next('error')).payload).toEqual({
    message: 'Not allowed to subscribe to secrets',
    code: 'FORBIDDEN',
    type: 'subscribe',
  });
  expect(manager.getStats()).toMatchObject({ rooms: 0, topics: 0, refusals: { forbidden: 2 } });
});

describe('a hook', () => {
  test('is told who wants to go where', async () => {
    const asked: unknown[] = [];
    const manager = await startManager({
      authorize: async ({ connection, action, name }: WebSocketAccess) => {
        asked.push([connection.userId, action, name]);
        return connection === manager.getConnection(connection.id);
      },
    });
    const client = await connectClient(manager, { userId: 'ada' });
    await client.join('a');
    await client.subscribe('b');
    expect(asked).toEqual([
      ['ada', 'join_room', 'a'],
      ['ada', 'subscribe', 'b'],
    ]);
    expect(manager.getRoomMembers('a')).toEqual([client.connectionId]);
  });

  const failure = new Error('no answer from the policy');
  test.for<[string, () => unknown, unknown[]]>([
    [
      'throws',
      () => {
        throw failure;
      },
      [{ code: 'ERR_HOOK', cause: failure }],
    ],
    ['rejects', () => Promise.reject(failure), [{ code: 'ERR_HOOK', cause: failure }]],
    ['returns a word', () => 'yes', [{ code: 'ERR_HOOK' }]],
    ['returns 1', async () => 1, [{ code: 'ERR_HOOK' }]],
    ['returns nothing', () => undefined, []],
    ['hangs', () => new Promise(() => {}), [{ code: 'ERR_HOOK_TIMEOUT' }]],
  ])('that %s denies', async ([, hook, expected]) => {
    const authorize = hook as () => boolean;
    const manager = await startManager({ authorize, hookTimeout: 50 });
    const warnings = warningsOf(manager);
    const client = await connectClient(manager);
    expect(await outcome(client, 'join_room', 'a')).toBe('FORBIDDEN');
    expect(manager.getActiveRooms()).toEqual([]);
    expect(warnings).toMatchObject(expected);
    expect(warnings.length).toBe(expected.length);
  });

  test('does not reorder messages, whatever time it takes for each', async () => {
    const manager = await startManager({
      authorize: async ({ name }) => {
        await sleep(Number(name) % 3 === 0 ? 10 : 0);
        return Number(name) % 2 === 0;
      },
    });
    const client = await connectClient(manager);
    const expected: string[] = [];
    for (let i = 0; i < 20; i += 1) {
      client.send({ type: 'join_room', payload: { room: String(i) }, id: String(i) });
      client.send({ type: 'heartbeat', id: `h${i}` });
      expected.push(`${i % 2 === 0 ? 'joined_room' : 'error'} ${i}`, `heartbeat h${i}`);
    }
    const answers: string[] = [];
    while (answers.length < expected.length) {
      const { type, id } = await client.next();
      answers.push(`${type} ${id}`);
    }
    expect(answers).toEqual(expected);
  });

  test('whose client has left meanwhile harms nobody', async () => {
    let answer: (allowed: boolean) => void = () => {};
    const asked = new Promise<void>((resolve) => {
      answer = () => resolve();
    });
    const answers: ((allowed: boolean) => void)[] = [];
    const manager = await startManager({
      authorize: () =>
        new Promise((resolve) => {
          answers.push(resolve);
          answer(true);
        }),
    });
    const client = await connectClient(manager);
    client.send({ type: 'join_room', payload: { room: 'a' } });
    await asked;
    manager.disconnect(client.connectionId);
    await client.closed;
    answers[0]?.(true);
    await connectClient(manager);
    expect(manager.getActiveRooms()).toEqual([]);
  });
});

describe('another identity on the connection', () => {
  const named: WebSocketConfig['authenticate'] = ({ token }) => ({
    userId: token?.split(' ')[0] ?? '',
    claims: { team: token?.split(' ')[1] ?? '' },
  });
  const patterns = { subscribe: ['user:{userId}:*'], join_room: ['team_{claims.team}', 'hall'] };

  test.for([
    ['patterns', patterns],
    ['a hook', () => true],
  ] as const)(
    'loses what another user was granted, and keeps what the service did: %s',
    async ([, authorize]) => {
      const manager = await startManager({ authenticate: named, authorize });
      const client = await connectClient(manager, { token: 'ada red' });
      await client.subscribe('user:ada:inbox');
      await client.join('team_red');
      await client.join('hall');
      const connection = manager.getConnection(client.connectionId);
      expect(connection).toBeDefined();
      manager.joinRoom(client.connectionId, 'staff');
      // The service stands for this one now, whoever made it.
      manager.joinRoom(client.connectionId, 'hall');
      await client.authenticate({ token: 'eve red' });
      expect(manager.broadcastToTopic('user:ada:inbox', { type: 'secret', payload: 1 })).toBe(0);
      expect(manager.sendToRoom('team_red', { type: 'secret', payload: 1 })).toBe(0);
      expect(manager.sendToRoom('staff', { type: 'of staff', payload: 1 })).toBe(1);
      expect(manager.sendToRoom('hall', { type: 'of hall', payload: 1 })).toBe(1);
      await client.settled();
      expect(client.pending.map(({ type }) => type)).toEqual(['of staff', 'of hall']);
    },
  );

  test('of the same user loses what its new claims do not allow, by patterns', async () => {
    const manager = await startManager({ authenticate: named, authorize: patterns });
    const client = await connectClient(manager, { token: 'ada red' });
    await client.subscribe('user:ada:inbox');
    await client.join('team_red');
    await client.authenticate({ token: 'ada blue' });
    expect(manager.getActiveRooms()).toEqual([]);
    expect(manager.getActiveTopics()).toEqual(['user:ada:inbox']);
  });

  test('loses nothing by a hook if it is the same user, nor anything without authorize', async () => {
    for (const [authorize, second] of [
      [() => true, 'ada blue'],
      [undefined, 'eve blue'],
    ] as const) {
      const manager = await startManager({ authenticate: named, authorize });
      const client = await connectClient(manager, { token: 'ada red' });
      await client.join('team_red');
      await client.authenticate({ token: second });
      expect(manager.getActiveRooms()).toEqual(['team_red']);
    }
  });
});

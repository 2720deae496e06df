/**
 * `requireAuth`: what a client gets to do, and to hear, before it has shown who it is.
 */
import type { WebSocketConfig } from '@libs/messaging';
import { connectClient, flush } from '@libs/messaging/testing';
import { afterEach, expect, test, vi } from 'vitest';
import { frame, Opcode, text } from './support/frames.js';
import { startManager } from './support/managers.js';
import { RawClient, request } from './support/raw-client.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const STRICT: WebSocketConfig = {
  requireAuth: true,
  authenticate: ({ token }) => (token === 'good' ? { userId: 'ada' } : null),
};

test.for<[string, string | Buffer, string | undefined]>([
  ['subscribe', text({ type: 'subscribe', payload: { topic: 'a' } }), 'subscribe'],
  ['unsubscribe', text({ type: 'unsubscribe', payload: { topic: 'a' } }), 'unsubscribe'],
  ['join_room', text({ type: 'join_room', payload: { room: 'a' } }), 'join_room'],
  ['leave_room', text({ type: 'leave_room', payload: { room: 'a' } }), 'leave_room'],
  ['a bad payload', text({ type: 'join_room', payload: 5 }), 'join_room'],
  ["a type of the service's", text({ type: 'chat', payload: 'hi' }), 'chat'],
  ['no type', text({ payload: 'hi' }), undefined],
  ['what is no message', text('hello'), undefined],
  ['a binary frame', frame(Opcode.binary, Buffer.from([1, 2, 3])), undefined],
])('%s is refused before authentication, and nothing is passed on', async ([, sent, type]) => {
  const manager = await startManager(STRICT);
  const heard: unknown[] = [];
  manager.on('message', (message) => heard.push(message));
  manager.on('binary', (data) => heard.push(data));
  const client = await RawClient.greeted(manager);
  client.write(sent);
  const { payload } = await client.message();
  expect(payload).toEqual({
    message: 'Authentication required',
    code: 'AUTH_REQUIRED',
    ...(type === undefined ? {} : { type }),
  });
  client.write(text({ type: 'heartbeat' }));
  expect((await client.message()).payload).toBe('pong');
  expect(heard).toEqual([]);
  const { rooms, topics, refusals } = manager.getStats();
  expect({ rooms, topics }).toEqual({ rooms: 0, topics: 0 });
  expect(refusals).toMatchObject({ auth_required: 1 });
});

test('after authentication all is heard, in the same read too', async () => {
  const manager = await startManager(STRICT);
  const client = await RawClient.connect(manager);
  const join = { type: 'join_room', payload: { room: 'a' } };
  const login = { type: 'authenticate', payload: { token: 'good' } };
  client.write(request(), text(join), text(login), text(join));
  await client.response();
  const answers = [];
  for (let i = 0; i < 4; i += 1) {
    const { type, payload } = await client.message();
    answers.push(payload.code ?? type);
  }
  expect(answers).toEqual(['connection', 'AUTH_REQUIRED', 'authenticated', 'joined_room']);
});

test('no broadcast reaches or counts who has not authenticated', async () => {
  const manager = await startManager(STRICT);
  const [member, stranger] = [
    await connectClient(manager, { token: 'good' }),
    await connectClient(manager),
  ];
  const news = { type: 'news', payload: 1 };
  expect(manager.broadcast(news)).toBe(1);
  expect(manager.getConnectionCount()).toBe(2);
  await member.next('news');
  // What the service does for this one connection is its own affair.
  expect(manager.sendToConnection(stranger.connectionId, { type: 'hint', payload: 1 })).toBe(true);
  manager.joinRoom(stranger.connectionId, 'lobby');
  expect(manager.sendToRoom('lobby', { type: 'room', payload: 1 })).toBe(1);
  await flush(manager);
  await stranger.settled();
  expect(stranger.pending.map(({ type }) => type)).toEqual(['hint', 'room']);

  await stranger.authenticate({ token: 'good' });
  expect(manager.broadcast(news)).toBe(2);
  await member.close();
  await expect.poll(() => manager.broadcast(news)).toBe(1);
  expect(manager.getStats().drops).toMatchObject({ departed: 0 });
});

test('who does not authenticate within authTimeout is closed', async () => {
  const manager = await startManager({ ...STRICT, authTimeout: 100 });
  const member = await connectClient(manager, { token: 'good' });
  const stranger = await connectClient(manager);
  expect(await stranger.closed).toEqual({ code: 4401, reason: 'Authentication timeout' });
  expect(manager.getStats().refusals).toMatchObject({ auth_timeout: 1 });
  await member.settled();
});

test('a hook that hangs does not keep who failed for ever', async () => {
  const manager = await startManager({
    requireAuth: true,
    authenticate: () => new Promise<null>(() => {}),
    authTimeout: 50,
    hookTimeout: 150,
  });
  const client = await connectClient(manager);
  client.send({ type: 'authenticate', payload: { token: 'x' } });
  expect((await client.next('error')).payload.code).toBe('AUTH_FAILED');
  expect(await client.closed).toEqual({ code: 4401, reason: 'Authentication timeout' });
});

test('without a hook a claim is asked for, and believed', async () => {
  vi.stubEnv('WS_REQUIRE_AUTH', 'true');
  vi.stubEnv('WS_AUTH_TIMEOUT', '60000');
  const { newManager } = await import('./support/test-manager.js');
  const manager = newManager();
  const client = await connectClient(manager);
  await expect(client.join('a')).rejects.toMatchObject({ code: 'AUTH_REQUIRED' });
  await client.authenticate({ userId: 'ada' });
  await client.join('a');
});

test("a request of the service's is not answered before authentication", async () => {
  const manager = await startManager(STRICT);
  const client = await connectClient(manager);
  const answer = manager.request(client.connectionId, { type: 'ask', payload: 1 });
  const { id } = await client.next('ask');
  client.send({ type: 'told', payload: 'too early', id });
  await client.next('error');
  await client.authenticate({ token: 'good' });
  client.send({ type: 'told', payload: 'now', id });
  expect((await answer).payload).toBe('now');
});

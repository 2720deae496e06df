/**
 * Tokens that the request of a handshake brings: where they may be, and that they show up nowhere.
 */
import {
  type WebSocketConfig,
  type WebSocketLogin,
  WebSocketManager,
  type WebSocketTokenSource,
} from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { text } from './support/frames.js';
import { startManager, warningsOf } from './support/managers.js';
import { RawClient, request } from './support/raw-client.js';
import { endAfterTest, newManager, nextEvent, portOf } from './support/test-manager.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const authenticate = ({ token }: WebSocketLogin) =>
  token === 'good.token' ? { userId: 'ada' } : null;
const ALL: WebSocketTokenSource[] = ['header', 'cookie:sid', 'query:token', 'subprotocol'];

const REQUESTS: [WebSocketTokenSource, Parameters<typeof request>][] = [
  ['header', [{ Authorization: 'Bearer good.token' }]],
  ['cookie:sid', [{ Cookie: 'a=b; sid=good.token' }]],
  ['query:token', [{}, 'GET /ws?a=b&token=good%2Etoken HTTP/1.1']],
  ['subprotocol', [{ 'Sec-WebSocket-Protocol': 'bearer, good.token' }]],
];

test.for(REQUESTS)('%s: the client is who the token says', async ([tokenFrom, given]) => {
  const manager = await startManager({ authenticate, tokenFrom });
  const authenticated = nextEvent(manager, 'authenticated');
  const client = await RawClient.connect(manager);
  // Frames in the segment of the request are interpreted behind the verdict.
  client.write(request(...given), text({ type: 'join_room', payload: { room: 'a' } }));
  const { status, headers } = await client.response();
  expect(status).toBe(101);
  expect(JSON.stringify(headers)).not.toContain('good.token');
  expect((await client.message()).type).toBe('connection');
  const { type, payload } = await client.message();
  expect({ type, payload }).toEqual({
    type: 'authenticated',
    payload: { userId: 'ada', status: 'success' },
  });
  expect((await client.message()).type).toBe('joined_room');
  expect((await authenticated)[0]).toMatchObject({ userId: 'ada' });
});

test.for(REQUESTS)('%s: a place that is not named is not looked at', async ([place, given]) => {
  const manager = await startManager({
    authenticate,
    tokenFrom: ALL.filter((source) => source !== place),
  });
  const client = await RawClient.connect(manager);
  client.write(request(...given));
  await client.response();
  await client.message();
  client.write(text({ type: 'heartbeat' }));
  expect((await client.message()).type).toBe('heartbeat');
  expect(manager.getStats().users).toBe(0);
});

test('a token of over 8 KiB is refused at once, and no hook is asked', async () => {
  const asked = vi.fn(() => ({ userId: 'guest' }));
  const manager = await startManager({ authenticate: asked, tokenFrom: 'query:token' });
  const client = await connectClient(manager, { path: `/ws?token=${'x'.repeat(8193)}` });
  expect((await client.next('error')).payload.code).toBe('AUTH_FAILED');
  expect(await client.closed).toEqual({ code: 4401, reason: 'Authentication failed' });
  expect(asked).not.toHaveBeenCalled();
});

test('a token that is refused closes the connection at once', async () => {
  vi.stubEnv('WS_TOKEN_FROM', 'header, query:token');
  const manager = newManager({ authenticate });
  const warnings = warningsOf(manager);
  const client = await RawClient.connect(manager);
  const line = 'GET /ws?token=very-secret HTTP/1.1';
  client.write(request({}, line), text({ type: 'join_room', payload: { room: 'a' } }));
  await client.response();
  await client.message();
  const { type, payload } = await client.message();
  expect({ type, payload }).toEqual({
    type: 'error',
    payload: { message: 'Authentication failed', code: 'AUTH_FAILED', type: 'authenticate' },
  });
  expect(await client.closing()).toEqual({ code: 4401, reason: 'Authentication failed' });
  expect(manager.getActiveRooms()).toEqual([]);
  expect(warnings).toEqual([]);
});

test('a token appears in no warning and in no line of the logger', async () => {
  const lines: string[] = [];
  const push = (line: string) => void lines.push(line);
  const manager = await startManager({
    authenticate: () => new Promise(() => {}),
    hookTimeout: 50,
    tokenFrom: ALL,
    logger: { debug: push, info: push, warn: push, error: push },
  });
  const client = await RawClient.connect(manager);
  client.write(
    request({ Authorization: 'Bearer very-secret' }, 'GET /ws?token=very-secret HTTP/1.1'),
  );
  await client.response();
  // The client may be right: it shall come back.
  expect(await client.closing()).toMatchObject({ code: 1013 });
  await expect.poll(() => lines.join()).toContain('ERR_HOOK_TIMEOUT');
  expect(lines.join()).not.toContain('very-secret');
});

test.for<[string, WebSocketConfig, string[]]>([
  ['nobody looks at tokens', { tokenFrom: 'header' }, ['ERR_UNVERIFIED_TOKENS']],
  [
    "nor under 'raw'",
    { tokenFrom: 'header', protocol: 'raw', requireAuth: true },
    ['ERR_UNVERIFIED_TOKENS'],
  ],
  ['a hook does', { tokenFrom: 'header', authenticate }, []],
  ['the engine does', { tokenFrom: 'header', jwt: { secret: 's'.repeat(32) } }, []],
  ['there are none', { tokenFrom: [] }, []],
])('a warning at start, once, if %s', async ([, config, expected]) => {
  const manager = newManager(config);
  const warnings = warningsOf(manager);
  await manager.ready();
  const client = await RawClient.connect(manager);
  client.write(request({ Authorization: 'Bearer good.token' }));
  await client.response();
  const codes = warnings.map(({ code }) => code);
  expect(codes.filter((code) => code !== 'ERR_UNVERIFIED_USERS')).toEqual(expected);
});

test('WS_TOKEN_FROM is warned of likewise', async () => {
  vi.stubEnv('WS_TOKEN_FROM', 'query:token');
  const manager = newManager();
  const warnings = warningsOf(manager);
  await manager.ready();
  expect(warnings.map(({ code }) => code)).toContain('ERR_UNVERIFIED_TOKENS');
});

describe('subprotocols', () => {
  const chosen = async (offered: string) => {
    const manager = await startManager({ authenticate, tokenFrom: 'subprotocol' });
    const client = await RawClient.connect(manager);
    client.write(request({ 'Sec-WebSocket-Protocol': offered }));
    const { headers } = await client.response();
    await client.message();
    const protocol = headers['sec-websocket-protocol'];
    client.write(text({ type: 'heartbeat' }));
    const { type } = await client.message();
    return [protocol, type];
  };

  test.for([
    ['bearer, good.token', 'bearer', 'authenticated'],
    ['chat.v2, bearer, good.token', 'chat.v2', 'authenticated'],
    ['bearer, good.token, chat.v2', 'chat.v2', 'authenticated'],
    ['bearer', 'bearer', 'heartbeat'],
    ['chat.v2', 'chat.v2', 'heartbeat'],
  ])('%s', async ([offered, protocol, answer]) => {
    expect(await chosen(offered as string)).toEqual([protocol, answer]);
  });

  test('a browser is content with the choice', async () => {
    const manager = await startManager({ authenticate, tokenFrom: 'subprotocol' });
    const url = `ws://127.0.0.1:${portOf(manager)}/ws`;
    const socket = new WebSocket(url, ['bearer', 'good.token']);
    onTestFinished(() => socket.terminate());
    await once(socket, 'open');
    expect(socket.protocol).toBe('bearer');
  });
});

describe("protocol 'raw'", () => {
  const RAW: WebSocketConfig = { protocol: 'raw', authenticate, tokenFrom: 'header' };

  test('a token tells who it is, and nothing of ours is sent', async () => {
    const manager = await startManager({ ...RAW, requireAuth: true });
    manager.on('data', (data, connection) =>
      connection.socket.send(`${data} of ${connection.userId}`),
    );
    const client = await RawClient.connect(manager);
    client.write(request({ Authorization: 'Bearer good.token' }), text('echo'));
    await client.response();
    expect(await client.text()).toBe('echo of ada');
  });

  test.for([
    [{ Authorization: 'Bearer x' }, 'Authentication failed'],
    [{}, 'Authentication required'],
  ] as const)('%j is closed with 4401 "%s" alone', async ([headers, reason]) => {
    const manager = await startManager({ ...RAW, requireAuth: true });
    const heard: unknown[] = [];
    manager.on('data', (data) => heard.push(data));
    const client = await RawClient.connect(manager);
    client.write(request(headers), text('hello'));
    await client.response();
    const { opcode, payload } = await client.frame();
    expect(opcode).toBe(8);
    expect(payload.readUInt16BE()).toBe(4401);
    expect(payload.subarray(2).toString()).toBe(reason);
    expect(heard).toEqual([]);
  });
});

test('an attached manager judges the tokens of its upgrades too', async () => {
  const server = createServer();
  const config: WebSocketConfig = { authenticate, tokenFrom: 'header', requireAuth: true };
  const manager = endAfterTest(WebSocketManager.fromHttpServer(server, config));
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  const headers = { Authorization: 'Bearer good.token' };
  const client = await connectClient(manager, { headers });
  expect((await client.next()).type).toBe('authenticated');
  const stranger = await connectClient(manager, { headers: { Authorization: 'Bearer x' } });
  expect(await stranger.closed).toMatchObject({ code: 4401 });
});

test('an attached manager that refuses a token at once completes the handshake and says why', async () => {
  const server = createServer();
  const jwt = { secret: 's'.repeat(32) };
  const config: WebSocketConfig = { jwt, tokenFrom: 'header' };
  const manager = endAfterTest(WebSocketManager.fromHttpServer(server, config));
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await manager.ready();
  const client = await RawClient.connect(manager);
  client.write(request({ Authorization: 'Bearer x.y.z' }));
  expect((await client.response()).status).toBe(101);
  expect((await client.message()).type).toBe('connection');
  expect((await client.message()).payload).toMatchObject({ code: 'AUTH_FAILED' });
  expect((await client.frame()).payload.readUInt16BE()).toBe(4401);
});

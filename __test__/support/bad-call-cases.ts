/**
 * What a service can do wrong, or too late, and what it gets for it: more cases of `bad-input.test.ts`.
 */
import type { WebSocketConfig, WebSocketManager } from '@libs/messaging';
import { SECRET } from './tokens.js';

/** Options that a manager cannot be made with. */
export interface BadOptions {
  given: string;
  config?: unknown;
  env?: Record<string, string>;
  error: { name: 'TypeError' | 'RangeError'; code: string };
  /** The option or variable, with which the error's message begins. */
  path: string;
}

/** A call after `close()`, and what it returns. */
export interface LateCall {
  call: string;
  run(manager: WebSocketManager): unknown;
  returns: unknown;
}

const wrongType = (path: string, given: string, value: unknown): BadOptions => ({
  given: `\`${path}\`: ${given}`,
  config: { [path]: value },
  error: { name: 'TypeError', code: 'ERR_INVALID_OPTION_TYPE' },
  path,
});
const outOfRange = (path: keyof WebSocketConfig, value: number | string): BadOptions => ({
  given: `\`${path}: ${JSON.stringify(value)}\``,
  config: { [path]: value },
  error: { name: 'RangeError', code: 'ERR_INVALID_OPTION_RANGE' },
  path,
});
const unusable = (path: string, given: string, jwt: object, beside = {}): BadOptions => ({
  given: `\`${path}\`: ${given}`,
  config: { jwt, ...beside },
  error: { name: 'RangeError', code: 'ERR_INVALID_OPTION_RANGE' },
  path,
});
const badVariable = (path: string, value: string): BadOptions => ({
  given: `\`${path}=${value}\` in the environment`,
  env: { [path]: value },
  error: { name: 'RangeError', code: 'ERR_INVALID_ENV' },
  path,
});

export const BAD_OPTIONS: BadOptions[] = [
  {
    given: 'options that are no object',
    config: 8080,
    error: { name: 'TypeError', code: 'ERR_INVALID_OPTION_TYPE' },
    path: 'config',
  },
  wrongType('port', 'a string', '8080'),
  wrongType('port', 'a boolean', true),
  wrongType('path', 'a number', 5),
  wrongType('maxConnections', 'a BigInt', 10n),
  wrongType('enableHeartbeat', 'a string', 'yes'),
  wrongType('enableCompression', 'a number', 1),
  wrongType('tls', 'a boolean', true),
  wrongType('logger', 'an object without the methods of one', {}),
  outOfRange('port', -1),
  outOfRange('port', 65_536),
  outOfRange('port', 80.5),
  outOfRange('host', 'example.org'),
  outOfRange('path', 'ws'),
  outOfRange('path', '/ws?x=1'),
  outOfRange('heartbeatInterval', -1),
  outOfRange('heartbeatInterval', 2 ** 31),
  outOfRange('maxConnections', 1.5),
  outOfRange('maxPayload', 2 ** 31),
  outOfRange('handshakeTimeout', -1),
  outOfRange('closeTimeout', -1),
  outOfRange('maxBufferedAmount', -1),
  outOfRange('memoryBudget', -1),
  outOfRange('protocol', 'soap'),
  outOfRange('slowConsumer', 'wait'),
  outOfRange('shards', 65),
  wrongType('requireAuth', 'a string', 'true'),
  outOfRange('authTimeout', -1),
  outOfRange('maxAuthFailures', 1001),
  outOfRange('tokenFrom', 'body'),
  outOfRange('tokenExpiringLead', -1),
  outOfRange('hookTimeout', -1),
  wrongType('authenticate', 'a boolean', true),
  wrongType('authorize', 'an array', ['a']),
  wrongType('authorize', 'patterns of an unknown action', { joinRoom: ['a'] }),
  wrongType('limits', 'an unknown member', { mesagesPerSecond: 5 }),
  wrongType('tls', 'an unknown part', { cert: '', key: '', requestCerts: true }),
  wrongType('jwt', 'a string', 'secret'),
  wrongType('jwt', 'an unknown member', { secret: SECRET, audiance: 'chat' }),
  unusable('jwt', 'no key', { issuer: 'us' }),
  unusable('jwt', 'beside `authenticate`', { secret: SECRET }, { authenticate: () => null }),
  unusable('jwt.secret', 'a short one', { secret: 'x'.repeat(31) }),
  unusable('jwt.publicKey', 'no PEM', { publicKey: '-----BEGIN NOTHING-----' }),
  unusable('jwt.publicKey', 'beside `jwt.secret`', { secret: SECRET, publicKey: 'key.pem' }),
  unusable('jwt.jwks', 'http over the network', { jwks: { uri: 'http://issuer/keys' } }),
  unusable('jwt.algorithms', 'one that does not fit', { secret: SECRET, algorithms: 'RS256' }),
  unusable('jwt.algorithms', '`none`', { secret: SECRET, algorithms: ['none'] }),
  unusable('jwt.clockTolerance', 'over an hour', { secret: SECRET, clockTolerance: 3601 }),
  badVariable('WS_PORT', 'eighty'),
  badVariable('WS_MAX_CONNECTIONS', '-1'),
  badVariable('WS_PATH', 'ws'),
  badVariable('WS_PROTOCOL', 'soap'),
  badVariable('WS_TLS_CERT', '/nowhere.pem'),
  badVariable('WS_TOKEN_FROM', 'header,body'),
  badVariable('WS_AUTHORIZE_SUBSCRIBE', 'user:{user}'),
  badVariable('WS_JWT_SECRET', 'short'),
  badVariable('WS_JWT_PUBLIC_KEY', '/nowhere.pem'),
  badVariable('WS_JWKS_URL', 'http://issuer/keys'),
  badVariable('WS_JWT_ISSUER', 'us'),
];

const NOTE = { type: 'note', payload: 1 };
const ID = 'conn_1700000000000_aaaaaaaaa';

export const LATE_CALLS: LateCall[] = [
  { call: 'close()', run: (m) => m.close(), returns: undefined },
  { call: 'await shutdown()', run: (m) => m.shutdown(), returns: undefined },
  { call: 'sendToConnection(…)', run: (m) => m.sendToConnection(ID, NOTE), returns: false },
  { call: 'sendToUser(…)', run: (m) => m.sendToUser('ada', NOTE), returns: 0 },
  { call: 'sendToRoom(…)', run: (m) => m.sendToRoom('lobby', NOTE), returns: 0 },
  { call: 'broadcastToTopic(…)', run: (m) => m.broadcastToTopic('news', NOTE), returns: 0 },
  { call: 'broadcast(…)', run: (m) => m.broadcast(NOTE), returns: 0 },
  { call: 'joinRoom(…)', run: (m) => m.joinRoom(ID, 'lobby'), returns: false },
  { call: 'leaveRoom(…)', run: (m) => m.leaveRoom(ID, 'lobby'), returns: false },
  { call: 'subscribe(…)', run: (m) => m.subscribe(ID, 'news'), returns: false },
  { call: 'unsubscribe(…)', run: (m) => m.unsubscribe(ID, 'news'), returns: false },
  { call: 'disconnect(…)', run: (m) => m.disconnect(ID), returns: false },
  { call: 'disconnectUser(…)', run: (m) => m.disconnectUser('ada'), returns: 0 },
  { call: 'revokeSession(…)', run: (m) => m.revokeSession('s1'), returns: 0 },
  { call: 'getConnectionCount()', run: (m) => m.getConnectionCount(), returns: 0 },
  { call: 'getActiveRooms()', run: (m) => m.getActiveRooms(), returns: [] },
  { call: 'getActiveTopics()', run: (m) => m.getActiveTopics(), returns: [] },
  { call: 'getRoomMembers(…)', run: (m) => m.getRoomMembers('lobby'), returns: [] },
  { call: 'getTopicSubscribers(…)', run: (m) => m.getTopicSubscribers('news'), returns: [] },
  { call: 'getUserConnections(…)', run: (m) => m.getUserConnections('ada'), returns: [] },
  { call: 'getConnection(…)', run: (m) => m.getConnection(ID), returns: undefined },
  { call: 'getConnections()', run: (m) => m.getConnections(), returns: [] },
  { call: 'address()', run: (m) => m.address(), returns: null },
];

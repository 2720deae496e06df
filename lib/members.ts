/**
 * Options that are plain objects take their own members and no others: a misspelt one would be a limit, a check or a
 * protection that nobody gets, without a word. Options themselves are not looked at so, since callers may pass more.
 */
import { codedError } from './errors.js';
import type { WebSocketJwt, WebSocketRemoteKeySet } from './jwt.js';
import type { WebSocketConfig, WebSocketLimits, WebSocketPatterns, WebSocketTls } from './types.js';

/** The members of an object, of which TypeScript knows that they are all. */
type Members<T> = Record<keyof T, true>;

const PATTERNS: Members<WebSocketPatterns> = { subscribe: true, join_room: true };

const LIMITS: Members<WebSocketLimits> = {
  messagesPerSecond: true,
  burst: true,
  bytesPerSecond: true,
  subscriptions: true,
  rooms: true,
  connectionsPerUser: true,
  messagesPerSecondPerUser: true,
  handshakesPerSecond: true,
  perIp: true,
};

const PER_IP: Members<Extract<WebSocketLimits['perIp'], object>> = {
  connections: true,
  handshakesPerSecond: true,
};

const JWT: Members<WebSocketJwt> = {
  secret: true,
  publicKey: true,
  jwks: true,
  algorithms: true,
  issuer: true,
  audience: true,
  clockTolerance: true,
  userClaim: true,
  sessionClaim: true,
};

const REMOTE_KEY_SET: Members<WebSocketRemoteKeySet> = {
  uri: true,
  cacheMaxAge: true,
  cooldown: true,
};

const TLS: Members<WebSocketTls> = {
  cert: true,
  key: true,
  ca: true,
  passphrase: true,
  minVersion: true,
  requestCert: true,
};

/** @throws TypeError `ERR_INVALID_OPTION_TYPE` for a member that there is not. */
export function checkMembers({ authorize, limits, jwt, tls }: WebSocketConfig): void {
  check('authorize', authorize, PATTERNS);
  check('limits', limits, LIMITS);
  if (isObject(limits)) check('limits.perIp', limits.perIp, PER_IP);
  check('jwt', jwt, JWT);
  // A key set itself may have whatever its issuer likes (RFC 7517, section 5).
  if (isObject(jwt) && !isKeySet(jwt.jwks)) check('jwt.jwks', jwt.jwks, REMOTE_KEY_SET);
  checkTlsMembers(tls);
}

/** @throws TypeError `ERR_INVALID_OPTION_TYPE` for a part that there is not. */
export function checkTlsMembers(tls: unknown): void {
  check('tls', tls, TLS);
}

/** What is no plain object is for the engine to judge: a class may have members for its own use. */
function check(path: string, value: unknown, members: Readonly<Record<string, true>>): void {
  if (!isPlain(value)) return;
  const unknown = Object.keys(value).find((name) => {
    if (Object.hasOwn(members, name)) return false;
    const member: unknown = value[name];
    return member !== undefined && !isOfModule(name, member);
  });
  if (unknown === undefined) return;
  const rule = `${path}: must be an object of ${Object.keys(members).join(', ')}`;
  throw codedError('ERR_INVALID_OPTION_TYPE', `${rule}, got ${JSON.stringify(unknown)}`);
}

function isObject<T>(value: T): value is T & object {
  if (typeof value !== 'object' || value === null) return false;
  return !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** A literal, or what JSON or a module holds. What has a `toJSON` stands for another object. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (!isObject(value) || 'toJSON' in value) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Another realm, such as a test's, has another `Object.prototype`.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** What `import *` finds in a module beside its own exports, also once a compiler has made it a plain object. */
function isOfModule(name: string, member: unknown): boolean {
  if (name === 'default' || name === 'module.exports') return isObject(member);
  return name === '__esModule' && member === true;
}

function isKeySet(jwks: unknown): boolean {
  if (!isObject(jwks)) return false;
  const { keys, uri } = jwks as { keys?: unknown; uri?: unknown };
  return keys !== undefined && uri === undefined;
}

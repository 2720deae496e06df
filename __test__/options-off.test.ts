/**
 * `false`: what an option or the environment could turn on is off, and its variables are not even looked at.
 */
import { type WebSocketConfig, WebSocketManager } from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { httpServer } from './support/http-servers.js';
import { newManager } from './support/test-manager.js';
import { SECRET } from './support/tokens.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const limits = (member: string) => ({ limits: { [member]: false } });
const perIp = (member: string) => ({ limits: { perIp: { [member]: false } } });

/** A configuration with something off, and a variable of it that would be an error. */
const OFF: [object, string][] = [
  [{ origins: false }, 'WS_ORIGINS'],
  [{ trustProxy: false }, 'WS_TRUST_PROXY'],
  [{ tokenFrom: false }, 'WS_TOKEN_FROM'],
  [{ authorize: false }, 'WS_AUTHORIZE_SUBSCRIBE'],
  [{ authorize: false }, 'WS_AUTHORIZE_JOIN_ROOM'],
  [{ jwt: false }, 'WS_JWT_SECRET'],
  [{ jwt: false }, 'WS_JWT_PUBLIC_KEY'],
  [{ jwt: false }, 'WS_JWKS_URL'],
  [{ jwt: false }, 'WS_JWT_CLOCK_TOLERANCE'],
  [{ jwt: false }, 'WS_JWT_JWKS_COOLDOWN'],
  [{ tls: false }, 'WS_TLS_CERT'],
  [{ tls: false }, 'WS_TLS_REQUEST_CERT'],
  [limits('messagesPerSecond'), 'WS_RATE_LIMIT'],
  [limits('bytesPerSecond'), 'WS_RATE_LIMIT_BYTES'],
  [limits('subscriptions'), 'WS_MAX_SUBSCRIPTIONS'],
  [limits('rooms'), 'WS_MAX_ROOMS'],
  [limits('connectionsPerUser'), 'WS_MAX_CONNECTIONS_PER_USER'],
  [limits('messagesPerSecondPerUser'), 'WS_RATE_LIMIT_PER_USER'],
  [limits('handshakesPerSecond'), 'WS_HANDSHAKE_RATE'],
  [limits('perIp'), 'WS_LIMIT_PER_IP'],
  [limits('perIp'), 'WS_MAX_CONNECTIONS_PER_IP'],
  [limits('perIp'), 'WS_HANDSHAKE_RATE_PER_IP'],
  [perIp('connections'), 'WS_MAX_CONNECTIONS_PER_IP'],
  [perIp('handshakesPerSecond'), 'WS_HANDSHAKE_RATE_PER_IP'],
  [{ requireAuth: false }, 'WS_REQUIRE_AUTH'],
  [{ proxyProtocol: false }, 'WS_PROXY_PROTOCOL'],
];

test.for(OFF)('%o hides %s', ([config, variable]) => {
  vi.stubEnv(variable, '{x');
  expect(() => newManager()).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ENV' }));
  expect(() => newManager(config as WebSocketConfig)).not.toThrow();
});

test.for(['authenticate', 'limits', 'logger', 'host', 'shards'])(
  '%s: false is no value of it',
  (option) => {
    const make = () => newManager({ [option]: false } as WebSocketConfig);
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION_TYPE' }));
  },
);

describe('jwt: false', () => {
  test('clients are who they claim to be', async () => {
    vi.stubEnv('WS_JWT_SECRET', SECRET);
    const manager = newManager({ jwt: false });
    await expect(connectClient(manager, { userId: 'ada' })).resolves.toBeDefined();
    const verifying = newManager();
    await expect(connectClient(verifying, { userId: 'ada' })).rejects.toThrow();
  });

  test('a hook may stand in the place of the keys of the environment', async () => {
    vi.stubEnv('WS_JWT_SECRET', SECRET);
    const authenticate = () => ({ userId: 'bob' });
    expect(() => newManager({ authenticate })).toThrow(/^WS_JWT_SECRET: /);
    const manager = newManager({ authenticate, jwt: false });
    await connectClient(manager, { userId: 'ada', token: 'x' });
    expect(manager.getUserConnections('bob')).toHaveLength(1);
  });

  test.for(['issuer', 'audience'])('%s: false asks for none', (claim) => {
    vi.stubEnv(`WS_JWT_${claim.toUpperCase()}`, 'a,');
    expect(() => newManager({ jwt: { secret: SECRET } })).toThrow(/must not be empty/);
    expect(() => newManager({ jwt: { secret: SECRET, [claim]: false } })).not.toThrow();
  });
});

test('tls: false speaks plain ws, and has no certificate that could be replaced', async () => {
  vi.stubEnv('WS_TLS_CERT', '/nowhere.pem');
  vi.stubEnv('WS_TLS_KEY', '/nowhere.key');
  const manager = newManager({ tls: false });
  await expect(connectClient(manager)).resolves.toBeDefined();
  expect(() => manager.setSecureContext()).toThrow(
    expect.objectContaining({ code: 'ERR_TLS_OFF' }),
  );
  WebSocketManager.fromHttpServer(await httpServer(), { tls: false }).close();
});

test('authorize: false lets clients go everywhere', async () => {
  vi.stubEnv('WS_AUTHORIZE_JOIN_ROOM', 'public:*');
  const manager = newManager({ authorize: false });
  const client = await connectClient(manager);
  await client.join('team');
  expect(manager.getActiveRooms()).toEqual(['team']);
});

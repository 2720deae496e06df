/**
 * JSON Web Tokens that the engine verifies, from the option or the environment to what clients see: who is let in, as
 * whom, and every kind of token that is not.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WebSocketJwt } from '@libs/messaging';
import { connectClient, type TestClient } from '@libs/messaging/testing';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { BAD_TOKENS, STRICT } from './support/bad-token-cases.js';
import { startManager, warningsOf } from './support/managers.js';
import { newManager, nextEvent, portOf } from './support/test-manager.js';
import { inSeconds, newIssuer, SECRET, signHs } from './support/tokens.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The answer to a login: who the client is now, or the code of the refusal. */
async function login(client: TestClient, token: unknown): Promise<string> {
  client.send({ type: 'authenticate', payload: { userId: 'eve', sessionId: 'claimed', token } });
  const { payload } = await client.next();
  return payload.code ?? payload.userId;
}

const manager = (jwt: WebSocketJwt, config = {}) => startManager({ jwt, ...config });

describe('a good token', () => {
  test.for(['HS256', 'HS384', 'HS512'])('of %s lets its user in', async (alg) => {
    const client = await connectClient(await manager({ secret: SECRET }));
    expect(await login(client, await signHs({ sub: 'ada' }, alg))).toBe('ada');
  });

  test.for([
    'RS256',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
  ])('of %s lets its user in, by the key and by a key set', async (alg) => {
    const issuer = await newIssuer(alg, 'k1');
    const byKey = await connectClient(await manager({ publicKey: issuer.pem }));
    expect(await login(byKey, await issuer.sign({ sub: 'ada' }))).toBe('ada');
    const other = await newIssuer('ES256', 'k2');
    const jwks = { keys: [other.jwk, issuer.jwk] };
    const bySet = await connectClient(await manager({ jwks }));
    expect(await login(bySet, await issuer.sign({ sub: 'ada' }))).toBe('ada');
    expect(await login(bySet, await other.sign({ sub: 'bob' }))).toBe('bob');
  });

  test('says user, session and claims, whatever the client claims', async () => {
    const verifying = await manager({ secret: Buffer.from(SECRET) });
    const authenticated = nextEvent(verifying, 'authenticated');
    const client = await connectClient(verifying);
    const claims = { sub: 42, sid: 's1', team: 'red', exp: inSeconds(600) };
    expect(await login(client, await signHs(claims))).toBe('42');
    const [connection] = await authenticated;
    expect(connection).toMatchObject({ userId: '42', sessionId: 's1', claims });
    expect(verifying.getUserConnections('eve')).toEqual([]);
    // A session is the token's, or there is none.
    await login(client, await signHs({ sub: 42 }));
    expect(verifying.getConnection(client.connectionId)?.sessionId).toBeUndefined();
    expect(verifying.revokeSession('claimed')).toBe(0);
  });

  test('names user and session by other claims', async () => {
    const jwt = { secret: SECRET, userClaim: 'uid', sessionClaim: 'tab' };
    const verifying = await manager(jwt);
    const client = await connectClient(verifying);
    expect(await login(client, await signHs({ uid: 'ada', tab: 't1', sub: 'x' }))).toBe('ada');
    expect(verifying.getConnection(client.connectionId)?.sessionId).toBe('t1');
    expect(await login(client, await signHs({ sub: 'x' }))).toBe('AUTH_FAILED');
  });

  test('has an issuer and an audience that are asked for', async () => {
    const jwt = { secret: SECRET, issuer: ['a', 'b'], audience: 'chat', clockTolerance: 30 };
    const client = await connectClient(await manager(jwt));
    const claims = { sub: 'ada', iss: 'b', aud: ['mail', 'chat'], exp: inSeconds(-10) };
    expect(await login(client, await signHs(claims))).toBe('ada');
  });

  test('opens what patterns say of its claims', async () => {
    const authorize = { subscribe: ['user:{userId}:*'], join_room: ['team_{claims.teams}'] };
    const client = await connectClient(await manager({ secret: SECRET }, { authorize }));
    await login(client, await signHs({ sub: 'ada', teams: ['red', 'blue'] }));
    for (const [type, payload, answer] of [
      ['join_room', { room: 'team_blue' }, 'joined_room'],
      ['join_room', { room: 'team_green' }, 'FORBIDDEN'],
      ['subscribe', { topic: 'user:ada:inbox' }, 'subscribed'],
      ['subscribe', { topic: 'user:eve:inbox' }, 'FORBIDDEN'],
    ] as const) {
      client.send({ type, payload });
      const said = await client.next();
      expect(said.payload.code ?? said.type).toBe(answer);
    }
  });

  test('makes the warning of unverified users needless', async () => {
    const verifying = await manager({ secret: SECRET });
    const warnings = warningsOf(verifying);
    await connectClient(verifying);
    expect(warnings).toEqual([]);
  });
});

describe('the handshake', () => {
  test.for([
    ['header', (token: string) => ({ headers: { Authorization: `Bearer ${token}` } })],
    ['cookie:sid', (token: string) => ({ headers: { Cookie: `a=b; sid=${token}` } })],
    ['query:token', (token: string) => ({ query: `?token=${token}` })],
    ['subprotocol', (token: string) => ({ protocols: ['bearer', token] })],
  ] as const)('may bring the token by %s', async ([tokenFrom, by]) => {
    const verifying = await manager({ secret: SECRET }, { tokenFrom });
    const open = (token: string) => {
      const { query = '', protocols = [], headers = {} }: Opening = by(token);
      const url = `ws://127.0.0.1:${portOf(verifying)}/ws${query}`;
      const socket = new WebSocket(url, protocols, { headers });
      onTestFinished(() => socket.terminate());
      return socket;
    };
    const authenticated = nextEvent(verifying, 'authenticated');
    const socket = open(await signHs({ sub: 'ada' }));
    await once(socket, 'open');
    expect((await authenticated)[0]).toMatchObject({ userId: 'ada' });
    const refused = open(await signHs({ sub: 'ada', exp: 1 }));
    const [code, reason] = await once(refused, 'close');
    expect([code, String(reason)]).toEqual([4401, 'Authentication failed']);
  });
});

interface Opening {
  query?: string;
  protocols?: string[];
  headers?: Record<string, string>;
}

describe('the end of a token', () => {
  test('is announced, and then closes the connection with 4401', async () => {
    const client = await connectClient(await manager({ secret: SECRET }));
    const exp = inSeconds(2);
    expect(await login(client, await signHs({ sub: 'ada', exp }))).toBe('ada');
    const { payload } = await client.next('token_expiring');
    expect(payload.expiresAt).toBe(new Date(exp * 1000).toISOString());
    expect(await client.closed).toEqual({ code: 4401, reason: 'Token expired' });
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
  });

  test('is put off by a new one', async () => {
    const client = await connectClient(await manager({ secret: SECRET }));
    await login(client, await signHs({ sub: 'ada', exp: inSeconds(2) }));
    await client.next('token_expiring');
    const exp = inSeconds(4);
    expect(await login(client, await signHs({ sub: 'ada', exp }))).toBe('ada');
    await client.closed;
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
  });
});

describe('a token that is refused', () => {
  test.for(BAD_TOKENS)('since it $given', async ({ token, refusal }) => {
    const strict = { requireAuth: true, maxAuthFailures: 2, maxPayload: 2_000_000 };
    const verifying = await manager(STRICT, strict);
    const client = await connectClient(verifying);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      client.send({ type: 'authenticate', payload: { userId: 'ada', token } });
      const { payload: told } = await client.next('error');
      expect(told).toEqual({
        message: 'Authentication failed',
        code: 'AUTH_FAILED',
        type: 'authenticate',
      });
    }
    expect(await client.closed).toEqual({ code: 4401, reason: 'Authentication failed' });
    expect(verifying.getStats()).toMatchObject({
      users: 0,
      refusals: { auth_failed: 2, [refusal]: 2 },
    });
  });

  test('keeps who the client was, and a good one is taken after it', async () => {
    const verifying = await manager({ secret: SECRET });
    const client = await connectClient(verifying);
    expect(await login(client, await signHs({ sub: 'ada' }))).toBe('ada');
    const forged = await signHs({ sub: 'bob' }, 'HS256', SECRET.toUpperCase());
    expect(await login(client, forged)).toBe('AUTH_FAILED');
    expect(verifying.getUserConnections('ada')).toEqual([client.connectionId]);
    expect(await login(client, await signHs({ sub: 'bob' }))).toBe('bob');
  });
});

describe('the environment', () => {
  test('gives secret and rules', async () => {
    vi.stubEnv('WS_JWT_SECRET', SECRET);
    vi.stubEnv('WS_JWT_ALGORITHMS', 'HS384, HS512');
    vi.stubEnv('WS_JWT_ISSUER', 'us');
    vi.stubEnv('WS_JWT_AUDIENCE', 'chat,mail');
    vi.stubEnv('WS_JWT_CLOCK_TOLERANCE', '60');
    vi.stubEnv('WS_JWT_USER_CLAIM', 'uid');
    vi.stubEnv('WS_JWT_SESSION_CLAIM', 'tab');
    const verifying = newManager({ maxAuthFailures: 9 });
    const client = await connectClient(verifying);
    const claims = { uid: 'ada', tab: 't', iss: 'us', aud: 'mail', exp: inSeconds(-5) };
    expect(await login(client, await signHs(claims, 'HS384'))).toBe('ada');
    expect(verifying.getConnection(client.connectionId)?.sessionId).toBe('t');
    for (const [wrong, alg] of [
      [claims, 'HS256'],
      [{ ...claims, iss: 'them' }, 'HS384'],
      [{ ...claims, aud: 'x' }, 'HS384'],
      [{ ...claims, exp: inSeconds(-61) }, 'HS384'],
    ] as const) {
      expect(await login(client, await signHs(wrong, alg))).toBe('AUTH_FAILED');
    }
  });

  test('gives files of keys', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'messaging-jwt-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const issuer = await newIssuer('ES256', 'k1');
    const [pem, set] = [join(folder, 'key.pem'), join(folder, 'keys.json')];
    writeFileSync(pem, issuer.pem);
    writeFileSync(set, JSON.stringify({ keys: [issuer.jwk] }));
    vi.stubEnv('WS_JWT_PUBLIC_KEY', pem);
    const byKey = await connectClient(newManager());
    expect(await login(byKey, await issuer.sign({ sub: 'ada' }))).toBe('ada');
    vi.stubEnv('WS_JWT_PUBLIC_KEY', '');
    vi.stubEnv('WS_JWKS_URL', set);
    const bySet = await connectClient(newManager());
    expect(await login(bySet, await issuer.sign({ sub: 'ada' }))).toBe('ada');
  });

  test('comes after the option', async () => {
    vi.stubEnv('WS_JWT_SECRET', 'x'.repeat(64));
    vi.stubEnv('WS_JWT_ISSUER', 'us');
    const client = await connectClient(newManager({ jwt: { secret: SECRET } }));
    expect(await login(client, await signHs({ sub: 'ada', iss: 'us' }))).toBe('ada');
    expect(await login(client, await signHs({ sub: 'ada' }))).toBe('AUTH_FAILED');
  });
});

/**
 * Remote key sets of the option `jwt`: a real issuer on loopback that rotates, fails, hangs and answers nonsense, and
 * what becomes of the clients whose tokens wait for it.
 */
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocketConfig, type WebSocketError, WebSocketManager } from '@libs/messaging';
import { connectClient, type TestClient } from '@libs/messaging/testing';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startManager, warningsOf } from './support/managers.js';
import { runNode } from './support/node-process.js';
import { newManager, nextEvent } from './support/test-manager.js';
import { type Issuer, newIssuer } from './support/tokens.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A place that serves what it is told to, and knows how often it was asked. */
async function publish(answer: RequestListener) {
  const served = { uri: '', fetches: 0, answer };
  const server = createServer((request, response) => {
    served.fetches += 1;
    served.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  served.uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys?of=us`;
  return served;
}

const keys =
  (...issuers: Issuer[]): RequestListener =>
  (_, response) => {
    response.end(JSON.stringify({ keys: issuers.map(({ jwk }) => jwk) }));
  };

async function login(client: TestClient, token: string): Promise<string> {
  client.send({ type: 'authenticate', payload: { userId: 'eve', token } });
  const { payload } = await client.next();
  return payload.code ?? payload.userId;
}

/** A manager that fetches from there, and the errors that it emits. */
async function fetching(uri: string, config: WebSocketConfig = {}, times = {}) {
  const manager = newManager({ shards: 2, ...config, jwt: { jwks: { uri, ...times } } });
  const errors: WebSocketError[] = [];
  manager.on('error', (error) => errors.push(error));
  await manager.ready();
  return { manager, errors };
}

const [old, young] = [await newIssuer('ES256', 'k1'), await newIssuer('ES256', 'k2')];
const foreign = await newIssuer('RS256', 'k1');

test('who comes before the set is there waits for it, in the order of its messages', async () => {
  let pending: ServerResponse | undefined;
  const issuer = await publish((_, response) => {
    pending = response;
  });
  const { manager, errors } = await fetching(issuer.uri);
  const client = await connectClient(manager);
  client.send({ type: 'authenticate', payload: { token: await old.sign({ sub: 'ada' }) } });
  client.send({ type: 'join_room', payload: { room: 'r' } });
  const other = await connectClient(manager);
  other.send({ type: 'heartbeat' });
  expect((await other.next()).type).toBe('heartbeat');
  await vi.waitFor(() => expect(pending).toBeDefined());
  expect(client.pending).toEqual([]);
  pending?.end(JSON.stringify({ keys: [old.jwk] }));
  expect((await client.next()).type).toBe('authenticated');
  expect((await client.next()).type).toBe('joined_room');
  expect(issuer.fetches).toBe(1);
  expect(errors).toEqual([]);
});

test('the environment names a URL, and the handshake may bring the token', async () => {
  const issuer = await publish(keys(old));
  vi.stubEnv('WS_JWKS_URL', issuer.uri);
  const manager = newManager({ tokenFrom: 'header' });
  const headers = { Authorization: `Bearer ${await old.sign({ sub: 'ada' })}` };
  const client = await connectClient(manager, { headers });
  expect((await client.next('authenticated')).payload.userId).toBe('ada');
});

test('the environment says how long a set is good for', async () => {
  const issuer = await publish(keys(old));
  vi.stubEnv('WS_JWKS_URL', issuer.uri);
  vi.stubEnv('WS_JWT_JWKS_CACHE_MAX_AGE', '50');
  vi.stubEnv('WS_JWT_JWKS_COOLDOWN', '20');
  const manager = newManager({ maxAuthFailures: 1000 });
  const client = await connectClient(manager);
  const token = await old.sign({ sub: 'ada' });
  expect(await login(client, token)).toBe('ada');
  issuer.answer = keys(young);
  await vi.waitFor(async () => expect(await login(client, token)).toBe('AUTH_FAILED'));
});

describe('rotation', () => {
  test('an unknown key makes for one fetch, whoever asks, and at most one in a cooldown', async () => {
    const issuer = await publish(keys(old));
    const { manager } = await fetching(issuer.uri, { maxAuthFailures: 9 }, { cooldown: 300 });
    const [one, two] = [await connectClient(manager), await connectClient(manager)];
    expect(await login(one, await old.sign({ sub: 'ada' }))).toBe('ada');
    expect(issuer.fetches).toBe(1);
    issuer.answer = keys(old, young);
    // Within the cooldown of the first fetch it is refused, without another.
    const token = await young.sign({ sub: 'bob' });
    const early = await login(one, token);
    if (issuer.fetches === 1) expect(early).toBe('AUTH_FAILED');
    await new Promise((resolve) => setTimeout(resolve, 350));
    const both = await Promise.all([login(one, token), login(two, token)]);
    expect(both).toEqual(['bob', 'bob']);
    expect(issuer.fetches).toBe(2);
    const made = await Promise.all(
      ['x', 'y', 'z'].map(async (kid) => login(one, await old.sign({ sub: 'eve' }, { kid }))),
    );
    expect(made).toEqual(Array(3).fill('AUTH_FAILED'));
    expect(issuer.fetches).toBe(2);
    expect(manager.getStats().refusals.jwt_unknown_key).toBeGreaterThanOrEqual(3);
  });

  test('a set that is cacheMaxAge old is fetched again, and a key that is gone is refused', async () => {
    const issuer = await publish(keys(old));
    const times = { cooldown: 20, cacheMaxAge: 100 };
    const { manager } = await fetching(issuer.uri, { maxAuthFailures: 1000 }, times);
    const client = await connectClient(manager);
    const token = await old.sign({ sub: 'ada' });
    expect(await login(client, token)).toBe('ada');
    issuer.answer = keys(young);
    await vi.waitFor(async () => expect(await login(client, token)).toBe('AUTH_FAILED'));
    expect(await login(client, await young.sign({ sub: 'bob' }))).toBe('bob');
  });
});

describe('an issuer that withdraws all keys', () => {
  test.for([
    ['has none any more', keys(), 'could verify a token'],
    ['has keys of other algorithms only', keys(foreign), 'could verify a token'],
    ['has two of one name', keys(old, old), 'a token could mean: keys of one algorithm need'],
  ] as const)('since it %s, every token is refused', async ([, answer, lack]) => {
    const issuer = await publish(keys(old));
    const manager = newManager({
      maxAuthFailures: 1000,
      jwt: { jwks: { uri: issuer.uri, cooldown: 20, cacheMaxAge: 50 }, algorithms: ['ES256'] },
    });
    const errors: WebSocketError[] = [];
    manager.on('error', (error) => errors.push(error));
    const client = await connectClient(manager);
    const token = await old.sign({ sub: 'ada' });
    expect(await login(client, token)).toBe('ada');
    issuer.answer = answer;
    await vi.waitFor(async () => expect(await login(client, token)).toBe('AUTH_FAILED'));
    const [where] = issuer.uri.split('?');
    const why = `could not be used: the key set has no key that ${lack}`;
    const message = expect.stringContaining(`jwt.jwks: the key set of ${where} ${why}`);
    expect(errors[0]).toMatchObject({ code: 'ERR_JWKS', message });
    issuer.answer = keys(old);
    await vi.waitFor(async () => expect(await login(client, token)).toBe('ada'));
  });
});

describe('an issuer that fails', () => {
  const fail: RequestListener = (_, response) => response.writeHead(503).end('down');

  let readToEnd = false;
  const FAULTS: [string, RequestListener, RegExp][] = [
    ['answers 503', fail, /answered with 503/],
    ['redirects', (_, to) => to.writeHead(302, { location: '/x' }).end(), /answered with 302/],
    ['hangs up', (request) => request.socket.destroy(), /UND_ERR_SOCKET|ECONNRESET/],
    ['answers garbage', (_, response) => response.end('<html>'), /not a JSON Web Key Set/],
    [
      'answers 50 MB',
      (_, response) => {
        const chunk = Buffer.alloc(1 << 20, ' ');
        let sent = 0;
        const more = () => {
          while (sent < 50) {
            sent += 1;
            if (!response.write(chunk)) {
              response.once('drain', more);
              return;
            }
          }
          // The engine would refuse it too, but after all of it was read.
          readToEnd = true;
          response.end('{}');
        };
        more();
      },
      /larger than 1 MiB/,
    ],
  ];

  test.for(FAULTS)(
    'since it %s is told of, and the last good set stays',
    async ([, fault, why]) => {
      const issuer = await publish(keys(old));
      const times = { cooldown: 20, cacheMaxAge: 50 };
      const { manager, errors } = await fetching(issuer.uri, { maxAuthFailures: 9 }, times);
      const client = await connectClient(manager);
      expect(await login(client, await old.sign({ sub: 'ada' }))).toBe('ada');
      issuer.answer = fault;
      await vi.waitFor(() => expect(errors.length).toBeGreaterThan(1));
      const [where] = issuer.uri.split('?');
      expect(errors[0]).toMatchObject({ code: 'ERR_JWKS', message: expect.stringMatching(why) });
      expect(errors[0]?.message).toContain(`jwt.jwks: the key set of ${where} could not`);
      expect(errors[0]?.message).not.toContain('of=us');
      expect(readToEnd).toBe(false);
      expect(await login(client, await old.sign({ sub: 'bob' }))).toBe('bob');
    },
  );

  test('from the beginning lets nobody in, and does not hold it against them', async () => {
    const issuer = await publish(fail);
    const { manager } = await fetching(issuer.uri, { maxAuthFailures: 1, tokenFrom: 'header' });
    const token = await old.sign({ sub: 'ada' });
    const client = await connectClient(manager);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      expect(await login(client, token)).toBe('AUTH_FAILED');
    }
    expect(manager.getStats().refusals).toMatchObject({ auth_failed: 3, jwt_unknown_key: 0 });
    // Whoever brought it with the handshake shall come back.
    const late = await connectClient(manager, { headers: { Authorization: `Bearer ${token}` } });
    expect(await late.closed).toEqual({ code: 1013, reason: 'Authentication timed out' });
  });

  test('from the beginning is asked again soon', async () => {
    const issuer = await publish(fail);
    const { manager } = await fetching(issuer.uri);
    await vi.waitFor(() => expect(issuer.fetches).toBe(1));
    issuer.answer = keys(old);
    const token = await old.sign({ sub: 'ada' });
    const client = await connectClient(manager);
    await vi.waitFor(async () => expect(await login(client, token)).toBe('ada'), 5000);
    expect(issuer.fetches).toBe(2);
  });

  test('is a warning where nobody hears errors', async () => {
    const issuer = await publish(fail);
    const manager = await startManager({ jwt: { jwks: { uri: issuer.uri } } });
    const [warning] = await nextEvent<[{ code: string }]>(manager, 'warning');
    expect(warning.code).toBe('ERR_JWKS');
  });

  test('by hanging is given up after 10 s, and who waits is answered', {
    timeout: 20_000,
  }, async () => {
    const issuer = await publish(() => {});
    const { manager, errors } = await fetching(issuer.uri, { authTimeout: 100, requireAuth: true });
    const client = await connectClient(manager);
    const began = Date.now();
    client.send({ type: 'authenticate', payload: { token: await old.sign({ sub: 'ada' }) } });
    const { payload } = await client.next('error', { timeout: 15_000 });
    expect(payload).toMatchObject({ code: 'AUTH_FAILED', message: 'Authentication timed out' });
    expect(Date.now() - began).toBeGreaterThan(8_000);
    await vi.waitFor(() => expect(errors).toMatchObject([{ code: 'ERR_JWKS' }]));
    expect(errors[0]?.message).toContain('no answer within 10000 ms');
  });
});

describe('the end', () => {
  test('of a manager ends its fetches, without a word', async () => {
    let gone: Promise<unknown> | undefined;
    const issuer = await publish((_, response) => {
      gone = new Promise((resolve) => response.once('close', resolve));
    });
    const times = { cooldown: 20, cacheMaxAge: 50 };
    const { manager, errors } = await fetching(issuer.uri, {}, times);
    const warnings = warningsOf(manager);
    await vi.waitFor(() => expect(gone).toBeDefined());
    const began = Date.now();
    await manager.shutdown();
    await gone;
    // By its own time it would end after 10 s.
    expect(Date.now() - began).toBeLessThan(5000);
    const { fetches } = issuer;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(issuer.fetches).toBe(fetches);
    expect([errors, warnings]).toEqual([[], []]);
  });

  test('of a process is not put off by what would be fetched later', async () => {
    const issuer = await publish(keys(old));
    const began = Date.now();
    const end = await runNode(
      `import { WebSocketManager } from '@libs/messaging';
       const manager = new WebSocketManager({
         port: 0,
         host: '127.0.0.1',
         jwt: { jwks: { uri: '${issuer.uri}', cacheMaxAge: 60000 } },
       });
       await manager.ready();
       setTimeout(() => manager.close(), 200);`,
    );
    expect(end).toMatchObject({ code: 0, signal: null, errors: '' });
    // A timer that held it would do so for 10 s.
    expect(Date.now() - began).toBeLessThan(8000);
    expect(issuer.fetches).toBe(1);
  });
});

test('a URL that would be fetched in the open is refused', () => {
  const make = () =>
    new WebSocketManager({ port: 0, jwt: { jwks: { uri: 'http://issuer.example/keys' } } });
  expect(make).toThrow(/^jwt.jwks: must be a URL that begins with https/);
});

/**
 * Which pages may connect: those whose `Origin` a rule allows. Whatever goes wrong with a rule, the page is
 * refused with 403.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type OriginRule, type WebSocketConfig, WebSocketManager } from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { HandshakeRequest } from '../lib/connection.js';
import { OriginRules } from '../lib/origins.js';
import { httpServer, portOf } from './support/http-servers.js';
import { frame, Opcode } from './support/frames.js';
import { startManager, warningsOf } from './support/managers.js';
import { RawClient, request } from './support/raw-client.js';
import { endAfterTest, newManager, nextEvent } from './support/test-manager.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Until what was answered has gone through. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** The status that a page of this origin is answered with. */
async function statusOf(manager: Pick<WebSocketManager, 'address'>, Origin?: string | string[]) {
  const client = await RawClient.connect(manager);
  client.write(request({ Origin }));
  return (await client.response()).status;
}

describe('strings', () => {
  test('what is listed may connect, and what is not is answered with 403 and counted', async () => {
    const manager = await startManager({
      origins: ['https://example.com', 'https://*.example.org'],
    });
    expect(await statusOf(manager, 'https://example.com')).toBe(101);
    expect(await statusOf(manager, 'https://a.example.org')).toBe(101);
    for (const origin of ['https://example.com.evil.net', 'https://example.org', 'null']) {
      expect(await statusOf(manager, origin), origin).toBe(403);
    }
    expect(await statusOf(manager, ['https://example.com', 'https://example.com'])).toBe(403);
    expect(manager.getStats().refusals.origin).toBe(4);
    expect(manager.getStats().totalConnections).toBe(2);
  });

  test('who sends no origin is no browser, and may connect', async () => {
    const manager = await startManager({ origins: [] });
    expect(await statusOf(manager)).toBe(101);
    expect(await statusOf(manager, 'https://example.com')).toBe(403);
  });

  test('all may connect without the option, as ever', async () => {
    expect(await statusOf(await startManager(), 'https://anything.example')).toBe(101);
    expect(await statusOf(await startManager({ origins: '*' }), 'null')).toBe(101);
  });

  test('WS_ORIGINS is a list with commas', async () => {
    vi.stubEnv('WS_ORIGINS', 'https://a.example, https://b.example');
    const manager = newManager();
    await manager.ready();
    expect(await statusOf(manager, 'https://b.example')).toBe(101);
    expect(await statusOf(manager, 'https://c.example')).toBe(403);
  });
});

describe('rules of JavaScript', () => {
  const rules: [string, OriginRule | OriginRule[]][] = [
    ['a regular expression', /^https:\/\/(a|b)\.example$/],
    ['a global one, which has a memory', /^https:\/\/(a|b)\.example$/g],
    ['a function', (origin) => ['https://a.example', 'https://b.example'].includes(origin)],
    ['one that takes time', async (origin) => /^https:\/\/[ab]\.example$/.test(origin)],
    ['several', ['https://a.example', (origin) => origin === 'https://b.example', /^https:\/\/x/]],
  ];

  test.for(rules)('%s', async ([, origins]) => {
    const manager = await startManager({ origins });
    for (let round = 0; round < 3; round += 1) {
      expect(await statusOf(manager, 'https://a.example')).toBe(101);
      expect(await statusOf(manager, 'https://b.example')).toBe(101);
      expect(await statusOf(manager, 'https://c.example')).toBe(403);
    }
    expect(await statusOf(manager)).toBe(101);
    expect(manager.getStats().refusals.origin).toBe(3);
  });

  test('a function sees the request, and frames that came with it wait for its verdict', async () => {
    let allow: (allowed: boolean) => void = () => {};
    const seen: unknown[] = [];
    const manager = await startManager({
      origins: (origin, { url, headers, remoteAddress }) => {
        seen.push([origin, url, headers.cookie, remoteAddress]);
        return new Promise<boolean>((resolve) => {
          allow = resolve;
        });
      },
    });
    const client = await RawClient.connect(manager);
    client.write(request({ Origin: 'https://a', Cookie: 'x=1' }, 'GET /ws?y HTTP/1.1'));
    client.write(frame(Opcode.text, '{"type":"heartbeat"}'));
    await vi.waitUntil(() => seen.length > 0);
    client.write(frame(Opcode.text, '{"type":"heartbeat","id":"2"}'));
    expect(seen).toEqual([['https://a', '/ws?y', 'x=1', '127.0.0.1']]);
    expect(manager.getConnectionCount()).toBe(0);
    allow(true);
    expect((await client.response()).status).toBe(101);
    expect((await client.message()).type).toBe('connection');
    expect((await client.message()).payload).toBe('pong');
    expect((await client.message()).id).toBe('2');
  });

  test.for<[string, OriginRule]>([
    [
      'throws',
      () => {
        throw new Error('no database');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no database'))],
  ])('one that %s refuses, with a warning', async ([, origins]) => {
    const manager = await startManager({ origins });
    const warnings = warningsOf(manager);
    expect(await statusOf(manager, 'https://a')).toBe(403);
    expect(warnings).toMatchObject([
      { code: 'ERR_ORIGIN_RULE', cause: { message: 'no database' } },
    ]);
  });

  test.for([1, 'yes', {}, null])('what is not true refuses: %s', async (said) => {
    const manager = await startManager({ origins: () => said as never });
    expect(await statusOf(manager, 'https://a')).toBe(403);
  });

  test('one that never answers refuses after handshakeTimeout', async () => {
    const manager = await startManager({
      origins: () => new Promise(() => {}),
      handshakeTimeout: 50,
    });
    expect(await statusOf(manager, 'https://a')).toBe(403);
    expect(manager.getStats().refusals).toMatchObject({ origin: 1, handshake_timeout: 0 });
  });

  test('one that never answers refuses nothing that another one allows', async () => {
    const hangs = () => new Promise<boolean>(() => {});
    const later = async (origin: string) => origin === 'https://a';
    for (const origins of [
      [hangs, later],
      [later, hangs],
    ]) {
      const manager = await startManager({ origins, handshakeTimeout: 60_000 });
      expect(await statusOf(manager, 'https://a')).toBe(101);
    }
  });

  test('of several that take time the last no refuses, and not the first', async () => {
    const answers: ((allowed: boolean) => void)[] = [];
    const rule = () => new Promise<boolean>((resolve) => answers.push(resolve));
    const rules = OriginRules.of([rule, rule], () => {});
    const verdicts: boolean[] = [];
    const ask = () =>
      rules?.judge('https://a', new HandshakeRequest('/', []), (said) => verdicts.push(said));
    ask();
    answers[1]?.(false);
    await settled();
    expect(verdicts).toEqual([]);
    answers[0]?.(false);
    await settled();
    expect(verdicts).toEqual([false]);
    ask();
    answers[2]?.(true);
    await settled();
    answers[3]?.(false);
    await settled();
    expect(verdicts).toEqual([false, true]);
  });

  test("a verdict that comes after the end of its client or its manager is nobody's", async () => {
    const verdicts: ((allowed: boolean) => void)[] = [];
    const config: WebSocketConfig = {
      handshakeTimeout: 50,
      origins: () => new Promise<boolean>((resolve) => verdicts.push(resolve)),
    };
    const [manager, closed] = [await startManager(config), await startManager(config)];
    expect(await statusOf(manager, 'https://a')).toBe(403);
    const client = await RawClient.connect(closed);
    client.write(request({ Origin: 'https://a' }));
    await vi.waitUntil(() => verdicts.length === 2);
    await closed.shutdown();
    for (const allow of verdicts) allow(true);
    await connectClient(manager);
    expect(manager.getConnectionCount()).toBe(1);
  });
});

describe('a function that fails in ways of its own', () => {
  const textless = Object.create(null);

  test.for([
    [
      'throws what has no text',
      () => {
        throw textless;
      },
    ],
    ['rejects with what has no text', () => Promise.reject(textless)],
    [
      'returns what throws when it is looked at',
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: that is the case.
        get then() {
          throw textless;
        },
      }),
    ],
  ] as [string, OriginRule][])('%s: refused at once, with a warning', async ([, origins]) => {
    const manager = await startManager({ origins, handshakeTimeout: 60_000 });
    const warnings = warningsOf(manager);
    expect(await statusOf(manager, 'https://a')).toBe(403);
    const { code, message } = warnings[0] ?? {};
    expect({ code, message }).toEqual({
      code: 'ERR_ORIGIN_RULE',
      message: 'a rule of origins failed: object',
    });
  });

  test('never answers: the page is refused by a deadline, and what is asked is bounded', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const warnings: string[] = [];
    const rules = OriginRules.of(
      () => new Promise(() => {}),
      ({ message }) => warnings.push(message),
    );
    const answers: boolean[] = [];
    const ask = () =>
      rules?.judge('https://a', new HandshakeRequest('/', []), (allowed) => answers.push(allowed));
    for (let i = 0; i < 1024; i += 1) ask();
    expect(answers).toEqual([]);
    ask();
    ask();
    expect(answers).toEqual([false, false]);
    expect(warnings).toEqual([expect.stringMatching(/1024 /)]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(answers).toHaveLength(1026);
    expect(answers).not.toContain(true);
    // There is room again, and the next time that it lacks is told again.
    ask();
    expect(answers).toHaveLength(1026);
  });
});

describe("on a server of the host's", () => {
  test.for<OriginRule>(['https://a', /^https:\/\/a$/, async (origin) => origin === 'https://a'])(
    '%s',
    async (origins) => {
      const server = createServer();
      const manager = endAfterTest(WebSocketManager.fromHttpServer(server, { origins }));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const at = { address: () => server.address() as AddressInfo };
      expect(await statusOf(at, 'https://a')).toBe(101);
      expect(await statusOf(at, 'https://b')).toBe(403);
      expect(manager.getStats().refusals.origin).toBe(1);
      server.close();
    },
  );
});

describe('regular expressions that are not anchored', () => {
  test.for([
    /example\.com/,
    /^https:\/\/example\.com/,
    /example\.com$/,
    /^https:\/\/a\.example$|^https:\/\/b\.example/,
    /^https:\/\/a\.example|b\.example$/,
    /\^a\$/,
    /[$]a[^b]/,
    /^https:\/\/(a\.example$|b\.example)/,
    /(^https:\/\/a\.example$|https:\/\/b\.example)/,
    /^https:\/\/((a|b)\.example$|c\.example)/,
    /^https:\/\/b\.example(\/|$)?/,
    /^https:\/\/b\.example($)*/,
    /^https:\/\/b\.example(?:$){0,1}/,
    /^https:\/\/b\.example(?:b$)?|^$/,
    /^(?=.*e$)https:\/\/b\.exampl/,
    /^https:\/\/b\.example(?!$)/,
    /^https:\/\/(?<$host>b\.example)/,
    // Exact, but not seen to be so.
    /^https:\/\/b\.example(?!.)/,
    /.*/,
  ])('%o: a warning at start', async (rule) => {
    const manager = newManager({ origins: ['https://a', rule], authenticate: () => null });
    const warnings = warningsOf(manager);
    await nextEvent(manager, 'warning');
    const message = expect.stringMatching(/^origins: .* is not anchored by \^ and \$/);
    expect(warnings).toEqual([{ code: 'ERR_ORIGIN_PATTERN', message }]);
    expect(warnings[0]?.message).toContain(String(rule));
  });

  test.for([
    /^https:\/\/(.*\.)?example\.com$/,
    /^https:\/\/a\.example$|^https:\/\/b\.example$/,
    /(^https:\/\/a\.example$|^https:\/\/b\.example$)/,
    /^(?:https:\/\/a|http:\/\/b)\.example$/,
    /^https:\/\/(a\.example$|b\.(example|test)$)/,
    /(^https:\/\/(?<host>a\.example)$)+/,
    /^https:\/\/a\.example(:\d+)?(?:$){1,2}/,
    /^https:\/\/[a-z|(]+\.example(:\d+)?$/i,
  ])('%o: none', async (rule) => {
    const manager = newManager({ origins: rule, authenticate: () => null });
    const warnings = warningsOf(manager);
    await connectClient(manager);
    expect(warnings).toEqual([]);
  });
});

test('a rule that cannot be looked at throws before the port is taken', async () => {
  class Rule extends RegExp {
    override toString(): string {
      throw new Error('no text');
    }
  }
  const server = await httpServer();
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  const make = () => newManager({ port, origins: new Rule('example') });
  expect(make).toThrow('no text');
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
});

describe('options that cannot be', () => {
  test.for([{}, [{}], [['https://a']], 1, true, [1], [true], Symbol('a')])('%o', (origins) => {
    expect(() => newManager({ origins } as WebSocketConfig)).toThrow(/^origins: must be /);
  });

  test.for(['example.com', 'https://a/', ['https://a', 'b']])('%o', (origins) => {
    const make = () => newManager({ origins });
    expect(make).toThrow(RangeError);
    expect(make).toThrow(/^origins: must be origins like /);
  });
});

describe('the warning in production', () => {
  /** Without it there is another warning. */
  const authenticate = () => null;

  test('comes once if nothing says which pages may connect', async () => {
    vi.stubEnv('NODE_ENV', 'production');
    const manager = newManager({ authenticate });
    const warnings = warningsOf(manager);
    await manager.ready();
    await connectClient(manager);
    await connectClient(manager);
    expect(warnings).toMatchObject([{ code: 'ERR_ANY_ORIGIN' }]);
  });

  test.for([
    { env: 'production', config: { origins: '*' } },
    { env: 'production', config: { origins: [] } },
    { env: 'production', config: {}, variable: 'https://a' },
    { env: 'development', config: {} },
  ])('does not for %o', async ({ env, config, variable }) => {
    vi.stubEnv('NODE_ENV', env);
    vi.stubEnv('WS_ORIGINS', variable);
    const manager = newManager({ ...config, authenticate });
    const warnings = warningsOf(manager);
    const listening = nextEvent(manager, 'listening');
    await listening;
    await connectClient(manager);
    expect(warnings).toEqual([]);
  });
});

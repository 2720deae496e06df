/**
 * Options that cannot be: each throws at once, with a stable code, the class of error that fits, and the
 * option's or the variable's name at the start of the message.
 */
import { type WebSocketConfig, WebSocketManager } from '@libs/messaging';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { endAfterTest, newManager } from './support/test-manager.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** What the constructor throws. */
function errorOf(make: () => unknown): Error & { code: string } {
  try {
    make();
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error('nothing was thrown');
}

/** Expects that each of these values is refused in this way, by a message that begins with the name. */
function expectRefused(
  name: string,
  values: unknown[],
  make: (value: unknown) => unknown,
  refusal: { as: typeof TypeError | typeof RangeError; code: string; message?: string },
) {
  for (const value of values) {
    const error = errorOf(() => make(value));
    const shown = `${name} ${String(value)}`;
    expect(error, shown).toBeInstanceOf(refusal.as);
    expect(error.code, shown).toBe(refusal.code);
    expect(error.message, shown).toMatch(`${name}: must be ${refusal.message ?? ''}`);
    expect(error.message.indexOf(name), shown).toBe(0);
  }
}

const WRONG_TYPE = { as: TypeError, code: 'ERR_INVALID_OPTION_TYPE' };
const OUT_OF_RANGE = { as: RangeError, code: 'ERR_INVALID_OPTION_RANGE' };
const WRONG_VARIABLE = { as: RangeError, code: 'ERR_INVALID_ENV' };

const NUMBERS: [keyof WebSocketConfig, string, number][] = [
  ['port', 'WS_PORT', 65_535],
  ['heartbeatInterval', 'WS_HEARTBEAT_INTERVAL', 2 ** 31 - 1],
  ['maxConnections', 'WS_MAX_CONNECTIONS', 10_000_000],
  ['compressionThreshold', 'WS_COMPRESSION_THRESHOLD', 0x1fff_ffe8],
  ['compressionLevel', 'WS_COMPRESSION_LEVEL', 9],
  ['maxPayload', 'WS_MAX_PAYLOAD', 0x1fff_ffe8],
  ['handshakeTimeout', 'WS_HANDSHAKE_TIMEOUT', 2 ** 31 - 1],
  ['closeTimeout', 'WS_CLOSE_TIMEOUT', 2 ** 31 - 1],
  ['maxBufferedAmount', 'WS_MAX_BUFFERED_AMOUNT', 2 ** 40],
  ['memoryBudget', 'WS_MEMORY_BUDGET', 2 ** 40],
  ['shards', 'WS_SHARDS', 64],
  ['authTimeout', 'WS_AUTH_TIMEOUT', 2 ** 31 - 1],
  ['maxAuthFailures', 'WS_MAX_AUTH_FAILURES', 1000],
  ['tokenExpiringLead', 'WS_TOKEN_EXPIRING_LEAD', 2 ** 31 - 1],
  ['hookTimeout', 'WS_HOOK_TIMEOUT', 2 ** 31 - 1],
];

describe.for(NUMBERS)('%s', ([option, variable, limit]) => {
  const given = (value: unknown) => newManager({ [option]: value });
  const message = `an integer from ${option === 'port' ? 0 : 1} to ${limit}, got `;

  test('of another type is a TypeError', () => {
    const values = [true, false, '8080', 'x', {}, [], [1], () => 1, Symbol('1'), 1n, new Date()];
    expectRefused(option, values, given, { ...WRONG_TYPE, message: `${message}type ` });
  });

  test('outside its limits is a RangeError that shows the value', () => {
    const infinite = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of [-1, 0.5, 1.5, -0.5, limit + 1, 1e18, ...infinite]) {
      expectRefused(option, [value], given, { ...OUT_OF_RANGE, message: message + value });
    }
  });

  test(`${variable} is a RangeError that names the variable and shows its value`, () => {
    const numbers = ['-1', '1.5', String(limit + 1), 'Infinity', 'NaN'];
    for (const value of ['x', '1x', '0x10', '1_000', 'true', ' ', ...numbers]) {
      vi.stubEnv(variable, value);
      const shown = { ...WRONG_VARIABLE, message: message + JSON.stringify(value) };
      expectRefused(variable, [undefined], given, shown);
    }
  });

  // The last port may be taken, and the most threads are a burden for a small machine.
  if (option === 'port' || option === 'shards') return;

  test('at its limit is taken', () => {
    expect(() => given(limit)).not.toThrow();
    vi.stubEnv(variable, String(limit));
    expect(() => given(undefined)).not.toThrow();
  });
});

const STRINGS: [keyof WebSocketConfig, string, string[]][] = [
  ['host', 'WS_HOST', ['example.com', '127.0.0', '127.0.0.1:80', '[::1]', 'LOCALHOST', ' ']],
  ['path', 'WS_PATH', ['ws', 'http://localhost/ws', '/ws?a=1', '/ws#a', '/w s', '/ü', '/a\r\nb']],
  ['protocol', 'WS_PROTOCOL', ['Raw', 'json', 'messaging ']],
  ['slowConsumer', 'WS_SLOW_CONSUMER', ['drop', 'dropoldest', 'disconnect ']],
];

describe.for(STRINGS)('%s', ([option, variable, bad]) => {
  const given = (value: unknown) => newManager({ [option]: value });

  test('of another type is a TypeError', () => {
    const values = [true, false, 1, -1, Number.POSITIVE_INFINITY, {}, [], ['/ws'], () => '/ws', 1n];
    expectRefused(option, values, given, WRONG_TYPE);
  });

  test('that is none of its values is a RangeError', () => {
    expectRefused(option, bad, given, OUT_OF_RANGE);
  });

  test(`${variable} is a RangeError that names the variable`, () => {
    for (const value of bad) {
      vi.stubEnv(variable, value);
      expectRefused(variable, [undefined], given, WRONG_VARIABLE);
    }
  });
});

describe.for(['enableHeartbeat', 'enableCompression', 'requireAuth'] as const)('%s', (option) => {
  test('of another type is a TypeError', () => {
    const given = (value: unknown) => newManager({ [option]: value });
    const values = ['true', '', 1, 0, Number.NaN, {}, []];
    expectRefused(option, values, given, { ...WRONG_TYPE, message: 'a boolean, got type ' });
  });
});

describe('lists and hooks', () => {
  const refused = (option: string, values: unknown[], message: string, as = WRONG_TYPE) =>
    expectRefused(option, values, (value) => newManager({ [option]: value }), { ...as, message });

  test('tokenFrom', () => {
    const sources = 'header, subprotocol, cookie:NAME or query:NAME, got ';
    refused('tokenFrom', [true, 5, {}, () => 'header', [5], [['header']], [null]], sources);
    const values = ['Header', 'cookie', 'cookie:', ['header', ''], 'header,query:t', ['body:t']];
    refused('tokenFrom', values, sources, OUT_OF_RANGE);
  });

  test('authenticate', () => {
    refused('authenticate', [true, false, 'x', 5, {}, [], 1n], 'a function, got type ');
  });

  test('authorize', () => {
    refused('authorize', [true, 'x', 5, [], ['a']], 'a function or an object, got type ');
  });

  test.for(['subscribe', 'join_room'])('authorize.%s', (action) => {
    const given = (value: unknown) =>
      newManager({ authorize: { [action]: value } } as WebSocketConfig);
    const message = 'patterns with *, {userId}, {sessionId} and {claims.NAME}, got ';
    const path = `authorize.${action}`;
    expectRefused(path, [true, 5, {}, [5], [{}]], given, { ...WRONG_TYPE, message });
    const wrong = [['{user}'], ['a', ''], ['{userId'], '}', ['x'.repeat(1025)], ['{claims.}']];
    expectRefused(path, wrong, given, { ...OUT_OF_RANGE, message });
    const variable = `WS_AUTHORIZE_${action.toUpperCase()}`;
    vi.stubEnv(variable, 'a,{user}');
    expectRefused(variable, [undefined], () => newManager(), { ...WRONG_VARIABLE, message });
  });
});

describe('the options themselves', () => {
  test('of another type are a TypeError', () => {
    const values = [8080, '/ws', true, [], () => ({})];
    const given = (value: unknown) => new WebSocketManager(value as never);
    expectRefused('config', values, given, { ...WRONG_TYPE, message: 'an object, got ' });
  });

  test('options that nobody knows are let be', () => {
    expect(() => newManager({ colour: 'red' } as WebSocketConfig)).not.toThrow();
  });

  test('options may be inherited, and come from getters', () => {
    class Settings {
      get port() {
        return 0;
      }
    }
    const config = Object.assign(new Settings(), { shards: 3 });
    const manager = endAfterTest(new WebSocketManager(Object.create(config)));
    expect(manager.getStats().shards).toBe(3);
    expect(manager.address()?.port).not.toBe(8080);
  });

  test('an option whose getter throws throws on', () => {
    const config = {
      get port(): number {
        throw new Error('from the getter');
      },
    };
    expect(() => new WebSocketManager(config)).toThrow('from the getter');
  });

  test('the first wrong option is named, before any port is taken', () => {
    const held = newManager();
    const port = held.address()?.port as number;
    const error = errorOf(() => newManager({ port, maxPayload: -1 }));
    expect(error.message).toMatch(/^maxPayload/);
  });
});

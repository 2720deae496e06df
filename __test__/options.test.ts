/**
 * Where the value of an option comes from: the option itself, else the environment, else the default.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { type WebSocketConfig, WebSocketManager } from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { clientFrame, connectMute } from './support/mute-client.js';
import {
  endAfterTest,
  newManager,
  nextEvent,
  openManager,
  portOf,
} from './support/test-manager.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Numbers and strings: the option, its variable, a value that it takes, and one that it never takes. */
const VALUES: [keyof WebSocketConfig, string, unknown, string][] = [
  ['port', 'WS_PORT', 0, 'x'],
  ['host', 'WS_HOST', '127.0.0.1', 'no address'],
  ['path', 'WS_PATH', '/live', 'no slash'],
  ['heartbeatInterval', 'WS_HEARTBEAT_INTERVAL', 1000, 'x'],
  ['maxConnections', 'WS_MAX_CONNECTIONS', 10, 'x'],
  ['compressionThreshold', 'WS_COMPRESSION_THRESHOLD', 1, 'x'],
  ['compressionLevel', 'WS_COMPRESSION_LEVEL', 9, '10'],
  ['protocol', 'WS_PROTOCOL', 'raw', 'soap'],
  ['maxPayload', 'WS_MAX_PAYLOAD', 1024, 'x'],
  ['handshakeTimeout', 'WS_HANDSHAKE_TIMEOUT', 1000, 'x'],
  ['closeTimeout', 'WS_CLOSE_TIMEOUT', 1000, 'x'],
  ['maxBufferedAmount', 'WS_MAX_BUFFERED_AMOUNT', 1024, 'x'],
  ['slowConsumer', 'WS_SLOW_CONSUMER', 'dropOldest', 'ignore'],
  ['memoryBudget', 'WS_MEMORY_BUDGET', 1_000_000, 'x'],
  ['shards', 'WS_SHARDS', 2, 'x'],
  ['origins', 'WS_ORIGINS', '*', 'x'],
  ['trustProxy', 'WS_TRUST_PROXY', 1, 'x'],
  ['authTimeout', 'WS_AUTH_TIMEOUT', 1000, 'x'],
  ['maxAuthFailures', 'WS_MAX_AUTH_FAILURES', 5, 'x'],
  ['tokenFrom', 'WS_TOKEN_FROM', ['header', 'query:token'], 'body'],
  ['tokenExpiringLead', 'WS_TOKEN_EXPIRING_LEAD', 1000, 'x'],
  ['hookTimeout', 'WS_HOOK_TIMEOUT', 1000, 'x'],
];

/** What callers are used to pass for "not given". `port: 0` alone means something. */
const NOT_GIVEN = [undefined, null, Number.NaN, '', 0, -0];

/** The variable that the manager complains of, which shows that it has looked at it. */
function complaint(config: object): string | undefined {
  try {
    // The default port may be taken, which is no matter of options.
    newManager(config as WebSocketConfig).on('error', () => {});
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return `${code} ${message.split(':')[0]}`;
  }
  return undefined;
}

describe.for(VALUES)('%s', ([option, variable, good, bad]) => {
  test(`goes before ${variable}`, () => {
    vi.stubEnv(variable, bad);
    expect(complaint({ [option]: good })).toBeUndefined();
  });

  test(`falls through to ${variable} when it is not given`, () => {
    vi.stubEnv(variable, bad);
    const values = option === 'port' ? NOT_GIVEN.filter((value) => value !== 0) : NOT_GIVEN;
    for (const value of values) {
      expect(complaint({ [option]: value }), String(value)).toBe(`ERR_INVALID_ENV ${variable}`);
    }
  });

  test(`falls through to the default when ${variable} is not set or empty`, () => {
    const rest = option === 'port' ? { host: '127.0.0.1' } : {};
    vi.stubEnv(variable, undefined);
    expect(complaint({ ...rest })).toBeUndefined();
    vi.stubEnv(variable, '');
    expect(complaint({ ...rest })).toBeUndefined();
  });
});

describe('one option through all its sources', () => {
  const shards = (config?: WebSocketConfig) => newManager(config).getStats().shards;

  test('the option goes first', () => {
    vi.stubEnv('WS_SHARDS', '3');
    expect(shards({ shards: 2 })).toBe(2);
  });

  test.for(NOT_GIVEN)('the environment next: %s counts as not given', (value) => {
    vi.stubEnv('WS_SHARDS', '3');
    expect(shards({ shards: value as number })).toBe(3);
  });

  test.for(['', '0', '0.0', ' 0 '])(
    'the default last: the variable %j counts as not set',
    (value) => {
      vi.stubEnv('WS_SHARDS', value);
      expect(shards()).toBe(Math.min(4, Math.max(1, availableParallelism() - 1)));
    },
  );

  test('a variable may have spaces around its number', () => {
    vi.stubEnv('WS_SHARDS', ' 3 ');
    expect(shards()).toBe(3);
  });
});

describe('booleans', () => {
  /** Whether silent clients are removed, by the time at which a far more patient manager has done so. */
  async function isRemoved(config: WebSocketConfig): Promise<boolean> {
    const manager = newManager({ heartbeatInterval: 20, ...config });
    await connectMute(manager);
    const yardstick = await openManager({ heartbeatInterval: 100, enableHeartbeat: true });
    const due = nextEvent(yardstick, 'disconnect');
    await connectMute(yardstick);
    await due;
    return manager.getConnectionCount() === 0;
  }

  test.for([
    { option: undefined, variable: 'false', removed: false },
    { option: null, variable: 'false', removed: false },
    { option: undefined, variable: 'true', removed: true },
    { option: undefined, variable: '', removed: true },
    { option: true, variable: 'false', removed: true },
    { option: false, variable: 'true', removed: false },
  ])(
    'enableHeartbeat: $option with WS_HEARTBEAT=$variable',
    async ({ option, variable, removed }) => {
      vi.stubEnv('WS_HEARTBEAT', variable);
      expect(await isRemoved({ enableHeartbeat: option as boolean })).toBe(removed);
    },
  );

  test.for(['TRUE', '1', 'yes', 'on', ' true'])(
    'WS_HEARTBEAT=%j is not `true`',
    async (variable) => {
      vi.stubEnv('WS_HEARTBEAT', variable);
      expect(await isRemoved({})).toBe(false);
    },
  );

  test.for([0, '', Number.NaN])('%j is not taken for "not given"', (value) => {
    expect(complaint({ enableHeartbeat: value })).toMatch(
      'ERR_INVALID_OPTION_TYPE enableHeartbeat',
    );
    expect(complaint({ enableCompression: value })).toMatch(
      'ERR_INVALID_OPTION_TYPE enableCompression',
    );
  });
});

describe('port', () => {
  /** The port that a manager listens on, or would if no other process had taken it. */
  async function chosenPort(config: WebSocketConfig): Promise<number> {
    const manager = newManager({ port: undefined, ...config });
    const address = manager.address();
    if (address !== null) return address.port;
    const [error] = await nextEvent<[{ port: number }]>(manager, 'error');
    return error.port;
  }

  test('is 8080 by default', async () => {
    expect(await chosenPort({})).toBe(8080);
  });

  test('is what WS_PORT says', async () => {
    const free = newManager();
    const port = portOf(free);
    free.close();
    vi.stubEnv('WS_PORT', String(port));
    expect(await chosenPort({})).toBe(port);
  });

  test('`port: 0` is a free port, whatever WS_PORT says', async () => {
    vi.stubEnv('WS_PORT', '8081');
    const ports = [portOf(newManager({ port: 0 })), portOf(newManager({ port: 0 }))];
    expect(new Set(ports).size).toBe(2);
    expect(ports).not.toContain(0);
  });

  test('WS_PORT=0 counts as not set', async () => {
    vi.stubEnv('WS_PORT', '0');
    expect(await chosenPort({})).toBe(8080);
  });
});

describe('host', () => {
  test('is every address by default', async () => {
    const manager = newManager({ host: undefined });
    expect(['::', '0.0.0.0']).toContain(manager.address()?.address);
    await manager.ready();
    await expect(connectClient(manager)).resolves.toBeDefined();
  });

  test('may be `localhost`, which is 127.0.0.1', () => {
    expect(newManager({ host: 'localhost' }).address()).toMatchObject({
      address: '127.0.0.1',
      family: 'IPv4',
    });
  });
});

test('path is /ws by default, or what WS_PATH or the option says', async () => {
  await connectClient(newManager(), { path: '/ws' });
  vi.stubEnv('WS_PATH', '/from-env');
  await connectClient(newManager(), { path: '/from-env' });
  const manager = newManager({ path: '/from-option' });
  await connectClient(manager, { path: '/from-option' });
  await expect(connectClient(manager, { path: '/from-env' })).rejects.toThrow('404');
});

test('maxConnections bounds the open connections', async () => {
  vi.stubEnv('WS_MAX_CONNECTIONS', '1');
  const manager = newManager();
  const first = await connectClient(manager);
  await expect(connectClient(manager)).rejects.toThrow('1013 "Server overloaded"');
  await first.close();
  await vi.waitFor(() => connectClient(manager));
});

test('maxPayload bounds a message', async () => {
  const manager = await openManager({ maxPayload: 100 });
  const client = await connectClient(manager);
  client.send('x'.repeat(100));
  await client.next('error');
  client.send('x'.repeat(101));
  expect(await client.closed).toMatchObject({ code: 1009 });
});

test('handshakeTimeout bounds the wait for a request', async () => {
  const [hasty, patient] = [await openManager({ handshakeTimeout: 50 }), await openManager()];
  const [dropped, kept] = [
    connect(portOf(hasty), '127.0.0.1'),
    connect(portOf(patient), '127.0.0.1'),
  ];
  await once(dropped.resume(), 'close');
  expect(kept.readyState).toBe('open');
  kept.destroy();
});

test('closeTimeout bounds the wait for a close frame', async () => {
  const closing = await Promise.all(
    [50, undefined].map(async (closeTimeout) => {
      const manager = await openManager({ closeTimeout });
      await connectMute(manager);
      const [connection] = manager.getConnections();
      const disconnected = nextEvent(manager, 'disconnect');
      connection?.socket.close();
      return { connection, disconnected };
    }),
  );
  expect((await closing[0]?.disconnected)?.[1]).toBe(1006);
  // The default is many times as long.
  expect(closing[1]?.connection?.socket.readyState).toBe(2);
});

test("protocol 'raw' interprets nothing and greets nobody", async () => {
  vi.stubEnv('WS_PROTOCOL', 'raw');
  const manager = newManager();
  const received = nextEvent(manager, 'data');
  const client = await connectMute(manager);
  const handshake = String(client.read());
  client.write(clientFrame(1, '{"type":"heartbeat"}'));
  expect((await received)[0]).toBe('{"type":"heartbeat"}');
  expect(handshake).toMatch(/\r\n\r\n$/);
});

test.for([undefined, null, {}])('%s is the same as no options', async (config) => {
  const free = newManager();
  const port = portOf(free);
  free.close();
  vi.stubEnv('WS_PORT', String(port));
  const manager = endAfterTest(new WebSocketManager(config));
  expect(manager.address()?.port).toBe(port);
});

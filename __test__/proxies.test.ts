/**
 * Whose address a client has behind proxies, and what one address may ask for.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type WebSocketConfig, WebSocketManager, type WebSocketRequest } from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { startManager } from './support/managers.js';
import { type HttpResponse, RawClient, request } from './support/raw-client.js';
import { endAfterTest, newManager, nextEvent } from './support/test-manager.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

type At = Pick<WebSocketManager, 'address'>;

/** A client by way of proxies that wrote this header. */
async function answerTo(manager: At, forwarded?: string | string[]): Promise<HttpResponse> {
  const client = await RawClient.connect(manager);
  client.write(request({ 'X-Forwarded-For': forwarded }));
  return await client.response();
}

/** The address that the service is told. */
async function addressFor(
  manager: WebSocketManager,
  forwarded?: string | string[],
  at: At = manager,
) {
  const connected = nextEvent<[unknown, WebSocketRequest]>(manager, 'connection');
  expect((await answerTo(at, forwarded)).status).toBe(101);
  const [, { remoteAddress, remotePort }] = await connected;
  return [remoteAddress, remotePort];
}

describe('trustProxy', () => {
  test('without it the header is ignored', async () => {
    const manager = await startManager();
    expect((await addressFor(manager, '203.0.113.7'))[0]).toBe('127.0.0.1');
  });

  test('a forged header of a peer that is not trusted is ignored', async () => {
    const manager = await startManager({ trustProxy: ['10.0.0.0/8'] });
    for (const forged of ['203.0.113.7', '10.0.0.1', ['127.0.0.1', '10.0.0.1, 10.0.0.2']]) {
      expect((await addressFor(manager, forged))[0]).toBe('127.0.0.1');
    }
  });

  test.for<[WebSocketConfig['trustProxy'], string | string[], unknown[]]>([
    ['loopback', '203.0.113.7', ['203.0.113.7', 0]],
    ['loopback', '203.0.113.7:4711', ['203.0.113.7', 4711]],
    ['127.0.0.1', '[2001:db8::1]:80', ['2001:db8::1', 80]],
    // What the client wrote itself stands first, and changes nothing.
    ['loopback', '1.1.1.1, 203.0.113.7', ['203.0.113.7', 0]],
    [
      ['loopback', '10.0.0.0/8'],
      ['1.1.1.1', '203.0.113.7, 10.0.0.1'],
      ['203.0.113.7', 0],
    ],
    [['loopback', '10.0.0.0/8'], '203.0.113.7, unknown, 10.0.0.1', ['10.0.0.1', 0]],
    [1, '1.1.1.1, 203.0.113.7', ['203.0.113.7', 0]],
    [2, '1.1.1.1, 203.0.113.7, 10.0.0.1', ['203.0.113.7', 0]],
  ])('%o with %o', async ([trustProxy, forwarded, expected]) => {
    const manager = await startManager({ trustProxy });
    expect(await addressFor(manager, forwarded)).toEqual(expected);
  });

  test('WS_TRUST_PROXY has addresses or a number', async () => {
    for (const [variable, expected] of [
      ['10.0.0.0/8, loopback', '203.0.113.7'],
      ['1', '203.0.113.7'],
      ['off', '127.0.0.1'],
      ['0', '127.0.0.1'],
    ] as const) {
      vi.stubEnv('WS_TRUST_PROXY', variable);
      const manager = newManager();
      expect((await addressFor(manager, '203.0.113.7'))[0]).toBe(expected);
    }
  });

  test("it counts on a server of the host's too", async () => {
    const server = createServer();
    const trustProxy = 'loopback';
    const manager = endAfterTest(WebSocketManager.fromHttpServer(server, { trustProxy }));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const at = { address: () => server.address() as AddressInfo };
    expect(await addressFor(manager, '203.0.113.7', at)).toEqual(['203.0.113.7', 0]);
    server.close();
  });

  test.for([true, -1, 1.5, 101, 'all', '10.0.0.0/33', [1, 'loopback'], {}])(
    '%o cannot be: to trust all is to trust what clients write',
    (trustProxy) => {
      expect(() => newManager({ trustProxy } as WebSocketConfig)).toThrow(/^trustProxy: must be /);
    },
  );
});

describe('limits.perIp', () => {
  test('is off unless it or trustProxy is given', async () => {
    const manager = await startManager();
    for (let i = 0; i < 300; i += 1) expect((await answerTo(manager)).status).toBe(101);
    expect(manager.getStats().refusals.ip_limited).toBe(0);
  });

  test('connections of one address, and a place that becomes free can be taken', async () => {
    const manager = await startManager({ limits: { perIp: { connections: 2 } } });
    const [first] = [await connectClient(manager), await connectClient(manager)];
    const refused = await RawClient.connect(manager);
    // Before anything of it is read.
    expect(await refused.response()).toMatchObject({
      status: 429,
      headers: { 'retry-after': '1' },
    });
    expect(manager.getStats().refusals.ip_limited).toBe(1);
    await first?.close();
    await vi.waitFor(() => connectClient(manager));
    expect(manager.getConnectionCount()).toBe(2);
  });

  test('sockets that say nothing have places too, until handshakeTimeout', async () => {
    const limits = { perIp: { connections: 2 } };
    // On several threads a socket may be looked at before one that came earlier.
    const manager = await startManager({ limits, handshakeTimeout: 100, shards: 1 });
    await RawClient.connect(manager);
    await RawClient.connect(manager);
    expect((await answerTo(manager)).status).toBe(429);
    await vi.waitFor(() => connectClient(manager));
  });

  test('handshakes of one address in a second: ten times as many at once', async () => {
    const manager = await startManager({ limits: { perIp: { handshakesPerSecond: 1 } } });
    const answers: number[] = [];
    for (let i = 0; i < 15; i += 1) answers.push((await answerTo(manager)).status);
    expect(answers.slice(0, 10)).toEqual(Array(10).fill(101));
    expect(answers.filter((status) => status === 429).length).toBeGreaterThan(2);
  });

  test('behind a trusted proxy each client has its own, IPv6 by its first half', async () => {
    const limits = { perIp: { connections: 1 } };
    const manager = await startManager({ limits, trustProxy: 'loopback' });
    const status = async (client: string) => (await answerTo(manager, client)).status;
    expect(await status('203.0.113.7')).toBe(101);
    expect(await status('203.0.113.7')).toBe(429);
    expect(await status('203.0.113.8')).toBe(101);
    expect(await status('2001:db8::1')).toBe(101);
    expect(await status('2001:db8::2')).toBe(429);
    expect(await status('2001:db8:0:1::1')).toBe(101);
    expect(manager.getStats().refusals.ip_limited).toBe(2);
  });

  test('a client cannot write itself other addresses', async () => {
    const limits = { perIp: { connections: 1 } };
    const manager = await startManager({ limits, trustProxy: '10.0.0.1' });
    expect((await answerTo(manager, '203.0.113.1')).status).toBe(101);
    expect((await answerTo(manager, '203.0.113.2')).status).toBe(429);
  });
});

test('handshakes of all in a second: twice as many at once, then 503', async () => {
  const manager = await startManager({ limits: { handshakesPerSecond: 5 } });
  const answers: HttpResponse[] = [];
  for (let i = 0; i < 20; i += 1) answers.push(await answerTo(manager));
  expect(answers.slice(0, 10).map(({ status }) => status)).toEqual(Array(10).fill(101));
  const refused = answers.filter(({ status }) => status === 503);
  expect(refused.length).toBeGreaterThan(2);
  expect(refused[0]?.headers['retry-after']).toBe('1');
  expect(manager.getStats().refusals.handshake_rate).toBe(refused.length);
});

describe('proxyProtocol', () => {
  const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
  const LINE = 'PROXY TCP4 203.0.113.7 10.0.0.1 4711 80\r\n';
  const version2 = (command: number, family: number, ...rest: number[]) =>
    Buffer.concat([SIGNATURE, Buffer.from([command, family, 0, rest.length, ...rest])]);
  const FOUR = [203, 0, 113, 7, 10, 0, 0, 1, 0x12, 0x67, 0, 80];

  /** What the service is told of a client whose balancer sends this. */
  async function seen(manager: WebSocketManager, header: string | Uint8Array, forwarded?: string) {
    const connected = nextEvent<[unknown, WebSocketRequest]>(manager, 'connection');
    const client = await RawClient.connect(manager);
    client.write(header, request({ 'X-Forwarded-For': forwarded }));
    expect((await client.response()).status).toBe(101);
    const [, { remoteAddress, remotePort }] = await connected;
    return [remoteAddress, remotePort === client.port ? 'own' : remotePort];
  }

  test.for<[string, string | Buffer, unknown[]]>([
    ['version 1', LINE, ['203.0.113.7', 4711]],
    ['version 1, IPv6', 'PROXY TCP6 2001:db8::1 ::1 1 80\r\n', ['2001:db8::1', 1]],
    ['version 1, unknown', 'PROXY UNKNOWN\r\n', ['127.0.0.1', 'own']],
    ['version 2', version2(0x21, 0x11, ...FOUR), ['203.0.113.7', 4711]],
    [
      'version 2, with extensions',
      version2(0x21, 0x11, ...FOUR, 4, 0, 1, 0),
      ['203.0.113.7', 4711],
    ],
    ['version 2, local', version2(0x20, 0), ['127.0.0.1', 'own']],
  ])('%s', async ([, header, expected]) => {
    const manager = await startManager({ proxyProtocol: true });
    // On either thread.
    for (let i = 0; i < 2; i += 1) expect(await seen(manager, header)).toEqual(expected);
  });

  test.for([LINE, version2(0x21, 0x11, ...FOUR)])('a byte at a time', async (header) => {
    const manager = await startManager({ proxyProtocol: true });
    const client = await RawClient.connect(manager);
    for (const byte of Buffer.from(header)) {
      client.write(new Uint8Array([byte]));
      await new Promise(setImmediate);
    }
    client.write(request());
    expect((await client.response()).status).toBe(101);
  });

  test.for<[string, string | Buffer]>([
    ['none', request()],
    ['a wrong one', 'PROXY TCP4 203.0.113.7 10.0.0.1 4711\r\n'],
    ['one without end', `PROXY UNKNOWN ${'x'.repeat(200)}`],
    ['version 2 of another command', version2(0x22, 0x11, ...FOUR)],
  ])('%s is closed and counted', async ([, bytes]) => {
    const manager = await startManager({ proxyProtocol: true });
    const client = await RawClient.connect(manager);
    client.write(bytes);
    await client.ended;
    expect(manager.getStats().refusals).toMatchObject({ proxy_header: 1, bad_request: 0 });
    expect(await seen(manager, LINE)).toEqual(['203.0.113.7', 4711]);
  });

  test('who is silent or dribbles is closed after handshakeTimeout', async () => {
    const manager = await startManager({ proxyProtocol: true, handshakeTimeout: 100 });
    const [silent, dribbling] = [
      await RawClient.connect(manager),
      await RawClient.connect(manager),
    ];
    dribbling.write('PROXY TCP4 1');
    await Promise.all([silent.ended, dribbling.ended]);
    expect(manager.getStats().refusals.proxy_header).toBe(2);
  });

  test('with trusted addresses, only these may send it', async () => {
    const manager = await startManager({ proxyProtocol: true, trustProxy: '10.0.0.0/8' });
    const client = await RawClient.connect(manager);
    client.write(LINE, request());
    await client.ended;
    expect(manager.getStats().refusals.proxy_header).toBe(1);
  });

  test('the header counts before X-Forwarded-For, which a client may have forged', async () => {
    for (const trustProxy of ['loopback', 1, undefined]) {
      const manager = await startManager({ proxyProtocol: true, trustProxy });
      expect(await seen(manager, LINE, '1.1.1.1')).toEqual(['203.0.113.7', 4711]);
    }
    // A second proxy behind the balancer's first.
    const manager = await startManager({ proxyProtocol: true, trustProxy: 2 });
    expect(await seen(manager, LINE, '9.9.9.9, 1.1.1.1')).toEqual(['1.1.1.1', 0]);
  });

  test('limits.perIp counts by it, and is on', async () => {
    const limits = { perIp: { connections: 1 } };
    const manager = await startManager({ proxyProtocol: true, limits });
    expect(await seen(manager, LINE)).toEqual(['203.0.113.7', 4711]);
    const client = await RawClient.connect(manager);
    client.write(LINE, request());
    expect((await client.response()).status).toBe(429);
    expect(await seen(manager, LINE.replace('113.7', '113.8'))).toEqual(['203.0.113.8', 4711]);
  });

  test('a socket that waits for it does not hold up the end', async () => {
    const manager = await startManager({ proxyProtocol: true });
    const client = await RawClient.connect(manager);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await manager.shutdown();
    await client.ended;
  });

  test('off, it is no request', async () => {
    const client = await RawClient.connect(await startManager());
    client.write(LINE, request());
    expect((await client.response()).status).toBe(400);
  });
});

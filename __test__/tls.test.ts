/**
 * TLS on a manager's own port, with clients that services have: `ws`, Node's own WebSocket, and openssl.
 */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import type { WebSocketConfig, WebSocketManager } from '@libs/messaging';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Certificates } from './support/certificates.js';
import { HANDSHAKE } from './support/mute-client.js';
import { runNode } from './support/node-process.js';
import { MEGABYTE, nextEvent, openManager, portOf, queueUp } from './support/test-manager.js';
import { nextOf, openWss, refusalOf } from './support/wss-client.js';

const certificates = new Certificates();
const ca = certificates.authority('ca');
const otherCa = certificates.authority('other-ca');
const server = certificates.signed('server', ca);
const rsaServer = certificates.signed('rsa-server', ca, 'server', 'rsa');
const { cert, key } = server;

function openTls(config: WebSocketConfig = {}, tls: WebSocketConfig['tls'] = {}) {
  return openManager({ ...config, tls: { cert, key, ...tls } });
}

/** A manager that sends every frame back. */
async function openEcho(config: WebSocketConfig = {}) {
  const manager = await openTls({ protocol: 'raw', maxPayload: 4_000_000, ...config });
  manager.on('data', (data, connection) => connection.socket.send(data));
  return manager;
}

const digest = (bytes: unknown) =>
  createHash('sha256')
    .update(bytes as Buffer)
    .digest('hex');

test('a client of ws is greeted, and answered', async () => {
  const manager = await openTls();
  const connected = nextEvent(manager, 'connection');
  const client = await openWss(manager, { ca: ca.cert });
  client.send('{"type":"heartbeat"}');
  expect(await nextOf(client, 'heartbeat')).toMatchObject({ payload: 'pong' });
  const [, request] = await connected;
  expect(request).toMatchObject({ url: '/ws', remoteAddress: '127.0.0.1' });
  client.close(4000, 'enough');
  expect((await once(client, 'close'))[0]).toBe(4000);
  expect(manager.getStats().refusals.tls_handshake).toBe(0);
});

test("Node's own WebSocket", async () => {
  const manager = await openTls();
  const script = `
    const socket = new WebSocket('wss://localhost:${portOf(manager)}/ws');
    socket.onerror = ({ error, message }) => console.log('error', message, error);
    socket.onmessage = ({ data }) => {
      console.log(JSON.parse(data).type);
      socket.close();
    };
    socket.onclose = ({ code }) => console.log(code);
  `;
  const { output } = await runNode(script, {
    flags: ['--experimental-websocket', '--dns-result-order=ipv4first', '--no-warnings'],
    env: { NODE_EXTRA_CA_CERTS: ca.certPath },
  });
  expect(output).toBe('connection\n1005\n');
});

test.for(['TLSv1.2', 'TLSv1.3'] as const)('%s is spoken, with ALPN http/1.1', async (version) => {
  const manager = await openTls({}, { cert: rsaServer.cert, key: rsaServer.key });
  const socket = connectTls({
    ...{ port: portOf(manager), host: '127.0.0.1', servername: 'localhost', ca: ca.cert },
    ...{ minVersion: version, maxVersion: version, ALPNProtocols: ['h2', 'http/1.1'] },
  });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  expect(socket.getProtocol()).toBe(version);
  expect(socket.alpnProtocol).toBe('http/1.1');
  expect(socket.authorized).toBe(true);
});

test('a client of TLS 1.2 is refused where minVersion is TLSv1.3', async () => {
  const manager = await openTls({}, { minVersion: 'TLSv1.3' });
  const old = { ca: ca.cert, maxVersion: 'TLSv1.2' } as const;
  expect(await refusalOf(manager, old)).toContain('alert protocol version');
  await openWss(manager, { ca: ca.cert });
  await vi.waitFor(() => expect(manager.getStats().refusals.tls_handshake).toBe(1));
});

test('a client that does not know the authority goes, and is counted', async () => {
  const manager = await openTls();
  const warned = vi.fn();
  manager.on('warning', warned);
  expect(await refusalOf(manager, { ca: otherCa.cert })).toContain('unable to verify');
  await vi.waitFor(() => expect(manager.getStats().refusals.tls_handshake).toBe(1));
  // Events come in their order.
  const connected = nextEvent(manager, 'connection');
  await openWss(manager, { ca: ca.cert });
  await connected;
  // A scanner of ports would flood whoever listens.
  expect(warned).not.toHaveBeenCalled();
});

describe.for(['TLSv1.2', 'TLSv1.3'] as const)('a session of %s', (version) => {
  const known = certificates.signed('resuming', ca, 'client');

  /** A client that was answered, and the sessions that it was given before that. */
  async function answered(manager: WebSocketManager, session?: Buffer) {
    const socket = connectTls({
      ...{ port: portOf(manager), host: '127.0.0.1', servername: 'localhost', ca: ca.cert },
      ...{ minVersion: version, maxVersion: version, cert: known.cert, key: known.key },
      ...(session && { session }),
    });
    onTestFinished(() => void socket.destroy());
    const sessions: Buffer[] = [];
    socket.on('session', (session) => sessions.push(session));
    socket.write(HANDSHAKE);
    await once(socket, 'data');
    return { sessions, last: socket.getSession(), resumed: socket.isSessionReused() };
  }

  test('is resumed by its ticket, of which each connection gets one', async () => {
    const manager = await openTls();
    const first = await answered(manager);
    expect([first.sessions.length, first.resumed]).toEqual([1, false]);
    expect((await answered(manager, first.sessions[0])).resumed).toBe(true);
  });

  test('is not resumed under requestCert, where each certificate is looked at', async () => {
    const manager = await openTls({}, { ca: ca.cert, requestCert: true });
    const first = await answered(manager);
    expect((await answered(manager, first.sessions[0] ?? first.last)).resumed).toBe(false);
  });
});

describe('certificates of clients', () => {
  const known = certificates.signed('known', ca, 'client');
  const stranger = certificates.signed('stranger', otherCa, 'client');
  const versionOne = certificates.versionOne('old', ca);
  const strict = () => openTls({}, { ca: [Buffer.from(ca.cert)], requestCert: true });

  test.for(['TLSv1.2', 'TLSv1.3'] as const)(
    'of the authority are accepted: %s',
    async (version) => {
      const { cert, key } = known;
      const manager = await strict();
      await openWss(manager, { ca: ca.cert, cert, key, maxVersion: version });
      expect(manager.getConnectionCount()).toBe(1);
    },
  );

  test.for([
    ['none, TLS 1.3', undefined, 'TLSv1.3', 'alert certificate required'],
    ['none, TLS 1.2', undefined, 'TLSv1.2', 'alert certificate required'],
    ["a stranger's, TLS 1.3", stranger, 'TLSv1.3', 'alert unknown ca'],
    ["a stranger's, TLS 1.2", stranger, 'TLSv1.2', 'alert unknown ca'],
    ["a server's", server, 'TLSv1.3', ' alert '],
    ['one of X.509 version 1', versionOne, 'TLSv1.3', ' alert '],
  ] as const)('%s: refused, and told why', async ([, identity, maxVersion, alert]) => {
    const manager = await strict();
    const own = identity && { cert: identity.cert, key: identity.key };
    expect(await refusalOf(manager, { ca: ca.cert, maxVersion, ...own })).toContain(alert);
    await vi.waitFor(() => expect(manager.getStats().refusals.tls_handshake).toBe(1));
    expect(manager.getStats().totalConnections).toBe(0);
  });

  test('are not asked for without requestCert', async () => {
    const manager = await openTls({}, { ca: ca.cert });
    await openWss(manager, { ca: ca.cert });
  });
});

test.for([
  ['without compression', false],
  ['with compression', true],
] as const)('a megabyte both ways, %s, is what it was', async ([, perMessageDeflate]) => {
  const manager = await openEcho();
  const client = await openWss(manager, { ca: ca.cert, perMessageDeflate });
  expect(client.extensions).toBe(perMessageDeflate ? 'permessage-deflate' : '');
  // Half of it can be compressed.
  const random = randomBytes(500_000);
  const sent = [Buffer.concat([random, Buffer.alloc(500_000, 'x')]), randomBytes(1_048_576)];
  for (const bytes of sent) client.send(bytes);
  for (const bytes of sent) {
    const [received] = await once(client, 'message');
    expect(digest(received)).toBe(digest(bytes));
  }
});

test('200 clients get each of their 50 frames, in order', async () => {
  const manager = await openEcho();
  const clients = await Promise.all(
    Array.from({ length: 200 }, () => openWss(manager, { ca: ca.cert })),
  );
  const echoes = clients.map(async (client, number) => {
    const received: string[] = [];
    const complete = new Promise((resolve) => {
      client.on('message', (data) => {
        if (received.push(String(data)) === 50) resolve(received);
      });
    });
    const frames = Array.from({ length: 50 }, (_, at) => `${number}:${at}:${'y'.repeat(at * 37)}`);
    for (const frame of frames) client.send(frame);
    expect(await complete).toEqual(frames);
  });
  await Promise.all(echoes);
});

test('a slow reader is closed as one without TLS is, and costs the others nothing', async () => {
  const manager = await openTls({ maxBufferedAmount: 100_000, enableCompression: false });
  const [slow, quick] = [
    await openWss(manager, { ca: ca.cert }),
    await openWss(manager, { ca: ca.cert, perMessageDeflate: false }),
  ];
  const warned = nextEvent<[{ code: string }]>(manager, 'warning');
  slow.pause();
  const filler = 'x'.repeat(50_000);
  while (manager.getStats().slowConsumers === 0) {
    const received = once(quick, 'message');
    manager.broadcast({ type: 'filler', payload: filler });
    await received;
  }
  expect((await warned)[0].code).toBe('ERR_SLOW_CONSUMER');
  const closed = once(slow, 'close');
  slow.resume();
  expect((await closed)[0]).toBe(1013);
  expect(quick.readyState).toBe(WebSocket.OPEN);
});

test('a reader that pauses and goes on gets every byte', async () => {
  const manager = await openTls({ enableCompression: false, maxBufferedAmount: 50_000_000 });
  const client = await openWss(manager, { ca: ca.cert });
  const numbers: number[] = [];
  client.on('message', (data) => {
    const { type, payload } = JSON.parse(String(data));
    if (type !== 'filler') return;
    expect(payload.filler).toBe(MEGABYTE);
    numbers.push(payload.number);
  });
  client.pause();
  const count = await queueUp(manager);
  const flushed = manager.shutdown({ timeout: 20_000 });
  client.resume();
  expect((await once(client, 'close'))[0]).toBe(1001);
  await flushed;
  expect(numbers).toEqual(Array.from({ length: count }, (_, at) => at));
});

test('shutdown closes with 1001', async () => {
  const manager = await openTls();
  const client = await openWss(manager, { ca: ca.cert });
  const [closed] = await Promise.all([once(client, 'close'), manager.shutdown()]);
  expect(closed).toEqual([1001, Buffer.from('Server shutting down')]);
});

test.for([
  ['that answers the close frame', true],
  ['that does not', false],
] as const)('the end is said in TLS too, to a client %s', async ([, answers]) => {
  const manager = await openTls({ closeTimeout: 100 });
  const client = spawn('openssl', [
    ...['s_client', '-quiet', '-verify_quiet', '-connect', `127.0.0.1:${portOf(manager)}`],
    ...['-CAfile', ca.certPath, '-servername', 'localhost'],
  ]);
  onTestFinished(() => void client.kill());
  const [output, errors] = [text(client.stdout), text(client.stderr)];
  client.stdin.write(HANDSHAKE);
  await nextEvent(manager, 'connection');
  if (answers) client.stdin.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 3, 0xe8]));
  else manager.close();
  await once(client, 'close');
  expect(await output).toContain('101 Switching Protocols');
  // OpenSSL complains where a socket ends and TLS does not.
  expect(await errors).not.toContain('unexpected eof');
});

test('a client that speaks plain HTTP is told so', async () => {
  const manager = await openTls();
  const socket = connectTcp(portOf(manager), '127.0.0.1');
  socket.write(HANDSHAKE);
  const answer = await text(socket);
  expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n.*wss:\/\//s);
  expect(manager.getStats()).toMatchObject({
    totalConnections: 0,
    refusals: { tls_handshake: 1, bad_request: 0 },
  });
});

test('bytes that are nothing end the connection, and cost nobody else anything', async () => {
  const manager = await openTls({ closeTimeout: 100 });
  const client = await openWss(manager, { ca: ca.cert });
  for (const bytes of [Buffer.from([22, 3, 1, 0, 5, 1, 2, 3, 4, 5]), randomBytes(3000)]) {
    const socket = connectTcp(portOf(manager), '127.0.0.1');
    socket.on('error', () => {});
    // The first byte of random ones could be one of a request.
    socket.end(Buffer.concat([Buffer.from([23]), bytes]));
    await once(socket.resume(), 'close');
  }
  expect(manager.getStats().refusals.tls_handshake).toBe(2);
  client.send('{"type":"heartbeat"}');
  await vi.waitFor(() => expect(manager.getStats().messagesIn).toBe(1));
});

test('who says nothing, or not enough, is ended by handshakeTimeout', async () => {
  const manager = await openTls({ handshakeTimeout: 100 });
  const begun = [Buffer.alloc(0), Buffer.from([22, 3, 1, 2, 0, 1])];
  await Promise.all(
    begun.map(async (bytes) => {
      const socket = connectTcp(portOf(manager), '127.0.0.1');
      socket.write(bytes);
      await once(socket.resume(), 'close');
    }),
  );
  const tls = connectTls({ port: portOf(manager), host: '127.0.0.1', ca: ca.cert });
  tls.on('error', () => {});
  await once(tls.resume(), 'close');
  expect(manager.getStats().refusals).toMatchObject({ handshake_timeout: 3, tls_handshake: 0 });
});

test('who only connects has failed at nothing', async () => {
  const manager = await openTls();
  const socket = connectTcp(portOf(manager), '127.0.0.1');
  socket.end();
  await once(socket.resume(), 'close');
  expect(manager.getStats().refusals).toMatchObject({ handshake_timeout: 0, tls_handshake: 0 });
});

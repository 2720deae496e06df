/**
 * `setSecureContext`: another certificate for those that come, and nothing new for those that are there.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { WebSocketManager } from '@libs/messaging';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { Certificates, type Identity } from './support/certificates.js';
import { httpServer } from './support/http-servers.js';
import { warningsOf } from './support/managers.js';
import { newManager, nextEvent, openManager, portOf } from './support/test-manager.js';
import { nextOf, openWss } from './support/wss-client.js';

const certificates = new Certificates();
const ca = certificates.authority('ca');
const otherCa = certificates.authority('other-ca');
const [first, second] = [certificates.signed('first', ca), certificates.signed('second', ca)];
const client = certificates.signed('client', ca, 'client');

afterEach(() => {
  vi.unstubAllEnvs();
});

const pair = ({ cert, key }: Identity) => ({ cert, key });

/** The name that the certificate of a new connection has. */
async function nameAt(manager: WebSocketManager, session?: Buffer): Promise<string> {
  return (await certificateAt(manager, session)).subject.CN;
}

async function certificateAt(
  manager: WebSocketManager,
  session?: Buffer,
): Promise<PeerCertificate> {
  const socket = tlsTo(manager, session);
  await once(socket, 'secureConnect');
  return socket.getPeerCertificate();
}

function tlsTo(manager: WebSocketManager, session?: Buffer): TLSSocket {
  const socket = connect({
    ...{ port: portOf(manager), host: '127.0.0.1', servername: 'localhost', ca: ca.cert },
    ...(session && { session }),
  });
  onTestFinished(() => void socket.destroy());
  return socket;
}

test('those that come get the new certificate, those that are there stay', async () => {
  const manager = await openManager({ tls: pair(first) });
  const before = await openWss(manager, { ca: ca.cert });
  expect(await nameAt(manager)).toBe('first');
  manager.setSecureContext(pair(second));
  expect(await nameAt(manager)).toBe('second');
  const after = await openWss(manager, { ca: ca.cert });
  for (const socket of [before, after]) {
    const answer = nextOf(socket, 'heartbeat');
    socket.send('{"type":"heartbeat"}');
    expect(await answer).toMatchObject({ payload: 'pong' });
  }
});

test('frames go on through the change, under way in both directions', async () => {
  const manager = await openManager({ tls: pair(first), protocol: 'raw' });
  manager.on('data', (data, connection) => connection.socket.send(data));
  const sockets = await Promise.all(
    Array.from({ length: 20 }, () => openWss(manager, { ca: ca.cert })),
  );
  const echoes = sockets.map(async (socket, at) => {
    for (let turn = 0; turn < 50; turn += 1) {
      const echo = once(socket, 'message');
      socket.send(`${at}:${turn}`);
      expect(String((await echo)[0])).toBe(`${at}:${turn}`);
      if (at === 0) manager.setSecureContext(pair(turn % 2 === 0 ? second : first));
    }
  });
  await Promise.all(echoes);
  expect(manager.getConnectionCount()).toBe(20);
});

test('what cannot be throws, and all stays as it was', async () => {
  const manager = await openManager({ tls: pair(first) });
  const codeOf = (tls: object) => {
    try {
      manager.setSecureContext(tls as never);
    } catch (error) {
      return (error as { code: string }).code;
    }
    return undefined;
  };
  expect(codeOf({ cert: second.cert, key: first.key })).toBe('ERR_TLS_KEY_MISMATCH');
  // The key of before is not that of the new certificate.
  expect(codeOf({ cert: second.cert })).toBe('ERR_TLS_KEY_MISMATCH');
  expect(codeOf({ cert: 'x' })).toBe('ERR_TLS_CERTIFICATE');
  expect(codeOf({ minVersion: 'SSLv3' })).toBe('ERR_INVALID_OPTION_RANGE');
  expect(codeOf({ requestCert: true })).toBe('ERR_INVALID_OPTION_TYPE');
  expect(codeOf([] as object)).toBe('ERR_INVALID_OPTION_TYPE');
  expect(await nameAt(manager)).toBe('first');
});

test('what is not given stays: clients still need a certificate', async () => {
  const tls = { ...pair(first), ca: ca.cert, requestCert: true, minVersion: 'TLSv1.3' } as const;
  const manager = await openManager({ tls });
  manager.setSecureContext(pair(second));
  await expect(openWss(manager, { ca: ca.cert })).rejects.toThrow();
  const own = { ca: ca.cert, cert: client.cert, key: client.key };
  await expect(openWss(manager, { ...own, maxVersion: 'TLSv1.2' })).rejects.toThrow();
  await openWss(manager, own);
  // Another authority, which has not signed for this client.
  manager.setSecureContext({ ca: otherCa.cert });
  await expect(openWss(manager, own)).rejects.toThrow();
  manager.setSecureContext({ requestCert: false });
  await openWss(manager, { ca: ca.cert });
});

test.for([{ minVersion: '' }, { passphrase: '' }] as object[])(
  '%o gives nothing: alone it throws, and beside others it changes nothing',
  async (empty) => {
    const manager = await openManager({ tls: { ...pair(first), minVersion: 'TLSv1.3' } });
    expect(() => manager.setSecureContext(empty)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_OPTION_TYPE' }),
    );
    manager.setSecureContext({ ...pair(second), ...empty });
    expect(await nameAt(manager)).toBe('second');
    await expect(openWss(manager, { ca: ca.cert, maxVersion: 'TLSv1.2' })).rejects.toThrow();
  },
);

test('without an argument the files of the environment are read again', async () => {
  const [cert, key] = [certificates.path('live.pem'), certificates.path('live.key')];
  const install = (identity: Identity) => {
    writeFileSync(cert, identity.cert);
    writeFileSync(key, identity.key);
  };
  install(first);
  vi.stubEnv('WS_TLS_CERT', cert);
  vi.stubEnv('WS_TLS_KEY', key);
  const manager = newManager();
  await manager.ready();
  install(second);
  expect(await nameAt(manager)).toBe('first');
  manager.setSecureContext();
  expect(await nameAt(manager)).toBe('second');
  // Half a renewal.
  writeFileSync(cert, first.cert);
  expect(() => manager.setSecureContext()).toThrow('WS_TLS_KEY: ');
  expect(await nameAt(manager)).toBe('second');
});

test('a session of before is no ticket to the new certificate', async () => {
  const manager = await openManager({ tls: pair(first) });
  const socket = tlsTo(manager);
  const [session] = await once(socket.resume(), 'session');
  const again = tlsTo(manager, session);
  await once(again, 'secureConnect');
  expect(again.isSessionReused()).toBe(true);
  manager.setSecureContext(pair(second));
  const anew = tlsTo(manager, session);
  await once(anew, 'secureConnect');
  expect(anew.isSessionReused()).toBe(false);
  expect(anew.getPeerCertificate().subject.CN).toBe('second');
});

test.for([
  ['expired', 'ERR_TLS_EXPIRED'],
  ['future', 'ERR_TLS_NOT_YET_VALID'],
] as const)('%s: a certificate outside its time is warned of', async ([which, code]) => {
  const manager = await openManager({ tls: pair(first) });
  const warned = nextEvent(manager, 'warning');
  manager.setSecureContext({ cert: certificates[which](first) });
  expect((await warned)[0]).toMatchObject({ code });
  // Another one is in order again.
  const warnings = warningsOf(manager);
  manager.setSecureContext({ cert: first.cert });
  expect(warnings).toEqual([]);
});

test('a manager without TLS has none to change', async () => {
  const manager = await openManager();
  expect(() => manager.setSecureContext(pair(first))).toThrow(
    expect.objectContaining({ code: 'ERR_TLS_OFF' }),
  );
  const attached = WebSocketManager.fromHttpServer(await httpServer());
  expect(() => attached.setSecureContext(pair(first))).toThrow(
    expect.objectContaining({ code: 'ERR_TLS_ATTACHED' }),
  );
  attached.close();
});

test('after close() it changes nothing, and throws nothing', async () => {
  const manager = await openManager({ tls: pair(first) });
  await manager.shutdown();
  expect(() => manager.setSecureContext(pair(second))).not.toThrow();
});

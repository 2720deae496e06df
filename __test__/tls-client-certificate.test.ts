/**
 * What a service learns of the certificate by which a client has proved over TLS who it is: the same that Node's own
 * servers tell.
 */
import { once } from 'node:events';
import { createServer } from 'node:https';
import { connect, createServer as createTlsServer } from 'node:tls';
import { inspect } from 'node:util';
import {
  type WebSocketClientCertificate,
  type WebSocketConfig,
  WebSocketManager,
  type WebSocketRequest,
} from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ClientOptions } from 'ws';
import { Certificates } from './support/certificates.js';
import { listening } from './support/http-servers.js';
import { endAfterTest, nextEvent, openManager } from './support/test-manager.js';
import { nextOf, openWss } from './support/wss-client.js';

const certificates = new Certificates();
const [ca, otherCa] = [certificates.authority('ca'), certificates.authority('other-ca')];
const { cert, key } = certificates.signed('server', ca);
const plain = certificates.signed('plain', ca, 'client');
const sensor = certificates.signed('sensor', ca, 'client', 'rsa', {
  subject: '/C=DE/O=Us, "the" others/OU=red/OU=blue/CN=sensor-7/emailAddress=s7@example.com',
  names:
    'DNS:sensor-7.example.com,URI:spiffe://example.com/sensor-7,email:s7@example.com,IP:192.0.2.7,IP:2001:db8::7',
});
const stranger = certificates.signed('stranger', otherCa, 'client');

const STRICT = { cert, key, ca: ca.cert, requestCert: true };

const own = (identity: { cert: string; key: string }): ClientOptions => ({
  ca: ca.cert,
  cert: identity.cert,
  key: identity.key,
});

/** The request that the event `connection` tells of. */
async function requestAt(manager: WebSocketManager, client: ClientOptions) {
  const connected = nextEvent<[unknown, WebSocketRequest]>(manager, 'connection');
  await openWss(manager, client);
  return (await connected)[1];
}

/** What a server of Node's says of the certificate of such a client. */
async function asNodeTells(client: ClientOptions): Promise<WebSocketClientCertificate> {
  const server = createTlsServer(STRICT);
  onTestFinished(() => void server.close());
  await listening(server);
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'secureConnection');
  const { cert, key } = client;
  const socket = connect({
    ...{ port, host: '127.0.0.1', servername: 'localhost', ca: ca.cert },
    ...{ cert: String(cert), key: String(key) },
  });
  onTestFinished(() => void socket.destroy());
  const told = (await accepted)[0].getPeerCertificate();
  const { subject, issuer, subjectaltname, serialNumber, fingerprint256, raw } = told;
  return { subject, issuer, subjectaltname, serialNumber, fingerprint256, raw };
}

describe.for([
  ['TLSv1.2', sensor],
  ['TLSv1.3', sensor],
  ['TLSv1.3', plain],
] as const)('a certificate, by %s', ([maxVersion, identity]) => {
  test("is told of as Node's servers do", async () => {
    const manager = await openManager({ tls: STRICT });
    const { clientCertificate } = await requestAt(manager, { ...own(identity), maxVersion });
    expect(clientCertificate).toEqual(await asNodeTells(own(identity)));
  });
});

test('says who the client is', async () => {
  const authenticate: WebSocketConfig['authenticate'] = ({ request: { clientCertificate } }) => ({
    userId: String(clientCertificate?.subject.CN),
    claims: { names: clientCertificate?.subjectaltname, units: clientCertificate?.subject.OU },
  });
  const manager = await openManager({ tls: STRICT, authenticate });
  const client = await openWss(manager, own(sensor));
  client.send('{"type":"authenticate","payload":{}}');
  expect(await nextOf(client, 'authenticated')).toMatchObject({ payload: { userId: 'sensor-7' } });
  const [connection] = manager.getConnections();
  expect(connection?.claims).toEqual({
    names: expect.stringContaining('URI:spiffe://example.com/sensor-7'),
    units: ['red', 'blue'],
  });
});

test('is told to the rules of origins', async () => {
  const asked: unknown[] = [];
  const rule = (_: string, { clientCertificate }: WebSocketRequest) => {
    asked.push(clientCertificate?.subject.CN);
    return true;
  };
  const manager = await openManager({ tls: STRICT, origins: [rule] });
  await openWss(manager, { ...own(plain), origin: 'https://example.com' });
  expect(asked).toEqual(['plain']);
});

test('is in the way of no header field, and of no log', async () => {
  const manager = await openManager({ tls: STRICT });
  const headers = { 'x-first': '1', 'x-second': '2' };
  const request = await requestAt(manager, { ...own(plain), headers });
  expect(request.headers).toMatchObject({ ...headers, upgrade: 'websocket' });
  // What is logged of requests does not grow by it.
  expect(JSON.stringify(request) + inspect(request)).not.toContain('ertificate');
});

test('is none where TLS has not asked for it, or there is no TLS', async () => {
  const secure = await openManager({ tls: { cert, key } });
  expect((await requestAt(secure, own(plain))).clientCertificate).toBeUndefined();
  const bare = await openManager();
  const connected = nextEvent<[unknown, WebSocketRequest]>(bare, 'connection');

  await connectClient(bare);
  expect((await connected)[1].clientCertificate).toBeUndefined();
});

describe("a server of the host's own", () => {
  async function attached(rejectUnauthorized: boolean, config?: WebSocketConfig) {
    const server = createServer({ ...STRICT, rejectUnauthorized });
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    await listening(server);
    return endAfterTest(WebSocketManager.fromHttpServer(server, config));
  }

  test('knows the certificate too', async () => {
    const subjects: unknown[] = [];
    const manager = await attached(true, {
      authenticate: ({ request }) => {
        subjects.push(request.clientCertificate?.subject.CN);
        return { userId: 'ada' };
      },
      origins: [
        (_, request) => {
          subjects.push(request.clientCertificate?.subject.CN);
          return true;
        },
      ],
    });
    const connected = nextEvent<[unknown, WebSocketRequest]>(manager, 'connection');
    const client = await openWss(manager, { ...own(sensor), origin: 'https://example.com' });
    const { clientCertificate } = (await connected)[1];
    expect(clientCertificate).toEqual(await asNodeTells(own(sensor)));
    client.send('{"type":"authenticate","payload":{}}');
    await nextOf(client, 'authenticated');
    expect(subjects).toEqual(['sensor-7', 'sensor-7']);
  });

  test('that takes any certificate vouches for none that it does not know', async () => {
    const manager = await attached(false);
    expect((await requestAt(manager, own(stranger))).clientCertificate).toBeUndefined();
    expect((await requestAt(manager, { ca: ca.cert })).clientCertificate).toBeUndefined();
    expect((await requestAt(manager, own(plain))).clientCertificate?.subject.CN).toBe('plain');
  });
});

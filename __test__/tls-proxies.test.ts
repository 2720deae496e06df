/**
 * TLS on a manager's own port together with what is judged before and around it: the PROXY protocol, whose header
 * stands before TLS, and limits of addresses.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TLSSocket, connect as connectTls } from 'node:tls';
import type { WebSocketConfig, WebSocketManager, WebSocketRequest } from '@libs/messaging';
import { expect, onTestFinished, test } from 'vitest';
import { Certificates } from './support/certificates.js';
import { request } from './support/raw-client.js';
import { nextEvent, openManager, portOf } from './support/test-manager.js';

const certificates = new Certificates();
const ca = certificates.authority('ca');
const { cert, key } = certificates.signed('server', ca);

const openTls = (config: WebSocketConfig) =>
  openManager({ shards: 2, ...config, tls: { cert, key } });

async function plain(manager: WebSocketManager): Promise<Socket> {
  const socket = connect(portOf(manager), '127.0.0.1');
  socket.on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function secured(socket: Socket): Promise<TLSSocket> {
  const tls = connectTls({ socket, rejectUnauthorized: false });
  tls.on('error', () => {});
  await new Promise((resolve) => tls.once('secureConnect', resolve).once('close', resolve));
  return tls;
}

test("the balancer's header comes before TLS, and names the client", async () => {
  const manager = await openTls({ proxyProtocol: true });
  for (let i = 0; i < 2; i += 1) {
    const connected = nextEvent<[unknown, WebSocketRequest]>(manager, 'connection');
    const socket = await plain(manager);
    socket.write('PROXY TCP4 203.0.113.7 10.0.0.1 4711 443\r\n');
    const tls = await secured(socket);
    tls.write(request());
    const [, { remoteAddress, remotePort }] = await connected;
    expect([remoteAddress, remotePort]).toEqual(['203.0.113.7', 4711]);
  }
});

test('who comes too often is dropped before TLS, and counted', async () => {
  const manager = await openTls({ limits: { perIp: { connections: 1 } } });
  const connected = nextEvent(manager, 'connection');
  const first = await secured(await plain(manager));
  first.write(request());
  await connected;
  const refused = await secured(await plain(manager));
  expect(refused.destroyed).toBe(true);
  expect(manager.getStats().refusals).toMatchObject({ ip_limited: 1, tls_handshake: 0 });
});

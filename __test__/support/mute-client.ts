/**
 * A client that does the handshake and from then on only what a test tells it: it answers no ping and no
 * close frame, as a laptop does whose lid was shut, and it can send what no proper client would.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { WebSocketManager } from '@libs/messaging';
import { onTestFinished } from 'vitest';
import { portOf } from './test-manager.js';

/** The request of a handshake (RFC 6455, section 1.2). */
export const HANDSHAKE = [
  'GET /ws HTTP/1.1',
  'Host: localhost',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  '\r\n',
].join('\r\n');

/** The TCP socket of such a client, with the handshake done. What the server sends is not even read. */
export async function connectMute(manager: WebSocketManager): Promise<Socket> {
  const socket = connect(portOf(manager), '127.0.0.1');
  // A server that gives this client up may reset the connection.
  socket.on('error', () => {});
  onTestFinished(() => {
    socket.destroy();
  });
  socket.write(HANDSHAKE);
  await once(socket, 'readable');
  return socket;
}

/** A masked frame of a client (RFC 6455, section 5.2). The mask is zero, which changes no byte. */
export function clientFrame(opcode: number, payload: string | Buffer = ''): Buffer {
  const bytes = Buffer.from(payload as string);
  if (bytes.length > 125) throw new Error('only short frames are made here');
  const mask = [0, 0, 0, 0];
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | bytes.length, ...mask]), bytes]);
}

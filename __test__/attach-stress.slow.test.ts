/**
 * Attached sockets in numbers: no frame is lost, doubled or out of order, whatever carries it, and no
 * descriptor stays behind.
 */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import type { Server } from 'node:http';
import { WebSocketManager } from '@libs/messaging';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { connectionsOf, httpServer, httpsServer, portOf } from './support/http-servers.js';
import { request } from './support/raw-client.js';
import { endAfterTest } from './support/test-manager.js';
import { needs } from './support/tools.js';

const CLIENTS = 1000;
const FRAMES = 50;

/** Sends its frames in one go and expects each to come back. Returns what is wrong. */
async function exchange(url: string, client: number): Promise<string | undefined> {
  const socket = new WebSocket(url, { rejectUnauthorized: false });
  // Lengths on both sides of what one read or write takes.
  const frames = Array.from({ length: FRAMES }, (_, i) =>
    `${client}:${i}:`.padEnd(10 + ((client * 31 + i * 977) % 3000), 'x'),
  );
  let next = 0;
  let wrong: string | undefined;
  socket.on('open', () => {
    for (const frame of frames) socket.send(frame);
  });
  socket.on('message', (data) => {
    if (String(data) !== frames[next]) wrong ??= `client ${client}, frame ${next}: ${data}`;
    next += 1;
    if (next === FRAMES) socket.close(4000);
  });
  const [code] = await once(socket, 'close');
  return wrong ?? (code === 4000 ? undefined : `client ${client}: closed with ${code}`);
}

describe.for([
  ['by their descriptors', 'ws', httpServer],
  ['through a bridge', 'wss', httpsServer],
] as [string, string, () => Promise<Server>][])('%s', ([, scheme, start]) => {
  test(`${CLIENTS} clients exchange ${FRAMES} frames each`, { timeout: 120_000 }, async () => {
    const server = await start();
    const config = { protocol: 'raw', maxConnections: CLIENTS, shards: 2 } as const;
    const manager = endAfterTest(WebSocketManager.fromHttpServer(server, config));
    manager.on('data', (data, { socket }) => socket.send(data));
    const url = `${scheme}://127.0.0.1:${portOf(server)}/ws`;
    const wrong: (string | undefined)[] = [];
    for (let i = 0; i < CLIENTS; i += 200) {
      const some = Array.from({ length: 200 }, (_, k) => exchange(url, i + k));
      wrong.push(...(await Promise.all(some)));
    }
    expect(wrong.filter(Boolean)).toEqual([]);
    expect(manager.getStats()).toMatchObject({
      totalConnections: CLIENTS,
      messagesIn: CLIENTS * FRAMES,
      messagesOut: CLIENTS * FRAMES,
    });
  });
});

const descriptors = () => readdirSync('/proc/self/fd').length;

test('10,000 clients that come and go leave no descriptor', {
  timeout: 120_000,
}, async (context) => {
  const linux = process.platform === 'linux' || undefined;
  needs(context, 'Linux, whose /proc lists descriptors,', linux);
  const server = await httpServer();
  const manager = endAfterTest(WebSocketManager.fromHttpServer(server));
  const port = portOf(server);
  /** Some leave before they are answered, and some without a word. */
  const visit = async (i: number) => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    await once(socket, 'connect');
    socket.write(request());
    if (i % 3 > 0) await once(socket, 'data');
    if (i % 2 > 0) socket.destroy();
    else socket.resume().end();
    await once(socket, 'close');
  };
  const round = async (count: number) => {
    for (let i = 0; i < count; i += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, k) => visit(i + k)));
    }
    await expect.poll(() => connectionsOf(server), { timeout: 20_000 }).toBe(0);
    await expect.poll(() => manager.getConnectionCount(), { timeout: 20_000 }).toBe(0);
  };
  // What the first ones leave open, such as a pipe of the runtime's, is no leak.
  await round(200);
  const before = descriptors();
  await round(10_000);
  await expect.poll(descriptors, { timeout: 20_000 }).toBeLessThanOrEqual(before);
});

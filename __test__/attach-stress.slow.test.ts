/**
 * Attached sockets in numbers: no frame is lost, doubled or out of order, whatever carries it, and no
 * descriptor stays behind.
 */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import type { Server } from 'node:http';
import { connect as connectTls } from 'node:tls';
import { WebSocketManager } from '@libs/messaging';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { bunServer, PRELUDE } from './support/bun-servers.js';
import { connectionsOf, httpServer, httpsServer, portOf } from './support/http-servers.js';
import { request } from './support/raw-client.js';
import { endAfterTest } from './support/test-manager.js';
import { needs } from './support/tools.js';

const CLIENTS = 1000;
const FRAMES = 50;

/** All of them, connected. */
async function connectAll(url: string): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  while (sockets.length < CLIENTS) {
    const some = Array.from(
      { length: 200 },
      () => new WebSocket(url, { rejectUnauthorized: false }),
    );
    await Promise.all(some.map((socket) => once(socket, 'open')));
    sockets.push(...some);
  }
  return sockets;
}

/** Sends its frames in one go and expects each to come back. Returns what is wrong. */
async function exchange(socket: WebSocket, client: number): Promise<string | undefined> {
  // Lengths on both sides of what one read or write takes.
  const frames = Array.from({ length: FRAMES }, (_, i) =>
    `${client}:${i}:`.padEnd(10 + ((client * 31 + i * 977) % 3000), 'x'),
  );
  let next = 0;
  let wrong: string | undefined;
  socket.on('message', (data) => {
    if (String(data) !== frames[next]) wrong ??= `client ${client}, frame ${next}: ${data}`;
    next += 1;
    if (next === FRAMES) socket.close(4000);
  });
  for (const frame of frames) socket.send(frame);
  const [code] = await once(socket, 'close');
  return wrong ?? (code === 4000 ? undefined : `client ${client}: closed with ${code}`);
}

interface Echo {
  url: string;
  /** The manager's getStats(). */
  stats(): Promise<unknown> | unknown;
}

const CONFIG = { protocol: 'raw', maxConnections: CLIENTS, shards: 2 } as const;

/** An echo that is attached to a server of this process. */
const onNode = (scheme: string, start: () => Promise<Server>) => async (): Promise<Echo> => {
  const server = await start();
  const manager = endAfterTest(WebSocketManager.fromHttpServer(server, CONFIG));
  manager.on('data', (data, { socket }) => socket.send(data));
  return {
    url: `${scheme}://127.0.0.1:${portOf(server)}/ws`,
    stats: () => manager.getStats(),
  };
};

/** The same in a process of Bun, at what `server` evaluates to, a function of http's requests. */
const onBun = (server: string) => async (): Promise<Echo> => {
  const { url, get } = await bunServer(`
    ${PRELUDE}
    const stats = () => JSON.stringify(manager.getStats());
    const server = ${server};
    const manager = attach(server, '/ws', ${JSON.stringify(CONFIG)});
    console.log('port', (await manager.ready()).port);
  `);
  return { url: url('/ws'), stats: async () => JSON.parse(await get('/stats')) };
};

describe.for([
  ['by their descriptors', onNode('ws', httpServer)],
  ['through a bridge', onNode('wss', httpsServer)],
  [
    'through a bridge on Bun',
    onBun(`
      require('node:http')
        .createServer((request, response) => response.end(stats()))
        .listen(0, '127.0.0.1')
    `),
  ],
  [
    'as messages of Bun.serve',
    onBun(`Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response(stats()) })`),
  ],
] as [string, () => Promise<Echo>][])('%s', ([, start]) => {
  test(`${CLIENTS} clients exchange ${FRAMES} frames each`, { timeout: 120_000 }, async () => {
    const { url, stats } = await start();
    const sockets = await connectAll(url);
    const wrong = await Promise.all(sockets.map(exchange));
    expect(wrong.filter(Boolean)).toEqual([]);
    expect(await stats()).toMatchObject({
      totalConnections: CLIENTS,
      messagesIn: CLIENTS * FRAMES,
      messagesOut: CLIENTS * FRAMES,
    });
  });
});

const descriptors = () => readdirSync('/proc/self/fd').length;

test.for([
  ['by their descriptors', 10_000, httpServer, connect],
  ['through a bridge', 2000, httpsServer, connectTls],
] as const)(
  'clients that come and go %s leave no descriptor: %i of them',
  {
    timeout: 120_000,
  },
  async ([, visits, start, connectTo], context) => {
    const linux = process.platform === 'linux' || undefined;
    needs(context, 'Linux, whose /proc lists descriptors,', linux);
    const server = await start();
    const manager = endAfterTest(WebSocketManager.fromHttpServer(server));
    const port = portOf(server);
    /** Some leave before they are answered, and some without a word. */
    const visit = async (i: number) => {
      const options = { port, host: '127.0.0.1', rejectUnauthorized: false };
      const socket = connectTo(options).on('error', () => {});
      await once(socket, connectTo === connect ? 'connect' : 'secureConnect');
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
    await round(visits);
    await expect.poll(descriptors, { timeout: 20_000 }).toBeLessThanOrEqual(before);
  },
);

// What TLS costs: CPU of the server's process for an echo, and memory of an idle connection, over `wss://` and
// `ws://`, of this package beside `ws`. The load generator speaks no TLS, so the clients are those of `ws`, in a process
// of their own, and only ratios count. `node bench/tls.mjs`, after `npm run build:release`; it needs openssl.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket, WebSocketServer } from 'ws';
import { compare as compareAll } from './lib/compare.mjs';

const HOST = '127.0.0.1';
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const IDLE = Number(process.env.IDLE ?? 1000);
const CLIENTS = 50;
const CONTESTANTS = ['messaging tls', 'ws tls', 'messaging plain', 'ws plain'];
const ROWS = [
  { size: 128, inFlight: 1, seconds: 2 },
  { size: 128, inFlight: 16, seconds: 2 },
  { size: 16_000, inFlight: 4, seconds: 2 },
];

const roles = { server: serve, clients: load };
const [, , role, ...args] = process.argv;
await (roles[role] ?? conduct)(...args);

/** One contestant. It tells its port, and then its CPU time and memory as often as it is asked. */
async function serve(library, transport, folder) {
  const tls = transport === 'tls' && {
    cert: readFileSync(join(folder, 'cert.pem')),
    key: readFileSync(join(folder, 'key.pem')),
  };
  let port;
  if (library === 'messaging') {
    const { WebSocketManager } = createRequire(import.meta.url)(
      process.env.MESSAGING_PACKAGE ?? '../index.js',
    );
    const options = { port: 0, host: HOST, protocol: 'raw', maxConnections: 100_000 };
    const manager = new WebSocketManager({
      ...options,
      enableCompression: false,
      tls: tls || null,
    });
    manager.on('data', (data, { socket }) => socket.send(data));
    ({ port } = await manager.ready());
  } else {
    const server = tls ? createHttps(tls) : createHttp();
    const sockets = new WebSocketServer({ server, path: '/ws', perMessageDeflate: false });
    sockets.on('connection', (socket) => {
      socket.on('message', (data, binary) => socket.send(data, { binary }));
      socket.on('error', () => socket.terminate());
    });
    server.listen(0, HOST);
    await once(server, 'listening');
    port = server.address().port;
  }
  process.on('message', () => {
    globalThis.gc();
    const { user, system } = process.cpuUsage();
    process.send({ cpu: user + system, rss: process.memoryUsage.rss() });
  });
  process.send({ port });
}

/** Clients that echo for some seconds, or only are there. It tells how many echoes there were. */
async function load(url, ...numbers) {
  const [count, size, inFlight, seconds] = numbers.map(Number);
  const sockets = [];
  while (sockets.length < count) {
    const open = Array.from({ length: Math.min(50, count - sockets.length) }, async () => {
      const socket = new WebSocket(url, { rejectUnauthorized: false, perMessageDeflate: false });
      await once(socket, 'open');
      return socket;
    });
    sockets.push(...(await Promise.all(open)));
  }
  process.send('ready');
  await once(process, 'message');
  let echoes = 0;
  if (size > 0) {
    const message = 'x'.repeat(size);
    let over = false;
    for (const socket of sockets) {
      socket.on('message', () => {
        echoes += 1;
        if (!over) socket.send(message);
      });
      for (let at = 0; at < inFlight; at += 1) socket.send(message);
    }
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    over = true;
  }
  process.send({ echoes });
  await once(process, 'message');
  process.exit();
}

async function conduct() {
  const compare = (title, measure) => compareAll(title, CONTESTANTS, ROUNDS, measure);
  const folder = mkdtempSync(join(tmpdir(), 'messaging-bench-'));
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-days', '2', '-subj', '/CN=localhost'];
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, ...files], { stdio: 'ignore' });
  try {
    for (const row of ROWS) {
      const { size, inFlight, seconds } = row;
      await compare(`CPU us per echo, ${size} bytes, ${inFlight} in flight`, async (contestant) => {
        const { before, after, echoes } = await run(
          contestant,
          folder,
          CLIENTS,
          size,
          inFlight,
          seconds,
        );
        return (after.cpu - before.cpu) / echoes;
      });
    }
    await compare(`RSS per idle connection, bytes, ${IDLE} of them`, async (contestant) => {
      const { start, before } = await run(contestant, folder, IDLE, 0, 0, 0);
      return (before.rss - start.rss) / IDLE;
    });
    await compare('CPU us per connection, from TCP to WebSocket', async (contestant) => {
      const { start, before } = await run(contestant, folder, IDLE, 0, 0, 0);
      return (before.cpu - start.cpu) / IDLE;
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function run(contestant, folder, ...workload) {
  const [library, transport] = contestant.split(' ');
  const me = new URL(import.meta.url);
  const server = fork(me, ['server', library, transport, folder], { execArgv: ['--expose-gc'] });
  const ask = async (child, question = 'now') => {
    child.send(question);
    return (await once(child, 'message'))[0];
  };
  const [{ port }] = await once(server, 'message');
  const start = await ask(server);
  const url = `${transport === 'tls' ? 'wss' : 'ws'}://${HOST}:${port}/ws`;
  const clients = fork(me, ['clients', url, ...workload.map(String)]);
  await once(clients, 'message');
  const before = await ask(server);
  const { echoes } = await ask(clients);
  const after = await ask(server);
  clients.send('end');
  await once(clients, 'exit');
  server.kill();
  return { start, before, after, echoes };
}

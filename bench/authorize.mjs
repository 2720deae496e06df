// What it costs to ask where a client may go: CPU of the server's process for each `subscribe` with its `unsubscribe`, without
// `authorize`, by patterns, and by a hook. The clients are those of `ws`, in a process of their own, and check each answer.
// `node bench/authorize.mjs`, after `npm run build:release`.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { WebSocket } from 'ws';
import { compare } from './lib/compare.mjs';

const HOST = '127.0.0.1';
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const SECONDS = Number(process.env.SECONDS ?? 2);
const CLIENTS = 50;
const IN_FLIGHT = 16;
const TEAMS = Array.from({ length: 50 }, (_, index) => `team-${index}`);
const ALLOWED = (user) => [`user:${user}:inbox`, `team:${TEAMS.at(-1)}:news`];

/** Who decides. Both topics that the clients ask for are allowed by all of them. */
const CONTESTANTS = {
  'nobody is asked': undefined,
  'patterns of userId': { subscribe: ['user:{userId}:*', 'team:*'] },
  'patterns of claims': { subscribe: ['team:{claims.teams}:*', 'user:{claims.sub}:*'] },
  'a function': mayGo,
  'an async function': async (asked) => mayGo(asked),
};

const roles = { server: serve, clients: load };
const [, , role, ...args] = process.argv;
await (roles[role] ?? conduct)(...args);

function mayGo({ connection: { userId, claims }, name }) {
  return (
    name.startsWith(`user:${userId}:`) ||
    claims.teams.some((team) => name.startsWith(`team:${team}:`))
  );
}

/** It tells its port, and then its CPU time as often as it is asked. */
async function serve(contestant) {
  const { WebSocketManager } = createRequire(import.meta.url)(
    process.env.MESSAGING_PACKAGE ?? '../index.js',
  );
  const manager = new WebSocketManager({
    port: 0,
    host: HOST,
    enableCompression: false,
    limits: { messagesPerSecond: false },
    authenticate: ({ userId }) => ({ userId, claims: { sub: userId, teams: TEAMS } }),
    authorize: CONTESTANTS[contestant],
  });
  const { port } = await manager.ready();
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send({ cpu: user + system });
  });
  process.send({ port });
}

/** Clients that subscribe and unsubscribe for some seconds. It tells how many subscriptions were confirmed. */
async function load(url) {
  const sockets = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, index) => {
      const socket = new WebSocket(url, { perMessageDeflate: false });
      await once(socket, 'open');
      const user = `u${index}`;
      socket.send(JSON.stringify({ type: 'authenticate', payload: { userId: user } }));
      for (;;) {
        const [data] = await once(socket, 'message');
        if (JSON.parse(data).type === 'authenticated') return { socket, topics: ALLOWED(user) };
      }
    }),
  );
  process.send('ready');
  await once(process, 'message');
  let subscribed = 0;
  let over = false;
  for (const { socket, topics } of sockets) {
    const pairs = topics.map((topic) =>
      ['subscribe', 'unsubscribe'].map((type) => JSON.stringify({ type, payload: { topic } })),
    );
    let turn = 0;
    const ask = () => {
      for (const message of pairs[turn++ % pairs.length]) socket.send(message);
    };
    socket.on('message', (data) => {
      const { type } = JSON.parse(data);
      if (type === 'error') throw new Error(`refused: ${data}`);
      if (type === 'subscribed') subscribed += 1;
      if (type === 'unsubscribed' && !over) ask();
    });
    for (let at = 0; at < IN_FLIGHT; at += 1) ask();
  }
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  over = true;
  process.send({ subscribed });
  await once(process, 'message');
  process.exit();
}

async function conduct() {
  const title = 'CPU us for a subscribe and its unsubscribe, their answers included';
  await compare(title, Object.keys(CONTESTANTS), ROUNDS, measure);
}

async function measure(contestant) {
  const me = new URL(import.meta.url);
  const server = fork(me, ['server', contestant]);
  const ask = async (child) => {
    child.send('now');
    return (await once(child, 'message'))[0];
  };
  const [{ port }] = await once(server, 'message');
  const clients = fork(me, ['clients', `ws://${HOST}:${port}/ws`]);
  await once(clients, 'message');
  const before = await ask(server);
  const { subscribed } = await ask(clients);
  const after = await ask(server);
  clients.send('end');
  await once(clients, 'exit');
  server.kill();
  return (after.cpu - before.cpu) / subscribed;
}

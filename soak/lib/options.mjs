// The soak's command line, and what follows from the number of connections: rates that keep two cores
// about half busy.
import { parseArgs } from 'node:util';
import { openFilesLimit } from '../../bench/lib/machine.mjs';

/** Ways to spoil the run, each of which some check has to see. */
export const SABOTAGE = {
  drop: 'a message to a room misses one member',
  double: 'a message to a room goes out twice',
  swap: 'two messages to a room change places',
  stray: 'a message to a room goes to everybody',
  content: 'a message to a room has other content than it should',
  reply: 'a message to one client is not sent',
  inbound: 'the service misses what a client sends',
  allow: 'a hook allows what it should deny',
  exit: 'the service says that a client has left a group, which it has not',
  descriptor: 'the server keeps a descriptor for each connection',
  memory: 'the server keeps memory for each connection',
  alive: 'the process of the server does not end',
};

export const USAGE = `Usage: node soak/run.mjs [options]
  --minutes 10          how long it goes on when all are connected
  --connections 5000    clients that are connected at a time
  --seed 1              what is done and which hooks fail; default: another each time
  --sabotage <what>     spoils the run on purpose, to see it fail:
${Object.entries(SABOTAGE)
  .map(([name, meaning]) => `      ${name.padEnd(12)}${meaning}`)
  .join('\n')}`;

/** Files that a process has open besides its connections. */
const OTHER_FILES = 500;

/** Throws an Error whose message is meant for the user. */
export function parseOptions(args) {
  const options = { help: { type: 'boolean' } };
  for (const name of ['minutes', 'connections', 'seed', 'sabotage']) {
    options[name] = { type: 'string' };
  }
  const { values } = parseArgs({ args, options });
  const affordable = openFilesLimit() - OTHER_FILES;
  const { sabotage } = values;
  if (sabotage !== undefined && !(sabotage in SABOTAGE)) {
    throw new Error(`--sabotage: there is no ${sabotage}`);
  }
  return {
    help: values.help ?? false,
    minutes: number('minutes', values.minutes ?? '10', 0.05, 600),
    connections: Math.floor(number('connections', values.connections ?? '5000', 20, affordable)),
    seed: Math.floor(number('seed', values.seed ?? `${Date.now() % 1_000_000}`, 0, 2 ** 31)),
    sabotage,
  };
}

/** What server and clients are told: sizes, and rates a second. */
export function configOf({ connections, minutes, seed, sabotage }) {
  const rooms = Math.max(10, Math.round(connections / 20));
  const topics = Math.max(4, Math.round(connections / 250));
  const isShort = minutes < 2;
  // Deliveries a second, and no more sends than `most`.
  const rate = (deliveries, receivers, most) => Math.min(most, deliveries / receivers);
  // A client is in some two rooms and two topics.
  const rates = {
    all: rate(2000, connections, 4),
    topics: rate(2000, (2 * connections) / topics, 20),
    rooms: rate(1500, (2 * connections) / rooms, 60),
    users: Math.max(20, connections / 25),
    direct: Math.max(20, connections / 25),
    asks: Math.max(20, connections / 50),
    disconnectUser: Math.max(0.4, connections / 10_000),
    revokeSession: Math.max(0.4, connections / 10_000),
  };
  return {
    connections,
    seed,
    sabotage,
    users: Math.ceil(connections / 2),
    rooms,
    topics,
    rates,
    actions: Math.max(200, connections / 6),
    leaves: Math.max(5, connections / 200),
    handshakes: Math.max(100, connections / 20),
    hookTimeout: 3000,
    heartbeatInterval: isShort ? 3000 : 10_000,
    lease: isShort ? 6000 : 20_000,
  };
}

function number(name, text, least, most) {
  const value = Number(text);
  if (!(value >= least && value <= most)) {
    throw new Error(`--${name}: a number from ${least} to ${most} is needed`);
  }
  return value;
}

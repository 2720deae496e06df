// The soak's server: a service in a process of its own, so that its memory and descriptors are only its
// own. The parent starts it with its settings, and orders by messages: see `orders` below.
import { createRequire } from 'node:module';
import { Faults, Tally } from '../shared/faults.mjs';
import { Random } from '../shared/random.mjs';
import { hooks } from './hooks.mjs';
import { Pace } from './pace.mjs';
import { Service } from './service.mjs';
import { Streams } from './streams.mjs';

const { WebSocketManager } = createRequire(import.meta.url)('../../index.js');

/** What the manager may warn of here: hooks fail, and clients flood it, on purpose. */
const EXPECTED_WARNINGS = ['ERR_HOOK', 'ERR_HOOK_TIMEOUT', 'ERR_RATE_LIMITED'];

const config = JSON.parse(process.argv[2]);
const { seed, sabotage, hookTimeout } = config;
const tally = new Tally();
const faults = new Faults();
const manager = new WebSocketManager({
  port: 0,
  host: '127.0.0.1',
  maxConnections: config.connections + 1000,
  heartbeatInterval: config.heartbeatInterval,
  requireAuth: true,
  authTimeout: 60_000,
  hookTimeout,
  ...hooks(seed, hookTimeout, tally, sabotage),
});
manager.on('error', ({ code, message }) => faults.add('error event', `${code} ${message}`));
manager.on('warning', ({ code, message }) => {
  tally.add(`warning ${code}`);
  if (!EXPECTED_WARNINGS.includes(code)) faults.add('warning', `${code} ${message}`);
});

const streams = new Streams(manager, tally, sabotage);
const service = new Service({ manager, streams, tally, faults, sabotage });
const random = new Random(seed ^ 0x5e12);
const pace = new Pace({ manager, streams, service, random, tally, faults, config });

const orders = {
  start: () => pace.start(),
  stop: () => pace.stop(),
  report: () => ({
    stats: manager.getStats(),
    listed: {
      connections: manager.getConnections().length,
      rooms: manager.getActiveRooms().length,
      topics: manager.getActiveTopics().length,
    },
    counts: tally.counts,
    receivers: streams.receivers(),
    faults: faults.all(),
  }),
  /** After it nothing is left that keeps the process alive. */
  shutdown: async () => {
    await manager.shutdown();
    if (sabotage === 'alive') setInterval(() => {}, 1000);
    process.removeAllListeners('disconnect');
    setImmediate(() => process.disconnect());
    return {};
  },
};

process.on('message', async ({ order }) => {
  process.send({ order, result: (await orders[order]()) ?? {} });
});
// Without its parent it is of no use.
process.on('disconnect', () => process.exit(1));

const { port } = await manager.ready();
process.send({ order: 'ready', result: { port } });

// The soak: thousands of clients of a server in a process of its own, for minutes, which come and go and do
// all that clients can, while hooks fail at random. Nothing may be lost, doubled or out of order, memory has
// to stay flat, and nothing may be left when all are gone. soak/README.md tells how it looks at that.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { checkCalm, checkEnd } from './lib/checks.mjs';
import { judgeMemory } from './lib/memory.mjs';
import { configOf, parseOptions, USAGE } from './lib/options.mjs';
import { faultLines, reportOf } from './lib/report.mjs';
import { Server } from './lib/server.mjs';
import { Fleet } from './load/fleet.mjs';
import { Faults, Tally } from './shared/faults.mjs';
import { Random } from './shared/random.mjs';

/** Clients before the start: what the first ones leave open, such as a pipe of the runtime's, is no leak. */
const FIRST = 50;
/** Time for the server to notice that everybody has left, and for late hooks to end. */
const PATIENCE = 20_000;

const say = (text) => process.stderr.write(`${text}\n`);

class Soak {
  faults = new Faults();
  tally = new Tally();
  received = new Map();
  samples = [];
  descriptors = { start: 0, peak: 0, end: 0 };
  #options;
  #config;
  #server;
  #fleet;

  constructor(options) {
    this.#options = options;
    this.#config = configOf(options);
  }

  async run() {
    try {
      this.#server = await Server.start(this.#config);
      return await this.#play();
    } finally {
      this.#fleet?.end();
      this.#server?.kill();
    }
  }

  async #play() {
    const server = this.#server;
    const { connections, minutes, seed } = this.#options;
    await this.#open(FIRST);
    this.descriptors.start = server.descriptors();

    this.#fleet = this.#newFleet();
    say(`Connecting ${connections} clients, seed ${seed}`);
    await this.#fleet.connect();
    await server.order('start');
    this.#fleet.start();
    const cpu = { server: server.cpu(), clients: ownCpu() };
    const lateness = monitorEventLoopDelay();
    lateness.enable();
    const seconds = minutes * 60;
    await this.#watch(seconds);
    const lag = lateness.max / 1e6;
    lateness.disable();
    cpu.server = server.cpu() - cpu.server;
    cpu.clients = ownCpu() - cpu.clients;

    say('Everybody becomes still');
    await this.#fleet.calm();
    await server.order('stop');
    await this.#fleet.look();
    await this.#checkCalm();
    say('Everybody leaves');
    await this.#fleet.leave();
    const report = await this.#left();
    await this.#checkExit();

    const memory = judgeMemory(this.samples, minutes);
    if (memory.isJudged && !memory.isFlat) this.faults.add('RSS', 'it grows, see below');
    const faults = { ...prefixed('service: ', report.faults), ...this.faults.all() };
    const { samples, descriptors, tally } = this;
    const options = this.#options;
    return { options, tally, report, memory, samples, descriptors, seconds, cpu, lag, faults };
  }

  #newFleet() {
    const { seed } = this.#options;
    const random = new Random(seed);
    const { faults, tally, received } = this;
    const { url } = this.#server;
    return new Fleet(
      { url, seed, random, faults, tally, received, revoked: new Set() },
      this.#config,
    );
  }

  /** Connects some clients that leave at once. */
  async #open(count) {
    const visit = () =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(this.#server.url);
        socket.once('open', () => socket.close());
        socket.once('close', resolve);
        socket.once('error', reject);
      });
    await Promise.all(Array.from({ length: count }, visit));
    this.tally.add('opened', count);
    await this.#poll((report) => report.stats.connections === 0);
  }

  /** Lets it go on, and looks at the server from outside meanwhile. */
  async #watch(seconds) {
    const end = performance.now() + seconds * 1000;
    const interval = Math.min(2000, Math.max(200, (seconds * 1000) / 100));
    let told = performance.now();
    while (performance.now() < end) {
      this.samples.push(this.#server.rss());
      this.descriptors.peak = Math.max(this.descriptors.peak, this.#server.descriptors());
      if (performance.now() - told > 30_000) {
        told = performance.now();
        const left = Math.round((end - told) / 1000);
        const rss = Math.round(this.samples.at(-1) / 2 ** 20);
        const { faults } = await this.#server.order('report');
        const kinds = [...Object.keys(this.faults.all()), ...Object.keys(faults)];
        say(
          `${left} s left: ${this.#fleet.openClients.length} clients, ${this.tally.get('received')} ` +
            `messages, ${rss} MiB, faults: ${kinds.join(', ') || 'none'}`,
        );
      }
      await delay(interval);
    }
  }

  async #checkCalm() {
    const model = this.#fleet.model();
    // The server notices an end a little later than who has ended it.
    const report = await this.#poll(({ stats }) => stats.connections === model.connections);
    const isReserved = (stream) => this.#fleet.isReserved(stream);
    checkCalm(this.faults, { report, model, received: this.received, isReserved });
  }

  /** Waits until the server knows that everybody has left, and its descriptors are closed. */
  async #left() {
    const { descriptors, tally } = this;
    const report = await this.#poll(({ stats, counts }) => {
      descriptors.end = this.#server.descriptors();
      const isOver = stats.connections === 0 && counts.disconnects === tally.get('opened');
      return isOver && stats.queuedBytes === 0 && descriptors.end === descriptors.start;
    });
    checkEnd(this.faults, { report, tally, descriptors });
    return report;
  }

  /** Without its manager the process has nothing to do, and ends. */
  async #checkExit() {
    await this.#server.order('shutdown');
    const end = await Promise.race([
      this.#server.ended,
      delay(PATIENCE, 'nothing', { ref: false }),
    ]);
    if (end !== 0) this.faults.add('process', `ends with ${end} after shutdown()`);
  }

  /** The server's first report that is as wished, or its last one within patience. */
  async #poll(isRight) {
    const end = performance.now() + PATIENCE;
    for (;;) {
      const report = await this.#server.order('report');
      if (isRight(report) || performance.now() > end) return report;
      await delay(100);
    }
  }
}

const prefixed = (prefix, object) =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [prefix + name, value]));

function ownCpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function main() {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    console.log(USAGE);
    return;
  }
  if (process.platform !== 'linux') throw new Error('the soak runs on Linux only, for its /proc');
  const soak = new Soak(options);
  try {
    const run = await soak.run();
    console.log(reportOf(run));
    if (Object.keys(run.faults).length > 0) process.exitCode = 1;
  } catch (error) {
    console.log(
      faultLines({ ...soak.faults.all(), ended: { count: 1, examples: [error.message] } }).join(
        '\n',
      ),
    );
    process.exitCode = 1;
  }
}

main().catch((error) => {
  say(error.message);
  process.exitCode = 1;
});

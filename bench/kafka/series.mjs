// A broker, and one measurement after another on it.
import { execFile, execFileSync } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { startBroker } from '../../scripts/kafka/broker.mjs';
import { haveJars } from '../../scripts/kafka/jars.mjs';
import { confined } from '../lib/contestants.mjs';
import { Topics } from './topics.mjs';

const CLIENT = path.join(import.meta.dirname, 'client.mjs');
/** What a client may take besides the measurement itself. */
const PATIENCE = 60_000;

/** Why there can be no broker on this machine; undefined when there can. */
export function missing() {
  const programs = [
    ['java', '-version'],
    ['openssl', 'version'],
  ];
  if (!haveJars()) programs.push(['mvn', '--version']);
  const away = programs.filter(([name, argument]) => !runs(name, argument)).map(([name]) => name);
  return away.length > 0 ? `no ${away.join(', no ')}` : undefined;
}

function runs(name, argument) {
  try {
    execFileSync(name, [argument], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export class Series {
  #broker;
  #topics;
  #options;
  #filled = new Map();
  #count = 0;

  static async open(options) {
    const series = new Series();
    series.#options = options;
    series.#broker = await startBroker();
    try {
      if (options.loadCpus) {
        const pin = ['--all-tasks', '--cpu-list', '--pid', options.loadCpus];
        execFileSync('taskset', [...pin, `${series.#broker.pid}`], { stdio: 'ignore' });
      }
      series.#topics = new Topics(series.#brokers);
      return series;
    } catch (error) {
      await series.close();
      throw error;
    }
  }

  get #brokers() {
    return [this.#broker.brokers.plaintext];
  }

  /** One measurement: a report, or an error. */
  async measure(row, client) {
    try {
      return await (row.kind === 'produce'
        ? this.#produce(row, client)
        : this.#consume(row, client));
    } catch (error) {
      return { error: error.message };
    }
  }

  async #produce(row, client) {
    const topic = this.#name(row);
    await this.#topics.create(topic);
    try {
      const report = await this.#run(row, client, { topic });
      const there = await this.#topics.count(topic);
      const faults = there === report.sent ? {} : { lost: report.sent - there };
      if (row.perSend > 1) return { ...report, ...faults };
      const found = await this.#topics.readBack(topic, row.size, report.sent);
      return { ...report, ...found };
    } finally {
      await this.#topics.remove(topic);
    }
  }

  async #consume(row, client) {
    const key = `${row.size} ${row.messages}`;
    if (!this.#filled.has(key)) this.#filled.set(key, await this.#fill(row));
    return this.#run(row, client, { topic: this.#filled.get(key), group: this.#name(row) });
  }

  async #fill(row) {
    const topic = this.#name(row);
    await this.#topics.create(topic);
    await this.#topics.fill(topic, row.size, row.messages);
    return topic;
  }

  #name({ id }) {
    this.#count += 1;
    return `bench-${id}-${this.#count}`;
  }

  async #run(row, { file }, more) {
    const seconds = this.#options.kafkaSeconds;
    const { kind, size, each, inFlight, perSend, messages } = row;
    const work = { kind, size, each, inFlight, perSend, messages, seconds };
    const order = { ...work, ...more, file, brokers: this.#brokers };
    const [program, ...args] = confined(
      [process.execPath, CLIENT, JSON.stringify(order)],
      this.#options.serverCpus,
    );
    const env = { ...process.env, KAFKAJS_NO_PARTITIONER_WARNING: '1' };
    const limit = { timeout: PATIENCE + seconds * 1000, killSignal: 'SIGKILL' };
    const run = promisify(execFile)(program, args, { env, ...limit });
    const { stdout } = await run.catch((error) => {
      throw new Error(error.killed ? 'took too long' : (error.stderr?.trim() ?? error.message));
    });
    return JSON.parse(stdout.trimEnd().split('\n').at(-1));
  }

  async close() {
    await this.#topics?.close();
    await this.#broker.stop();
  }
}

// The server's process, seen from outside: orders to it, its memory, descriptors and CPU time.
import { fork } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const PROGRAM = path.join(import.meta.dirname, '../server/main.mjs');
const PATIENCE = 30_000;
/** The kernel's unit of CPU time, which is the same on all Linuxes. */
const TICKS_A_SECOND = 100;

export class Server {
  #child;
  #waiting = new Map();
  /** Resolves with exit code or signal. */
  ended;

  /** @param {object} config see options.mjs; it has nothing of the environment, whose options would count */
  static async start(config) {
    const env = Object.entries(process.env).filter(([name]) => !name.startsWith('WS_'));
    const server = new Server();
    server.#child = fork(PROGRAM, [JSON.stringify(config)], { env: Object.fromEntries(env) });
    server.ended = new Promise((resolve) => {
      server.#child.once('exit', (code, signal) => resolve(signal ?? code));
    });
    server.#child.on('message', ({ order, result }) => server.#waiting.get(order)?.(result));
    const { port } = await server.#answer('ready');
    server.url = `ws://127.0.0.1:${port}/ws`;
    return server;
  }

  order(order) {
    this.#child.send({ order });
    return this.#answer(order);
  }

  /** Resident memory in bytes. */
  rss() {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(this.#read('status'))[1]) * 1024;
  }

  descriptors() {
    return readdirSync(`/proc/${this.#child.pid}/fd`).length;
  }

  /** Seconds of CPU time of all its threads. */
  cpu() {
    const fields = this.#read('stat').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  }

  kill() {
    if (this.#child.exitCode === null && this.#child.signalCode === null)
      this.#child.kill('SIGKILL');
  }

  #read(file) {
    return readFileSync(`/proc/${this.#child.pid}/${file}`, 'utf8');
  }

  async #answer(order) {
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting.set(order, resolve);
        const fail = (why) => reject(new Error(`the server ${why} at "${order}"`));
        timer = setTimeout(fail, PATIENCE, 'did not answer');
        this.ended.then((code) => fail(`ended with ${code}`));
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

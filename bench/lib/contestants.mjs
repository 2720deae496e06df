// The contestants: how each one's server program is started, pinned and stopped.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

const BENCH = path.resolve(import.meta.dirname, '..');
const NODE_MODULES = path.resolve(BENCH, '../node_modules');
const START_TIMEOUT = 15_000;

const node = (file) => [process.execPath, '--expose-gc', path.join(BENCH, 'servers', file)];
const bun = path.join(NODE_MODULES, '.bin', 'bun');

const echo = (id, title, library, place) => {
  return { id, title, command: node('echo.mjs'), settings: { library, place } };
};

/** Who is compared with whom: the first of each field with the others. A row names its field. */
export const FIELDS = {
  wire: [
    { id: 'messaging', title: '@libs/messaging', command: node('messaging.mjs') },
    { id: 'ws-original', title: 'ws, original', command: node('ws-original.mjs') },
    { id: 'ws-tuned', title: 'ws, tuned', command: node('ws-tuned.mjs') },
    { id: 'bun', title: 'Bun', command: [bun, path.join(BENCH, 'servers', 'bun.mjs')] },
  ],
  echo: [
    echo('echo-attached', 'attached, by descriptor', 'messaging', 'http'),
    echo('echo-own', 'own port', 'messaging', 'own'),
    echo('echo-bytes', 'attached, by bytes', 'messaging', 'bytes'),
    echo('echo-ws', 'ws on the same http server', 'ws', 'http'),
  ],
};

export const CONTESTANTS = Object.values(FIELDS).flat();

export const isInstalled = (contestant) => existsSync(contestant.command[0]);

/** Wraps a command: all the file descriptors it may have, and only the given CPUs. */
export function confined(command, cpus) {
  const pinned = cpus ? ['taskset', '-c', cpus, ...command] : command;
  return ['sh', '-c', 'ulimit -n "$(ulimit -Hn)"; exec "$@"', 'sh', ...pinned];
}

/**
 * Starts a contestant's server.
 * @param {object} asked what the row asks for, see bench/servers/harness.mjs
 * @returns {Promise<{ port: number, control: number, pid: number, stop(): Promise<void> }>}
 */
export async function startServer(contestant, asked, cpus) {
  const settings = { ...asked, ...contestant.settings };
  const [file, ...args] = confined([...contestant.command, JSON.stringify(settings)], cpus);
  // The server ends when its stdin does, so it never outlives this process.
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  try {
    const announced = await firstLine(child, contestant.title);
    return { ...JSON.parse(announced), stop: () => stop(child, exited) };
  } catch (error) {
    await stop(child, exited);
    throw error;
  }
}

function firstLine(child, title) {
  return new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`${title}: ${why}`));
    const timer = setTimeout(() => fail('not listening after 15 s'), START_TIMEOUT);
    readline.createInterface({ input: child.stdout }).once('line', (line) => {
      clearTimeout(timer);
      resolve(line);
    });
    child.once('error', (error) => fail(error.message));
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(`ended with ${code}`);
    });
  });
}

async function stop(child, exited) {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill('SIGKILL');
  await exited;
}

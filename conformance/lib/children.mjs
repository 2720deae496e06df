// The processes that a run starts. Each is ended by its id on every way out: an exception, the time limit, and
// a signal, such as Ctrl+C.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const running = new Set();

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    console.error(`\nEnded by ${signal}.`);
    process.exit(128 + constants.signals[signal]);
  });
}

/** Ends the whole process, and with it its children, when the time is over. */
export function limitTime(minutes) {
  setTimeout(() => {
    console.error(`\nNot finished within ${minutes} minutes: ended.`);
    process.exit(1);
  }, minutes * 60_000).unref();
}

/**
 * Starts a process.
 *
 * @param {string[]} command program and arguments
 * @param {import('node:child_process').SpawnOptions} options
 * @returns the child, with `ended`: a promise of its exit code, or of its signal's name
 */
export function start([program, ...args], options) {
  const child = spawn(program, args, options);
  running.add(child);
  child.ended = new Promise((resolve, reject) => {
    child.once('error', (error) => {
      running.delete(child);
      reject(error);
    });
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve(code ?? signal);
    });
  });
  // Whoever awaits it hears of the error; a child that nobody awaits must not end the run by it.
  child.ended.catch(() => {});
  return child;
}

/** Runs a command that has to succeed, silently unless it fails. */
export async function succeed(command, { env } = {}) {
  const child = start(command, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const code = await child.ended;
  if (code !== 0) throw new Error(`${command.join(' ')}: ended with ${code}\n${output}`);
}

// A process between a test run and its broker, so that the broker never outlives the run, however that ends: it
// runs Java as it is told by messages, and when the run's end of the channel closes, it kills Java and removes
// the broker's folder, which is its argument.

import { spawn } from 'node:child_process';
import { createWriteStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [folder] = process.argv.slice(2);
let java;
let leaving = false;

process.on('message', ({ args, ready }) => {
  java = spawn('java', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const child = java;
  const log = createWriteStream(join(folder, 'broker.log'), { flags: 'a' });
  child.once('spawn', () => tell({ pid: child.pid }));
  child.once('error', ({ message }) => tell({ ended: message }));
  child.stderr.pipe(log, { end: false });
  child.stdout.pipe(log, { end: false });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.includes(ready)) tell({ ready: true });
  });
  child.once('close', (code, signal) => {
    log.end(() => tell({ ended: signal ?? `exit code ${code}` }));
    java = undefined;
    if (leaving) leave();
  });
});

process.on('disconnect', () => {
  leaving = true;
  if (java === undefined) leave();
  else java.kill('SIGKILL');
});

// What ends a terminal's whole group ends the run, which then closes the channel.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

function tell(message) {
  if (process.connected) process.send(message, () => {});
}

function leave() {
  rmSync(folder, { recursive: true, force: true });
  process.exit();
}

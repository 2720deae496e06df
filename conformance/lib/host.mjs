// Starts the echo host in a process of its own, so that its faults are not the run's.

import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { start } from './children.mjs';

/** A running echo host: its address, whether it still runs, and its end. */
export async function startHost() {
  // The host's options are those of its file alone, whatever the shell has set.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('WS_')),
  );
  const command = [process.execPath, join(import.meta.dirname, '..', 'echo-host.mjs')];
  const child = start(command, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const port = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.ended.then((code) => reject(new Error(`The echo host ended with ${code}`)), reject);
  });
  return {
    url: `ws://127.0.0.1:${port}/ws`,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    async stop() {
      child.kill();
      await child.ended;
    },
  };
}

/**
 * `npm run soak` in short, on the build at hand: a few hundred clients for some seconds, who come and go and
 * do all that clients can, while hooks fail. It judges messages, counts and descriptors, but not memory, which in so
 * short a time only grows to its size; and spoiled on purpose it has to fail.
 */
import { expect, test } from 'vitest';
import { runProgram } from './support/node-process.js';
import { needs } from './support/tools.js';

const LINUX = process.platform === 'linux' || undefined;

async function soak(...args: string[]) {
  const program = ['soak/run.mjs', '--seed', '1', ...args];
  const { code, output, errors } = await runProgram(program, { patience: 110_000 });
  return { code, output, told: `${output}\n${errors}` };
}

test('nothing is lost, doubled, out of order or left behind', {
  timeout: 120_000,
}, async (context) => {
  needs(context, 'Linux, whose /proc tells of other processes,', LINUX);
  const { code, output, told } = await soak('--connections', '300', '--minutes', '0.3');
  expect(code, told).toBe(0);
  expect(output).toContain('No fault');
  // It has done something.
  expect(output).toMatch(/messages received and checked +\d{2,3},\d{3}\n/);
  expect(output).toMatch(/hooks that failed +\d{2,3}\n/);
});

test('it sees that one receiver misses a message', { timeout: 120_000 }, async (context) => {
  needs(context, 'Linux, whose /proc tells of other processes,', LINUX);
  const few = ['--connections', '100', '--minutes', '0.05'];
  const { code, output, told } = await soak(...few, '--sabotage', 'drop');
  expect(code, told).toBe(1);
  expect(output).toMatch(/^FAULT lost/m);
});

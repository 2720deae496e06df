/**
 * The suites of `__test__/jest` in the ways in which a project may run jest. Each time jest has to end by
 * itself: nothing is left open, and no worker has to be killed.
 */
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { PACKAGE_ROOT, runProgram } from './support/node-process.js';

const JEST = createRequire(import.meta.url).resolve('jest/bin/jest');

/** What jest prints when something was left behind. */
const COMPLAINTS = /did not exit|failed to exit gracefully|open handle|force exited|leaking/i;

test.for([
  ['in one process', ['--runInBand']],
  ['in one process, which looks for open handles', ['--runInBand', '--detectOpenHandles']],
  ['in processes', ['--maxWorkers=2']],
  ['in worker threads', ['--maxWorkers=2', '--workerThreads']],
] as const)('%s', async ([, flags]) => {
  const args = [JEST, '--config', 'jest.config.cjs', '--rootDir', PACKAGE_ROOT, ...flags];
  const { code, signal, output, errors } = await runProgram(args);
  expect(errors).not.toMatch(COMPLAINTS);
  expect(output).not.toMatch(COMPLAINTS);
  expect({ code, signal }, errors).toEqual({ code: 0, signal: null });
  // Neither skipped nor forgotten.
  expect(errors).toMatch(/Test Suites: 2 passed, 2 total/);
});

// What the test runners report, in one form: { passed, failed, skipped: string[] }.

import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { root } from './run.mjs';

/** Sums the output of `cargo test`, which ends each of its programs with a line of counts. */
export function cargoResult(output, exitCode) {
  const result = { passed: 0, failed: 0, skipped: [] };
  for (const [, passed, failed] of output.matchAll(
    /^test result: .*?(\d+) passed; (\d+) failed/gm,
  )) {
    result.passed += Number(passed);
    result.failed += Number(failed);
  }
  for (const [, name, reason] of output.matchAll(/^test (.+?) \.\.\. ignored(?:, (.*))?$/gm)) {
    result.skipped.push(reason ? `${name} (${reason})` : name);
  }
  return counted(result, exitCode);
}

/** Reads the JSON report that vitest and jest both write. */
export function reportResult(file, exitCode) {
  const result = { passed: 0, failed: 0, skipped: [] };
  for (const suite of readReport(file).testResults) {
    for (const test of suite.assertionResults) {
      if (test.status === 'passed') result.passed += 1;
      else if (test.status === 'failed') result.failed += 1;
      else result.skipped.push(skipLine(suite.name, test));
    }
    // A file that cannot be loaded has no tests to fail.
    if (suite.status === 'failed' && suite.assertionResults.length === 0) result.failed += 1;
  }
  return counted(result, exitCode);
}

/** A check that is one test by itself. */
export function checkResult(exitCode) {
  return { passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1, skipped: [] };
}

/** The lines under a run: one for each runner, one for each skip, and the sum as the last. */
export function summary(results) {
  const lines = [];
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const [name, { passed, failed, skipped }] of results) {
    lines.push(`  ${name.padEnd(20)}${countLine(passed, failed, skipped.length)}`);
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped.length;
  }
  for (const [name, { skipped }] of results) {
    for (const line of skipped) lines.push(`skipped: ${name}: ${line}`);
  }
  lines.push(countLine(sum.passed, sum.failed, sum.skipped));
  return { lines, ok: sum.failed === 0 };
}

function countLine(passed, failed, skipped) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** A runner that failed without a failed test, for example to compile, has failed all the same. */
function counted(result, exitCode) {
  if (exitCode !== 0 && result.failed === 0) result.failed = 1;
  return result;
}

function skipLine(file, { fullName, meta }) {
  const reason = meta?.skipReason;
  return `${relative(root, file)}: ${fullName}${reason ? ` (${reason})` : ''}`;
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // The runner ended before it wrote one; its exit code tells.
    return { testResults: [] };
  }
}

/**
 * Tools that a machine may lack. A test that needs one says so here: it is skipped with its reason in the
 * last lines of `npm test`, and with TEST_REQUIRE=all it fails, so that CI never skips in silence.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** Why the test was skipped, which `scripts/test-results.mjs` reads from the report. */
    skipReason?: string;
  }
}

/** The path of the first of these programs that this machine has. */
export function findProgram(...names: string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

/** Skips the test without `tool`, the value of which is then known to be there. */
export function needs<T>(
  context: TestContext,
  what: string,
  tool: T,
): asserts tool is NonNullable<T> {
  if (tool !== undefined && tool !== null) return;
  const reason = `${what} is missing`;
  if (process.env.TEST_REQUIRE === 'all') throw new Error(`${reason}, and TEST_REQUIRE is "all"`);
  context.task.meta.skipReason = reason;
  context.skip(reason);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

// Runs the tools of the build, and finds them without a global installation.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root, where every command runs. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The command line of an npm package's program, the same on every platform. */
export function packageTool(name, program = name) {
  const folder = join(root, 'node_modules', name);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return [process.execPath, join(folder, typeof bin === 'string' ? bin : bin[program])];
}

/**
 * Runs a command with its output on the terminal.
 *
 * @param {string[]} command program and arguments
 * @param {{
 *   env?: Record<string, string>,
 *   shell?: boolean,
 *   onStdout?: (text: string) => void,
 *   onStderr?: (text: string) => void,
 * }} options `onStdout` and `onStderr` see the output as well.
 * @returns {Promise<number>} the exit code
 */
export function run(command, { env, shell = false, onStdout, onStderr } = {}) {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, ...env },
      shell,
      stdio: ['inherit', onStdout ? 'pipe' : 'inherit', onStderr ? 'pipe' : 'inherit'],
    });
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      process.stdout.write(text);
      onStdout(text);
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      process.stderr.write(text);
      onStderr(text);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      // A tool that was told to stop leaves nothing for the steps behind it.
      if (signal !== null) process.kill(process.pid, signal);
      else resolve(code);
    });
  });
}

/** Runs a command of which the rest depends: what it says is on the terminal, and its failure ends this. */
export async function runOrExit(title, command, options) {
  heading(title);
  const code = await run(command, options);
  if (code === 0) return;
  console.error(`\n${title}: failed with exit code ${code}.`);
  process.exit(1);
}

/** Announces a step. */
export function heading(title) {
  console.log(`\n== ${title}`);
}

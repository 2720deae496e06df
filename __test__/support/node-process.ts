/**
 * Processes of their own: of Node, for what ends a process and for what must not; and of Bun.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url));

const NODE = process.execPath;
const BUN = join(PACKAGE_ROOT, 'node_modules', '.bin', 'bun');

/** Time for a process to end by itself; a machine that also compiles is slow. */
const PATIENCE = 15_000;

export interface ProcessEnd {
  code: number | null;
  /** `SIGKILL` if it did not end by itself. */
  signal: NodeJS.Signals | null;
  output: string;
  errors: string;
}

export interface RunningProcess {
  /** Resolves with the match as soon as what was printed so far matches. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves when the process has ended. It is killed if it does not end by itself. */
  readonly end: Promise<ProcessEnd>;
}

interface Options {
  /** Flags of Node. */
  flags?: string[];
  env?: Record<string, string>;
  /** Kind of module that the script is. Default: an ECMAScript module. */
  type?: 'module' | 'commonjs';
  /** Where it runs. Default: the package's folder, where the package can import itself by its name. */
  folder?: string;
  /** How many files and sockets it may have open. Default: as many as the system lets it. */
  descriptors?: number;
  /** How long it may run, in milliseconds. */
  patience?: number;
}

/** Starts a script. */
export function startNode(
  script: string,
  { flags = [], type = 'module', ...options }: Options = {},
) {
  return start(NODE, [...flags, `--input-type=${type}`, '--eval', script], options);
}

/** Runs a script to its end. */
export function runNode(script: string, options?: Options): Promise<ProcessEnd> {
  return startNode(script, options).end;
}

/** Runs Node with these arguments to its end. */
export function runProgram(args: string[], options?: Options): Promise<ProcessEnd> {
  return start(NODE, args, options).end;
}

/** Starts npm's Bun, for example with `--eval` and a script, an ECMAScript module. */
export function startBun(...args: string[]): RunningProcess {
  return start(BUN, args);
}

function start(
  executable: string,
  args: string[],
  { env, folder = PACKAGE_ROOT, descriptors, patience = PATIENCE }: Options = {},
): RunningProcess {
  const command = [executable, ...args];
  // A limit is inherited, and Node sets none: a shell does, and then becomes the process.
  if (descriptors !== undefined) {
    command.unshift('sh', '-c', `ulimit -n ${descriptors} && exec "$@"`, 'sh');
  }
  const [program = '', ...rest] = command;
  return watch(
    spawn(program, rest, {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
    patience,
  );
}

function watch(child: ChildProcess, patience: number): RunningProcess {
  let output = '';
  let errors = '';
  let looks: (() => void)[] = [];
  child.stdout?.on('data', (chunk) => {
    output += chunk;
    for (const look of looks) look();
  });
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const end = new Promise<ProcessEnd>((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), patience);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, output, errors });
    });
  });
  const printed = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(output);
        if (match === null) return;
        looks = looks.filter((other) => other !== look);
        resolve(match);
      };
      looks.push(look);
      look();
      end.then((seen) =>
        reject(
          new Error(`the process ended and never printed ${pattern}: ${JSON.stringify(seen)}`),
        ),
      );
    });
  return { printed, end };
}

// Finds the two Pythons that the suite takes: CPython 2.7, for which it is written, and a Python 3, which makes
// the environment for it.

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The path of a CPython 2.7, or undefined. One that CONFORMANCE_PYTHON names wrongly is an error. */
export function findPython2(env = process.env) {
  const isRight = ({ implementation, version }) =>
    implementation === 'CPython' && version.startsWith('2.7.');
  const named = env.CONFORMANCE_PYTHON;
  if (named) {
    const python = probe(named);
    if (python && isRight(python)) return python.path;
    throw new Error(`CONFORMANCE_PYTHON is no CPython 2.7: ${named}`);
  }
  const commands = ['python2.7', 'python2', 'python', ...ofPyenv(env, '2.7.', 'python2.7')];
  return firstOf(commands, isRight);
}

/** The path of a Python 3.7 or later that can make environments, or undefined. */
export function findPython3(env = process.env) {
  const isRight = ({ version, makesEnvironments }) => {
    const [major, minor] = version.split('.').map(Number);
    return major === 3 && minor >= 7 && makesEnvironments;
  };
  return firstOf(['python3', 'python', ...ofPyenv(env, '3.', 'python3')], isRight);
}

function firstOf(commands, isRight) {
  for (const command of commands) {
    const python = probe(command);
    if (python && isRight(python)) return python.path;
  }
  return undefined;
}

/** The interpreters that pyenv has installed, the newest first. Its shims only run those that are chosen. */
function ofPyenv(env, prefix, program) {
  const roots = [env.PYENV_ROOT, join(homedir(), '.pyenv')].filter(Boolean);
  return [...new Set(roots)].flatMap((root) =>
    foldersOf(join(root, 'versions'))
      .filter((name) => name.startsWith(prefix))
      .sort((one, other) => other.localeCompare(one, 'en', { numeric: true }))
      .map((name) => join(root, 'versions', name, 'bin', program)),
  );
}

function foldersOf(path) {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

// Runs on Python 2 as well.
const QUESTION = `
import json, platform, sys
try:
    import ensurepip, venv
    makes = True
except ImportError:
    makes = False
print(json.dumps({'path': sys.executable, 'version': platform.python_version(),
    'implementation': platform.python_implementation(), 'makesEnvironments': makes}))
`;

/** What a command says of itself, or undefined if it is no Python or does not start. */
function probe(command) {
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 20_000 };
  const { status, stdout } = spawnSync(command, ['-c', QUESTION], options);
  if (status !== 0) return undefined;
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}

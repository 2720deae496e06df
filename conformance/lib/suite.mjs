// The suite: installed in an environment of its own, which is kept, and run against a server.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { start, succeed } from './children.mjs';

const folder = join(import.meta.dirname, '..');
const cache = join(folder, '.venv');
const SUITE = join(folder, 'requirements.txt');
const VIRTUALENV = join(folder, 'requirements-virtualenv.txt');

/** Returns the Python that has the suite, and makes it where it is missing or another than is asked for. */
export async function installSuite(python2, python3) {
  const stamp = join(cache, 'stamp');
  const wanted = createHash('sha256')
    .update(JSON.stringify([python2, ...[SUITE, VIRTUALENV].map((file) => readFileSync(file))]))
    .digest('hex');
  const suite = join(cache, 'suite', 'bin', 'python');
  // It is written last, so an installation that was broken off is done again.
  if (readOrEmpty(stamp) === wanted) return suite;

  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache);
  const maker = join(cache, 'virtualenv', 'bin', 'python');
  await succeed([python3, '-m', 'venv', join(cache, 'virtualenv')]);
  await install(maker, VIRTUALENV);
  const env = { ...process.env, VIRTUALENV_OVERRIDE_APP_DATA: join(cache, 'app-data') };
  const environment = ['--python', python2, '--no-download', '--no-periodic-update'];
  await succeed([maker, '-m', 'virtualenv', ...environment, join(cache, 'suite')], { env });
  await install(suite, SUITE);
  writeFileSync(stamp, wanted);
  return suite;
}

/** Installs what a file lists, and nothing that it does not list. */
function install(python, requirements) {
  const options = ['--no-deps', '--disable-pip-version-check', '--requirement', requirements];
  return succeed([python, '-m', 'pip', 'install', ...options]);
}

/**
 * Plays cases against a server, as often as `times` says.
 *
 * @param {string} python the Python that `installSuite` returned
 * @param {{ id: string, url: string, patterns: string[], times?: number,
 *   onCase: (id: string, done: number, total: number) => void }} run
 * @returns the suite's index.json and the versions that it printed
 */
export async function playCases(python, { id, url, patterns, times = 1, onCase }) {
  const outdir = join(folder, '.report', id);
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(outdir, { recursive: true });
  const servers = Array.from({ length: times }, (_, turn) => ({ agent: `run-${turn + 1}`, url }));
  const spec = { outdir, servers, cases: patterns, 'exclude-cases': [], 'exclude-agent-cases': {} };
  const specFile = join(outdir, 'fuzzingclient.json');
  writeFileSync(specFile, JSON.stringify(spec, null, 2));

  const program = join(folder, 'suite.py');
  const command = [python, '-u', program, '--mode', 'fuzzingclient', '--spec', specFile];
  const child = start(command, { cwd: outdir, stdio: ['pipe', 'pipe', 'pipe'] });
  const lines = [];
  let [total, done, versions] = [0, 0, undefined];
  const onLine = (line) => {
    lines.push(line);
    total = Number(/^Ok, will run (\d+) test cases/.exec(line)?.[1] ?? total);
    versions ??= /Testsuite Version (\S+) \/ Autobahn Version ([\d.]+)/.exec(line)?.slice(1, 3);
    const running = /^Running test case ID (\S+)/.exec(line)?.[1];
    if (running) onCase(running, ++done, total * times);
  };
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', onLine);

  const code = await child.ended;
  const index = readOrEmpty(join(outdir, 'index.json'));
  if (code !== 0 || index === '' || versions === undefined) {
    throw new Error(`The suite ended with ${code}:\n${lines.slice(-30).join('\n')}`);
  }
  return { index: JSON.parse(index), versions: { suite: versions[0], autobahn: versions[1] } };
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

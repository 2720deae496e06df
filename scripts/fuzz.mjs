// `npm run fuzz [-- --seconds N] [-- target…]`: looks for inputs that break what the parsers promise, N
// seconds for each target. docs/fuzzing.md tells what the targets are, and what to do with what is found.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { heading, root, run } from './run.mjs';
import { hostTriple } from './toolchain.mjs';

const folder = join('core', 'fuzz');

// What one input may cost: far more than any does, so that only a fault passes it.
const LIMITS = ['-timeout=10', '-rss_limit_mb=2048'];

// Long enough for the limits in the code: inflation begins at 4 KiB, a head ends at 16 KiB.
const LONGEST_INPUT = { decoder: 6144, handshake: 17_000, inflate: 6144, messages: 4096 };

// cargo-fuzz passes flags that only a nightly compiler takes. This makes the pinned one take them: so
// fuzzing runs what is shipped, and needs no second toolchain.
const env = { RUSTC_BOOTSTRAP: '1' };

const { seconds, targets } = options();
requireCargoFuzz();
await buildTargets();
const rows = [];
const broken = [];
for (const target of targets) rows.push(await fuzz(target));
heading('Summary');
console.table(Object.fromEntries(rows));
if (broken.length > 0) fail([...broken, 'docs/fuzzing.md tells how to go on.'].join('\n'));

function options() {
  const all = Object.keys(LONGEST_INPUT);
  const { values, positionals } = parseArgs({
    options: { seconds: { type: 'string', default: '60' } },
    allowPositionals: true,
  });
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1)
    fail(`--seconds ${values.seconds}: a whole number`);
  const unknown = positionals.find((name) => !all.includes(name));
  if (unknown !== undefined) fail(`No target ${unknown}: there are ${all.join(', ')}.`);
  return { seconds, targets: positionals.length > 0 ? positionals : all };
}

function requireCargoFuzz() {
  const { status } = spawnSync('cargo', ['fuzz', '--version'], { cwd: root, stdio: 'ignore' });
  if (status !== 0) fail('Fuzzing needs cargo-fuzz: cargo install cargo-fuzz --locked');
}

async function buildTargets() {
  heading('Building the targets');
  const command = ['cargo', 'fuzz', 'build', '--fuzz-dir', folder, '--target', hostTriple()];
  // With the address sanitizer, which is cargo-fuzz's default: some dependencies are unsafe inside.
  if ((await run(command, { env })) !== 0) fail('The targets do not build.');
}

async function fuzz(target) {
  heading(`${target}, for ${seconds} s`);
  // What is found goes on from run to run, but only what is chosen by hand is kept in the repository.
  const found = join(folder, 'target', 'found', target);
  const artifacts = join(folder, 'artifacts', target);
  for (const path of [found, artifacts]) mkdirSync(join(root, path), { recursive: true });
  const kept = join(folder, 'corpus', target);
  const inputs = existsSync(join(root, kept)) ? [found, kept] : [found];

  const program = join(folder, 'target', hostTriple(), 'release', target);
  let log = '';
  const code = await run(
    [
      join(root, program),
      ...inputs,
      `-dict=${join(folder, 'dictionaries', `${target}.dict`)}`,
      `-artifact_prefix=${artifacts}/`,
      `-max_total_time=${seconds}`,
      `-max_len=${LONGEST_INPUT[target]}`,
      ...LIMITS,
      '-print_final_stats=1',
    ],
    { onStderr: (text) => (log += text) },
  );
  if (code !== 0)
    broken.push(`${target}: an input breaks it, or takes too long. It is in ${artifacts}.`);
  return [target, figures(log, join(root, kept))];
}

/** What libFuzzer says at the end, and what is kept. */
function figures(log, kept) {
  const number = (pattern) => Number(log.match(pattern)?.at(-1));
  const last = log.match(/^#\d+\s.*\bcov: .*$/gm)?.at(-1) ?? '';
  const files = existsSync(kept) ? readdirSync(kept) : [];
  const bytes = files.reduce((sum, name) => sum + statSync(join(kept, name)).size, 0);
  return {
    seconds: number(/(?<=^Done \d+ runs in )\d+/m),
    executions: number(/(?<=^stat::number_of_executed_units: +)\d+/m),
    'per second': number(/(?<=^stat::average_exec_per_sec: +)\d+/m),
    edges: Number(/\bcov: (\d+)/.exec(last)?.[1]),
    features: Number(/\bft: (\d+)/.exec(last)?.[1]),
    'inputs found': Number(/\bcorp: (\d+)/.exec(last)?.[1]),
    'inputs kept': files.length,
    'bytes kept': bytes,
  };
}

function fail(message) {
  console.error(`\n${message}`);
  process.exit(1);
}

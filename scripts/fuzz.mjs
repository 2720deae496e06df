// `npm run fuzz [-- --seconds N] [-- target…]`: looks for inputs that break what the parsers promise, N
// seconds for each target. `--keep` instead chooses from what was found the inputs to keep in the
// repository. docs/fuzzing.md tells what the targets are, and what to do with what is found.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { heading, root, run } from './run.mjs';
import { hostTriple } from './toolchain.mjs';

const folder = join('core', 'fuzz');

// What one input may cost: far more than any does, so that only a fault passes it.
const LIMITS = ['-timeout=10', '-rss_limit_mb=2048'];

// Long enough for the limits in the code: inflation begins at 4 KiB, a head ends at 16 KiB.
const LONGEST_INPUT = {
  decoder: 6144,
  handshake: 17_000,
  inflate: 6144,
  messages: 4096,
  tokens: 8192,
};

// Inputs of a target in the repository: all are run by each `cargo test`.
const MOST_KEPT = 200;

// cargo-fuzz passes flags that only a nightly compiler takes. This makes the pinned one take them: so
// fuzzing runs what is shipped, and needs no second toolchain.
const env = { RUSTC_BOOTSTRAP: '1' };

const { seconds, keep, targets } = options();
requireCargoFuzz();
await buildTargets();
const rows = [];
const broken = [];
for (const target of targets) {
  if (keep) await choose(target);
  else rows.push([target, await fuzz(target)]);
}
if (!keep) {
  heading('Summary');
  console.table(Object.fromEntries(rows));
}
if (broken.length > 0) fail([...broken, 'docs/fuzzing.md tells how to go on.'].join('\n'));

function options() {
  const all = Object.keys(LONGEST_INPUT);
  const { values, positionals } = parseArgs({
    options: { seconds: { type: 'string', default: '60' }, keep: { type: 'boolean' } },
    allowPositionals: true,
  });
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1)
    fail(`--seconds ${values.seconds}: a whole number`);
  const unknown = positionals.find((name) => !all.includes(name));
  if (unknown !== undefined) fail(`No target ${unknown}: there are ${all.join(', ')}.`);
  return { seconds, keep: values.keep, targets: positionals.length > 0 ? positionals : all };
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

/** Where things of a target are, with the folders of what is found made. */
function places(target) {
  const places = {
    program: join(root, folder, 'target', hostTriple(), 'release', target),
    // What is found goes on from run to run, but only what is chosen is kept in the repository.
    found: join(folder, 'target', 'found', target),
    kept: join(folder, 'corpus', target),
    artifacts: join(folder, 'artifacts', target),
  };
  for (const path of [places.found, places.artifacts]) {
    mkdirSync(join(root, path), { recursive: true });
  }
  return places;
}

async function fuzz(target) {
  heading(`${target}, for ${seconds} s`);
  const { program, found, kept, artifacts } = places(target);
  let log = '';
  const code = await run(
    [
      program,
      found,
      kept,
      `-dict=${join(folder, 'dictionaries', `${target}.dict`)}`,
      `-artifact_prefix=${artifacts}/`,
      `-max_total_time=${seconds}`,
      `-max_len=${LONGEST_INPUT[target]}`,
      ...LIMITS,
      '-print_final_stats=1',
    ],
    {
      onStderr: (text) => {
        log += text;
      },
    },
  );
  if (code !== 0) {
    broken.push(`${target}: an input breaks it, or takes too long. It is in ${artifacts}.`);
  }
  return figures(log, join(root, kept));
}

/**
 * Keeps the inputs that somebody named, since these show more than the edges they reach, and beside them few
 * and small ones that reach the other edges. libFuzzer names what it finds by its hash.
 */
async function choose(target) {
  heading(`${target}: choosing what to keep`);
  const { program, found, kept } = places(target);
  const chosen = join(folder, 'target', 'chosen', target);
  rmSync(join(root, chosen), { recursive: true, force: true });
  mkdirSync(join(root, chosen), { recursive: true });
  for (const name of readdirSync(join(root, kept))) {
    if (!/^[0-9a-f]{40}$/.test(name)) cpSync(join(root, kept, name), join(root, chosen, name));
  }
  // How often an edge is reached does not count here, or hundreds of inputs would be kept.
  const how = ['-set_cover_merge=1', '-use_counters=0', ...LIMITS];
  if ((await run([program, ...how, chosen, kept, found])) !== 0) {
    broken.push(`${target}: the inputs could not be run.`);
    return;
  }
  // libFuzzer writes first those that reach most that no other does.
  const written = (name) => statSync(join(root, chosen, name), { bigint: true }).mtimeNs;
  const names = readdirSync(join(root, chosen)).sort((a, b) => (written(a) < written(b) ? -1 : 1));
  for (const name of names.slice(MOST_KEPT)) rmSync(join(root, chosen, name));
  rmSync(join(root, kept), { recursive: true });
  cpSync(join(root, chosen), join(root, kept), { recursive: true });
}

/** What libFuzzer says at the end, and what is kept. */
function figures(log, kept) {
  const number = (pattern) => Number(log.match(pattern)?.at(-1));
  const last = log.match(/^#\d+\s.*\bcov: .*$/gm)?.at(-1) ?? '';
  const files = readdirSync(kept);
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

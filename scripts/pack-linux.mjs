// `npm run pack:linux`: the addon for every Linux that it is published for, made and tried on this one. It ends with
// a line for each platform, and fails if one of them is not as it should be. What cannot be done for want of a tool
// is said there, and fails too with TEST_REQUIRE=all. `--only linux-x64-gnu` makes one of them; `--check` tries what
// was made before.

import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { startBroker } from './kafka/broker.mjs';
import { haveJars } from './kafka/jars.mjs';
import { build } from './pack/build.mjs';
import { inspect } from './pack/gate.mjs';
import { load } from './pack/load.mjs';
import { Missing, output } from './pack/machine.mjs';
import { makePackageFolders, packageOf } from './pack/package.mjs';
import { TARGETS } from './pack/targets.mjs';
import { prepare } from './prepare.mjs';
import { heading, root } from './run.mjs';

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, check: { type: 'boolean' } },
});
const unknown = values.only?.filter((name) => !TARGETS.some(({ platform }) => platform === name));
if (unknown?.length > 0) {
  console.error(`--only: ${unknown} is none of ${TARGETS.map(({ platform }) => platform)}`);
  process.exit(2);
}

// The package's JavaScript, with which the binaries are tried.
await prepare();
await makePackageFolders();

const lines = [];
const broker = await brokerToTry();
for (const target of TARGETS) {
  if (values.only === undefined || values.only.includes(target.platform)) await pack(target);
}
await broker?.stop();
heading('Summary');
console.log(lines.join('\n'));

async function pack(target) {
  const { platform } = target;
  const say = (text) => lines.push(`  ${platform.padEnd(18)}${text}`);
  let binary = join(root, 'npm', platform, `messaging.${platform}.node`);

  const made = await step(say, `${platform}: building`, 'built', async () => {
    if (values.check) {
      if (!existsSync(binary)) throw new Missing('no binary was made before');
      return undefined;
    }
    const started = performance.now();
    binary = await build(target);
    const archive = await packageOf(binary, target);
    const seconds = Math.round((performance.now() - started) / 1000);
    return `${await size(binary)}; ${relative(root, archive)} has ${await size(archive)}; ${seconds} s`;
  });
  if (!made) return;

  await step(say, `${platform}: looking at it`, 'gate', async () => {
    const { glibc, faults } = await inspect(binary, target);
    if (faults.length > 0) throw new Error(faults.join('; '));
    return glibc === undefined ? 'asks for no glibc' : `asks for glibc ${glibc}`;
  });

  await step(say, `${platform}: loading it`, 'loaded', async () => {
    const { node, librdkafka, features, login } = await load(binary, target, broker);
    const tried = login === null ? '' : `; a message there and back over TLS with ${login}`;
    return `${node}; librdkafka ${librdkafka} with ${features.join(', ')}${tried}`;
  });
}

/** A broker with TLS and passwords, with which all binaries are tried. Undefined where none can run. */
async function brokerToTry() {
  const say = (text) => lines.push(`  ${'broker'.padEnd(18)}${text}`);
  let broker;
  await step(say, 'Starting Apache Kafka', 'started', async () => {
    await output('java', ['--version']);
    await output('openssl', ['version']);
    if (!haveJars()) await output('mvn', ['--version']);
    broker = await startBroker();
  });
  return broker;
}

/** Does a step and adds the line that says how it went. Returns whether it went well. */
async function step(say, title, done, work) {
  heading(title);
  try {
    const text = await work();
    if (text !== undefined) say(`${done}: ${text}`);
    return true;
  } catch (failure) {
    say(`NOT ${done}: ${failure.message}`);
    const harmless = failure instanceof Missing && process.env.TEST_REQUIRE !== 'all';
    if (!harmless) process.exitCode = 1;
    return false;
  }
}

async function size(file) {
  return `${((await stat(file)).size / 1e6).toFixed(1)} MB`;
}

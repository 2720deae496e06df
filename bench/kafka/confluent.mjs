// @confluentinc/kafka-javascript, which is no dependency of this package: its binary comes from GitHub, or takes
// minutes to build. `node bench/kafka/confluent.mjs` puts it into the user's cache, where the benchmark finds it.
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached, cachePath } from '../../scripts/cache.mjs';

const NAME = '@confluentinc/kafka-javascript';
const VERSION = '1.10.1';
/** A binary is for one version of Node's ABI. */
const FOLDER = cachePath(`confluent-kafka-${VERSION}-node-${process.versions.modules}`);

export const isBuilt = () => existsSync(FOLDER);

export const HOW = 'node bench/kafka/confluent.mjs builds it, which takes minutes';

export const load = () => createRequire(path.join(FOLDER, 'package.json'))(NAME);

// Without a download, its script builds the librdkafka that it carries. Linked statically, that wants the sources of
// OpenSSL and others from GitHub; linked dynamically, the system's libraries.
function fill(folder) {
  const dependencies = { [NAME]: VERSION };
  const manifest = { private: true, dependencies, allowScripts: { [NAME]: true } };
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
  execFileSync('npm', ['install', '--foreground-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    env: { ...process.env, CKJS_LINKING: 'dynamic' },
    stdio: 'inherit',
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await cached(FOLDER, fill);
  load();
  console.log(`${NAME} ${VERSION} is in ${FOLDER}`);
}

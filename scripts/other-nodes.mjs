// The Nodes that users run, beside the one that runs this: an attached server is taken over by what each of them keeps
// to itself of its servers, sockets and streams.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached, cachePath } from './cache.mjs';

/** One of each line that is supported, and the newest last. */
const VERSIONS = ['20.20.2', '22.23.3', '24.21.0', '26.10.0'];

/** What needs no other program than Node; Kafka's side touches nothing that differs. */
const ALL = [
  '--exclude',
  '**/*.{slow,browser,broker}.test.ts',
  '--exclude',
  '__test__/{kafka/**,attach-bun*}',
];
const ATTACHED = ['__test__/attach', ...ALL];

/**
 * The other Nodes, fetched once: what vitest is told to run there, and the program, or why there is none.
 *
 * @returns {Promise<{ version: string, tests: string[], program?: string, reason?: string }[]>}
 */
export async function otherNodes() {
  const major = (version) => version.split('.')[0];
  const others = VERSIONS.filter((version) => major(version) !== major(process.versions.node));
  return await Promise.all(
    others.map(async (version, at) => {
      const tests = at === others.length - 1 ? ALL : ATTACHED;
      try {
        return { version, tests, program: await fetchNode(version) };
      } catch (failure) {
        return { version, tests, reason: failure.message.split('\n')[0] };
      }
    }),
  );
}

async function fetchNode(version) {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const folder = await cached(cachePath(`node-${version}`), async (prefix) => {
    const npm = process.env.npm_execpath;
    const [program, ...args] = npm ? [process.execPath, npm] : ['npm'];
    const options = [
      '--prefix',
      prefix,
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
    ];
    await promisify(execFile)(program, [...args, 'install', ...options, `${name}@${version}`], {
      shell: !npm && process.platform === 'win32',
    });
  });
  return join(folder, 'node_modules', name, 'bin', platform === 'win' ? 'node.exe' : 'node');
}

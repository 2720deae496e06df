// From a fresh clone to a package that can be loaded: prerequisites, npm packages, addon, TypeScript.

import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { packageTool, root, runOrExit } from './run.mjs';
import { hostTriple, requireToolchain } from './toolchain.mjs';

/** Installs and builds what is missing or stale. A step that fails ends the process. */
export async function prepare({ release = false } = {}) {
  requireToolchain();
  await install();
  await build(release);
}

async function install() {
  // npm writes the inner file when it has finished, so a broken installation is done again.
  const installed = modified('node_modules/.package-lock.json');
  if (installed !== undefined && installed >= modified('package-lock.json')) return;
  const npm = process.env.npm_execpath;
  const command = npm ? [process.execPath, npm, 'ci'] : ['npm', 'ci'];
  await runOrExit('Installing npm packages', command, {
    shell: !npm && process.platform === 'win32',
  });
}

async function build(release) {
  const profile = release ? 'release' : 'dev';
  // The target is given even for this machine, so that `cargo test` and clippy, which are given the
  // same one, find the dependencies built.
  const addon = [
    ...packageTool('@napi-rs/cli', 'napi'),
    ...['build', '--platform', '--target', hostTriple()],
    ...['--js', 'native.js', '--dts', 'native.d.ts', '--output-dir', '.'],
    ...(release ? ['--release'] : []),
  ];
  await runOrExit(`Building the addon (${profile} profile; the first time takes minutes)`, addon);
  // A release must not carry the output of sources that are gone.
  if (release) rmSync(join(root, 'dist'), { recursive: true, force: true });
  const tsc = [...packageTool('typescript', 'tsc'), '--project', 'tsconfig.json'];
  await runOrExit('Compiling TypeScript', tsc);
}

/** When a file was last written, or undefined if there is none. */
function modified(path) {
  return statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs;
}

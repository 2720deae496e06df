// What the build needs from the machine, and what to do where it is missing.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

/** Ends the process with one line for each thing that is missing. */
export function requireToolchain() {
  const problems = [nodeProblem(), rustProblem(), compilerProblem(), librariesProblem()];
  const missing = problems.filter(Boolean);
  if (missing.length === 0) return;
  console.error('This machine lacks what the build needs:');
  for (const problem of missing) console.error(`  - ${problem}`);
  process.exit(1);
}

/** The triple of this machine, for example `x86_64-unknown-linux-gnu`. */
export function hostTriple() {
  return /^host: (.+)$/m.exec(outputOf('rustc', ['-vV']))[1];
}

// The build's tools ask for more than the package itself, which runs on every Node 20.
const LEAST_MINOR = { 20: 19, 21: Infinity, 22: 13, 23: 5 };

function nodeProblem() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 19 && minor >= (LEAST_MINOR[major] ?? 0)) return undefined;
  return `Node 20.19, 22.13, 24 or later; this is ${process.version}: https://nodejs.org`;
}

function rustProblem() {
  const toolchain = readFileSync(join(root, 'rust-toolchain.toml'), 'utf8');
  const needed = /^channel\s*=\s*"(\d+\.\d+)/m.exec(toolchain)[1];
  // Where rustup is installed, asking makes it fetch the toolchain of the file above.
  const found = /^rustc (\d+\.\d+)/.exec(outputOf('rustc', ['--version']))?.[1];
  if (found === undefined || outputOf('cargo', ['--version']) === '') {
    return `Rust ${needed} or later, with cargo: https://rustup.rs`;
  }
  if (isAtLeast(found, needed)) return undefined;
  return `Rust ${needed} or later; this is ${found}: rustup update, or https://rustup.rs`;
}

function compilerProblem() {
  // Rust's own target for Windows finds Microsoft's linker by itself.
  if (process.platform === 'win32' || outputOf('cc', ['--version']) !== '') return undefined;
  const advice =
    process.platform === 'darwin' ? 'xcode-select --install' : 'apt-get install build-essential';
  return `a C compiler as \`cc\`, which links the addon: for example ${advice}`;
}

function librariesProblem() {
  // Windows builds librdkafka by cmake, whose absence its own message tells.
  const programs = process.platform === 'win32' ? ['perl'] : ['make', 'perl'];
  const missing = programs.filter((program) => outputOf(program, ['--version']) === '');
  if (missing.length === 0) return undefined;
  const advice =
    process.platform === 'linux' ? `: for example apt-get install ${missing.join(' ')}` : '';
  return `${missing.join(' and ')}, which OpenSSL and librdkafka are built with${advice}`;
}

function isAtLeast(found, needed) {
  const [major, minor] = found.split('.').map(Number);
  const [leastMajor, leastMinor] = needed.split('.').map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

/** What a program prints, or '' where there is no such program. Its progress stays visible. */
function outputOf(program, args) {
  const options = { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] };
  const { status, stdout } = spawnSync(program, args, options);
  return status === 0 ? stdout : '';
}

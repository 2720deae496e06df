// Builds the benchmark's programs in Rust, and runs the load generator (bench/loadgen).
import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';
import { hostTriple } from '../../scripts/toolchain.mjs';
import { confined } from './contestants.mjs';

const ROOT = path.resolve(import.meta.dirname, '../..');
const PACKAGE = 'messaging-loadgen';

export const buildLoadgen = () => buildProgram(PACKAGE);

/** Builds a package in release mode and gives its program's path. Cargo's progress goes to our stderr. */
export function buildProgram(name) {
  // The addon is built with an explicit target as well: the two share compiled dependencies.
  const args = ['build', '--release', '--target', hostTriple(), '--package', name];
  const messages = execFileSync('cargo', [...args, '--message-format', 'json-render-diagnostics'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const artifacts = messages
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const built = artifacts.find((one) => one.executable && one.target.name === name);
  return built.executable;
}

/**
 * Plays one scenario.
 * @param {string} program
 * @param {object} options see bench/loadgen/src/options.rs
 * @returns {Promise<object>} see bench/loadgen/src/report.rs
 */
export function runLoadgen(program, options, cpus) {
  const [file, ...args] = confined([program, JSON.stringify(options)], cpus);
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (complaint += text));
    // The program keeps its deadline itself; this is for one that hangs.
    const timer = setTimeout(() => child.kill('SIGKILL'), (options.deadline + 30) * 1000);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(JSON.parse(output));
      else reject(new Error(complaint.trim() || `the load generator ended with ${code}`));
    });
  });
}

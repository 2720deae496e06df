// On what, and with which versions, figures were measured.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');

export function machine() {
  const cpus = os.cpus();
  return {
    processor: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    load: os.loadavg()[0],
  };
}

export function versions() {
  return {
    node: process.versions.node,
    ws: packageVersion('node_modules/ws'),
    bun: packageVersion('node_modules/bun'),
    messaging: packageVersion('.'),
    commit: output('git', ['describe', '--always', '--dirty']),
    rustc: output('rustc', ['--version']),
  };
}

/** The hard limit of open files, which bounds the connections of the largest rows. */
export function openFilesLimit() {
  const limit = output('sh', ['-c', 'ulimit -Hn']);
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit);
}

function packageVersion(folder) {
  try {
    return JSON.parse(readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8')).version;
  } catch {
    return null;
  }
}

function output(command, args) {
  try {
    const stdio = ['ignore', 'pipe', 'ignore'];
    return execFileSync(command, args, { cwd: ROOT, encoding: 'utf8', stdio }).trim();
  } catch {
    return null;
  }
}

// What this machine has for packing, and what can be fetched without installing anything: packages of Debian, PyPI
// and npm, unpacked into the user's cache.

import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached, cachePath } from '../cache.mjs';

/** Something that this machine does not have: said, and no fault of what was built. */
export class Missing extends Error {}

const TOOLS = cachePath('pack');

/** A folder of the cache for packing. */
export function toolsPath(...names) {
  return join(TOOLS, ...names);
}

/** Runs a program and returns what it prints. */
export async function output(program, args, options = {}) {
  try {
    const { stdout } = await promisify(execFile)(program, args, {
      maxBuffer: 64 * 1024 * 1024,
      ...options,
    });
    return stdout;
  } catch (failure) {
    if (failure.code === 'ENOENT') throw new Missing(`${program} is missing`);
    throw failure;
  }
}

/** Fails for the first of these programs that is not there; each is asked for its version. */
export async function requirePrograms(...programs) {
  for (const program of programs) await output(program, ['--version']);
}

/** Debian packages of one release, unpacked, by the release's code name or this machine's own. */
export async function debian(name, packages, { release } = {}) {
  return cached(toolsPath(name), async (folder) => {
    const options = await aptOptions(release);
    for (const word of packages) {
      await output('apt-get', [...options, 'download', word], { cwd: folder });
    }
    for (const file of readdirSync(folder).filter((file) => file.endsWith('.deb'))) {
      await output('dpkg', ['-x', join(folder, file), folder]);
      await rm(join(folder, file));
    }
  });
}

/** The packages of Debian that these need, they themselves among them, whose names match. */
export async function debianDependencies(packages, pattern) {
  const options = await aptOptions();
  const flags = ['depends', '--recurse', '--important', ...packages];
  const names = (await output('apt-cache', [...options, ...flags])).split('\n');
  return [...new Set(names.filter((name) => pattern.test(name)))];
}

const lists = new Map();

/** Lets apt look at lists of its own, which needs no root and says nothing of this machine's packages. */
function aptOptions(release) {
  if (!lists.has(release)) lists.set(release, updatedLists(release));
  return lists.get(release);
}

async function updatedLists(release) {
  const own = /^VERSION_CODENAME=(\w+)/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1];
  const sources = ['/etc/apt/sources.list', '/etc/apt/sources.list.d/debian.sources'];
  const found = sources.filter((file) => existsSync(file));
  if (own === undefined || found.length === 0)
    throw new Missing('Debian, whose packages this takes, is missing');
  const state = toolsPath(`apt-${release ?? own}`);
  for (const folder of ['parts', 'lists/partial', 'cache/archives/partial']) {
    await mkdir(join(state, folder), { recursive: true });
  }
  for (const file of found) {
    const name = file.endsWith('.list') ? 'debian.list' : 'debian.sources';
    const text = await readFile(file, 'utf8');
    await writeFile(join(state, 'parts', name), text.replaceAll(own, release ?? own));
  }
  const options = [
    ...[
      '-o',
      'Dir::Etc::SourceList=/dev/null',
      '-o',
      `Dir::Etc::SourceParts=${join(state, 'parts')}`,
    ],
    ...[
      '-o',
      `Dir::State::Lists=${join(state, 'lists')}`,
      '-o',
      `Dir::Cache=${join(state, 'cache')}`,
    ],
  ];
  await output('apt-get', [...options, '--quiet', 'update']);
  return options;
}

/** A Python of its own with these packages of PyPI; the path of its `bin`. */
export async function pythonTools(packages) {
  // Where it is counts: cargo takes another path for another compiler, and builds the C libraries again.
  const folder = toolsPath('venv');
  const wanted = packages.join('\n');
  const marker = join(folder, 'packages.txt');
  const had = await readFile(marker, 'utf8').catch(() => undefined);
  if (had !== wanted) {
    await output('python3', ['-m', 'venv', '--clear', folder]);
    await output(join(folder, 'bin/pip'), ['install', '--quiet', ...packages]);
    await writeFile(marker, wanted);
  }
  return join(folder, 'bin');
}

/** A wheel of PyPI for another platform, unpacked. */
export function wheel(name, requirement, platform) {
  return cached(toolsPath(name), async (folder) => {
    const flags = ['--quiet', '--no-deps', '--only-binary=:all:', '--platform', platform];
    await output('python3', ['-m', 'pip', 'download', ...flags, '--dest', folder, requirement]);
    const [file] = readdirSync(folder).filter((file) => file.endsWith('.whl'));
    await output('python3', ['-m', 'zipfile', '-e', join(folder, file), folder]);
    await rm(join(folder, file));
  });
}

/** A package of npm, unpacked, also one for another platform. */
export function npmPackage(name, spec) {
  return cached(toolsPath(name), async (folder) => {
    await output('npm', ['pack', '--silent', '--pack-destination', folder, spec], { cwd: folder });
    const [file] = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
    await output('tar', ['-xzf', join(folder, file), '-C', folder]);
    await rm(join(folder, file));
  });
}

/** An empty file in the cache. */
export async function emptyFile(...names) {
  const path = toolsPath(...names);
  await mkdir(join(path, '..'), { recursive: true });
  await copyFile('/dev/null', path);
  return path;
}

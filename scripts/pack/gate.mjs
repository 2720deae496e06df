// Looks at a binary from outside: whether it runs on the oldest system that it is for.

import { output } from './machine.mjs';
import { GLIBC } from './targets.mjs';

/** Libraries that every Node has loaded already, or that are parts of the libc. */
const LIBRARIES = /^(libc|libm|libdl|libpthread|librt|ld-linux-[\w-]+)\.so(\.\d+)?$/;

/** What Node itself gives to addons. */
const NODE_API = /^(napi_|node_api_)/;

/**
 * @returns {Promise<{ glibc?: string, faults: string[] }>} the newest version of glibc that it asks for, and what
 *   is wrong with it
 */
export async function inspect(binary, { libc }) {
  const symbols = await undefinedSymbols(binary);
  const libraries = await neededLibraries(binary);
  const faults = libraries
    .filter((name) => !LIBRARIES.test(name))
    .map((name) => `it needs the library ${name}`);
  const versions = symbols.flatMap(
    ({ version }) => /^GLIBC_([\d.]+)$/.exec(version ?? '')?.[1] ?? [],
  );
  const glibc = versions.sort(compareVersions).at(-1);
  if (libc === 'musl') {
    if (glibc !== undefined) faults.push(`it asks for glibc ${glibc}`);
    return { faults };
  }
  if (glibc === undefined) faults.push('it asks for no glibc at all');
  else if (compareVersions(glibc, GLIBC) > 0) faults.push(`it asks for glibc ${glibc}`);
  // What has no version is of no glibc: it was in the headers of this machine and is not there on others.
  const unexpected = symbols.filter(
    ({ name, version, weak }) => !weak && !version?.startsWith('GLIBC_') && !NODE_API.test(name),
  );
  faults.push(...unexpected.map(({ name }) => `the symbol ${name} is undefined`));
  return { glibc, faults };
}

async function undefinedSymbols(binary) {
  const table = await output('readelf', ['--wide', '--dyn-syms', binary]);
  // Number, value, size, type, bind, visibility, section, name.
  const rows = table.matchAll(/^ *\d+: \S+ +\S+ +\S+ +(\S+) +\S+ +UND +([^\s@]+)(?:@+(\S+))?/gm);
  return [...rows].map(([, bind, name, version]) => ({ name, version, weak: bind === 'WEAK' }));
}

async function neededLibraries(binary) {
  const table = await output('readelf', ['--wide', '--dynamic', binary]);
  return [...table.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name);
}

function compareVersions(left, right) {
  const [a, b] = [left, right].map((version) => version.split('.').map(Number));
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

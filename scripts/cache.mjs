// What scripts fetch once and keep, outside of the repository.

import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'libs-messaging');

/** The path of a folder in the user's cache, whether it is there or not. */
export function cachePath(...names) {
  return join(CACHE, ...names);
}

/**
 * Makes a folder of the cache if it is not there: `fill` gets another to fill, which is renamed when it is done.
 * So a folder is there whole or not at all, also when several processes make it.
 */
export async function cached(folder, fill) {
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const partial = await mkdtemp(`${folder}.partial-`);
  try {
    await fill(partial);
    await rename(partial, folder).catch((failure) => {
      if (!existsSync(folder)) throw failure;
    });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return folder;
}

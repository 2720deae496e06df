// Puts a binary where napi's publishing wants it, and packs it as the package of its platform.

import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { packageTool, root, run } from '../run.mjs';
import { output } from './machine.mjs';

/** Makes the folders of the platforms under npm/, with what they hold but the binaries. */
export async function makePackageFolders() {
  const code = await run([...packageTool('@napi-rs/cli', 'napi'), 'create-npm-dirs']);
  if (code !== 0) throw new Error(`napi create-npm-dirs failed with exit code ${code}`);
}

/** @returns {Promise<string>} the package's file, in artifacts/ as the binary is */
export async function packageOf(binary, { platform }) {
  const name = `messaging.${platform}.node`;
  const artifacts = join(root, 'artifacts');
  const folder = join(root, 'npm', platform);
  await mkdir(artifacts, { recursive: true });
  await Promise.all([artifacts, folder].map((into) => copyFile(binary, join(into, name))));
  const args = ['pack', '--json', '--pack-destination', artifacts];
  const [{ filename, files }] = JSON.parse(await output('npm', args, { cwd: folder }));
  if (!files.some(({ path }) => path === name)) throw new Error(`${filename} is without ${name}`);
  return join(artifacts, filename);
}

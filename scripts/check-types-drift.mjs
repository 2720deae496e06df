// `npm run check:types`: fails when index.d.ts or testing.d.ts is not what lib/ gives.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';
import { generateTypes } from './types.mjs';

const stale = Object.entries(generateTypes()).filter(
  ([name, text]) => readOrEmpty(name) !== text.replaceAll('\r\n', '\n'),
);

for (const [name] of stale) console.error(`${name} is stale: npm run types, and commit it.`);
process.exitCode = stale.length === 0 ? 0 : 1;

function readOrEmpty(name) {
  try {
    return readFileSync(join(root, name), 'utf8').replaceAll('\r\n', '\n');
  } catch {
    return '';
  }
}

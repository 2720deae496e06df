// Loads a binary in a real Node of its platform.

import { fileURLToPath } from 'node:url';
import { output } from './machine.mjs';
import { nodeOf } from './nodes.mjs';

const CHECK = fileURLToPath(new URL('load-check.cjs', import.meta.url));
const PATIENCE = 120_000;

/** @returns {Promise<{ node: string, librdkafka: string, features: string[] }>} what ran, and what is inside */
export async function load(binary, { platform }) {
  const [program, ...args] = await nodeOf(platform);
  const text = await output(program, [...args, CHECK], {
    timeout: PATIENCE,
    env: {
      ...process.env,
      NAPI_RS_NATIVE_LIBRARY_PATH: binary,
      // Every symbol is looked for now, and not when a function that needs it is called.
      LD_BIND_NOW: '1',
    },
  });
  return JSON.parse(text.trim().split('\n').at(-1));
}

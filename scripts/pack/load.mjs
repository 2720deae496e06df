// Loads a binary in a real Node of its platform.

import { fileURLToPath } from 'node:url';
import { output } from './machine.mjs';
import { nodeOf } from './nodes.mjs';

const CHECK = fileURLToPath(new URL('load-check.cjs', import.meta.url));
const PATIENCE = 120_000;

/**
 * @param {{ brokers: object, users: object, ca: string } | undefined} broker of `startBroker`: a message goes there and
 *   back over TLS, with a password
 * @returns {Promise<{ node: string, librdkafka: string, features: string[], login: string | null }>} what ran, what is
 *   inside, and by which mechanism it logged in
 */
export async function load(binary, { platform }, broker) {
  const [program, ...args] = await nodeOf(platform);
  const text = await output(program, [...args, CHECK], {
    timeout: PATIENCE,
    env: {
      ...process.env,
      NAPI_RS_NATIVE_LIBRARY_PATH: binary,
      // Every symbol is looked for now, and not when a function that needs it is called.
      LD_BIND_NOW: '1',
      ...(broker && { LOAD_CHECK_BROKER: JSON.stringify(saslSsl(broker)) }),
    },
  });
  return JSON.parse(text.trim().split('\n').at(-1));
}

function saslSsl({ brokers, users, ca }) {
  const mechanism = 'scram-sha-512';
  return { brokers: [brokers.saslSsl], ca, sasl: { mechanism, ...users[mechanism] } };
}

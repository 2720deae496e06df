// Free ports for a broker.

import { createServer } from 'node:net';

// Below those that systems give to outgoing connections: a client of a broker that is down must not be given
// the broker's port, by which a connection to it would meet itself, and the broker could not return.
const FIRST = 10_000;
const COUNT = 20_000;

/** Finds `count` ports of 127.0.0.1 that nothing listens on. */
export async function freePorts(count) {
  const found = new Set();
  for (let tries = 0; found.size < count; tries += 1) {
    if (tries > 1000) throw new Error('No free ports were found.');
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

// What the npm libraries have in common: the order on stdin, the measurement, the report on stdout.
import { readFileSync } from 'node:fs';

export const order = JSON.parse(readFileSync(0, 'utf8'));

/**
 * Verifies the order's tokens for its time, a round at a time.
 * @param {(token: string) => unknown} verify gives the claims or a promise of them; throws or rejects
 * @param {(tokens: string[]) => unknown[] | Promise<unknown[]>} verifyAll the same of a round of tokens
 */
export async function measure(verify, verifyAll) {
  for (const token of order.bad) {
    if (await accepts(verify, token)) throw new Error('a bad token was accepted');
  }
  await run(order.warmup, verifyAll);
  const cpu = process.cpuUsage();
  const { units, wallMs } = await run(order.seconds, verifyAll);
  // All threads are in it: where WebCrypto works on threads of its own, that counts.
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify({ units, wallMs, cpuUs: (user + system) / units }));
}

async function accepts(verify, token) {
  try {
    await verify(token);
    return true;
  } catch {
    return false;
  }
}

async function run(seconds, verifyAll) {
  const { tokens, users } = order;
  const start = performance.now();
  let units = 0;
  while (performance.now() - start < seconds * 1000) {
    const all = await verifyAll(tokens);
    if (all.some(({ sub }, index) => sub !== users[index])) throw new Error('another user');
    units += tokens.length;
  }
  return { units, wallMs: performance.now() - start };
}

/**
 * Which pages may connect to a manager that is attached to a server on Bun: as on one's own port, but that on
 * `Bun.serve`, which has to be answered at once, no rule can take time.
 */
import { expect, test } from 'vitest';
import { type BunServer, bunServer, PRELUDE } from './support/bun-servers.js';
import { RawClient, request } from './support/raw-client.js';

/** A rule of each kind, and a function that is asked last and takes time. */
const RULES = String.raw`[
  'https://a.example',
  /^https:\/\/b\.example$/,
  (origin) => origin === 'https://c.example',
  (origin) => origin === 'https://d.example' && Promise.resolve(true),
]`;

const SERVERS = {
  'Bun.serve': `
    ${PRELUDE}
    const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('hello') });
    attach(server, '/ws', { origins: ${RULES} });
    console.log('port', server.port);
  `,
  'node:http': `
    import { createServer } from 'node:http';
    ${PRELUDE}
    const server = createServer().listen(0, '127.0.0.1');
    const manager = attach(server, '/ws', { origins: ${RULES} });
    console.log('port', (await manager.ready()).port);
  `,
};

/** The status that a page of this origin is answered with. */
async function statusOf(server: BunServer, Origin?: string): Promise<number> {
  const client = await RawClient.connect(server);
  client.write(request({ Origin }));
  return (await client.response()).status;
}

test.for(['Bun.serve', 'node:http'] as const)('%s', async (kind) => {
  const server = await bunServer(SERVERS[kind]);
  for (const host of ['a', 'b', 'c']) {
    expect(await statusOf(server, `https://${host}.example`), host).toBe(101);
  }
  for (const origin of ['https://a.example.evil.net', 'https://b.example:8443', 'null']) {
    expect(await statusOf(server, origin), origin).toBe(403);
  }
  expect(await statusOf(server)).toBe(101);

  expect(await statusOf(server, 'https://d.example')).toBe(kind === 'Bun.serve' ? 403 : 101);
  if (kind === 'Bun.serve') await server.printed(/^warning ERR_ORIGIN_RULE$/m);
});

/**
 * A manager that is attached to a server of `node:http` or `node:https` on Bun, which shows no descriptors: its
 * bytes go over a bridge.
 */
import { expect, test } from 'vitest';
import { bunServer, closing, exchange, PRELUDE, refused } from './support/bun-servers.js';
import { certificate } from './support/http-servers.js';
import { startBun } from './support/node-process.js';

/** Two managers at one server, which do what a path of it asks. */
const script = (module: string, options = {}) => `
  import { createServer } from '${module}';
  ${PRELUDE}
  const asked = {
    '/close': () => one.close(),
    '/end': () => {
      two.close();
      server.close();
    },
  };
  const server = createServer(${JSON.stringify(options)}, (request, response) => {
    asked[request.url]?.();
    response.end('hello');
  });
  const one = attach(server, '/one');
  const two = attach(server, '/two');
  console.log(codeOf(() => attach(server, '/one')));
  server.listen(0, '127.0.0.1');
  console.log('port', (await one.ready()).port);
`;

test('http: clients are served by path, the server goes on, and the process ends with both', async () => {
  const { url, get, printed, end } = await bunServer(script('node:http'));
  await printed(/^Error ERR_PATH_IN_USE /m);
  await Promise.all([exchange(url('/one')), exchange(url('/two'))]);
  expect(await get('/')).toBe('hello');
  expect(await refused(url('/other'))).toBe(404);

  const closed = closing(url('/one'));
  await closed.opened;
  expect(await get('/close')).toBe('hello');
  expect((await closed.ended).code).toBe(1001);
  expect(await refused(url('/one'))).toBe(404);
  await exchange(url('/two'));
  expect(await get('/end')).toBe('hello');
  expect(await end).toMatchObject({ code: 0, signal: null, errors: '' });
});

test('https: the same frames over TLS', async () => {
  const { key, cert } = certificate();
  const options = { key: String(key), cert: String(cert) };
  const { port } = await bunServer(script('node:https', options));
  await exchange(`wss://127.0.0.1:${port}/one`);
});

test('a server that was closed is refused', async () => {
  const { printed } = startBun(`
    import { createServer } from 'node:http';
    import { once } from 'node:events';
    ${PRELUDE}
    const server = createServer().listen(0);
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    console.log(codeOf(() => attach(server, '/ws')));
  `);
  await printed(/^TypeError ERR_UNSUPPORTED_SERVER .* closed already$/m);
});

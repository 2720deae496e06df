/**
 * A manager that is attached to an Elysia app on Bun, whose server is one of `Bun.serve`.
 */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import {
  type BunServer,
  bunServer,
  closing,
  exchange,
  latePrelude,
  PRELUDE,
  refused,
} from './support/bun-servers.js';
import { text } from './support/frames.js';
import { RawClient, request } from './support/raw-client.js';

/** An app with routes and sockets of its own, which does what a path asks. */
const APP = `
  const asked = {};
  const app = new Elysia()
    .get('/', () => 'hello')
    .get('/live', () => 'plain')
    .get('/ask/:what', ({ params }) => {
      asked[params.what]();
      return 'done';
    })
    .ws('/own', { message: (socket, data) => void socket.send('own ' + data) });
`;

const LISTEN = `const returned = app.listen({ port: 0, hostname: '127.0.0.1' });`;

const PORT = `console.log('port', app.server.port);`;

/** That the app's own routes and sockets are as they were. */
async function expectAsBefore({ get, url }: BunServer): Promise<void> {
  expect(await get('/')).toBe('hello');
  expect(await get('/live')).toBe('plain');
  const socket = new WebSocket(url('/own'));
  socket.on('open', () => socket.send('x'));
  expect(String((await once(socket, 'message'))[0])).toBe('own x');
  socket.terminate();
}

const MANAGERS = `
  const managers = ['/live', '/two'].map((path) => attach(returned, path));
  console.log(codeOf(() => attach(app, '/live')));
  asked.close = () => managers[0].close();
  asked.end = () => {
    managers[1].close();
    app.stop();
  };
`;

test.for([
  ['of which the package knows from the beginning', `${PRELUDE} ${APP} ${LISTEN}`],
  ['that listened before the package was imported', latePrelude(`${APP} ${LISTEN}`)],
])('an app %s', async ([, start]) => {
  const script = `import { Elysia } from 'elysia'; ${start} ${MANAGERS} ${PORT}`;
  const server = await bunServer(script);
  const { get, url, printed, end } = server;
  await printed(/^Error ERR_PATH_IN_USE /m);
  // By then the app has given its server all its handlers again, as it does when its modules are loaded.
  await expectAsBefore(server);
  await Promise.all([exchange(url('/live'), 3), exchange(url('/two'), 3)]);

  const client = closing(url('/live'));
  await client.opened;
  expect(await get('/ask/close')).toBe('done');
  expect(await client.ended).toEqual({ code: 1001, reason: 'Server shutting down' });
  expect(await refused(url('/live'))).toBe(200);
  await exchange(url('/two'), 1);
  await expectAsBefore(server);
  expect(await get('/ask/end')).toBe('done');
  const { output, ...how } = await end;
  expect(how).toEqual({ code: 0, signal: null, errors: '' });
  expect(output).not.toContain('warning');
});

test('an app whose client sends frames with its request', async () => {
  const server = await bunServer(`
    import { Elysia } from 'elysia';
    ${PRELUDE}
    ${APP}
    ${LISTEN}
    attach(app, '/ws');
    ${PORT}
  `);
  const client = await RawClient.connect(server);
  client.write(request(), text('first'));
  expect((await client.response()).status).toBe(101);
  expect(await client.text()).toBe('first');
});

test('an app that listens later, and one that gets routes later', async () => {
  const server = await bunServer(`
    import { Elysia } from 'elysia';
    ${PRELUDE}
    ${APP}
    const manager = attach(app, '/ws');
    console.log(codeOf(() => attach(app, '/ws')));
    let hooks = 0;
    app.onStart = ((before) => (...args) => { hooks += 1; return before.apply(app, args); })(app.onStart);
    for (let i = 0; i < 3; i += 1) attach(app, '/again').close();
    console.log('hooks', hooks);
    const closed = attach(app, '/closed');
    closed.ready().catch(({ code }) => console.log(code));
    closed.close();
    manager.on('listening', ({ port }) => console.log('listening', port === app.server.port));
    console.log(manager.address());
    ${LISTEN}
    asked.more = () => app.get('/more', () => 'more').compile();
    ${PORT}
  `);
  await server.printed(/^Error ERR_PATH_IN_USE .*\nhooks 0\nnull$/m);
  await server.printed(/^ERR_MANAGER_CLOSED$/m);
  await server.printed(/^listening true$/m);
  await exchange(server.url('/ws'), 1);
  expect(await refused(server.url('/closed'))).toBe(404);
  expect(await server.get('/ask/more')).toBe('done');
  expect(await server.get('/more')).toBe('more');
  await exchange(server.url('/ws'), 1);
  await expectAsBefore(server);
});

test.for(['before', 'after'])(
  'an app that stops and listens again has its manager, attached %s',
  async (when) => {
    const server = await bunServer(`
    import { Elysia } from 'elysia';
    ${PRELUDE}
    ${APP}
    let manager;
    const begin = () => { manager = attach(app, '/ws'); };
    if ('${when}' === 'before') begin();
    ${LISTEN}
    if ('${when}' === 'after') begin();
    console.log('first', (await manager.ready()).port === app.server.port);
    await app.stop(true);
    console.log(await manager.ready().catch(({ code }) => code));
    app.listen({ port: 0, hostname: '127.0.0.1' });
    console.log('again', (await manager.ready()).port === app.server.port);
    ${PORT}
  `);
    await server.printed(/^first true\nERR_SERVER_CLOSED\nagain true$/m);
    await exchange(server.url('/ws'), 1);
    await expectAsBefore(server);
  },
);

test('an app with the adapter for Node, by what its callback is given', async () => {
  const server = await bunServer(`
    import { Elysia } from 'elysia';
    import { node } from '@elysiajs/node';
    ${PRELUDE}
    const app = new Elysia({ adapter: node() }).get('/', () => 'hello');
    app.listen({ port: 0, hostname: '127.0.0.1' }, async (info) => {
      console.log('port', (await attach(info, '/ws').ready()).port);
    });
  `);
  await exchange(server.url('/ws'), 1);
  expect(await server.get('/')).toBe('hello');
});

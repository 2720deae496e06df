/**
 * A manager that is attached to a server of `Bun.serve`, which hands over messages and keeps its sockets.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
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
import { closePayload, frame, Opcode, text } from './support/frames.js';
import { certificate } from './support/http-servers.js';
import { PACKAGE_ROOT, startBun } from './support/node-process.js';
import { RawClient, request } from './support/raw-client.js';

/** A server with routes and sockets of its own, which does what a path asks. */
const serve = (options = '') => `
  const asked = {};
  const server = Bun.serve({
    port: 0, hostname: '127.0.0.1', development: false,
    routes: { '/route': () => new Response('route') },
    fetch(request, self) {
      const { pathname } = new URL(request.url);
      if (pathname === '/own' && self.upgrade(request, { data: 'own' })) return;
      const answer = asked[pathname]?.();
      return new Response(answer ?? (self === server ? 'hello' : 'another server'));
    },
    websocket: { message: (socket, data) => socket.send(socket.data + ' ' + data) },
    ${options}
  });
`;

const PORT = `console.log('port', server.port);`;

/** One manager at such a server. */
const one = (config = {}, rest = '') => `
  ${PRELUDE}
  ${serve()}
  const manager = attach(server, '/ws', ${JSON.stringify(config)});
  ${rest}
  ${PORT}
`;

/** What the server's own sockets answer. */
async function askOwn({ url }: BunServer): Promise<string> {
  const socket = new WebSocket(url('/own'));
  socket.on('open', () => socket.send('x'));
  const [data] = await once(socket, 'message');
  socket.terminate();
  return String(data);
}

/** That the server's own routes and sockets are as they were. */
async function expectAsBefore(server: BunServer): Promise<void> {
  expect(await server.get('/')).toBe('hello');
  expect(await server.get('/route')).toBe('route');
  expect(await askOwn(server)).toBe('own x');
}

describe('a server', () => {
  test('goes on beside its managers and after them, and the process ends with all', async () => {
    const server = await bunServer(`
      ${PRELUDE}
      ${serve()}
      const one = attach(server, '/one');
      const two = attach(server, '/two');
      console.log(codeOf(() => attach(server, '/one')));
      asked['/close'] = () => one.close();
      asked['/end'] = () => {
        two.close();
        server.stop();
      };
      console.log('ready', JSON.stringify([await one.ready(), one.address()]), server.port);
      ${PORT}
    `);
    const { url, get, printed, end, port } = server;
    await printed(/^Error ERR_PATH_IN_USE /m);
    const address = JSON.stringify(server.address());
    expect((await printed(/^ready (.*) \d+$/m))[1]).toBe(`[${address},${address}]`);
    await Promise.all([exchange(url('/one')), exchange(url('/two'))]);
    await expectAsBefore(server);
    // A plain request for a manager's path is none of the manager's.
    expect(await get('/one')).toBe('hello');

    const client = closing(url('/one'));
    await client.opened;
    expect(await get('/close')).toBe('hello');
    expect(await client.ended).toEqual({ code: 1001, reason: 'Server shutting down' });
    expect(await refused(url('/one'))).toBe(200);
    await exchange(url('/two'), 1);
    await expectAsBefore(server);
    expect(port).toBeGreaterThan(0);
    expect(await get('/end')).toBe('hello');
    expect(await end).toMatchObject({ code: 0, signal: null, errors: '' });
  });

  test('may be given other handlers, before and after', async () => {
    const server = await bunServer(`
      ${PRELUDE}
      ${serve()}
      server.reload({ routes: { '/route': () => new Response('second') } });
      attach(server, '/ws');
      asked['/reload'] = () => {
        server.reload({
          fetch: () => new Response('third'),
          websocket: { message: (socket) => socket.send('third') },
        });
      };
      ${PORT}
    `);
    expect(await server.get('/route')).toBe('second');
    await exchange(server.url('/ws'), 1);
    const own = new WebSocket(server.url('/own'));
    await once(own, 'open');
    expect(await server.get('/reload')).toBe('hello');
    expect(await server.get('/')).toBe('third');
    expect(await server.get('/route')).toBe('second');
    own.send('x');
    expect(String((await once(own, 'message'))[0])).toBe('third');
    own.terminate();
    await exchange(server.url('/ws'), 1);
  });

  test('may have a route of its own on the path, which goes on for what is no upgrade', async () => {
    const server = await bunServer(`
      ${PRELUDE}
      const method = (text) => () => new Response(text);
      ${serve(`routes: {
        '/all': method('function'), '/static': new Response('static'),
        '/methods': { GET: method('GET'), POST: method('POST') },
      },`)}
      for (const path of ['/all', '/static', '/methods']) attach(server, path);
      ${PORT}
    `);
    expect(await server.get('/all')).toBe('function');
    for (let i = 0; i < 2; i += 1) expect(await server.get('/static')).toBe('static');
    expect(await server.get('/methods')).toBe('GET');
    const posted = await fetch(`http://127.0.0.1:${server.port}/methods`, { method: 'POST' });
    expect(await posted.text()).toBe('POST');
    for (const path of ['/all', '/static', '/methods']) await exchange(server.url(path), 1);
  });

  test('refuses a path that is none to Bun, and takes others after that', async () => {
    const server = await bunServer(`
      ${PRELUDE}
      ${serve()}
      for (let i = 0; i < 2; i += 1) {
        console.log(codeOf(() => attach(server, '/:id/:id')));
        attach(server, '/ws').close();
      }
      attach(server, '/ws');
      ${PORT}
    `);
    await server.printed(/^(\w*Error .*parameter[\s\S]*){2}/m);
    expect(await server.get('/')).toBe('hello');
    await exchange(server.url('/ws'), 1);
  });

  test('that --hot makes over has the handlers and managers that it was given last', async () => {
    const folder = mkdtempSync(join(PACKAGE_ROOT, 'target', 'hot-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'service.mjs');
    const service = (version: number) => `
      import { WebSocketManager } from '@libs/messaging';
      const server = Bun.serve({ port: 0, development: false, fetch: () => new Response('${version}') });
      const manager = WebSocketManager.fromHttpServer(server, { protocol: 'raw' });
      manager.on('data', (data, { socket }) => socket.send('${version} ' + data));
      const { managers } = (globalThis.seen ??= { managers: [] });
      managers.push(manager);
      const told = new WebSocket('ws://localhost:' + server.port + '/ws');
      told.onopen = () => told.send('x');
      told.onmessage = async ({ data }) => {
        managers.slice(0, -1).forEach((manager) => manager.close());
        console.log(managers.length, data, await (await fetch(server.url)).text());
      };
    `;
    writeFileSync(file, service(1));
    const { printed } = startBun('--hot', file);
    await printed(/^1 1 x 1$/m);
    // Bun may read the file while it is being written, and find it empty.
    const change = () => writeFileSync(file, service(2));
    const again = setInterval(change, 2000);
    onTestFinished(() => clearInterval(again));
    change();
    await printed(/^[2-9] 2 x 2$/m);
  });

  test('without sockets of its own reads no more of a message than the manager takes', async () => {
    const server = await bunServer(`
      ${PRELUDE}
      ${serve('websocket: undefined,')}
      attach(server, '/ws', { maxPayload: 1000 });
      ${PORT}
    `);
    await server.get('/');
    for (const [length, left] of [
      [1001, /^left 1009 /m],
      // What Bun refuses itself has no code for us.
      [100_000, /^left 1006 /m],
    ] as const) {
      const socket = new WebSocket(server.url('/ws'));
      await once(socket, 'open');
      socket.send('x'.repeat(length));
      expect((await once(socket, 'close'))[0]).toBe(1009);
      await server.printed(left);
    }
  });

  test('that compresses by itself', async () => {
    const server = await bunServer(`
      ${PRELUDE}
      ${serve('websocket: { perMessageDeflate: true, message() {} },')}
      attach(server, '/ws');
      ${PORT}
    `);
    const socket = new WebSocket(server.url('/ws'));
    await once(socket, 'open');
    expect(socket.extensions).toContain('permessage-deflate');
    socket.terminate();
    await exchange(server.url('/ws'), 3);
  });

  test('over TLS', async () => {
    const { key, cert } = certificate();
    const tls = JSON.stringify({ key: String(key), cert: String(cert) });
    const server = await bunServer(`
      ${PRELUDE}
      ${serve(`tls: ${tls},`)}
      attach(server, '/ws');
      ${PORT}
    `);
    await exchange(`wss://127.0.0.1:${server.port}/ws`, 3);
  });

  test('that was made before the package was imported has its fetch, and is warned of once', async () => {
    const server = await bunServer(`
      ${latePrelude(serve())}
      const managers = [attach(server, '/one'), attach(server, '/two')];
      asked['/close'] = () => {
        for (const manager of managers) manager.close();
      };
      let warnings = 0;
      for (const manager of managers) manager.on('warning', () => { warnings += 1; });
      asked['/warnings'] = () => String(warnings);
      setImmediate(() => console.log('told'));
      ${PORT}
    `);
    await server.printed(/^warning ERR_SERVER_HANDLERS\ntold$/m);
    expect(await server.get('/warnings')).toBe('1');
    await Promise.all([exchange(server.url('/one'), 3), exchange(server.url('/two'), 3)]);
    expect(await server.get('/')).toBe('hello');
    expect(await server.get('/route')).toBe('hello');
    expect(await server.get('/close')).toBe('hello');
    expect(await refused(server.url('/one'))).toBe(200);
    expect(await server.get('/')).toBe('hello');
  });

  test('that is none, was stopped, or hides is refused', async () => {
    const { printed } = startBun(
      '--eval',
      `
      import { Elysia } from 'elysia';
      import { node } from '@elysiajs/node';
      ${PRELUDE}
      ${serve()}
      await server.stop();
      const app = new Elysia({ adapter: node() });
      for (const what of [undefined, {}, server, app]) {
        console.log(codeOf(() => attach(what, '/ws')));
      }
    `,
    );
    const refusal = 'TypeError ERR_UNSUPPORTED_SERVER .*Bun\\.serve.*';
    const ends = ['undefined', 'plain object', 'closed already', 'app\\.listen\\(\\) is given'];
    await printed(new RegExp(ends.map((end) => `^${refusal}${end}\n`).join(''), 'm'));
  });
});

describe('the handshake', () => {
  const tell = `manager.on('connection', (connection, { url, headers, remoteAddress }) => {
    console.log('asked', url, remoteAddress, headers['x-name']);
  });`;

  test("is the engine's: what it refuses, and why", async () => {
    const server = await bunServer(one());
    for (const [headers, status] of [
      [{ 'Sec-WebSocket-Version': '8' }, 426],
      [{ 'Sec-WebSocket-Key': 'x' }, 400],
      [{ Connection: 'close' }, 400],
    ] as const) {
      const client = await RawClient.connect(server);
      client.write(request(headers));
      const response = await client.response();
      expect(response.status).toBe(status);
      expect(response.body).not.toBe('');
      if (status === 426) expect(response.headers['sec-websocket-version']).toBe('13');
    }
    await exchange(server.url('/ws'), 1);
  });

  test('keeps frames that came with the request', async () => {
    const server = await bunServer(one());
    for (let i = 0; i < 3; i += 1) {
      const client = await RawClient.connect(server);
      client.write(request(), text(`first ${i}`), text('second'));
      expect((await client.response()).status).toBe(101);
      expect(await client.text()).toBe(`first ${i}`);
      expect(await client.text()).toBe('second');
    }
  });

  test('is told to the host, and agrees on a subprotocol, but on no compression', async () => {
    const server = await bunServer(one({}, tell));
    const socket = new WebSocket(server.url('/ws?token=x'), ['chat', 'other'], {
      headers: { 'X-Name': 'caf\u00e9' },
    });
    await once(socket, 'open');
    expect([socket.protocol, socket.extensions]).toEqual(['chat', '']);
    await server.printed(/^asked \/ws\?token=x 127\.0\.0\.1 caf\u00e9$/m);
    socket.terminate();
  });

  test('is refused with 1013 to one too many', async () => {
    const server = await bunServer(one({ maxConnections: 1 }));
    await RawClient.open(server);
    expect((await (await RawClient.open(server)).closing()).code).toBe(1013);
  });

  test('of a client that has gone meanwhile leaves nothing behind', async () => {
    const count = `asked['/count'] = () => {
      const { totalConnections } = manager.getStats();
      return totalConnections + ' came, ' + manager.getConnectionCount() + ' are there';
    };`;
    const server = await bunServer(one({}, count));
    for (let i = 0; i < 50; i += 1) {
      const client = await RawClient.connect(server);
      client.write(request());
      client.destroy();
    }
    const counted = () => server.get('/count');
    await expect.poll(counted, { timeout: 10_000 }).toBe('50 came, 0 are there');
  });
});

describe('the end of a connection', () => {
  test('by the client, with a code and a reason, without, and without a word', async () => {
    const server = await bunServer(one());
    for (const [payload, echo, left] of [
      [closePayload(4001, 'caf\u00e9'), 4001, /^left 4001 caf\u00e9$/m],
      ['', undefined, /^left 1005 $/m],
    ] as const) {
      const client = await RawClient.open(server);
      client.write(frame(Opcode.close, payload));
      const { opcode, payload: answer } = await client.frame();
      expect(opcode).toBe(Opcode.close);
      expect(answer.length === 0 ? undefined : answer.readUInt16BE(0)).toBe(echo);
      await server.printed(left);
      await client.ended;
    }
    (await RawClient.open(server)).destroy();
    await server.printed(/^left 1006 $/m);
  });

  test('by the service, behind what was sent before', async () => {
    const server = await bunServer(
      one({}, "manager.on('data', (data, { socket }) => socket.close(4002, 'enough'));"),
    );
    const client = await RawClient.open(server);
    client.write(text('last'));
    expect(await client.text()).toBe('last');
    expect(await client.closing()).toEqual({ code: 4002, reason: 'enough' });
    await server.printed(/^left 4002 enough$/m);
    await client.ended;
  });

  test('by Bun, for a violation: the client has its code, the service 1006', async () => {
    const server = await bunServer(one());
    const client = await RawClient.open(server);
    client.write(frame(Opcode.text, Buffer.from([0xff])));
    expect((await client.closing()).code).toBe(1007);
    await server.printed(/^left 1006 $/m);
  });
});

describe('the heartbeat', () => {
  test('closes who is silent', async () => {
    const server = await bunServer(one({ heartbeatInterval: 150 }));
    const client = await RawClient.open(server);
    expect(await client.frame()).toMatchObject({ opcode: Opcode.ping });
    expect(await client.closing()).toEqual({ code: 1001, reason: 'Heartbeat timeout' });
    await client.ended;
    await server.printed(/^left 1006 Heartbeat timeout$/m);
  });

  test('lets live who answers, or pings', async () => {
    const server = await bunServer(one({ heartbeatInterval: 500 }));
    const client = await RawClient.open(server);
    // With each round the client would have been given up if the ones before had not counted.
    for (const opcode of [Opcode.pong, Opcode.ping, Opcode.pong]) {
      expect(await client.frame()).toMatchObject({ opcode: Opcode.ping });
      client.write(frame(opcode, 'x'));
      if (opcode === Opcode.ping) {
        expect(await client.frame()).toMatchObject({ opcode: Opcode.pong });
      }
    }
    expect(await client.ask('still')).toBe('still');
  });
});

describe('pressure', () => {
  test('a client that sends faster than the service takes is paused, and loses nothing', async () => {
    const server = await bunServer(
      one(
        {},
        `
        let paused = 0;
        const see = new WebSocket('ws://127.0.0.1:' + server.port + '/own');
        const prototype = await new Promise((resolve) => {
          server.reload({ websocket: { open: (socket) => resolve(Object.getPrototypeOf(socket)) } });
        });
        const { pause } = prototype;
        prototype.pause = function () {
          paused += 1;
          return pause.call(this);
        };
        // A service that is behind: each message takes it a while.
        manager.on('data', () => Bun.sleepSync(1));
        asked['/paused'] = () => String(paused > 0);
      `,
      ),
    );
    await exchange(server.url('/ws'), 60);
    expect(await server.get('/paused')).toBe('true');
  });

  test('a client that reads slowly gets all that was sent', async () => {
    const rest = `manager.on('data', (data, { socket }) => {
      for (let i = 0; i < 40; i += 1) socket.send(i + 'x'.repeat(1_000_000 * (i % 3)));
    });`;
    const server = await bunServer(one({}, rest));
    const client = await RawClient.open(server);
    client.write(text('go'));
    expect(await client.text()).toBe('go');
    client.pause();
    // What is answered now has come behind all that was sent.
    await server.get('/');
    client.resume();
    for (let i = 0; i < 40; i += 1) {
      const message = await client.text();
      expect([message.length, Number.parseInt(message, 10)]).toEqual([
        String(i).length + 1_000_000 * (i % 3),
        i,
      ]);
    }
  });

  test('a client for whom Bun drops a message is cut off, since a gap would follow', async () => {
    const options = `websocket: { backpressureLimit: 1000, closeOnBackpressureLimit: false, message() {} },`;
    const server = await bunServer(`
      ${PRELUDE}
      ${serve(options)}
      attach(server, '/ws');
      ${PORT}
    `);
    const client = await RawClient.open(server);
    client.pause();
    // Bun answers these by itself, until the network takes no more.
    const pings = Buffer.concat(
      Array.from({ length: 2000 }, () => frame(Opcode.ping, 'x'.repeat(125))),
    );
    for (let i = 0; i < 40; i += 1) client.write(pings);
    client.write(text('dropped'));
    await server.printed(/^left 1006 $/m);
  });

  test('a client that does not read is a slow consumer', async () => {
    const rest = `manager.on('data', (data, { socket }) => {
      const more = () => {
        if (socket.readyState === 1 && socket.send('x'.repeat(100_000))) setImmediate(more);
      };
      more();
    });`;
    const server = await bunServer(one({ closeTimeout: 200, maxBufferedAmount: 4_000_000 }, rest));
    const client = await RawClient.open(server);
    client.pause();
    client.write(text('go'));
    await server.printed(/^warning ERR_SLOW_CONSUMER$/m);
    // Whether Bun can still be given the Close frame depends on what the network has taken.
    await server.printed(/^left (1013 Slow consumer|1006 )$/m);
    client.resume();
    await client.ended;
  });
});

test('who is over the limits of its address is refused before the upgrade, like a bad origin', async () => {
  const server = await bunServer(
    one({ protocol: 'messaging', trustProxy: 'loopback', limits: { perIp: { connections: 1 } } }),
  );
  const connectAs = async (address: string) => {
    const client = await RawClient.connect(server);
    client.write(request({ 'X-Forwarded-For': address }));
    const { status } = await client.response();
    // It has its place for certain when it is greeted.
    if (status === 101) await client.frame();
    return status;
  };
  const seen = [await connectAs('203.0.113.7'), await connectAs('203.0.113.7')];
  expect([...seen, await connectAs('203.0.113.8')]).toEqual([101, 429, 101]);
});

/**
 * What else goes on at a server that a manager is attached to: other servers that hand their upgrades on, other copies
 * of the package, tracers, and hosts that look after their listeners.
 */
import { createServer, type IncomingMessage, Server } from 'node:http';
import { createSecureServer } from 'node:http2';
import { WebSocketManager, type WebSocketConfig } from '@libs/messaging';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { once } from 'node:events';
import { certificate, fetchText, hello, httpServer, listening } from './support/http-servers.js';
import { runNode } from './support/node-process.js';
import { RawClient, request } from './support/raw-client.js';
import { endAfterTest } from './support/test-manager.js';

const attach = (server: object, config?: WebSocketConfig) =>
  endAfterTest(WebSocketManager.fromHttpServer(server, config));

/** The status that an upgrade of this path is answered with. */
async function statusOf(server: Server, path: string): Promise<number> {
  const client = await RawClient.connect(server as unknown as WebSocketManager);
  client.write(request({}, `GET ${path} HTTP/1.1`));
  const { status } = await client.response();
  client.destroy();
  return status;
}

describe('upgrades', () => {
  test("may come by another server's hand, by what that took of this one before", async () => {
    const server = await httpServer();
    // As Fastify does it, for the other addresses of a name such as localhost.
    const second = await httpServer();
    second.on('upgrade', server.emit.bind(server, 'upgrade'));
    attach(server);
    expect(await statusOf(second, '/ws')).toBe(101);
    expect(await statusOf(second, '/other')).toBe(404);
  });

  test('of http/1 clients come by a server of http2 that allows them', async () => {
    const server = createSecureServer({ ...certificate(), allowHTTP1: true });
    onTestFinished(() => void server.close());
    attach(server, { protocol: 'raw' }).on('data', (data, { socket }) => socket.send(data));
    await listening(server as unknown as Server);
    const { port } = server.address() as { port: number };
    const socket = new WebSocket(`wss://127.0.0.1:${port}/ws`, { rejectUnauthorized: false });
    await once(socket, 'open');
    socket.send('x');
    expect(String((await once(socket, 'message'))[0])).toBe('x');
    socket.terminate();
  });

  test('that ask for another protocol wait for the answers to the requests before them', async () => {
    const server = await httpServer(({ url }, response) => {
      setTimeout(() => response.end(url), url === '/slow' ? 50 : 0);
    });
    const manager = attach(server);
    const client = await RawClient.connect(manager);
    const h2c = request({ Upgrade: 'h2c' }, 'GET /h2c HTTP/1.1');
    client.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n', h2c);
    expect([(await client.response()).body, (await client.response()).body]).toEqual([
      '/slow',
      '/h2c',
    ]);
  });

  test('go to a listener that is there alone, since the host took all others away', async () => {
    const server = await httpServer();
    attach(server);
    server.removeAllListeners('upgrade');
    const others = new WebSocketServer({ server, path: '/other' });
    expect(await statusOf(server, '/other')).toBe(101);
    expect(await statusOf(server, '/ws')).toBe(101);
    others.close();
  });

  test('of a server that says itself what an upgrade is: it still does, but for ours', async () => {
    const theirs = ({ url }: IncomingMessage) => url === '/theirs';
    // As newer Nodes take it, and ask.
    const server = Object.assign(await httpServer(), { shouldUpgradeCallback: theirs });
    const manager = attach(server);
    const isUpgrade = (url: string, upgrade: string) =>
      server.shouldUpgradeCallback({ url, headers: { upgrade } } as IncomingMessage);
    expect(isUpgrade('/ws?x', 'websocket')).toBe(true);
    expect(isUpgrade('/plain', 'websocket')).toBe(false);
    expect(isUpgrade('/theirs', 'websocket')).toBe(true);
    expect(isUpgrade('/theirs', 'h2c')).toBe(false);
    server.on('upgrade', (_, socket) => socket.destroy());
    expect(isUpgrade('/theirs', 'h2c')).toBe(true);
    expect(isUpgrade('/ws', 'h2c')).toBe(false);
    await manager.close();
    expect(server.shouldUpgradeCallback).toBe(theirs);
  });

  test('are dealt out between several copies of the package', async () => {
    const { output, errors } = await runNode(`
      import { createServer } from 'node:http';
      import { createRequire } from 'node:module';
      import { WebSocket } from 'ws';
      const require = createRequire(import.meta.url);
      const server = createServer((request, response) => response.end());
      for (const path of ['/one', '/two']) {
        for (const file of Object.keys(require.cache)) if (/dist|index.js/.test(file)) delete require.cache[file];
        const { WebSocketManager } = require('@libs/messaging');
        console.log(globalThis.first === WebSocketManager);
        globalThis.first ??= WebSocketManager;
        WebSocketManager.fromHttpServer(server, { path });
        if (path === '/two') {
          try {
            WebSocketManager.fromHttpServer(server, { path: '/one' });
          } catch ({ code }) {
            console.log(code);
          }
        }
      }
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      for (const path of ['/one', '/two', '/none']) {
        const socket = new WebSocket('ws://127.0.0.1:' + server.address().port + path);
        const status = await new Promise((resolve) => {
          socket.on('open', () => resolve(101));
          socket.on('unexpected-response', (_, { statusCode }) => resolve(statusCode));
        });
        console.log(path, status);
      }
      process.exit();
    `);
    expect([output, errors]).toEqual([
      'false\nfalse\nERR_PATH_IN_USE\n/one 101\n/two 101\n/none 404\n',
      '',
    ]);
  });
});

describe('a server', () => {
  test('whose own listener is not asked is told of in the warning about what nobody checks', async () => {
    const warnings: string[] = [];
    const logger = { info() {}, error() {}, warn: (text: string) => warnings.push(text) };
    const guarded = await httpServer();
    guarded.on('upgrade', (_, socket) => socket.destroy());
    await attach(guarded, { logger }).ready();
    expect(await statusOf(guarded, '/ws')).toBe(101);
    await attach(await httpServer(), { logger }).ready();
    expect(warnings).toEqual([
      expect.stringMatching(/nobody checks it.* 1 listener of its server .* not asked/),
      expect.not.stringContaining('listener'),
    ]);
  });

  test('that is told to listen and attached to in one turn is listened to once', async () => {
    // With a host it would listen a turn later.
    const server = createServer(hello).listen(0);
    onTestFinished(() => void server.close());
    const warn = vi.fn();
    const manager = attach(server, { logger: { info() {}, error() {}, warn } });
    const heard = vi.fn();
    manager.on('listening', heard);
    await manager.ready();
    // Both tell it in a turn of its own.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(heard).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledTimes(1);
  });

  test('sees what a tracer puts under it, meanwhile and after', async () => {
    const server = await httpServer();
    const manager = attach(server);
    const seen: unknown[] = [];
    const { emit } = Server.prototype;
    Server.prototype.emit = function (this: Server, ...args: [string]) {
      if (args[0] === 'request') seen.push(this === server);
      return emit.apply(this, args);
    } as typeof emit;
    onTestFinished(() => {
      Server.prototype.emit = emit;
    });
    await fetchText(server);
    await manager.close();
    await fetchText(server);
    expect(seen).toEqual([true, true]);
    expect(Object.hasOwn(server, 'emit')).toBe(false);
  });
});

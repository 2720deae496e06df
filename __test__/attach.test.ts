/**
 * A manager that is attached to a server of the host's own: upgrades of its path come to it, and all else
 * stays as it was.
 */
import { errorMonitor, once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { get as httpsGet } from 'node:https';
import { connect, createServer as createNetServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { WebSocketManager, type WebSocketConfig, type WebSocketRequest } from '@libs/messaging';
import express from 'express';
import { Hono } from 'hono';
import Koa from 'koa';
import { connectClient, flush } from '@libs/messaging/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { frame, Opcode, text } from './support/frames.js';
import {
  connectionsOf,
  fetchText,
  httpServer,
  httpsServer,
  listening,
  newHttpServer,
  portOf,
  unixServer,
} from './support/http-servers.js';
import { newNest } from './support/nest-app.js';
import { runNode } from './support/node-process.js';
import { RawClient, request } from './support/raw-client.js';
import { endAfterTest, nextEvent } from './support/test-manager.js';

/** Whether this Node hands over as upgrades only what its server says is one. */
const ASKS_FIRST = 'shouldUpgradeCallback' in createServer();

function attach(server: object, config?: WebSocketConfig): WebSocketManager {
  const manager = endAfterTest(WebSocketManager.fromHttpServer(server, config));
  manager.on('message', (message, { id }) => {
    manager.sendToConnection(id, message);
  });
  return manager;
}

/** Connects, has an answer, and leaves. Returns the close code. */
async function talk(url: string, options = {}): Promise<number> {
  const socket = new WebSocket(url, options);
  const messages: string[] = [];
  socket.on('message', (data) => {
    messages.push(JSON.parse(String(data)).type);
    if (messages.length === 1) socket.send(JSON.stringify({ type: 'chat', payload: 1 }));
    else socket.close(4000);
  });
  const [code] = await once(socket, 'close');
  expect(messages).toEqual(['connection', 'chat']);
  return code;
}

/** The status with which a handshake is refused. */
async function refused(url: string): Promise<number | undefined> {
  const socket = new WebSocket(url);
  const [, response] = await once(socket, 'unexpected-response');
  socket.on('error', () => {});
  socket.terminate();
  return (response as IncomingMessage).statusCode;
}

describe('a server', () => {
  test('over http: clients connect, and http goes on', async () => {
    const server = await httpServer();
    const manager = attach(server, { path: '/live' });
    expect(await manager.ready()).toEqual(server.address());
    const connected = nextEvent<[unknown, WebSocketRequest]>(manager, 'connection');
    const url = `ws://127.0.0.1:${portOf(server)}/live?token=x`;
    expect(await talk(url, { headers: { 'X-Name': 'caf\u00e9' } })).toBe(4000);
    const [, asking] = await connected;
    const { url: asked, headers, remoteAddress } = asking;
    expect(inspect(asking)).toContain("'x-name': 'caf\u00e9'");
    expect(JSON.parse(JSON.stringify(asking)).headers).toEqual({ ...headers });
    expect([asked, headers['x-name'], remoteAddress]).toEqual([
      '/live?token=x',
      'caf\u00e9',
      '127.0.0.1',
    ]);
    expect(await fetchText(server)).toBe('hello');
  });

  test('over https: the same through a bridge', async () => {
    const server = await httpsServer();
    const manager = attach(server);
    const url = `wss://127.0.0.1:${portOf(server)}/ws`;
    expect(await talk(url, { rejectUnauthorized: false })).toBe(4000);
    expect(manager.getStats().totalConnections).toBe(1);
  });

  test('on a Unix domain socket', async () => {
    const { server, path } = await unixServer();
    const manager = attach(server);
    expect(await manager.ready()).toEqual({ address: path, family: 'Unix', port: 0 });
    expect(await talk(`ws+unix://${path}:/ws`)).toBe(4000);
  });

  test('that listens later', async () => {
    const server = newHttpServer();
    const manager = attach(server);
    expect(manager.address()).toBeNull();
    const heard = nextEvent(manager, 'listening');
    await listening(server);
    expect(await heard).toEqual([server.address()]);
    expect(await talk(`ws://127.0.0.1:${portOf(server)}/ws`)).toBe(4000);
  });

  test('whose manager is closed before it listens', async () => {
    const server = newHttpServer();
    const manager = attach(server);
    const ready = manager.ready();
    manager.close();
    await expect(ready).rejects.toMatchObject({ code: 'ERR_MANAGER_CLOSED' });
  });

  test('that cannot listen: ready() rejects with its error, and resolves if it listens later', async () => {
    const taken = await httpServer();
    const server = newHttpServer();
    const manager = attach(server);
    const failed = once(server, 'error');
    const ready = manager.ready();
    server.listen(portOf(taken), '127.0.0.1');
    await expect(ready).rejects.toMatchObject({ code: 'EADDRINUSE', port: portOf(taken) });
    expect(await ready.catch((error) => error)).toBe((await failed)[0]);
    await expect(manager.ready()).rejects.toMatchObject({ code: 'EADDRINUSE' });

    const heard = nextEvent(manager, 'listening');
    // It takes a turn to look the host up: until then nothing else tells that it will listen.
    server.listen(0, '127.0.0.1');
    expect(await manager.ready()).toEqual(server.address());
    expect(await heard).toEqual([server.address()]);
    expect(await talk(`ws://127.0.0.1:${portOf(server)}/ws`)).toBe(4000);
    await manager.close();
    expect(server.listenerCount(errorMonitor)).toBe(0);
  });

  test('that is closed and listens again: ready() and listening tell its new address', async () => {
    const server = newHttpServer();
    const logger = { info() {}, warn: vi.fn(), error() {} };
    const manager = attach(server, { logger });
    const heard: unknown[] = [];
    manager.on('listening', (address) => heard.push(address));
    const addresses = [];
    for (let round = 0; round < 3; round += 1) {
      server.listen(0, '127.0.0.1');
      addresses.push(await manager.ready());
      expect(addresses.at(-1)).toEqual(server.address());
      expect(await talk(`ws://127.0.0.1:${portOf(server)}/ws`)).toBe(4000);
      server.close();
      await expect(manager.ready()).rejects.toMatchObject({ code: 'ERR_SERVER_CLOSED' });
      await once(server, 'close');
      await expect(manager.ready()).rejects.toMatchObject({ code: 'ERR_SERVER_CLOSED' });
    }
    expect(heard).toEqual(addresses);
    expect(logger.warn).toHaveBeenCalledTimes(1);
  });

  test('that is closed and told to listen in one turn: ready() waits for the new address', async () => {
    const server = await httpServer();
    const manager = attach(server);
    const before = await manager.ready();
    server.close();
    server.listen(0, '127.0.0.1');
    const after = await manager.ready();
    expect(after).toEqual(server.address());
    expect(after.port).not.toBe(before.port);
  });

  test('may have many managers', async () => {
    const server = newHttpServer();
    const warned = vi.fn();
    process.on('warning', warned);
    onTestFinished(() => void process.off('warning', warned));
    const managers = Array.from({ length: 12 }, (_, i) => attach(server, { path: `/${i}` }));
    await listening(server);
    await Promise.all(managers.map((manager) => manager.ready()));
    expect(warned).not.toHaveBeenCalled();
  });

  test.for([
    ['in the same turn', async () => await httpServer()],
    ['before it listens', async () => newHttpServer()],
    ['as soon as it is told to listen', async () => newHttpServer().listen(0)],
  ] as const)('that is closed %s: ready() rejects', async ([, make]) => {
    const server = await make();
    const manager = attach(server);
    const heard: unknown[] = [];
    manager.on('listening', (address) => heard.push(address));
    server.close();
    await expect(manager.ready()).rejects.toMatchObject({ code: 'ERR_SERVER_CLOSED' });
    expect([manager.address(), heard]).toEqual([null, []]);
    await listening(server);
    await nextEvent(manager, 'listening');
    expect(await manager.ready()).toEqual(server.address());
  });

  test('gets no second port, and all options apply', async () => {
    const server = await httpServer();
    const other = await httpServer();
    const port = portOf(other);
    other.close();
    const manager = attach(server, { port, maxConnections: 1, heartbeatInterval: 150 });
    const [refusal] = await once(connect(port, '127.0.0.1'), 'error');
    expect(refusal.code).toBe('ECONNREFUSED');
    const first = await RawClient.greeted(manager);
    expect((await (await RawClient.open(manager)).closing()).code).toBe(1013);
    while ((await first.frame()).opcode !== Opcode.ping);
    expect((await first.closing()).code).toBe(1001);
  });
});

describe('paths', () => {
  test('several managers share a server, each with its own, and may be closed apart', async () => {
    const server = await httpServer();
    const [one, two] = [attach(server, { path: '/one' }), attach(server, { path: '/two' })];
    const url = (path: string) => `ws://127.0.0.1:${portOf(server)}/${path}`;
    await talk(url('one'));
    await talk(url('two'));
    expect([one, two].map((manager) => manager.getStats().totalConnections)).toEqual([1, 1]);
    expect(() => attach(server, { path: '/one' })).toThrow(
      expect.objectContaining({ code: 'ERR_PATH_IN_USE' }),
    );
    one.close();
    expect(await refused(url('one'))).toBe(404);
    await talk(url('two'));
    await talk(`ws://127.0.0.1:${portOf(attachAgain(server))}/one`);
  });

  function attachAgain(server: Server): Server {
    attach(server, { path: '/one' });
    return server;
  }

  test('may come with a whole URL, whose path may be missing', async () => {
    const server = await httpServer();
    const manager = attach(server, { path: '/' });
    for (const target of ['http://host', 'http://host?a=/x', 'HTTP://host/?a', '/?a']) {
      const client = await RawClient.connect(manager);
      client.write(request({}, `GET ${target} HTTP/1.1`));
      expect([target, (await client.response()).status]).toEqual([target, 101]);
    }
  });

  test('that nobody owns are answered with 404, once', async () => {
    const server = await httpServer();
    const [first, second] = [attach(server), attach(server, { path: '/second' })];
    const client = await RawClient.connect(server as unknown as WebSocketManager);
    client.write(request({}, 'GET /other HTTP/1.1'));
    expect((await client.response()).status).toBe(404);
    expect([first, second].map((manager) => manager.getStats().refusals.not_found)).toEqual([1, 0]);
    await client.ended;
    await expect(client.frame()).rejects.toThrow('ended behind ""');
  });

  test('that ask for another protocol are plain requests, as they were without a manager', async () => {
    const server = await httpServer(async (incoming, response) => {
      let body = '';
      for await (const chunk of incoming) body += chunk;
      const { upgrade, connection, 'x-name': name } = incoming.headers;
      response.end(
        JSON.stringify([incoming.method, incoming.url, upgrade, connection, name, body]),
      );
    });
    const manager = attach(server);
    const client = await RawClient.connect(manager);
    const h2c = { Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': 'AAMA' };
    const plain = { 'X-Name': 'caf\u00e9', 'Content-Length': '4' };
    for (const path of ['/ws', '/other']) {
      const head = request({ ...h2c, ...plain }, `POST ${path} HTTP/1.1`);
      client.write(Buffer.from(head, 'latin1'), 'bo');
      client.write('dy');
      const { status, body } = await client.response();
      expect([status, JSON.parse(body)]).toEqual([
        200,
        ['POST', path, ASKS_FIRST ? 'h2c' : null, 'Upgrade, HTTP2-Settings', 'caf\u00e9', 'body'],
      ]);
    }
    // The connection is still what it was, and may become one of ours.
    client.write(request());
    expect((await client.response()).status).toBe(101);
    expect((await client.message()).type).toBe('connection');
    expect(await connectionsOf(server)).toBe(1);
  });

  test('that ask for another protocol, over TLS', async () => {
    const server = await httpsServer();
    attach(server);
    const options = { port: portOf(server), agent: false, rejectUnauthorized: false };
    const headers = { Connection: 'Upgrade', Upgrade: 'h2c' };
    const [response] = await once(httpsGet({ ...options, headers }), 'response');
    expect(response.statusCode).toBe(200);
    response.resume();
  });

  test('that ask for another protocol go to others who listen for upgrades', async () => {
    const server = await httpServer();
    attach(server);
    const asked: unknown[] = [];
    server.on('upgrade', ({ url, headers }, socket) => {
      asked.push([url, headers.upgrade]);
      socket.end('HTTP/1.1 418 Other\r\n\r\n');
    });
    const client = await RawClient.connect(server as unknown as WebSocketManager);
    client.write(request({ Upgrade: 'h2c' }));
    expect((await client.response()).status).toBe(418);
    expect(asked).toEqual([['/ws', 'h2c']]);
  });

  test.for(['before', 'after'])('of others stay theirs: a listener added %s', async (when) => {
    const server = await httpServer();
    const addOther = () => new WebSocketServer({ server, path: '/other' });
    const other = when === 'before' ? addOther() : undefined;
    const manager = attach(server);
    const others = other ?? addOther();
    others.on('connection', (socket) => socket.close(4321));
    const socket = new WebSocket(`ws://127.0.0.1:${portOf(server)}/other`);
    expect((await once(socket, 'close'))[0]).toBe(4321);
    expect(await talk(`ws://127.0.0.1:${portOf(server)}/ws`)).toBe(4000);
    manager.close();
    const again = new WebSocket(`ws://127.0.0.1:${portOf(server)}/other`);
    expect((await once(again, 'close'))[0]).toBe(4321);
    others.close();
  });
});

describe('the hand-over', () => {
  test('keeps bytes that came with the request', async () => {
    const server = await httpServer();
    const manager = attach(server);
    const client = await RawClient.connect(manager);
    client.write(request(), text({ type: 'chat', payload: 1 }), frame(Opcode.ping, 'x'));
    expect((await client.response()).status).toBe(101);
    expect((await client.message()).type).toBe('connection');
    expect((await client.frame()).opcode).toBe(Opcode.pong);
    expect((await client.message()).type).toBe('chat');
  });

  test('waits for the response to an earlier request, and keeps a megabyte that comes meanwhile', async () => {
    const long = 'x'.repeat(8_000_000);
    const server = await httpServer((_, response) => response.end(long));
    const manager = attach(server, { protocol: 'raw', maxPayload: 10_000 });
    const received: string[] = [];
    manager.on('data', (data) => received.push(String(data)));
    const client = await RawClient.connect(manager);
    client.pause();
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', request());
    const messages = Array.from({ length: 130 }, (_, i) => `${i} ${'y'.repeat(8000)}`);
    for (const message of messages) client.write(text(message));
    client.resume();
    const first = await client.response();
    expect([first.status, first.body.length]).toEqual([200, long.length]);
    expect((await client.response()).status).toBe(101);
    client.write(frame(Opcode.ping));
    expect((await client.frame()).opcode).toBe(Opcode.pong);
    while (received.length < messages.length) await nextEvent(manager, 'data');
    expect(received).toEqual(messages);
  });

  test('answers bad requests as the manager on its own port does', async () => {
    const server = await httpServer();
    const manager = attach(server);
    for (const [line, headers, status] of [
      ['POST /ws HTTP/1.1', {}, 400],
      ['GET /ws HTTP/1.1', { 'Sec-WebSocket-Version': '8' }, 426],
      ['GET /ws HTTP/1.1', { 'Sec-WebSocket-Key': 'x' }, 400],
      ['GET /ws HTTP/1.1', { 'Sec-WebSocket-Extensions': ';' }, 400],
    ] as const) {
      const client = await RawClient.connect(manager);
      client.write(request(headers, line));
      expect((await client.response()).status).toBe(status);
      await client.ended;
    }
    expect(manager.getStats().refusals).toMatchObject({ bad_request: 3, unsupported_version: 1 });
  });
});

describe('the server goes on', () => {
  test('counting the connections, and its close() waits for them', async () => {
    const server = await httpServer();
    const manager = attach(server);
    const clients = await Promise.all([1, 2, 3].map(() => connectClient(manager)));
    expect(await connectionsOf(server)).toBe(3);
    await clients[0]?.close();
    await expect.poll(() => connectionsOf(server)).toBe(2);
    server.closeAllConnections();
    await flush(manager);
    expect(manager.getConnectionCount()).toBe(2);

    const closed = once(server, 'close');
    server.close();
    manager.broadcast({ type: 'last', payload: null });
    await clients[1]?.next('last');
    await Promise.all(clients.map((client) => client.close()));
    await closed;
  });

  test('without a manager that was closed, whose clients get 1001', async () => {
    const server = await httpServer();
    const before = server.emit;
    const manager = attach(server);
    const client = await connectClient(manager);
    manager.close();
    expect((await client.closed).code).toBe(1001);
    expect(await fetchText(server)).toBe('hello');
    expect(server.listenerCount('upgrade')).toBe(0);
    expect(server.emit).toBe(before);
    expect(manager.address()).toBeNull();
    // And may be attached to again.
    attach(server);
    expect(await talk(`ws://127.0.0.1:${portOf(server)}/ws`)).toBe(4000);
  });

  test('destroying sockets if it likes to: their connections end with 1006', async () => {
    for (const server of [await httpServer(), await httpsServer()]) {
      const sockets: Socket[] = [];
      server.on('connection', (socket) => sockets.push(socket));
      const manager = attach(server);
      const left = nextEvent<[unknown, number]>(manager, 'disconnect');
      const secure = 'setSecureContext' in server;
      const url = `${secure ? 'wss' : 'ws'}://127.0.0.1:${portOf(server)}/ws`;
      const socket = new WebSocket(url, { rejectUnauthorized: false });
      await once(socket, 'message');
      const closed = once(socket, 'close');
      sockets[0]?.destroy();
      expect((await left)[1]).toBe(1006);
      expect((await closed)[0]).toBe(1006);
    }
  });
});

describe('a process with an attached manager', () => {
  const SCRIPT = `
    import http from 'node:http';
    import { once } from 'node:events';
    import { WebSocket } from 'ws';
    import { WebSocketManager } from '@libs/messaging';
    const server = http.createServer();
    const manager = WebSocketManager.fromHttpServer(server);
    server.listen(0, '127.0.0.1');
    await manager.ready();
    const socket = new WebSocket('ws://127.0.0.1:' + server.address().port + '/ws');
    await once(socket, 'message');
  `;

  test('ends when its server and its clients do, without a close of the manager', async () => {
    const end = `server.close(); socket.close(); await once(socket, 'close'); console.log('over');`;
    expect(await runNode(SCRIPT + end)).toMatchObject({ code: 0, output: 'over\n', errors: '' });
  });

  test('ends of an error of its server that nobody handles', async () => {
    const { code, errors } = await runNode(`
      import http from 'node:http';
      import { WebSocketManager } from '@libs/messaging';
      const taken = http.createServer().listen(0, () => {
        const server = http.createServer();
        WebSocketManager.fromHttpServer(server).ready().catch(() => {});
        server.listen(taken.address().port);
      });
    `);
    expect([code, errors]).toEqual([1, expect.stringContaining('EADDRINUSE')]);
  });

  test('ends after both are closed', async () => {
    const end = `manager.close(); server.close(); await once(socket, 'close'); console.log('over');`;
    expect(await runNode(SCRIPT + end)).toMatchObject({ code: 0, output: 'over\n', errors: '' });
  });
});

describe('what is no server', () => {
  test.for([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'http://localhost'],
    ['a plain object', {}],
    ['a function', () => {}],
    ['a server of net', createNetServer()],
  ] as const)('%s is a TypeError that names what is supported', ([, value]) => {
    expect(() => WebSocketManager.fromHttpServer(value as object)).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        code: 'ERR_UNSUPPORTED_SERVER',
        message: expect.stringContaining('http or https server'),
      }),
    );
  });

  test.for([
    ['Nest', () => newNest(), 'app.getHttpServer()'],
    ['Express', () => express(), 'app.listen() returns'],
    ['Koa', () => new Koa(), 'app.listen() returns'],
    ['Hono', () => new Hono(), 'serve() of @hono/node-server'],
    ['an http/2 server', () => createHttp2Server(), 'got an object of Http2Server'],
  ] as const)('the app of %s is one: what to pass instead is told', async ([, make, advice]) => {
    const app = await make();
    expect(() => WebSocketManager.fromHttpServer(app)).toThrow(
      expect.objectContaining({
        code: 'ERR_UNSUPPORTED_SERVER',
        message: expect.stringContaining(advice),
      }),
    );
  });

  test('what throws when it is read is one, and the error is the cause', () => {
    const fault = new Error('a getter');
    const value = {
      get server() {
        throw fault;
      },
    };
    expect(() => WebSocketManager.fromHttpServer(value)).toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED_SERVER', cause: fault }),
    );
  });

  test('a server that was closed is one as well', async () => {
    const server = await httpServer();
    server.close();
    await once(server, 'close');
    expect(() => WebSocketManager.fromHttpServer(server)).toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED_SERVER' }),
    );
  });

  test('wrong options leave the server alone', async () => {
    const server = await httpServer();
    expect(() => WebSocketManager.fromHttpServer(server, { maxPayload: -1 })).toThrow(RangeError);
    expect(server.listenerCount('upgrade')).toBe(0);
  });
});

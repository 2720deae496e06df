/**
 * Attached servers whose clients, streams or hosts do not do what they should: no socket stays behind, no
 * byte is lost, and nobody else notices.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { WebSocketManager, type WebSocketConfig, type WebSocketRequest } from '@libs/messaging';
import { connectClient, flush } from '@libs/messaging/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { endWithin } from '../lib/attach/ends.js';
import { frame, Opcode, text } from './support/frames.js';
import {
  connectionsOf,
  hello,
  httpServer,
  httpsServer,
  listening,
  portOf,
} from './support/http-servers.js';
import { RawClient, request } from './support/raw-client.js';
import { endAfterTest, nextEvent } from './support/test-manager.js';

const PLAIN = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const LONG = 'x'.repeat(8_000_000);

function attach(server: object, config?: WebSocketConfig): WebSocketManager {
  return endAfterTest(WebSocketManager.fromHttpServer(server, config));
}

/** Lets a host meddle with each upgrade before the manager gets it, when `pass` is called. */
function onUpgrade(server: Server, meddle: (socket: Duplex, pass: () => void) => unknown): void {
  const { emit } = server;
  server.emit = function (this: Server, event: string, ...args: unknown[]) {
    const pass = () => Reflect.apply(emit, this, [event, ...args]);
    if (event !== 'upgrade') return pass();
    meddle(args[1] as Duplex, pass);
    return true;
  } as Server['emit'];
}

/** A TLS client after its request, which reads nothing. */
async function secureClient(server: Server): Promise<TLSSocket> {
  const client = connectTls({ port: portOf(server), rejectUnauthorized: false });
  onTestFinished(() => void client.destroy());
  client.on('error', () => {});
  await once(client, 'secureConnect');
  client.write(request());
  return client;
}

/** A connection that is no socket. What is written to it waits until it is `open`. */
class Pipe extends Duplex {
  written = Buffer.alloc(0);
  #held: (() => void) | undefined;
  #open: boolean;

  constructor(open = true) {
    super();
    this.#open = open;
  }

  open(): void {
    this.#open = true;
    this.#held?.();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: unknown, done: () => void): void {
    const write = () => {
      this.written = Buffer.concat([this.written, chunk]);
      done();
    };
    if (this.#open) write();
    else this.#held = write;
  }

  override _final(done: () => void): void {
    done();
  }
}

describe('an upgrade that nobody owns', () => {
  test.for(['stays', 'sends more'])('leaves no socket behind, if its client %s', async (does) => {
    const server = await httpServer();
    attach(server);
    const client = connect({ port: portOf(server), allowHalfOpen: true });
    onTestFinished(() => void client.destroy());
    client.on('error', () => {});
    client.write(request({}, 'GET /other HTTP/1.1'));
    expect(String((await once(client, 'data'))[0])).toContain('HTTP/1.1 404 ');
    if (does === 'sends more') client.end('more');
    await expect.poll(() => connectionsOf(server)).toBe(0);
  });

  test('may break while it is refused', async () => {
    const server = await httpServer();
    attach(server);
    const broken = new Duplex({
      read() {},
      write: (_chunk, _encoding, done) => done(new Error('gone')),
    });
    const headers = { upgrade: 'websocket' };
    server.emit('upgrade', { url: '/other', headers } as IncomingMessage, broken, Buffer.alloc(0));
    await expect.poll(() => broken.destroyed).toBe(true);
  });

  test('is refused behind the answer to an earlier request', async () => {
    const server = await httpServer((_, response) => setTimeout(() => response.end('late'), 50));
    attach(server);
    const client = await RawClient.connect(server as unknown as WebSocketManager);
    client.write(PLAIN, request({}, 'GET /other HTTP/1.1'));
    expect((await client.response()).body).toBe('late');
    expect((await client.response()).status).toBe(404);
  });
});

describe('an earlier request on the connection', () => {
  test('is answered first, however late, and its time limits do not count afterwards', async () => {
    const server = await httpServer((_, response) => setTimeout(() => response.end('late'), 50));
    server.keepAliveTimeout = 100;
    const manager = attach(server);
    const client = await RawClient.connect(manager);
    client.write(PLAIN, PLAIN, request(), frame(Opcode.ping, 'x'));
    expect((await client.response()).body).toBe('late');
    expect((await client.response()).body).toBe('late');
    expect((await client.response()).status).toBe(101);
    expect((await client.message()).type).toBe('connection');
    expect((await client.frame()).opcode).toBe(Opcode.pong);
    await sleep(400);
    client.write(frame(Opcode.ping, 'x'));
    expect((await client.frame()).opcode).toBe(Opcode.pong);
  });

  test('is waited for no longer than a handshake', async () => {
    const server = await httpServer((_, response) => response.end(LONG));
    const manager = attach(server, { handshakeTimeout: 200 });
    const client = await RawClient.connect(manager);
    client.pause();
    client.write(PLAIN, request());
    await once(server, 'request');
    await expect.poll(() => connectionsOf(server), { timeout: 5000 }).toBe(0);
  });

  test('is not waited for when the manager closes', async () => {
    const server = await httpServer((_, response) => response.end(LONG));
    const manager = attach(server);
    const client = await RawClient.connect(manager);
    client.pause();
    client.write(PLAIN, request());
    await once(server, 'request');
    await sleep(50);
    await manager.shutdown({ timeout: 0 });
    await expect.poll(() => connectionsOf(server)).toBe(0);
  });
});

describe('a host', () => {
  test('may hand an upgrade on late: what came meanwhile is not lost', async () => {
    const server = await httpServer();
    const manager = attach(server, { protocol: 'raw' });
    onUpgrade(server, (_, pass) => setTimeout(pass, 20));
    const received: string[] = [];
    manager.on('data', (data) => received.push(String(data)));
    const messages = Array.from({ length: 200 }, (_, i) => `${i} ${'y'.repeat(8000)}`);
    for (let round = 0; round < 3; round += 1) {
      received.length = 0;
      const client = await RawClient.connect(manager);
      client.write(request());
      for (const message of messages) client.write(text(message));
      await expect.poll(() => received.length, { timeout: 5000 }).toBe(messages.length);
      expect(received).toEqual(messages);
      client.destroy();
      await nextEvent(manager, 'disconnect');
    }
  });

  test('may have set a time limit, which is for requests', async () => {
    const server = await httpServer();
    server.on('connection', (socket) => socket.setTimeout(100, () => socket.destroy()));
    const manager = attach(server);
    const client = await RawClient.greeted(manager);
    await sleep(400);
    client.write(frame(Opcode.ping, 'x'));
    expect((await client.frame()).opcode).toBe(Opcode.pong);
  });

  test.for([
    ['http', httpServer],
    ['https', httpsServer],
  ] as const)('may have set an encoding, over %s', async ([, start]) => {
    const server = await start();
    const manager = attach(server, { protocol: 'raw' });
    onUpgrade(server, (socket, pass) => {
      // Node's http server puts one that throws over it.
      Duplex.prototype.setEncoding.call(socket, 'latin1');
      setTimeout(pass, 50);
    });
    const received: unknown[] = [];
    manager.on('data', (data) => received.push(data));
    const client =
      start === httpServer ? await RawClient.connect(manager) : await secureClient(server);
    if (client instanceof RawClient) client.write(request());
    await sleep(20);
    client.write(text('caf\u00e9'));
    await expect.poll(() => received).toEqual(['caf\u00e9']);
    client.write(text('\u00fc'));
    await expect.poll(() => received).toEqual(['caf\u00e9', '\u00fc']);
  });

  test('may destroy a socket before it hands it on', async () => {
    const server = await httpServer();
    const manager = attach(server);
    onUpgrade(server, (socket, pass) => {
      socket.destroy();
      pass();
    });
    const client = await RawClient.connect(manager);
    client.write(request());
    await client.ended;
    await flush(manager);
    expect(manager.getStats()).toMatchObject({ totalConnections: 0, connections: 0 });
  });

  test('may destroy a socket as soon as it is handed on', async () => {
    const server = await httpServer();
    const manager = attach(server);
    onUpgrade(server, (socket, pass) => {
      pass();
      socket.destroy();
    });
    const clients = Array.from({ length: 50 }, async () => {
      const client = await RawClient.connect(manager);
      client.write(request());
      await client.ended;
    });
    await Promise.all(clients);
    await expect.poll(() => manager.getConnectionCount()).toBe(0);
    expect(await connectionsOf(server)).toBe(0);
  });
});

describe('a client over TLS', () => {
  test('that never reads is let go by the time its closing may take', async () => {
    const server = await httpsServer();
    const manager = attach(server, {
      protocol: 'raw',
      closeTimeout: 300,
      maxBufferedAmount: 20_000_000,
    });
    manager.on('connection', ({ socket }) => {
      for (let i = 0; i < 200; i += 1) socket.send('x'.repeat(60_000));
    });
    const connected = nextEvent(manager, 'connection');
    const client = await secureClient(server);
    client.pause();
    await connected;
    await manager.shutdown({ timeout: 100 });
    await expect.poll(() => connectionsOf(server)).toBe(0);
  });

  test('that ends without a Close frame is disconnected', async () => {
    const server = await httpsServer();
    const manager = attach(server);
    const left = nextEvent<[unknown, number]>(manager, 'disconnect');
    const client = await secureClient(server);
    await once(client, 'data');
    client.end();
    expect((await left)[1]).toBe(1006);
  });
});

describe('a connection that is no socket', () => {
  async function serverWith(pipe: Pipe): Promise<Server> {
    const server = await listening(createServer(hello));
    onTestFinished(() => void server.close());
    server.emit('connection', pipe);
    return server;
  }

  test('is served, and ended', async () => {
    const pipe = Object.assign(new Pipe(), { remoteAddress: 'fe80::1%eth0', remotePort: 7 });
    const manager = attach(await serverWith(pipe));
    const connected = nextEvent<[unknown, WebSocketRequest]>(manager, 'connection');
    pipe.push(request());
    const [, { remoteAddress, remotePort }] = await connected;
    expect([remoteAddress, remotePort]).toEqual(['fe80::1', 7]);
    await expect.poll(() => String(pipe.written)).toContain('connectionId');
    manager.close();
    pipe.push(null);
    await expect.poll(() => pipe.destroyed).toBe(true);
    expect(String(pipe.written)).toContain('Server shutting down');
  });

  test('may end without a Close frame', async () => {
    const pipe = new Pipe();
    const manager = attach(await serverWith(pipe));
    const left = nextEvent<[unknown, number]>(manager, 'disconnect');
    pipe.push(request());
    await expect.poll(() => String(pipe.written)).toContain('connectionId');
    pipe.push(null);
    expect((await left)[1]).toBe(1006);
    await expect.poll(() => pipe.destroyed).toBe(true);
  });

  test('that takes no output is not read beyond what the engine has room for', async () => {
    const pipe = new Pipe(false);
    const manager = attach(await serverWith(pipe), { limits: { messagesPerSecond: false } });
    pipe.push(request());
    await expect.poll(() => manager.getConnectionCount()).toBe(1);
    const pings = Buffer.concat(
      Array.from({ length: 500 }, () => frame(Opcode.ping, 'p'.repeat(120))),
    );
    let pushed = 0;
    while (pushed < 100 && !pipe.isPaused()) {
      pipe.push(pings);
      pushed += 1;
      await sleep(5);
    }
    expect(pipe.isPaused()).toBe(true);
    pipe.open();
    const pongs = () => pipe.written.toString('latin1').split('\x8ax').length - 1;
    await expect.poll(pongs, { timeout: 5000 }).toBe(pushed * 500);
  });

  test('that throws ends by itself: it is an error event, and others go on', async () => {
    const pipe = new Pipe();
    const server = await serverWith(pipe);
    const manager = attach(server);
    const other = await connectClient(manager);
    const failed = nextEvent<[Error]>(manager, 'error');
    pipe.write = () => {
      throw new Error('none of yours');
    };
    pipe.push(request());
    expect((await failed)[0]).toMatchObject({ code: 'ERR_INTERNAL' });
    expect(pipe.destroyed).toBe(true);
    await expect.poll(() => manager.getConnectionCount()).toBe(1);
    manager.broadcast({ type: 'after', payload: null });
    await other.next('after');
  });

  test('is destroyed though it never takes its end', async () => {
    const pipe = new Pipe(false);
    pipe.write('x');
    endWithin(pipe, 20);
    await once(pipe, 'close');
    const finished = new Pipe();
    finished.end('x');
    await once(finished, 'finish');
    endWithin(finished, 60_000);
    expect(finished.destroyed).toBe(true);
  });
});

describe('fromHttpServer', () => {
  test('reads options that are inherited, as the constructor does', async () => {
    const server = await httpServer();
    const manager = attach(server, Object.create({ path: '/inherited' }));
    await connectClient(manager);
    const client = await RawClient.connect(manager);
    client.write(request({}, 'GET /inherited HTTP/1.1'));
    expect((await client.response()).status).toBe(101);
  });

  test('of a subclass makes one of that, and works as a function of its own', async () => {
    class Chat extends WebSocketManager {
      constructor(config?: WebSocketConfig) {
        super({ ...config, path: '/chat' });
      }
    }
    const server = await httpServer();
    const chat = endAfterTest(Chat.fromHttpServer(server));
    expect(chat).toBeInstanceOf(Chat);
    expect(chat.address()).toEqual(server.address());
    const { fromHttpServer } = WebSocketManager;
    const plain = endAfterTest(fromHttpServer(server));
    expect(plain.address()).toEqual(server.address());
    await Promise.all([chat, plain].map((manager) => connectClient(manager)));

    class Broken extends WebSocketManager {
      constructor() {
        if (server.listening) throw new Error('no');
        super();
      }
    }
    expect(() => Broken.fromHttpServer(server)).toThrow('no');
    const own = endAfterTest(new WebSocketManager({ port: 0, host: '127.0.0.1' }));
    expect(own.address()).not.toEqual(server.address());
  });
});

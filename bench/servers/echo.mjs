// An echo whose program gets each message and sends it back: `settings.library` on a port of its own or attached
// to a server of Node's, as `settings.place` says.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { WebSocketServer } from 'ws';
import { serveControl, settings } from './harness.mjs';
import { connectionId, MAX_PAYLOAD, welcome } from './wire.mjs';

const { WebSocketManager } = createRequire(import.meta.url)('../../index.js');

const HOST = '127.0.0.1';
const WELCOME = JSON.stringify(welcome(connectionId()));

const places = {
  own: () => undefined,
  http: () => createServer(),
  // As where sockets have no descriptors (Windows), so that their bytes pass through the JavaScript thread;
  // without TLS, whose cost would cover what that costs.
  bytes: () =>
    createServer().on('connection', (socket) =>
      Object.defineProperty(socket._handle, 'fd', { value: -1 }),
    ),
};

const libraries = {
  messaging(server) {
    const options = { path: '/ws', protocol: 'raw', maxConnections: 100_000 };
    const manager =
      server === undefined
        ? new WebSocketManager({ ...options, port: 0, host: HOST })
        : WebSocketManager.fromHttpServer(server, options);
    manager.on('connection', ({ socket }) => socket.send(WELCOME));
    manager.on('data', (data, { socket }) => socket.send(data));
    return { emitter: manager, connections: () => manager.getConnectionCount() };
  },
  // What comes is a Buffer, and goes back as it is: no string is made of it.
  ws(server) {
    let connections = 0;
    const where = server === undefined ? { port: 0, host: HOST } : { server };
    const options = { path: '/ws', clientTracking: false, maxPayload: MAX_PAYLOAD };
    const sockets = new WebSocketServer({ ...where, ...options, perMessageDeflate: false });
    sockets.on('connection', (socket) => {
      connections += 1;
      socket.on('close', () => (connections -= 1));
      socket.on('error', () => socket.terminate());
      socket.on('message', (data, binary) => socket.send(data, { binary }));
      socket.send(WELCOME);
    });
    return { emitter: sockets, connections: () => connections };
  },
};

const server = places[settings.place]();
const { emitter, connections } = libraries[settings.library](server);
server?.listen(0, HOST);
await once(server ?? emitter, 'listening');

serveControl({ port: (server ?? emitter).address().port, connections });

// Bun's own server with its publish(), which serialises once and fans out in native code.
import { serveControl, settings } from './harness.mjs';
import { answer, connectionId, MAX_PAYLOAD, now, welcome } from './wire.mjs';

const EVERYBODY = 'everybody';
const compress = settings.deflate ?? false;
const connections = new Map();

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch(request, bun) {
    if (new URL(request.url).pathname !== '/ws') return new Response(null, { status: 404 });
    if (bun.upgrade(request, { data: { id: connectionId() } })) return undefined;
    return new Response(null, { status: 400 });
  },
  websocket: {
    perMessageDeflate: compress,
    maxPayloadLength: MAX_PAYLOAD,
    open(socket) {
      connections.set(socket.data.id, socket);
      socket.subscribe(EVERYBODY);
      socket.send(encode(welcome(socket.data.id)));
    },
    message(socket, text) {
      const members = {
        subscribe: (topic) => socket.subscribe(`topic:${topic}`),
        join: (room) => socket.subscribe(`room:${room}`),
      };
      socket.send(encode(answer(text, members)));
    },
    close(socket) {
      connections.delete(socket.data.id);
    },
  },
});

function encode(message) {
  return JSON.stringify({ ...message, timestamp: message.timestamp || now() });
}

serveControl({
  port: server.port,
  broadcast: (message) => server.publish(EVERYBODY, encode(message), compress),
  publish: (topic, message) => server.publish(`topic:${topic}`, encode(message), compress),
  sendToRoom: (room, message) => server.publish(`room:${room}`, encode(message), compress),
  connections: () => connections.size,
});

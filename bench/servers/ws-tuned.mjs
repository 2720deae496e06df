// npm `ws` as well as one uses it by its public API: a message is serialised and encoded once,
// topics have lists of their own, compression is off unless a row asks for it.
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { serveControl, settings } from './harness.mjs';
import { answer, connectionId, MAX_PAYLOAD, now, welcome } from './wire.mjs';

const TEXT = { binary: false };
const connections = new Map();
const topics = new Map();
const rooms = new Map();

const server = new WebSocketServer({
  port: 0,
  host: '127.0.0.1',
  path: '/ws',
  perMessageDeflate: settings.deflate ?? false,
  clientTracking: false,
  maxPayload: MAX_PAYLOAD,
});

server.on('connection', (socket) => {
  const id = connectionId();
  const joined = [];
  const add = (groups, name) => {
    const group = groups.get(name) ?? new Set();
    groups.set(name, group);
    group.add(socket);
    joined.push([groups, name, group]);
  };
  const members = {
    subscribe: (topic) => add(topics, topic),
    join: (room) => add(rooms, room),
  };
  connections.set(id, socket);
  socket.on('message', (data) => socket.send(encode(answer(data, members)), TEXT));
  socket.on('close', () => {
    connections.delete(id);
    for (const [groups, name, group] of joined) {
      group.delete(socket);
      if (group.size === 0) groups.delete(name);
    }
  });
  socket.on('error', () => socket.terminate());
  socket.send(encode(welcome(id)), TEXT);
});

function encode(message) {
  return Buffer.from(JSON.stringify({ ...message, timestamp: message.timestamp || now() }));
}

function sendToAll(sockets, message) {
  const data = encode(message);
  let count = 0;
  for (const socket of sockets) {
    if (socket.readyState !== WebSocket.OPEN) continue;
    socket.send(data, TEXT);
    count += 1;
  }
  return count;
}

await once(server, 'listening');

serveControl({
  port: server.address().port,
  broadcast: (message) => sendToAll(connections.values(), message),
  publish: (topic, message) => sendToAll(topics.get(topic) ?? [], message),
  sendToRoom: (room, message) => sendToAll(rooms.get(room) ?? [], message),
  connections: () => connections.size,
});

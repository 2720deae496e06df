// npm `ws` in the way of the library that this package replaces: each send walks all connections,
// and serialises the message for each receiver.
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { serveControl } from './harness.mjs';
import { answer, connectionId, MAX_PAYLOAD, now, welcome } from './wire.mjs';

const connections = new Map();
const rooms = new Map();

const server = new WebSocketServer({
  port: 0,
  host: '127.0.0.1',
  path: '/ws',
  perMessageDeflate: true,
  maxPayload: MAX_PAYLOAD,
});

server.on('connection', (socket) => {
  const id = connectionId();
  const connection = { id, socket, subscriptions: new Set(), lastHeartbeat: new Date() };
  connections.set(id, connection);
  const members = {
    subscribe: (topic) => connection.subscriptions.add(topic),
    join: (room) => {
      if (!rooms.has(room)) rooms.set(room, new Set());
      rooms.get(room).add(id);
    },
  };
  socket.on('message', (data) => {
    connection.lastHeartbeat = new Date();
    send(connection, answer(data.toString(), members));
  });
  socket.on('pong', () => {
    connection.lastHeartbeat = new Date();
  });
  socket.on('close', () => {
    connections.delete(id);
    for (const [room, ids] of rooms) {
      ids.delete(id);
      if (ids.size === 0) rooms.delete(room);
    }
  });
  socket.on('error', () => connections.delete(id));
  send(connection, welcome(id));
});

function send(connection, message) {
  if (connection.socket.readyState !== WebSocket.OPEN) return false;
  const stamped = { ...message, timestamp: message.timestamp || now() };
  connection.socket.send(JSON.stringify(stamped));
  return true;
}

function broadcast(message, chosen) {
  let count = 0;
  for (const connection of connections.values()) {
    if (chosen(connection) && send(connection, message)) count += 1;
  }
  return count;
}

function sendToRoom(room, message) {
  let count = 0;
  for (const id of rooms.get(room) ?? []) {
    const connection = connections.get(id);
    if (connection && send(connection, message)) count += 1;
  }
  return count;
}

await once(server, 'listening');

serveControl({
  port: server.address().port,
  broadcast: (message) => broadcast(message, () => true),
  publish: (topic, message) =>
    broadcast(message, (connection) => connection.subscriptions.has(topic)),
  sendToRoom,
  connections: () => connections.size,
});

// @libs/messaging itself, as the last build left it.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { serveControl, settings } from './harness.mjs';

const { WebSocketManager } = createRequire(import.meta.url)('../../index.js');

// Compression is on by default, for clients that offer it.
const manager = new WebSocketManager({
  port: 0,
  host: '127.0.0.1',
  maxConnections: 100_000,
  compressionThreshold: settings.threshold,
  // The rivals have no limits, and heartbeats of a row come faster than a client may send by default.
  limits: { messagesPerSecond: false },
});
if (!manager.address()) await once(manager, 'listening');

serveControl({
  port: manager.address().port,
  broadcast: (message) => manager.broadcast(message),
  publish: (topic, message) => manager.broadcastToTopic(topic, message),
  sendToRoom: (room, message) => manager.sendToRoom(room, message),
  connections: () => manager.getConnectionCount(),
});

// The server that the suite plays against: it echoes every message, with the package's public API alone.
// It prints its port as its first line, and ends when its standard input does, so that it never outlives
// the run that started it.

import { WebSocketManager } from '@libs/messaging';

const MIB = 1024 * 1024;

const manager = new WebSocketManager({
  protocol: 'raw',
  port: 0,
  host: '127.0.0.1',
  path: '/ws',
  // Section 9 sends messages of 16 MiB, and the echo of one may wait as a whole.
  maxPayload: 32 * MIB,
  maxBufferedAmount: 64 * MIB,
  // Cases look at each frame that arrives: a ping of the server's own would be one too many.
  enableHeartbeat: false,
  enableCompression: true,
  // So that the short messages of section 12 and 13 are compressed as well.
  compressionThreshold: 1,
});

manager.on('data', (data, connection) => connection.socket.send(data));
// Neither has to happen in a run, and what does explains a verdict.
manager.on('warning', ({ code, message }) => console.error(`echo host: ${code}: ${message}`));
manager.on('error', (error) => console.error('echo host:', error));

const { port } = await manager.ready();
console.log(port);

process.stdin.resume().once('end', () => process.exit());

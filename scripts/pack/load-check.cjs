// Runs in a Node of the binary's platform: loads the package with that binary, and uses it. The last line that it
// prints is what it found, as JSON.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect } = require('node:net');
const { EmbeddedKafka, WebSocketManager } = require('../../index.js');
const { kafkaLibrary } = require('../../native.js');

const FEATURES = ['gzip', 'snappy', 'lz4', 'zstd', 'ssl', 'sasl_plain', 'sasl_scram'];

async function reach(host, port) {
  const socket = connect(port, host);
  await once(socket, 'connect');
  socket.destroy();
}

async function main() {
  const { version, features } = kafkaLibrary();
  for (const feature of FEATURES) assert.ok(features.includes(feature), `${feature} is missing`);

  const embedded = await EmbeddedKafka.start({ topics: [{ topic: 'orders' }] });
  const [host, port] = embedded.brokers[0].split(':');
  await reach(host, port);
  await embedded.close();

  const manager = new WebSocketManager({ port: 0, host: '127.0.0.1' });
  await manager.ready();
  await reach('127.0.0.1', manager.address().port);
  await manager.shutdown();

  const { glibcVersionRuntime } = process.report.getReport().header;
  const libc = glibcVersionRuntime ? `glibc ${glibcVersionRuntime}` : 'musl';
  const node = `Node ${process.version} ${process.arch} ${libc}`;
  console.log(JSON.stringify({ node, librdkafka: version, features }));
}

main();

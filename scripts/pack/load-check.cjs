// Runs in a Node of the binary's platform: loads the package with that binary, and uses it. LOAD_CHECK_BROKER has, as
// JSON, how to reach a broker over TLS with a password; without it nothing but the embedded one is reached. The last
// line that it prints is what it found, as JSON.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const { connect } = require('node:net');
const { CompressionTypes, EmbeddedKafka, Kafka, WebSocketManager } = require('../../index.js');
const { kafkaLibrary } = require('../../native.js');

const FEATURES = ['gzip', 'snappy', 'lz4', 'zstd', 'ssl', 'sasl_plain', 'sasl_scram'];

async function reach(host, port) {
  const socket = connect(port, host);
  await once(socket, 'connect');
  socket.destroy();
}

/** One message there and back, compressed by what only the addon has. */
async function thereAndBack({ brokers, ca, sasl }) {
  const topic = `load-check-${process.pid}`;
  const kafka = new Kafka({ brokers, ssl: { ca: readFileSync(ca, 'utf8') }, sasl });
  const producer = kafka.producer();
  await producer.connect();
  const messages = [{ key: 'key', value: 'there and back' }];
  await producer.send({ topic, messages, compression: CompressionTypes.ZSTD });
  await producer.disconnect();

  const consumer = kafka.consumer({ groupId: topic });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const value = await new Promise((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload }) => reject(payload.error));
    const eachMessage = async ({ message }) => resolve(String(message.value));
    consumer.run({ eachMessage }).catch(reject);
  });
  await consumer.disconnect();
  assert.equal(value, 'there and back');
  return sasl.mechanism;
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

  const broker = process.env.LOAD_CHECK_BROKER;
  const login = broker === undefined ? null : await thereAndBack(JSON.parse(broker));

  const { glibcVersionRuntime } = process.report.getReport().header;
  const libc = glibcVersionRuntime ? `glibc ${glibcVersionRuntime}` : 'musl';
  const node = `Node ${process.version} ${process.arch} ${libc}`;
  console.log(JSON.stringify({ node, librdkafka: version, features, login }));
}

main();

// The demo's entry: a page over http, a WebSocketManager on a port of its own, and its events through Kafka. It
// prints the page's address, and on SIGINT or SIGTERM it says goodbye to every client and ends.
//
// DEMO_PORT (default 3000, 0 = any free one) and DEMO_HOST (default 127.0.0.1) place the page,
// DEMO_WS_PORT (default 0) places the WebSocketManager, which listens on the same host. KAFKA_BROKERS, and what else
// configures KafkaClient, names the Kafka; without it there is one inside this process.

import { WebSocketManager } from '../index.js';
import { answerClients } from './service/client-messages.mjs';
import { MachineFigures, ServerFigures } from './service/figures.mjs';
import { KafkaEvents } from './service/kafka-events.mjs';
import { createPageServer, listen } from './service/page-server.mjs';
import { startPublishing } from './service/publisher.mjs';
import { relayTo } from './service/relay.mjs';
import { RoomWatch } from './service/room-watch.mjs';

const SHUTDOWN_TIMEOUT = 5000;

/** Reads a port from the environment; a wrong one ends the demo with a line that names it. */
function portFromEnvironment(name, fallback) {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw new RangeError(`${name} must be a port from 0 to 65535, but it is "${text}"`);
}

/** The address for a browser on this machine; a server on all interfaces is there on loopback too. */
function urlOf({ address, family, port }) {
  if (address === '0.0.0.0' || address === '::') return `http://localhost:${port}`;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

async function main() {
  const pagePort = portFromEnvironment('DEMO_PORT', 3000);
  const socketPort = portFromEnvironment('DEMO_WS_PORT', 0);
  const host = process.env.DEMO_HOST || '127.0.0.1';

  // A demo has no accounts: whoever comes is who they say. A service looks at the token here.
  const authenticate = ({ userId, sessionId }) => userId && { userId, sessionId };
  const manager = new WebSocketManager({ port: socketPort, host, path: '/ws', authenticate });
  const machine = new MachineFigures();
  const rooms = new RoomWatch(manager);
  manager.on('warning', ({ code, message }) => console.warn(`Warning: ${code}: ${message}`));

  let events;
  let publisher;
  let page;
  const stop = async () => {
    publisher?.stop();
    machine.stop();
    page?.close();
    page?.closeAllConnections();
    await Promise.all([manager.shutdown({ timeout: SHUTDOWN_TIMEOUT }), events?.close()]);
  };

  try {
    const { port } = await manager.ready();
    manager.on('error', ({ message }) => console.error(`Error: ${message}`));
    events = await KafkaEvents.open(relayTo(manager));
    publisher = startPublishing(manager, machine, new ServerFigures(manager), rooms, events);
    answerClients(manager, rooms, publisher, events);
    page = createPageServer({ socketPort: port, socketPath: '/ws', events });
    const address = await listen(page, { port: pagePort, host });
    if (pagePort !== 0 && address.port !== pagePort) {
      console.log(`Port ${pagePort} is taken, so the page is on a free one.`);
    }
    console.log(events.description);
    console.log(`Demo: ${urlOf(address)}`);
  } catch (error) {
    await stop();
    throw error;
  }

  // After the first signal both handlers are gone, so that a second one ends the process at once.
  const onSignal = () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    console.log('Stopping.');
    stop().catch(fail);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

function fail(error) {
  console.error(`The demo cannot run: ${error.message}`);
  process.exitCode = 1;
}

main().catch(fail);

/**
 * Managers in worker threads: they end with their thread, whichever way it ends, and take nothing else along.
 */
import { describe, expect, test } from 'vitest';
import { runNode } from './support/node-process.js';

/** What a worker does: it opens two managers, tells their ports, and ends as it is told. */
const WORKER = `
  const { parentPort } = require('node:worker_threads');
  const { WebSocketManager } = require('@libs/messaging');
  const managers = [1, 2].map(() => new WebSocketManager({ port: 0, host: '127.0.0.1', shards: 1 }));
  for (const manager of managers) manager.on('message', () => {});
  const ends = {
    exit: () => process.exit(0),
    throw: () => { throw new Error('on purpose'); },
    close: () => { for (const manager of managers) manager.close(); },
  };
  parentPort.on('message', (how) => {
    parentPort.unref();
    ends[how]();
  });
  Promise.all(managers.map((manager) => manager.ready())).then((addresses) => {
    parentPort.postMessage(addresses.map(({ port }) => port));
  });
`;

const MAIN = `
  import { once } from 'node:events';
  import { connect } from 'node:net';
  import { Worker } from 'node:worker_threads';
  import { WebSocket } from 'ws';

  async function start() {
    const worker = new Worker(${JSON.stringify(WORKER)}, { eval: true, execArgv: [] });
    const [ports] = await once(worker, 'message');
    const clients = ports.map((port) => new WebSocket('ws://127.0.0.1:' + port + '/ws'));
    await Promise.all(clients.map((client) => once(client, 'open')));
    return { worker, ports, clients };
  }

  /** Ends a worker whose clients are at their busiest, and waits until clients and ports are free. */
  async function end({ worker, ports, clients }, how) {
    const chatter = setInterval(() => clients.forEach((client) => client.send('{"type":"chat"}')), 1);
    const ended = (emitter, event) => new Promise((resolve) => {
      emitter.on('error', () => {}).once(event, resolve);
    });
    const gone = clients.map((client) => ended(client, 'close'));
    const exit = ended(worker, 'exit');
    if (how === 'terminate') worker.terminate();
    else worker.postMessage(how);
    await exit;
    clearInterval(chatter);
    await Promise.all(gone);
    for (const port of ports) {
      const socket = connect(port, '127.0.0.1');
      const refused = await once(socket, 'connect').catch(({ code }) => code);
      if (refused !== 'ECONNREFUSED') throw new Error('port ' + port + ' is still open');
    }
  }
`;

describe.for(['terminate', 'exit', 'throw', 'close'])('a worker that ends by %s', (how) => {
  test('takes its managers along, and lets the process end', async () => {
    const { code, signal, errors } = await runNode(`${MAIN}
      await end(await start(), '${how}');
    `);
    expect({ code, signal, errors }).toEqual({ code: 0, signal: null, errors: '' });
  });

  test('does not touch the managers of other threads', async () => {
    const { code, output, errors } = await runNode(`${MAIN}
      import { createTestManager, connectClient } from '@libs/messaging/testing';
      const manager = await createTestManager();
      const client = await connectClient(manager);
      const [leaving, staying] = [await start(), await start()];
      await end(leaving, '${how}');
      manager.broadcast({ type: 'still', payload: 'here' });
      console.log((await client.next('still')).payload);
      console.log(staying.clients.map(({ readyState }) => readyState).join());
      await end(staying, '${how}');
      await client.close();
      manager.close();
    `);
    expect({ code, output, errors }).toEqual({ code: 0, output: 'here\n1,1\n', errors: '' });
  });
});

test('many workers may end at once, in every way', async () => {
  const { code, signal, errors } = await runNode(`${MAIN}
    const ways = ['terminate', 'exit', 'throw', 'close'];
    for (let round = 0; round < 2; round += 1) {
      const workers = await Promise.all(ways.map(start));
      await Promise.all(workers.map((worker, at) => end(worker, ways[at])));
    }
  `);
  expect({ code, signal, errors }).toEqual({ code: 0, signal: null, errors: '' });
});

test('the process may end while workers have managers open', async () => {
  const { code, signal, errors } = await runNode(`${MAIN}
    await Promise.all([start(), start(), start()]);
    process.exit(5);
  `);
  expect({ code, signal, errors }).toEqual({ code: 5, signal: null, errors: '' });
});

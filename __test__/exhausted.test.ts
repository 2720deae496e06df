/**
 * A system that has nothing left to give: no thread for a manager, no descriptor for a connection. Each is
 * an error with a code, in a process that goes on; and what was lacking is used as soon as it is there.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { WebSocket } from 'ws';
import { HANDSHAKE } from './support/mute-client.js';
import { startNode } from './support/node-process.js';
import { findProgram, needs } from './support/tools.js';

function needsProc(context: TestContext): void {
  const isThere = process.platform === 'linux' || undefined;
  needs(context, '/proc, where Linux tells of memory and processors by files', isThere);
}

test('a manager for which there is no thread is an error of listening', async (context) => {
  // It is of util-linux: `ulimit` alone could not spare the threads that Node itself begins with.
  const prlimit = findProgram('prlimit');
  needs(context, 'prlimit', prlimit);
  const { end } = startNode(`
    import { execFileSync } from 'node:child_process';
    import { WebSocketManager } from '@libs/messaging';
    // The limit is one of users, of whom root has none.
    if (process.getuid() === 0) {
      process.setgid(65534);
      process.setuid(65534);
    }
    execFileSync(${JSON.stringify(prlimit)}, ['--nproc=1', '--pid', String(process.pid)]);
    const manager = new WebSocketManager({ port: 0, host: '127.0.0.1' });
    manager.on('error', ({ code, syscall }) => console.log('error', code, syscall));
    await manager.ready().catch(({ code }) => console.log('ready', code));
    console.log(manager.address(), manager.broadcast({ type: 'n', payload: 1 }));
    await manager.request('nobody', { type: 'n', payload: 1 }).catch(({ code }) => console.log(code));
    await manager.shutdown();
    console.log('done');
  `);
  expect(await end).toMatchObject({
    code: 0,
    signal: null,
    errors: '',
    output: [
      'error ERR_LISTEN listen',
      'ready ERR_LISTEN',
      'null 0',
      'ERR_CONNECTION_CLOSED',
      'done',
      '',
    ].join('\n'),
  });
});

/** A client that answers pings, as all proper ones do. */
function connectLively(port: number): void {
  const client = new WebSocket(`ws://127.0.0.1:${port}/ws`);
  // The manager's end resets it.
  client.on('error', () => {});
  onTestFinished(() => client.terminate());
}

test('a want of descriptors is one event for each time, and whoever waits is let in afterwards', async (context) => {
  needs(context, 'sh', findProgram('sh'));
  const service = startNode(
    `
    import { closeSync, openSync } from 'node:fs';
    import { createTestManager } from '@libs/messaging/testing';
    const manager = await createTestManager({ heartbeatInterval: 500, shards: 1 });
    const files = [];
    manager.on('error', ({ code }) => console.log('error', code));
    manager.on('disconnect', () => console.log('one has left'));
    let served = 0;
    manager.on('connection', () => {
      served += 1;
      console.log('served', served);
      if (served === 1) takeAll();
      if (served === 2) files.forEach((file) => closeSync(file));
      if (served === 3) manager.close();
    });
    console.log('port', manager.address().port);
    function takeAll() {
      try {
        for (;;) files.push(openSync('/dev/null'));
      } catch ({ code }) {
        console.log(code);
      }
    }
    `,
    { descriptors: 100 },
  );
  const port = Number((await service.printed(/port (\d+)/))[1]);
  // It is silent, so that the heartbeat ends it: until then each attempt to let the next one in fails.
  const mute = connect(port, '127.0.0.1');
  mute.on('error', () => {});
  onTestFinished(() => void mute.destroy());
  mute.write(HANDSHAKE);
  await once(mute, 'readable');
  await service.printed(/EMFILE/);
  connectLively(port);
  // The descriptor that became free is taken by this one, so that accepting fails anew: the system finds
  // that out even before somebody asks for the next.
  await service.printed(/served 2/);
  connectLively(port);
  const { code, output, errors } = await service.end;
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(output.split('\n').slice(1, 9)).toEqual([
    'served 1',
    'EMFILE',
    'error ERR_ACCEPT',
    'one has left',
    'error ERR_ACCEPT',
    'served 2',
    'served 3',
    'one has left',
  ]);
});

test('a want of descriptors does not end a process that has no listener for errors', async (context) => {
  needs(context, 'sh', findProgram('sh'));
  const service = startNode(
    `
    import { closeSync, openSync } from 'node:fs';
    import { WebSocketManager } from '@libs/messaging';
    const manager = new WebSocketManager({ port: 0, host: '127.0.0.1', shards: 1 });
    const files = [];
    manager.on('warning', ({ code }) => console.log('warning', code));
    manager.on('connection', () => console.log('served'));
    // Nobody calls ready(), as the users of the package that this one replaces do not.
    manager.on('listening', ({ port }) => {
      try {
        for (;;) files.push(openSync('/dev/null'));
      } catch ({ code }) {
        console.log(code, 'port', port);
      }
    });
    manager.once('connection', () => manager.close());
    setTimeout(() => files.forEach((file) => closeSync(file)), 1000);
    `,
    { descriptors: 100 },
  );
  const port = Number((await service.printed(/EMFILE port (\d+)/))[1]);
  connectLively(port);
  const { code, output, errors } = await service.end;
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(output).toContain('warning ERR_ACCEPT');
  expect(output).toContain('served');
});

test('a want of descriptors does not take the figures away: those of memory are the last known', async (context) => {
  needs(context, 'sh', findProgram('sh'));
  needsProc(context);
  const { end } = startNode(
    `
    import { closeSync, openSync } from 'node:fs';
    import { WebSocketManager } from '@libs/messaging';
    const manager = new WebSocketManager({ port: 0, host: '127.0.0.1', shards: 1 });
    await manager.ready();
    const memory = () => {
      const { rss, heapUsed } = manager.getStats().process;
      return { rss, heapUsed };
    };
    const files = [];
    function takeAll() {
      try {
        for (;;) files.push(openSync('/dev/null'));
      } catch ({ code }) {
        return code;
      }
    }
    const first = [takeAll(), memory()];
    files.splice(0).forEach((file) => closeSync(file));
    const known = memory();
    const then = [takeAll(), memory()];
    console.log(JSON.stringify({ first, known, then }));
    manager.close();
    `,
    { descriptors: 100 },
  );
  const { code, output, errors } = await end;
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  const { first, known, then } = JSON.parse(output);
  expect(first).toEqual(['EMFILE', { rss: 0, heapUsed: 0 }]);
  expect(known.rss).toBeGreaterThan(0);
  expect(known.heapUsed).toBeGreaterThan(0);
  expect(then).toEqual(['EMFILE', known]);
});

test('a want of descriptors does not end the demo, which measures the machine by files', async (context) => {
  needs(context, 'sh', findProgram('sh'));
  needsProc(context);
  const { end } = startNode(
    `
    import { openSync } from 'node:fs';
    import { MachineFigures } from './demo/service/figures.mjs';
    import { startPublishing } from './demo/service/publisher.mjs';
    const machine = new MachineFigures();
    // Stand-ins for what does not matter here. The first turn is the last.
    const manager = { broadcastToTopic: () => console.log('told') };
    const events = { figures: () => ({}), publish: async () => {} };
    const rooms = { check: () => publishing.stop() };
    const publishing = startPublishing(manager, machine, {}, rooms, events);
    try {
      for (;;) openSync('/dev/null');
    } catch ({ code }) {
      console.log(code);
    }
    `,
    { descriptors: 100 },
  );
  const { code, output, errors } = await end;
  expect({ code, output }).toEqual({ code: 0, output: 'EMFILE\ntold\n' });
  expect(errors).toMatch(/^Error: figures are not measured: .*EMFILE.*\n$/);
});

test('silent sockets that take all descriptors give way to whoever comes', async (context) => {
  needs(context, 'sh', findProgram('sh'));
  const silent = 150;
  const service = startNode(
    `
    import { createTestManager } from '@libs/messaging/testing';
    // No handshake's time passes while the test lasts.
    const manager = await createTestManager({ handshakeTimeout: 3_600_000, shards: 2 });
    manager.on('error', ({ code }) => console.log('error', code));
    manager.on('connection', () => {
      const { handshake_timeout } = manager.getStats().refusals;
      console.log('served', handshake_timeout > 0 && handshake_timeout < ${silent});
      manager.close();
    });
    console.log('port', manager.address().port);
    `,
    { descriptors: 100 },
  );
  const port = Number((await service.printed(/port (\d+)/))[1]);
  for (let count = 0; count < silent; count += 1) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    onTestFinished(() => void socket.destroy());
  }
  await service.printed(/error/);
  connectLively(port);
  const { code, output, errors } = await service.end;
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  // One want of descriptors, however often room is made in it.
  expect(output.split('\n').slice(1)).toEqual(['error ERR_ACCEPT', 'served true', '']);
});

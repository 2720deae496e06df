/**
 * Managers and the life of their process: a closed one lets it end, an open one keeps it, and none of them
 * is in the way of any other end.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { runNode, startNode } from './support/node-process.js';
import { needs } from './support/tools.js';

const IMPORTS = `
  import { WebSocketManager } from '@libs/messaging';
  import { createTestManager, connectClient } from '@libs/messaging/testing';
`;
const OPEN = `new WebSocketManager({ port: 0, host: '127.0.0.1' })`;
const ENDED_BY_ITSELF = { code: 0, signal: null, errors: '' };

describe('a closed manager lets its process end by itself', () => {
  test.for([
    ['closed in the tick of its constructor', `${OPEN}.close();`],
    ['closed by its first event', `${OPEN}.on('listening', function () { this.close(); });`],
    ['closed after ready()', `const manager = ${OPEN}; await manager.ready(); manager.close();`],
    ['shut down', `await (await createTestManager()).shutdown();`],
    [
      'closed with a client',
      `const manager = await createTestManager();
       await connectClient(manager);
       manager.close();`,
    ],
    [
      'closed with listeners for everything',
      `const manager = await createTestManager();
       for (const event of ['connection', 'message', 'binary', 'disconnect', 'error', 'warning']) {
         manager.on(event, () => {});
       }
       await connectClient(manager);
       manager.close();`,
    ],
    [
      'closed while a request waits',
      `const manager = await createTestManager();
       const { connectionId } = await connectClient(manager);
       manager.request(connectionId, { type: 'q', payload: 0 }).catch(() => {});
       manager.close();`,
    ],
  ] as const)('%s', async ([, script]) => {
    expect(await runNode(IMPORTS + script)).toMatchObject(ENDED_BY_ITSELF);
  });

  test('within closeTimeout, however silent a client is', async () => {
    const { printed, end } = startNode(`${IMPORTS}
      const manager = await createTestManager({ closeTimeout: 100 });
      manager.on('message', () => manager.close());
      console.log('port', manager.address().port);
    `);
    const [, port] = await printed(/port (\d+)\n/);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    await once(socket, 'open');
    socket.pause();
    socket.send('{"type":"end","payload":null}');
    expect(await end).toMatchObject(ENDED_BY_ITSELF);
    socket.terminate();
  });

  test('and only behind the disconnect events of its connections', async () => {
    const { printed, end } = startNode(`${IMPORTS}
      const manager = await createTestManager();
      let open = 0;
      manager.on('connection', () => { if (++open === 20) manager.close(); });
      manager.on('disconnect', (connection, code) => console.log('ended', code));
      console.log('port', manager.address().port);
    `);
    const [, port] = await printed(/port (\d+)\n/);
    const sockets = [...Array(20)].map(() => new WebSocket(`ws://127.0.0.1:${port}/ws`));
    await Promise.all(sockets.map((socket) => once(socket, 'close')));
    const { output, ...rest } = await end;
    expect(rest).toEqual(ENDED_BY_ITSELF);
    expect(output.match(/ended 1001/g)).toHaveLength(20);
  });
});

describe('an open manager keeps its process alive', () => {
  test('even when nothing references it and the garbage is collected', async () => {
    const { printed, end } = startNode(
      `${IMPORTS}
      const port = await new Promise((resolve) => {
        ${OPEN}.on('listening', ({ port }) => resolve(port)).on('message', function () { this.close(); });
      });
      for (let i = 0; i < 20; i += 1) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      // Nothing else keeps the process: this timer runs only if the manager does.
      setTimeout(() => console.log('alive at', port), 500).unref();
      `,
      { flags: ['--expose-gc'] },
    );
    const [, port] = await printed(/alive at (\d+)/);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    await once(socket, 'message');
    socket.send('{"type":"end","payload":null}');
    expect((await once(socket, 'close'))[0]).toBe(1001);
    expect(await end).toMatchObject(ENDED_BY_ITSELF);
  });

  test('until the last of several is closed', async () => {
    const { output, ...end } = await runNode(`${IMPORTS}
      const managers = [${OPEN}, ${OPEN}, ${OPEN}];
      const closeOne = () => {
        console.log(managers.length);
        managers.pop().close();
        if (managers.length > 0) setTimeout(closeOne, 50).unref();
      };
      setTimeout(closeOne, 50).unref();
    `);
    expect({ output, ...end }).toEqual({ output: '3\n2\n1\n', ...ENDED_BY_ITSELF });
  });
});

describe('a process with open connections', () => {
  /** A service with clients in its own process, and then its end. */
  const service = (end: string) => `${IMPORTS}
    const manager = await createTestManager();
    const clients = await Promise.all([1, 2, 3].map(() => connectClient(manager)));
    for (let i = 0; i < 1000; i += 1) manager.broadcast({ type: 'news', payload: i });
    manager.on('message', () => {});
    for (const client of clients) client.send({ type: 'chat', payload: 1 });
    ${end}
  `;

  test('ends by process.exit', async () => {
    const { code, signal, errors } = await runNode(service('process.exit(3);'));
    expect({ code, signal, errors }).toEqual({ code: 3, signal: null, errors: '' });
  });

  test('ends by an uncaught exception', async () => {
    const { code, signal, errors } = await runNode(service(`throw new Error('out of tea');`));
    expect({ code, signal }).toEqual({ code: 1, signal: null });
    expect(errors).toContain('Error: out of tea');
  });

  test('ends by a signal', async () => {
    const { signal } = await runNode(service(`process.kill(process.pid, 'SIGTERM');`));
    expect(signal).toBe('SIGTERM');
  });

  test('ends by process.exit inside a listener and behind close()', async () => {
    const inside = `manager.on('disconnect', () => process.exit(4)); manager.close();`;
    const { code, signal, errors } = await runNode(service(inside));
    expect({ code, signal, errors }).toEqual({ code: 4, signal: null, errors: '' });
  });
});

test('a closed manager is garbage, and with it its last handle of the event loop', async () => {
  const { output, ...end } = await runNode(
    `${IMPORTS}
    import { createHook } from 'node:async_hooks';
    const handles = new Set();
    createHook({
      init(id, type) { if (type === 'napi_rs_threadsafe_function') handles.add(id); },
      destroy(id) { handles.delete(id); },
    }).enable();
    async function oneLife() {
      const manager = await createTestManager();
      manager.on('message', () => {});
      await (await connectClient(manager)).close();
      await manager.shutdown();
      return new WeakRef(manager);
    }
    const lives = [];
    for (let i = 0; i < 5; i += 1) lives.push(await oneLife());
    for (let i = 0; i < 50; i += 1) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    console.log(lives.filter((life) => life.deref()).length, 'managers', handles.size, 'handles');
    `,
    { flags: ['--expose-gc'] },
  );
  expect({ output, ...end }).toEqual({ output: '0 managers 0 handles\n', ...ENDED_BY_ITSELF });
});

describe('twenty managers', () => {
  test('one after the other leave no thread and no descriptor behind', async (context) => {
    needs(context, '/proc (Linux)', existsSync('/proc/self/fd') ? true : undefined);
    const { output, ...end } = await runNode(`${IMPORTS}
      import { readdirSync } from 'node:fs';
      const held = () => ['fd', 'task'].map((what) => readdirSync('/proc/self/' + what).length);
      const oneLife = async () => {
        const manager = await createTestManager({ shards: 2 });
        await (await connectClient(manager)).close();
        await manager.shutdown();
      };
      // The first also starts what the process keeps.
      await oneLife();
      const before = held();
      for (let i = 0; i < 20; i += 1) await oneLife();
      // A thread is gone a moment after it has said so.
      while (held().some((count, at) => count > before[at])) await new Promise(setImmediate);
      console.log('nothing left');
    `);
    expect({ output, ...end }).toEqual({ output: 'nothing left\n', ...ENDED_BY_ITSELF });
  });

  test('at once, each with a client, are closed in one tick', async () => {
    const { output, ...end } = await runNode(`${IMPORTS}
      const managers = await Promise.all([...Array(20)].map(() => createTestManager({ shards: 1 })));
      const clients = await Promise.all(managers.map((manager) => connectClient(manager)));
      for (const manager of managers) manager.close();
      const codes = await Promise.all(clients.map(async ({ closed }) => (await closed).code));
      console.log(codes.filter((code) => code === 1001).length);
    `);
    expect({ output, ...end }).toEqual({ output: '20\n', ...ENDED_BY_ITSELF });
  });
});

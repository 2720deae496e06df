/**
 * Listeners that throw, or whose promise is rejected: a `warning` to whoever listens to warnings, else an
 * uncaught exception, as Node has it. Either way the server and the other listeners go on.
 */
import type { WebSocketConnection, WebSocketWarning } from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { describe, expect, test, vi } from 'vitest';
import { runNode } from './support/node-process.js';
import { newManager, nextEvent, openManager } from './support/test-manager.js';

type WarningEvent = [warning: WebSocketWarning];

const MESSAGE = { type: 'chat', payload: 1 };

/** Listeners that fail, in each way in which one can. */
const FAULTS: [string, () => unknown][] = [
  [
    'throws',
    () => {
      throw new Error('out of tea');
    },
  ],
  ['rejects', () => Promise.reject(new Error('out of tea'))],
  [
    'rejects later',
    async () => {
      await new Promise(setImmediate);
      throw new Error('out of tea');
    },
  ],
];

describe.for(FAULTS)('a listener that %s', ([, fail]) => {
  test('is a warning, with the connection and what was thrown', async () => {
    const manager = await openManager();
    const warned = nextEvent<WarningEvent>(manager, 'warning');
    manager.on('message', fail);
    const client = await connectClient(manager);
    client.send(MESSAGE);
    const [warning] = await warned;
    expect(warning).toEqual({
      code: 'ERR_LISTENER',
      message: 'a listener failed: out of tea',
      connectionId: client.connectionId,
      cause: new Error('out of tea'),
    });
  });

  test.for(['connection', 'authenticated', 'binary', 'disconnect'] as const)(
    'is a warning for %s too',
    async (event) => {
      const manager = await openManager();
      const warned = nextEvent<WarningEvent>(manager, 'warning');
      manager.on(event, fail);
      const client = await connectClient(manager, { userId: 'ann' });
      client.send(Buffer.of(1));
      await client.close();
      expect((await warned)[0]).toMatchObject({
        code: 'ERR_LISTENER',
        connectionId: client.connectionId,
      });
    },
  );

  test('is a warning for listening and error, which have no connection', async () => {
    for (const event of ['listening', 'error'] as const) {
      const taken = await openManager();
      const port = event === 'error' ? taken.address()?.port : 0;
      // Whose users are verified: else that would be the first warning.
      const manager = newManager({ port, authenticate: () => null });
      const warned = nextEvent<WarningEvent>(manager, 'warning');
      manager.on(event, fail);
      const [warning] = await warned;
      expect(warning.code).toBe('ERR_LISTENER');
      expect(warning).not.toHaveProperty('connectionId');
    }
  });

  test('takes nothing from later events and other connections', async () => {
    const manager = await openManager();
    const warnings: WebSocketWarning[] = [];
    manager.on('warning', (warning) => warnings.push(warning));
    const heard: unknown[] = [];
    const all = new Promise<void>((resolve) => {
      manager.on('message', ({ payload }, connection: WebSocketConnection) => {
        heard.push(payload);
        if (heard.length === 100) resolve();
        // Every second one fails.
        return payload % 2 ? (fail() as undefined) : connection.id;
      });
    });
    const client = await connectClient(manager);
    for (let i = 0; i < 100; i += 1) client.send({ type: 'chat', payload: i });
    await all;
    expect(heard).toEqual([...Array(100).keys()]);
    await vi.waitFor(() => expect(warnings).toHaveLength(50));
  });
});

describe('without a listener for warnings', () => {
  /** A service whose listener fails, and which its client ends afterwards. */
  const service = (fault: string, last = '') => `
    import { createTestManager, connectClient } from '@libs/messaging/testing';
    const manager = await createTestManager();
    manager.on('message', ({ type }) => {
      if (type === 'end') manager.close();
      else { ${fault} }
    });
    ${last}
    const client = await connectClient(manager);
    client.send({ type: 'chat', payload: 1 });
    client.send({ type: 'end', payload: 1 });
  `;

  test.for([
    ['throws', `throw new Error('out of tea');`],
    ['rejects', `return Promise.reject(new Error('out of tea'));`],
  ] as const)(
    'a listener that %s ends the process, as an uncaught exception',
    async ([, fault]) => {
      const { code, signal, errors } = await runNode(service(fault));
      expect({ code, signal }).toEqual({ code: 1, signal: null });
      expect(errors).toContain('Error: out of tea');
    },
  );

  test.for([
    ['throws', `throw new Error('out of tea');`],
    ['rejects', `return Promise.reject(new Error('out of tea'));`],
  ] as const)('a process that survives it hears the events behind it: %s', async ([, fault]) => {
    const survive = `process.on('uncaughtException', ({ message }) => console.log(message));`;
    const { code, output } = await runNode(service(fault, survive));
    expect({ code, output }).toEqual({ code: 0, output: 'out of tea\n' });
  });

  test('a fault of a message is silent', async () => {
    const { code, output, errors } = await runNode(`
      import { createTestManager } from '@libs/messaging/testing';
      const manager = await createTestManager();
      console.log(manager.broadcast(undefined));
      manager.close();
    `);
    expect({ code, output, errors }).toEqual({ code: 0, output: '0\n', errors: '' });
  });
});

test('a listener that throws what has no text costs the events behind it nothing', async () => {
  const manager = await openManager();
  const warned = nextEvent<WarningEvent>(manager, 'warning');
  manager.on('message', () => {
    throw Object.create(null);
  });
  const heard = vi.fn();
  manager.on('binary', heard);
  const client = await connectClient(manager);
  client.send(MESSAGE);
  for (let i = 0; i < 3; i += 1) client.send(Buffer.of(0xff, i));
  expect((await warned)[0]).toMatchObject({
    code: 'ERR_LISTENER',
    message: 'a listener failed: object',
  });
  await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(3));
});

test.for([
  ['throws', `() => { throw new Error('out of tea'); }`],
  ['rejects', `async () => { throw new Error('out of tea'); }`],
] as const)('a listener for warnings that %s is an uncaught exception', async ([, listener]) => {
  const { code, output } = await runNode(`
    import { createTestManager } from '@libs/messaging/testing';
    process.on('uncaughtException', ({ message }) => console.log(message));
    const manager = await createTestManager();
    manager.on('warning', ${listener});
    // A send never throws, whatever its warning leads to.
    console.log(manager.broadcast(undefined));
    await new Promise(setImmediate);
    manager.close();
  `);
  expect({ code, output }).toEqual({ code: 0, output: '0\nout of tea\n' });
});

test('a send that cannot be serialised warns at once, before the call returns', async () => {
  const manager = await openManager();
  const warnings: WebSocketWarning[] = [];
  manager.on('warning', (warning) => warnings.push(warning));
  expect(manager.broadcast({ type: 'n', payload: 1n })).toBe(0);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toMatchObject({ code: 'ERR_INVALID_MESSAGE', cause: expect.any(TypeError) });
  expect(warnings[0]?.message).toMatch(/^broadcast: a message cannot be serialised: /);
});

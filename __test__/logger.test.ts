/**
 * The logger option: a manager prints nothing of its own, and tells a logger what it would have printed.
 */
import { inspect } from 'node:util';
import {
  type WebSocketLogger,
  type WebSocketLogin,
  WebSocketManager,
  type WebSocketRequest,
} from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { describe, expect, test, vi } from 'vitest';
import { runNode } from './support/node-process.js';
import { newManager, nextEvent, openManager, portOf } from './support/test-manager.js';

/** A logger that keeps its lines. */
class Lines implements WebSocketLogger {
  // A private field shows that the methods are called on their object, as pino needs it.
  readonly #lines: string[] = [];
  get all() {
    return [...this.#lines];
  }
  info(line: string) {
    this.#lines.push(`info ${line}`);
  }
  warn(line: string) {
    this.#lines.push(`warn ${line}`);
  }
  error(line: string) {
    this.#lines.push(`error ${line}`);
  }
}

/** Users are verified, without which there is a warning at the start. */
const authenticate = ({ userId = '' }: WebSocketLogin) => ({ userId });

class VerboseLines extends Lines {
  debug(line: string) {
    this.info(`(debug) ${line}`);
  }
}

test('without a logger nothing is printed, whatever happens', async () => {
  const { code, output, errors } = await runNode(`
    import { createTestManager, connectClient } from '@libs/messaging/testing';
    const manager = await createTestManager();
    const client = await connectClient(manager, { userId: 'ann' });
    client.send('not json');
    await client.next('error');
    manager.broadcast(undefined);
    client.send(Buffer.alloc(100_000));
    await client.closed;
    await manager.shutdown();
  `);
  expect({ code, output, errors }).toEqual({ code: 0, output: '', errors: '' });
});

test('info is told of listening and of closing, once each', async () => {
  const logger = new Lines();
  const manager = newManager({ logger, authenticate });
  expect(logger.all).toEqual([]);
  await manager.ready();
  const port = portOf(manager);
  await connectClient(manager);
  manager.close();
  manager.close();
  await manager.shutdown();
  expect(logger.all).toEqual([
    `info WebSocket server listens on port ${port} of 127.0.0.1`,
    'info WebSocket server closes',
  ]);
});

test('debug, if the logger has it, is told of each connection', async () => {
  const logger = new VerboseLines();
  const manager = await openManager({ logger, authenticate });
  const client = await connectClient(manager, { userId: 'ann' });
  const disconnected = nextEvent(manager, 'disconnect');
  await client.close(4000, 'enough');
  await disconnected;
  const id = client.connectionId;
  expect(logger.all.slice(1)).toEqual([
    `info (debug) WebSocket ${id} connected from 127.0.0.1`,
    `info (debug) WebSocket ${id} logged in as ann`,
    `info (debug) WebSocket ${id} disconnected with 4000: enough`,
  ]);
});

describe('warn is told of each warning', () => {
  test('whether anybody listens to them or not', async () => {
    const logger = new Lines();
    const manager = await openManager({ logger, authenticate });
    manager.broadcast(undefined as never);
    const heard: unknown[] = [];
    manager.on('warning', (warning) => heard.push(warning));
    manager.broadcast(null as never);
    expect(logger.all.slice(1)).toEqual([
      'warn ERR_INVALID_MESSAGE: broadcast: a message must be an object, got undefined',
      'warn ERR_INVALID_MESSAGE: broadcast: a message must be an object, got null',
    ]);
    expect(heard).toHaveLength(1);
  });

  test('with the connection, and the stack of what a listener threw', async () => {
    const logger = new Lines();
    const manager = await openManager({ logger });
    const failed = nextEvent(manager, 'message');
    manager.on('message', function spillTheTea() {
      throw new Error('out of tea');
    });
    const client = await connectClient(manager);
    client.send({ type: 'chat', payload: 1 });
    await failed;
    await new Promise(setImmediate);
    const line = logger.all.at(-1);
    expect(line).toContain(
      `warn ERR_LISTENER: a listener failed: out of tea (${client.connectionId})`,
    );
    expect(line).toContain('spillTheTea');
  });
});

test('error is told of a port that is taken, beside the event', async () => {
  const { port } = (await openManager()).address() as { port: number };
  const logger = new Lines();
  const manager = newManager({ port, logger });
  await nextEvent(manager, 'error');
  const fault = `listen EADDRINUSE: address already in use 127.0.0.1:${port}`;
  expect(logger.all).toEqual([`error EADDRINUSE: ${fault}`]);
});

test('a logger that throws is an uncaught exception, and the server goes on', async () => {
  const { code, output } = await runNode(`
    import { createTestManager, connectClient } from '@libs/messaging/testing';
    process.on('uncaughtException', ({ message }) => console.log(message));
    const fail = () => { throw new Error('disk full'); };
    const logger = { info: fail, warn: fail, error: fail };
    const manager = await createTestManager({ logger, authenticate: () => null });
    await (await connectClient(manager)).close();
    console.log(manager.broadcast(undefined));
    await manager.shutdown();
  `);
  expect(code).toBe(0);
  // Listening, the warning, closing.
  expect(output.split('\n').filter((line) => line === 'disk full')).toHaveLength(3);
  expect(output).toContain('0\n');
});

describe('the option', () => {
  test.for([undefined, null])('%s is no logger', (logger) => {
    expect(() => newManager({ logger })).not.toThrow();
  });

  test('takes the console', () => {
    const info = vi.spyOn(console, 'info').mockImplementation(() => {});
    newManager({ logger: console }).close();
    expect(info).toHaveBeenCalledWith('WebSocket server closes');
    info.mockRestore();
  });

  test.for([{}, 'console', 7, true, [], () => {}, { info() {}, warn() {} }, { error() {} }])(
    'of %s is a TypeError',
    (logger) => {
      let error: unknown;
      try {
        new WebSocketManager({ port: 0, logger: logger as never });
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(TypeError);
      expect(error).toMatchObject({
        code: 'ERR_INVALID_OPTION_TYPE',
        message: expect.stringMatching(
          /^logger: must have the functions info, warn and error, got /,
        ),
      });
    },
  );
});

test('a client cannot make up lines, or steer a terminal', async () => {
  const logger = new VerboseLines();
  const manager = newManager({ logger, authenticate });
  await manager.ready();
  const client = await connectClient(manager);
  client.send({ type: 'authenticate', payload: { userId: 'ann\nerror \u001b[2Jforged\u2028' } });
  await client.next('authenticated');
  const gone = nextEvent(manager, 'disconnect');
  client.close(4000, 'bye\r\nerror forged');
  await gone;
  expect(logger.all.filter((line) => /[\p{Cc}\u2028]/u.test(line))).toEqual([]);
  const told = logger.all.join(' ');
  expect(told).toContain('logged in as ann\\u000aerror \\u001b[2Jforged\\u2028');
  expect(told).toContain('with 4000: bye\\u000d\\u000aerror forged');
});

describe('the stack of what a hook threw', () => {
  const FORGED = 'no\nerror forged\n    at forged (forged.js:1:1)\nerror \u001b[2Jagain';
  const ESCAPED =
    'no\\u000aerror forged\\u000a    at forged (forged.js:1:1)\\u000aerror \\u001b[2Jagain';

  /** The line about a hook that throws what is made of the client's token. */
  async function told(made: (token: string) => Error): Promise<string[]> {
    const logger = new Lines();
    const manager = newManager({
      logger,
      authenticate({ token = '' }) {
        throw made(token);
      },
    });
    await manager.ready();
    const client = await connectClient(manager);
    client.send({ type: 'authenticate', payload: { token: FORGED } });
    await client.next('error');
    return logger.all.find((line) => line.includes('ERR_HOOK'))?.split('\n') ?? [];
  }

  test('has the message in one line, and then frames alone', async () => {
    const [line, head, ...frames] = await told((token) => new TypeError(`bad token ${token}`));
    expect(line).toContain(`authenticate failed: bad token ${ESCAPED}`);
    expect(head).toBe(`TypeError: bad token ${ESCAPED}`);
    expect(frames[0]).toMatch(/^ {4}at .*logger\.test\.ts/);
    expect(frames.filter((frame) => !/^ {4}at (?!forged)/.test(frame))).toEqual([]);
  });

  test('has no line but frames either when the message is another by now', async () => {
    const [line, head, ...frames] = await told((token) => {
      const error = new Error(token);
      // It is written when it is first read.
      expect(error.stack).toContain(token);
      error.message = 'not allowed';
      return error;
    });
    expect(line).toContain('authenticate failed: not allowed');
    expect(head).toMatch(/^Error: no\\u000aerror forged$/);
    expect(frames.filter((frame) => !/^ {4}at /.test(frame))).toEqual([]);
    expect(frames.join()).toContain('logger.test.ts');
  });

  test('is shown as it is where nobody else wrote in it', async () => {
    let error: Error | undefined;
    const [, ...stack] = await told(() => {
      error = new Error('the database is away');
      return error;
    });
    expect(stack.join('\n')).toBe(error?.stack);
  });
});

test('a request that is printed shows nothing that proves who a client is', async () => {
  const manager = await openManager();
  const connected = nextEvent<[unknown, WebSocketRequest]>(manager, 'connection');
  const headers = { Authorization: 'Bearer hush', Cookie: 'sid=hush', 'X-Other': 'shown' };
  await connectClient(manager, { headers, path: '/ws?token=hush' });
  const [, request] = await connected;
  const printed = inspect(request);
  expect(printed).not.toContain('hush');
  expect(printed).toContain('shown');
  expect(request.headers).toMatchObject({ authorization: 'Bearer hush', cookie: 'sid=hush' });
  expect(request.url).toContain('token=hush');
});

test('what hooks are given shows, when printed, nothing that proves who a client is', async () => {
  const printed: string[] = [];
  const logins: WebSocketLogin[] = [];
  const manager = await openManager({
    tokenFrom: 'query:token',
    authenticate(login) {
      // Also as a part of something else, and the request alone.
      printed.push(inspect({ login }, { depth: 9, showHidden: true }), inspect(login.request));
      logins.push(login);
      return { userId: 'ann' };
    },
    authorize(question) {
      printed.push(inspect(question, { depth: 9, showHidden: true }));
      return true;
    },
    origins(origin, request) {
      printed.push(inspect({ origin, request }, { depth: 9, showHidden: true }));
      return true;
    },
  });
  const headers = { Authorization: 'Bearer hush', 'X-Other': 'shown', Origin: 'https://shown' };
  const client = await connectClient(manager, { headers, path: '/ws?token=hush' });
  await client.next('authenticated');
  client.send({ type: 'authenticate', payload: { token: 'hush' } });
  await client.next('authenticated');
  await client.join('shown');
  expect(printed).toHaveLength(6);
  for (const text of printed) expect(text).not.toContain('hush');
  for (const text of printed) expect(text).toContain('shown');
  for (const { token, request } of logins) {
    expect(token).toBe('hush');
    expect(request).toMatchObject({ url: '/ws?token=hush' });
    expect(request.headers.authorization).toBe('Bearer hush');
  }
});

test('a login that is printed tells apart whether there is a token', async () => {
  const printed: string[] = [];
  const manager = await openManager({
    authenticate(login) {
      printed.push(inspect(login));
      return { userId: 'ann' };
    },
  });
  const client = await connectClient(manager);
  await client.authenticate({ userId: 'ann' });
  await client.authenticate({ token: 'hush' });
  expect(printed[0]).toContain('token: undefined');
  expect(printed[1]).toContain("token: '<hidden>'");
});

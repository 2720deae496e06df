/**
 * The five ways to send: who receives, what is counted, what the timestamp does, and what cannot be sent.
 */
import type { WebSocketManager, WebSocketMessage } from '@libs/messaging';
import { connectClient, flush, type TestClient } from '@libs/messaging/testing';
import { describe, expect, test } from 'vitest';
import { connectClients, startManager, warningsOf } from './support/managers.js';
import { RawClient } from './support/raw-client.js';

const NOTE = { type: 'note', payload: { text: 'hi' } };
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What each client has received beyond its answers, when all that was sent has arrived. */
async function received(manager: WebSocketManager, clients: TestClient[]): Promise<unknown[][]> {
  await flush(manager);
  await Promise.all(clients.map((client) => client.settled()));
  return clients.map((client) => client.pending.map(({ payload }) => payload));
}

describe('receivers', () => {
  let manager: WebSocketManager;
  let clients: TestClient[];
  let ids: string[];

  // ada has two connections, bob one, and the last client has not logged in. Two of them are in the
  // lobby, another two read the news.
  const connectAll = async () => {
    manager = await startManager();
    clients = [
      await connectClient(manager, { userId: 'ada' }),
      await connectClient(manager, { userId: 'ada' }),
      await connectClient(manager, { userId: 'bob' }),
      await connectClient(manager),
    ];
    ids = clients.map((client) => client.connectionId);
    await clients[0]?.join('lobby');
    await clients[2]?.join('lobby');
    await clients[1]?.subscribe('news');
    await clients[3]?.subscribe('news');
  };

  test('sendToConnection reaches one connection', async () => {
    await connectAll();
    expect(manager.sendToConnection(ids[1] as string, NOTE)).toBe(true);
    expect(await received(manager, clients)).toEqual([[], [NOTE.payload], [], []]);
  });

  test('sendToUser reaches all connections of the user', async () => {
    await connectAll();
    expect(manager.sendToUser('ada', NOTE)).toBe(2);
    expect(await received(manager, clients)).toEqual([[NOTE.payload], [NOTE.payload], [], []]);
  });

  test('sendToRoom reaches the members', async () => {
    await connectAll();
    expect(manager.sendToRoom('lobby', NOTE)).toBe(2);
    expect(await received(manager, clients)).toEqual([[NOTE.payload], [], [NOTE.payload], []]);
  });

  test('broadcastToTopic reaches the subscribers', async () => {
    await connectAll();
    expect(manager.broadcastToTopic('news', NOTE)).toBe(2);
    expect(await received(manager, clients)).toEqual([[], [NOTE.payload], [], [NOTE.payload]]);
  });

  test('broadcast reaches everybody, logged in or not', async () => {
    await connectAll();
    expect(manager.broadcast(NOTE)).toBe(4);
    expect(await received(manager, clients)).toEqual(clients.map(() => [NOTE.payload]));
  });

  test('names that nobody has reach nobody', async () => {
    await connectAll();
    expect(manager.sendToConnection('conn_1700000000000_aaaaaaaaa', NOTE)).toBe(false);
    expect(manager.sendToConnection('nonsense', NOTE)).toBe(false);
    expect(manager.sendToUser('nobody', NOTE)).toBe(0);
    expect(manager.sendToRoom('news', NOTE)).toBe(0);
    expect(manager.broadcastToTopic('lobby', NOTE)).toBe(0);
    expect(await received(manager, clients)).toEqual([[], [], [], []]);
  });

  test('who has left is counted no more', async () => {
    await connectAll();
    await clients[0]?.close();
    expect(manager.sendToConnection(ids[0] as string, NOTE)).toBe(false);
    expect(manager.sendToUser('ada', NOTE)).toBe(1);
    expect(manager.sendToRoom('lobby', NOTE)).toBe(1);
    expect(manager.broadcast(NOTE)).toBe(3);
  });

  test('all that is sent in one tick arrives, counted in the statistics', async () => {
    await connectAll();
    const before = manager.getStats();
    for (let i = 0; i < 100; i += 1) manager.broadcast({ type: 'note', payload: i });
    const numbers = Array.from({ length: 100 }, (_, i) => i);
    expect(await received(manager, clients)).toEqual(clients.map(() => numbers));
    const after = manager.getStats();
    expect(after.messagesOut - before.messagesOut).toBe(400);
    expect(after.drops).toEqual({ overloaded: 0, slowConsumer: 0, departed: 0, unwritten: 0 });
    expect(after.queuedBytes).toBe(0);
  });
});

describe('names that are no strings', () => {
  test('numbers are taken in decimal, as ids out of databases are', async () => {
    const manager = await startManager();
    const client = await connectClient(manager, { userId: 42 });
    await client.join('7');
    await client.subscribe('1.5');
    expect(manager.sendToUser(42 as never, NOTE)).toBe(1);
    expect(manager.sendToRoom(7 as never, NOTE)).toBe(1);
    expect(manager.broadcastToTopic(1.5 as never, NOTE)).toBe(1);
  });

  test.each([[undefined], [null], [true], [{}], [['a']], [() => 'u'], [10n], [Symbol('u')]])(
    '%s names nobody',
    async (name) => {
      const manager = await startManager();
      const client = await connectClient(manager, { userId: String(name) });
      await client.join(String(name));
      await client.subscribe(String(name));
      expect(manager.sendToConnection(name as never, NOTE)).toBe(false);
      expect(manager.sendToUser(name as never, NOTE)).toBe(0);
      expect(manager.sendToRoom(name as never, NOTE)).toBe(0);
      expect(manager.broadcastToTopic(name as never, NOTE)).toBe(0);
    },
  );
});

describe('what goes over the wire', () => {
  /** The text of the frame that a broadcast of this message makes. */
  async function frameOf(message: unknown): Promise<string> {
    const manager = await startManager();
    const client = await RawClient.greeted(manager);
    expect(manager.broadcast(message as WebSocketMessage)).toBe(1);
    return await client.text();
  }

  /** The same with the timestamp's value replaced by `NOW`, if it is one. */
  async function stampedFrameOf(message: unknown): Promise<string> {
    const text = await frameOf(message);
    const { timestamp } = JSON.parse(text);
    expect(timestamp).toMatch(ISO);
    return text.replace(timestamp, 'NOW');
  }

  test('all keys are kept in order, and the timestamp is appended', async () => {
    const message = {
      userId: 'u',
      type: 'note',
      payload: [1, null, 'é😀\u2028"'],
      sessionId: 's',
      x: {},
    };
    expect(await stampedFrameOf(message)).toBe(
      '{"userId":"u","type":"note","payload":[1,null,"é😀\u2028\\""],"sessionId":"s","x":{},"timestamp":"NOW"}',
    );
  });

  test('the timestamp is the time of the call', async () => {
    const before = Date.now();
    const { timestamp } = JSON.parse(await frameOf(NOTE));
    expect(Date.parse(timestamp)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(timestamp)).toBeLessThanOrEqual(Date.now());
  });

  test('a timestamp of its own keeps value and place', async () => {
    const message = { type: 'note', timestamp: '2001-02-03T04:05:06.789Z', payload: 1 };
    expect(await frameOf(message)).toBe(JSON.stringify(message));
    expect(await frameOf({ timestamp: 'yesterday', type: 'note', payload: 1 })).toBe(
      '{"timestamp":"yesterday","type":"note","payload":1}',
    );
  });

  test.each([[''], [undefined], [null], [0], [false]])(
    'a timestamp of %j counts as absent and keeps its place',
    async (timestamp) => {
      expect(await stampedFrameOf({ type: 'note', timestamp, payload: 1 })).toBe(
        '{"type":"note","timestamp":"NOW","payload":1}',
      );
    },
  );

  test('an empty object is a message with a timestamp alone', async () => {
    expect(await stampedFrameOf({})).toBe('{"timestamp":"NOW"}');
  });

  test('values that JSON leaves out are left out', async () => {
    const message = { type: 'note', payload: undefined, f: () => 1, d: new Date(0), n: Number.NaN };
    expect(await stampedFrameOf(message)).toBe(
      '{"type":"note","d":"1970-01-01T00:00:00.000Z","n":null,"timestamp":"NOW"}',
    );
  });

  test('half a surrogate pair is escaped, as JSON.stringify does, and so valid UTF-8', async () => {
    expect(JSON.parse(await frameOf({ type: 'note', payload: '\ud800' })).payload).toBe('\ud800');
  });

  test('an instance of a class is sent by its own fields', async () => {
    class Note {
      readonly type = 'note';
      readonly payload = 1;
      get computed() {
        return 'not its own';
      }
    }
    expect(await stampedFrameOf(new Note())).toBe('{"type":"note","payload":1,"timestamp":"NOW"}');
  });

  test('toJSON inside the payload is obeyed', async () => {
    const payload = { toJSON: () => 'short' };
    expect(await stampedFrameOf({ type: 'note', payload })).toBe(
      '{"type":"note","payload":"short","timestamp":"NOW"}',
    );
  });

  test('toJSON of a message works as in the original: on a copy with the timestamp', async () => {
    const own = { type: 'x', payload: 1, toJSON: (): object => ({ type: 'note', payload: 2 }) };
    expect(await frameOf(own)).toBe('{"type":"note","payload":2}');

    class Note {
      readonly type = 'note';
      readonly payload = 1;
      toJSON() {
        return { type: 'never asked, since a copy has no methods' };
      }
    }
    expect(await stampedFrameOf(new Note())).toBe('{"type":"note","payload":1,"timestamp":"NOW"}');
  });

  test('a toJSON that sends a message of its own does not disturb the one around it', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    const inner = { type: 'inner', payload: 1, timestamp: 'kept' };
    const toJSON = () => manager.broadcast(inner);
    expect(manager.broadcast({ type: 'outer', payload: { toJSON } })).toBe(1);
    expect(await client.next()).toEqual(inner);
    expect(await client.next()).toEqual({
      type: 'outer',
      payload: 1,
      timestamp: expect.stringMatching(ISO),
    });
  });

  test('the message is serialised when the call returns', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    const message = { type: 'note', payload: { text: 'before' } };
    manager.broadcast(message);
    message.payload.text = 'after';
    expect((await client.next('note')).payload.text).toBe('before');
    expect(message).not.toHaveProperty('timestamp');
  });
});

describe('what cannot be serialised', () => {
  const cyclic: Record<string, unknown> = { type: 'note' };
  cyclic.payload = cyclic;
  const failing = {
    type: 'note',
    payload: {
      toJSON() {
        throw new Error('no JSON today');
      },
    },
  };

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'note'],
    ['a number', 5],
    ['a function', () => NOTE],
    ['an array', [NOTE]],
    ['a cyclic object', cyclic],
    ['a BigInt inside', { type: 'note', payload: 1n }],
    ['a toJSON that throws', failing],
    ['a toJSON that gives no object', { type: 'note', toJSON: () => 'text' }],
    ['a toJSON that gives nothing', { type: 'note', toJSON: () => undefined }],
  ])('%s: nothing is sent, nothing is thrown, and a warning tells', async (_, message) => {
    const manager = await startManager();
    const [client] = await connectClients(manager, 1, { userId: 'ada' });
    await client?.join('lobby');
    await client?.subscribe('news');
    const warnings = warningsOf(manager);

    expect(manager.sendToConnection(client?.connectionId as string, message as never)).toBe(false);
    expect(manager.sendToUser('ada', message as never)).toBe(0);
    expect(manager.sendToRoom('lobby', message as never)).toBe(0);
    expect(manager.broadcastToTopic('news', message as never)).toBe(0);
    expect(manager.broadcast(message as never)).toBe(0);

    expect(warnings.map(({ code }) => code)).toEqual(Array(5).fill('ERR_INVALID_MESSAGE'));
    expect(warnings.map((warning) => warning.message.split(':')[0])).toEqual([
      'sendToConnection',
      'sendToUser',
      'sendToRoom',
      'broadcastToTopic',
      'broadcast',
    ]);
    expect(await received(manager, [client as TestClient])).toEqual([[]]);
  });

  test('what was thrown is the cause of the warning', async () => {
    const manager = await startManager();
    const warnings = warningsOf(manager);
    manager.broadcast(failing);
    expect(warnings).toMatchObject([{ cause: new Error('no JSON today') }]);
  });

  test('a warning of what nobody threw has no cause at all', async () => {
    const manager = await startManager();
    const warnings = warningsOf(manager);
    manager.sendToRoom('lobby', undefined as never);
    expect(warnings.map((warning) => Object.entries(warning))).toEqual([
      [
        ['code', 'ERR_INVALID_MESSAGE'],
        ['message', 'sendToRoom: a message must be an object, got undefined'],
      ],
    ]);
  });

  test('without a listener it is silent', async () => {
    const manager = await startManager();
    expect(manager.broadcast(undefined as never)).toBe(0);
  });
});

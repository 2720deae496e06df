/**
 * Requests to clients: a message that is answered by the client's next message with the same id.
 */
import type { WebSocketMessage } from '@libs/messaging';
import { connectClient, type TestClient } from '@libs/messaging/testing';
import { describe, expect, test } from 'vitest';
import { connectMute } from './support/mute-client.js';
import { MEGABYTE, nextEvent, openManager } from './support/test-manager.js';

const QUESTION = { type: 'question', payload: { text: 'ready?' } };

/** A question with an id of its own, which is no key that the type of messages knows. */
const questionOf = (id: unknown) => ({ ...QUESTION, id });

/** Takes the next question and answers it. */
async function answer(client: TestClient, payload: unknown): Promise<void> {
  const { id } = await client.next('question');
  client.send({ type: 'answer', payload, id });
}

describe('the answer', () => {
  test('is the message of the client that carries the id of the question', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const answered = manager.request(client.connectionId, QUESTION);
    const { id, timestamp, ...question } = await client.next('question');
    expect(question).toEqual(QUESTION);
    expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const sent = { type: 'whatever', payload: [1, { ü: '🌍' }], id, extra: null };
    client.send(sent);
    expect(await answered).toEqual(sent);
  });

  test('is no message event and needs no listener', async () => {
    const manager = await openManager();
    const seen: WebSocketMessage[] = [];
    const client = await connectClient(manager);
    const first = manager.request(client.connectionId, QUESTION);
    await answer(client, 1);
    expect((await first).payload).toBe(1);
    // The client got no error for a type that nobody knows.
    client.send({ type: 'heartbeat' });
    await client.next('heartbeat');
    expect(client.pending).toEqual([]);

    manager.on('message', (message) => seen.push(message));
    const second = manager.request(client.connectionId, QUESTION);
    await answer(client, 2);
    expect((await second).payload).toBe(2);
    const after = nextEvent(manager, 'message');
    client.send({ type: 'chat', payload: 3 });
    await after;
    expect(seen).toEqual([{ type: 'chat', payload: 3 }]);
  });

  test('may come in a binary frame', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const answered = manager.request(client.connectionId, QUESTION);
    const { id } = await client.next('question');
    client.send(Buffer.from(JSON.stringify({ type: 'answer', payload: 1, id })));
    expect((await answered).payload).toBe(1);
  });

  test('counts once: a second one is a message like any other', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const answered = manager.request(client.connectionId, QUESTION);
    const { id } = await client.next('question');
    const second = nextEvent<[WebSocketMessage]>(manager, 'message');
    client.send({ type: 'answer', payload: 1, id });
    client.send({ type: 'answer', payload: 2, id });
    expect((await answered).payload).toBe(1);
    expect((await second)[0].payload).toBe(2);
  });

  test('of another connection does not count', async () => {
    const manager = await openManager();
    const asked = await connectClient(manager);
    const other = await connectClient(manager);
    const told = nextEvent<[WebSocketMessage]>(manager, 'message');
    const answered = manager.request(asked.connectionId, questionOf('q1'));
    other.send({ type: 'answer', payload: 'forged', id: 'q1' });
    expect((await told)[0].payload).toBe('forged');
    await answer(asked, 'true');
    expect((await answered).payload).toBe('true');
  });

  test('is not a message without the id', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const told = nextEvent<[WebSocketMessage]>(manager, 'message');
    const answered = manager.request(client.connectionId, QUESTION);
    client.send({ type: 'answer', payload: 'no id' });
    expect((await told)[0].payload).toBe('no id');
    await answer(client, 'with id');
    expect((await answered).payload).toBe('with id');
  });
});

describe('an answer without a type', () => {
  // As an event it would be refused, since the host's types promise that there is one.
  test.for([
    ['none', {}],
    ['an empty one', { type: '' }],
    ['a number', { type: 7 }],
    ['null', { type: null }],
  ] as const)('resolves the request all the same: %s', async ([, typed]) => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const answered = manager.request(client.connectionId, QUESTION);
    const { id } = await client.next('question');
    const sent = { ...typed, payload: 'yes', id };
    client.send(sent);
    expect(await answered).toEqual(sent);
    await client.settled();
    expect(client.pending).toEqual([]);
  });

  test('is refused when nobody waits for its id', async () => {
    const manager = await openManager();
    manager.on('message', () => {});
    const client = await connectClient(manager);
    client.send({ payload: 'yes', id: 'nobody asked' });
    expect(await client.next('error')).toMatchObject({
      id: 'nobody asked',
      payload: { code: 'UNKNOWN_TYPE' },
    });
  });
});

describe('several at once', () => {
  test('find their answers in any order', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const answers = [0, 1, 2, 3, 4].map((payload) =>
      manager.request(client.connectionId, { type: 'question', payload }),
    );
    const questions = [];
    for (const _ of answers) questions.push(await client.next('question'));
    expect(new Set(questions.map(({ id }) => id)).size).toBe(5);
    for (const { id, payload } of questions.toReversed()) {
      client.send({ type: 'answer', payload: payload * 10, id });
    }
    const payloads = (await Promise.all(answers)).map(({ payload }) => payload);
    expect(payloads).toEqual([0, 10, 20, 30, 40]);
  });

  test('may go to different clients under one id', async () => {
    const manager = await openManager();
    const clients = await Promise.all([1, 2].map(() => connectClient(manager)));
    const answers = clients.map(({ connectionId }) =>
      manager.request(connectionId, questionOf('poll')),
    );
    await Promise.all(clients.map((client, number) => answer(client, number)));
    expect((await Promise.all(answers)).map(({ payload }) => payload)).toEqual([0, 1]);
  });
});

describe('the id', () => {
  test("is the message's own if it is a string of 1 to 64 bytes", async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    for (const id of ['q', 'x'.repeat(64), 'ü'.repeat(32)]) {
      const answered = manager.request(client.connectionId, questionOf(id));
      const question = await client.next('question');
      expect(question.id).toBe(id);
      client.send({ type: 'answer', payload: id, id });
      expect((await answered).payload).toBe(id);
    }
  });

  test.for(['', 'x'.repeat(65), 'ü'.repeat(33), 7, null, {}])(
    'is a new one instead of %j',
    async (id) => {
      const manager = await openManager();
      const client = await connectClient(manager);
      const message = questionOf(id);
      const answered = manager.request(client.connectionId, message);
      const question = await client.next('question');
      expect(question.id).toMatch(/^req_\d+$/);
      client.send({ type: 'answer', payload: 1, id: question.id });
      await answered;
      // The message of the caller is not touched.
      expect(message.id).toBe(id);
    },
  );
});

describe('without an answer', () => {
  test('it rejects after its timeout, and the late answer is a message', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const late = nextEvent<[WebSocketMessage]>(manager, 'message');
    const answered = manager.request(client.connectionId, QUESTION, { timeout: 20 });
    await expect(answered).rejects.toMatchObject({
      name: 'Error',
      code: 'ERR_REQUEST_TIMEOUT',
      message: expect.any(String),
    });
    await expect(answered).rejects.toBeInstanceOf(Error);
    await answer(client, 'late');
    expect((await late)[0].payload).toBe('late');
  });

  test('of a connection that closes meanwhile it rejects at once', async () => {
    const manager = await openManager();
    const closed = { code: 'ERR_CONNECTION_CLOSED' };
    const leaving = await connectClient(manager);
    const first = manager.request(leaving.connectionId, QUESTION, { timeout: 600_000 });
    const refused = expect(first).rejects.toMatchObject(closed);
    await leaving.next('question');
    await leaving.close();
    await refused;

    const dropped = await connectClient(manager);
    const second = manager.request(dropped.connectionId, QUESTION, { timeout: 600_000 });
    const refusedAsWell = expect(second).rejects.toMatchObject(closed);
    manager.disconnect(dropped.connectionId);
    await refusedAsWell;
  });

  test.for(['', 'nobody', 'conn_1700000000000_k3j9x0a2b'])(
    'of the unknown connection %j it rejects',
    async (id) => {
      const manager = await openManager();
      await expect(manager.request(id, QUESTION)).rejects.toMatchObject({
        code: 'ERR_CONNECTION_CLOSED',
      });
    },
  );

  test('for want of memory it rejects', async () => {
    const manager = await openManager({ memoryBudget: 3_000_000, maxBufferedAmount: 2 ** 30 });
    // A client that reads nothing, so that its questions fill the memory.
    await connectMute(manager);
    const [{ id } = { id: '' }] = manager.getConnections();
    const question = { type: 'question', payload: MEGABYTE };
    const answers = [...Array(50)].map(() => manager.request(id, question));
    await expect(Promise.all(answers)).rejects.toMatchObject({ code: 'ERR_OVERLOADED' });
  });
});

describe('what cannot be asked', () => {
  test.for([undefined, null, 'question', 7, [], { type: 'q', payload: 1n }])(
    'is %s, which rejects and raises no warning',
    async (message) => {
      const manager = await openManager();
      const warnings: unknown[] = [];
      manager.on('warning', (warning) => warnings.push(warning));
      const { connectionId } = await connectClient(manager);
      const answered = manager.request(connectionId, message as never);
      await expect(answered).rejects.toBeInstanceOf(TypeError);
      await expect(answered).rejects.toMatchObject({ code: 'ERR_INVALID_MESSAGE' });
      expect(warnings).toEqual([]);
    },
  );

  test('is a connection that is no name', async () => {
    const manager = await openManager();
    const answered = manager.request(undefined as never, QUESTION);
    await expect(answered).rejects.toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(/^connectionId: /),
    });
  });

  test.for([
    ['100', 'ERR_INVALID_OPTION_TYPE'],
    [0, 'ERR_INVALID_OPTION_RANGE'],
    [-1, 'ERR_INVALID_OPTION_RANGE'],
    [1.5, 'ERR_INVALID_OPTION_RANGE'],
    [2 ** 31, 'ERR_INVALID_OPTION_RANGE'],
  ] as const)('is anything within a timeout of %j', async ([timeout, code]) => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const options = { timeout: timeout as number };
    await expect(manager.request(client.connectionId, QUESTION, options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/^timeout: must be /),
    });
    await client.settled();
    expect(client.pending).toEqual([]);
  });
});

describe('a second request with the same id', () => {
  test('is refused while the first waits, which still gets its answer', async () => {
    const manager = await openManager();
    const client = await connectClient(manager);
    const first = manager.request(client.connectionId, { ...QUESTION, id: 'mine' });
    const second = manager.request(client.connectionId, { ...QUESTION, id: 'mine' });
    await expect(second).rejects.toMatchObject({ code: 'ERR_DUPLICATE_REQUEST' });
    await answer(client, 'to the first');
    expect((await first).payload).toBe('to the first');
    expect(client.pending).toEqual([]);

    const third = manager.request(client.connectionId, { ...QUESTION, id: 'mine' });
    await answer(client, 'to the third');
    expect((await third).payload).toBe('to the third');
  });
});

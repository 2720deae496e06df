/**
 * What lies beneath the protocol's messages: those that are the service's own, and the frames that carry
 * them all.
 */
import type { WebSocketConnection, WebSocketMessage } from '@libs/messaging';
import { connectClient } from '@libs/messaging/testing';
import { describe, expect, test } from 'vitest';
import { closePayload, frame, Opcode } from './support/frames.js';
import { startManager } from './support/managers.js';
import { RawClient } from './support/raw-client.js';
import { nextEvent } from './support/test-manager.js';

type Heard = [message: WebSocketMessage, connection: WebSocketConnection];

describe('messages of the service', () => {
  const CHAT = { type: 'chat', payload: { text: 'hi' }, userId: 'u', extra: [1], id: 'c-1' };

  test('are `message` events where somebody listens, and not answered', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    const heard = nextEvent<Heard>(manager, 'message');
    client.send(CHAT);

    const [message, connection] = await heard;
    expect(message).toEqual(CHAT);
    expect(connection).toBe(manager.getConnection(client.connectionId));
    await client.settled();
    expect(client.pending).toEqual([]);
  });

  test('may come in binary frames', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    const heard = nextEvent<Heard>(manager, 'message');
    client.send(Buffer.from(JSON.stringify(CHAT)));
    expect((await heard)[0]).toEqual(CHAT);
  });

  test('are an error when nobody listens, or nobody does any more', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    const unknown = {
      type: 'error',
      id: 'c-1',
      payload: { message: 'Unknown message type: chat', code: 'UNKNOWN_TYPE', type: 'chat' },
    };
    client.send(CHAT);
    expect(await client.next()).toMatchObject(unknown);

    const listener = () => {};
    manager.on('message', listener);
    client.send(CHAT);
    await client.settled();
    expect(client.pending).toEqual([]);

    manager.off('message', listener);
    client.send(CHAT);
    expect(await client.next()).toMatchObject(unknown);
  });

  test('never include those that the protocol owns', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    const types: string[] = [];
    manager.on('message', ({ type }) => types.push(type));
    await client.authenticate({ userId: 'u' });
    await client.join('r');
    await client.leave('r');
    await client.subscribe('t');
    await client.unsubscribe('t');
    client.send({ type: 'heartbeat', payload: null });
    client.send({ type: 'subscribe', payload: null });
    expect((await client.next('error')).payload.code).toBe('INVALID_PAYLOAD');

    const heard = nextEvent<Heard>(manager, 'message');
    client.send({ type: 'last', payload: null });
    await heard;
    expect(types).toEqual(['last']);
  });
});

describe('frames', () => {
  test('a message in fragments, with a ping between them, is one message', async () => {
    const client = await RawClient.greeted(await startManager());
    client.write(
      frame(Opcode.text, '{"type":"join_room","pay', { fin: false }),
      frame(Opcode.ping, 'are you there?'),
      frame(Opcode.continuation, '', { fin: false }),
      frame(Opcode.continuation, 'load":{"room":"lobby"}}'),
    );
    expect(await client.frame()).toMatchObject({
      opcode: Opcode.pong,
      payload: Buffer.from('are you there?'),
    });
    expect((await client.message()).type).toBe('joined_room');
  });

  test('are whole, unmasked and without reserved bits, whatever their length', async () => {
    const manager = await startManager();
    const client = await RawClient.greeted(manager);
    for (const size of [0, 100, 200, 65_000, 70_000, 1_000_000]) {
      manager.sendToConnection(client.id, { type: 'big', payload: 'x'.repeat(size) });
      const { payload, ...shape } = await client.frame();
      expect(shape).toEqual({ opcode: Opcode.text, fin: true, reserved: 0, masked: false });
      expect(JSON.parse(payload.toString()).payload).toHaveLength(size);
    }
  });

  test.each([
    ['a code and a reason', closePayload(4001, 'bye'), closePayload(4001), [4001, 'bye']],
    ['a code', closePayload(1000), closePayload(1000), [1000, '']],
    ['nothing', Buffer.alloc(0), Buffer.alloc(0), [1005, '']],
  ])('a close frame with %s is answered in kind', async (_, sent, answer, event) => {
    const manager = await startManager();
    const client = await RawClient.greeted(manager);
    const disconnected = nextEvent<[WebSocketConnection, number, string]>(manager, 'disconnect');
    client.write(frame(Opcode.close, sent));

    expect(await client.frame()).toMatchObject({ opcode: Opcode.close, payload: answer });
    await client.ended;
    const [connection, ...how] = await disconnected;
    expect(connection.id).toBe(client.id);
    expect(how).toEqual(event);
    expect(manager.getConnectionCount()).toBe(0);
  });
});

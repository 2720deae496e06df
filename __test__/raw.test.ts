/**
 * `protocol: 'raw'`: frames of the service's own, untouched in both directions. And `socket.send`, which
 * sends such frames under either protocol.
 */
import type { WebSocketConnection, WebSocketManager } from '@libs/messaging';
import { connectClient, flush } from '@libs/messaging/testing';
import { describe, expect, test } from 'vitest';
import { closePayload, frame, Opcode, text } from './support/frames.js';
import { startManager, warningsOf } from './support/managers.js';
import { RawClient } from './support/raw-client.js';
import { nextEvent } from './support/test-manager.js';

type Data = [data: string | Buffer, connection: WebSocketConnection];

/** A raw manager with one client. */
async function connectRaw(): Promise<{
  manager: WebSocketManager;
  client: RawClient;
  connection: WebSocketConnection;
}> {
  const manager = await startManager({ protocol: 'raw' });
  const connected = nextEvent<[WebSocketConnection]>(manager, 'connection');
  const client = await RawClient.open(manager);
  const [connection] = await connected;
  return { manager, client, connection };
}

describe("protocol: 'raw'", () => {
  test('nothing is sent on connect', async () => {
    const { manager, client, connection } = await connectRaw();
    connection.socket.send('the first');
    await flush(manager);
    expect(await client.text()).toBe('the first');
  });

  test('a text frame is a string, a binary frame a Buffer', async () => {
    const { manager, client, connection } = await connectRaw();
    const frames: [number, string | Buffer][] = [
      [Opcode.text, 'plain, é and 😀'],
      [Opcode.text, ''],
      [Opcode.text, '{"type":"heartbeat"}'],
      [Opcode.binary, Buffer.from([0, 255, 128, 10])],
      [Opcode.binary, Buffer.alloc(0)],
      [Opcode.binary, Buffer.from('{"type":"heartbeat"}')],
    ];
    for (const [opcode, payload] of frames) {
      const heard = nextEvent<Data>(manager, 'data');
      client.write(frame(opcode, payload));
      expect(await heard).toEqual([payload, connection]);
    }
  });

  test('fragments are one message', async () => {
    const { manager, client } = await connectRaw();
    const heard = nextEvent<Data>(manager, 'data');
    // Cut within a character, which only the whole message completes.
    const [start, end] = [Buffer.from('é').subarray(0, 1), Buffer.from('é').subarray(1)];
    client.write(frame(Opcode.text, start, { fin: false }), frame(Opcode.continuation, end));
    expect((await heard)[0]).toBe('é');
  });

  test('nothing is answered, and nothing is a `message` or `binary` event', async () => {
    const { manager, client, connection } = await connectRaw();
    const others: string[] = [];
    manager.on('message', () => others.push('message'));
    manager.on('binary', () => others.push('binary'));
    manager.on('authenticated', () => others.push('authenticated'));
    client.write(
      text({ type: 'authenticate', payload: { userId: 'ada' } }),
      text('not JSON'),
      frame(Opcode.binary, 'bytes'),
    );
    const last = nextEvent<Data>(manager, 'disconnect');
    client.write(frame(Opcode.close, closePayload(1000)));
    expect(await client.closing()).toEqual({ code: 1000, reason: '' });
    await last;
    expect(others).toEqual([]);
    expect(connection.userId).toBeUndefined();
  });

  test('pings are answered all the same, and violations end the connection', async () => {
    const { client } = await connectRaw();
    client.write(frame(Opcode.ping, 'p'));
    expect(await client.frame()).toMatchObject({ opcode: Opcode.pong, payload: Buffer.from('p') });
    client.write(frame(Opcode.text, Buffer.from([0xff])));
    expect((await client.closing()).code).toBe(1007);
  });

  test('echoes every frame as it came, in order', async () => {
    const { manager, client } = await connectRaw();
    manager.on('data', (data, { socket }) => socket.send(data));
    const payloads = Array.from({ length: 300 }, (_, i) => 'x'.repeat(i * 40));
    client.write(
      ...payloads.map((payload, i) => frame(i % 2 ? Opcode.binary : Opcode.text, payload)),
    );
    for (const [i, payload] of payloads.entries()) {
      const echo = await client.frame();
      expect(echo.opcode).toBe(i % 2 ? Opcode.binary : Opcode.text);
      expect(echo.payload.equals(Buffer.from(payload)), `frame ${i}`).toBe(true);
    }
  });

  test('the service can still put connections in rooms and send messages', async () => {
    const { manager, client, connection } = await connectRaw();
    manager.joinRoom(connection.id, 'lobby');
    expect(manager.sendToRoom('lobby', { type: 'note', payload: 1, timestamp: 't' })).toBe(1);
    expect(await client.text()).toBe('{"type":"note","payload":1,"timestamp":"t"}');
  });

  test('without a listener frames are read and forgotten', async () => {
    const { manager, client, connection } = await connectRaw();
    client.write(text('a'), frame(Opcode.binary, 'b'), frame(Opcode.ping, 'last'));
    expect((await client.frame()).opcode).toBe(Opcode.pong);
    expect(manager.getStats().messagesIn).toBe(2);
    expect(connection.socket.readyState).toBe(1);
  });
});

describe('socket.send', () => {
  const BYTES = Uint8Array.from([9, 0, 1, 2, 255, 9]);
  const INNER = Buffer.from([0, 1, 2, 255]);

  test.each<[string, string | ArrayBuffer | ArrayBufferView, number, Buffer]>([
    ['a string', 'é 😀', Opcode.text, Buffer.from('é 😀')],
    ['an empty string', '', Opcode.text, Buffer.alloc(0)],
    ['a Buffer', INNER, Opcode.binary, INNER],
    ['an empty Buffer', Buffer.alloc(0), Opcode.binary, Buffer.alloc(0)],
    ['a part of an array', BYTES.subarray(1, 5), Opcode.binary, INNER],
    ['a DataView', new DataView(BYTES.buffer, 1, 4), Opcode.binary, INNER],
    ['an Int16Array', new Int16Array(BYTES.slice(1, 5).buffer), Opcode.binary, INNER],
    ['an ArrayBuffer', BYTES.slice(1, 5).buffer, Opcode.binary, INNER],
  ])('%s goes out as it is, under either protocol', async (_, data, opcode, payload) => {
    const raw = await connectRaw();
    expect(raw.connection.socket.send(data)).toBe(true);
    expect(await raw.client.frame()).toMatchObject({ opcode, payload });

    const manager = await startManager();
    const client = await RawClient.greeted(manager);
    expect(manager.getConnection(client.id)?.socket.send(data)).toBe(true);
    expect(await client.frame()).toMatchObject({ opcode, payload });
  });

  test('the bytes are taken at the call', async () => {
    const { client, connection } = await connectRaw();
    const bytes = Buffer.from('before');
    connection.socket.send(bytes);
    bytes.write('after!');
    expect((await client.frame()).payload.toString()).toBe('before');
  });

  test.each([[undefined], [null], [5], [{}], [true]])(
    '%j is refused with a warning',
    async (data) => {
      const { manager, connection } = await connectRaw();
      const warnings = warningsOf(manager);
      expect(connection.socket.send(data as never)).toBe(false);
      expect(warnings).toMatchObject([
        { code: 'ERR_INVALID_MESSAGE', connectionId: connection.id },
      ]);
    },
  );

  test('is false for a connection that has ended', async () => {
    const { manager, client, connection } = await connectRaw();
    expect(connection.socket.readyState).toBe(1);
    const left = nextEvent(manager, 'disconnect');
    connection.socket.close(4001, 'enough');
    expect(connection.socket.readyState).toBe(2);
    expect(connection.socket.send('too late')).toBe(false);
    expect(await client.frame()).toMatchObject({
      opcode: Opcode.close,
      payload: closePayload(4001, 'enough'),
    });
    client.write(frame(Opcode.close, closePayload(4001)));
    await left;
    expect(connection.socket.readyState).toBe(3);
    expect(connection.socket.send('much too late')).toBe(false);
  });

  test('keeps its place among the messages', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    const socket = manager.getConnection(client.connectionId)?.socket;
    manager.broadcast({ type: 'note', payload: 1 });
    socket?.send('two');
    manager.sendToConnection(client.connectionId, { type: 'note', payload: 3 });
    socket?.send(Buffer.from('four'));
    const got = [
      await client.next(),
      await client.next(),
      await client.next(),
      await client.next(),
    ];
    expect(got.map(({ payload }) => payload.toString())).toEqual(['1', 'two', '3', 'four']);
  });
});

describe('binary frames under the messaging protocol', () => {
  test('are `binary` events where somebody listens', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    for (const bytes of [
      Buffer.from([0, 255]),
      Buffer.alloc(0),
      Buffer.from('[1]'),
      Buffer.from('x'),
    ]) {
      const heard = nextEvent<[Buffer, WebSocketConnection]>(manager, 'binary');
      client.send(bytes);
      const [data, connection] = await heard;
      expect(Buffer.isBuffer(data)).toBe(true);
      expect(data.equals(bytes)).toBe(true);
      expect(connection.id).toBe(client.connectionId);
    }
    await client.settled();
    expect(client.pending).toEqual([]);
  });

  test('are messages where they hold one, listener or not', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    const heard: Buffer[] = [];
    manager.on('binary', (data) => heard.push(data));
    client.send(Buffer.from('{"type":"heartbeat"}'));
    expect((await client.next()).type).toBe('heartbeat');
    expect(heard).toEqual([]);
  });

  test('are an error where nobody listens', async () => {
    const client = await connectClient(await startManager());
    client.send(Buffer.from([0, 255]));
    expect((await client.next('error')).payload).toEqual({
      message: 'Invalid message format',
      code: 'INVALID_FORMAT',
    });
  });
});

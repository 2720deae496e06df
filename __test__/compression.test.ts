/**
 * permessage-deflate (RFC 7692): what is agreed, what goes out compressed and to whom, and what comes in.
 */
import type { WebSocketManager, WebSocketMessage } from '@libs/messaging';
import { connectClient, flush } from '@libs/messaging/testing';
import { randomBytes } from 'node:crypto';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { closePayload, type Frame, frame, Opcode } from './support/frames.js';
import { startManager } from './support/managers.js';
import { RawClient, request } from './support/raw-client.js';
import { nextEvent } from './support/test-manager.js';

const OFFER = 'permessage-deflate; client_max_window_bits';
const AGREED = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

/** The first reserved bit, which marks a compressed message. */
const RSV1 = 4;
const FLUSH_TAIL = Buffer.from([0, 0, 0xff, 0xff]);

const WORDS = Array.from({ length: 20_000 }, (_, i) => `word ${(i * 7919) % 10_007}`).join(' ');
const news = (length: number) => ({ type: 'news', payload: WORDS.slice(0, length) });

/** A client that offers compression in this way, and what the server answered. */
async function offer(
  manager: WebSocketManager,
  extensions: string | string[],
): Promise<{ client: RawClient; agreed: string | undefined }> {
  const client = await RawClient.connect(manager);
  client.write(request({ 'Sec-WebSocket-Extensions': extensions }));
  const { status, headers } = await client.response();
  expect(status).toBe(101);
  await client.message();
  return { client, agreed: headers['sec-websocket-extensions'] };
}

function inflate({ payload }: Frame, windowBits = 15): WebSocketMessage {
  const finishFlush = constants.Z_SYNC_FLUSH;
  const text = inflateRawSync(Buffer.concat([payload, FLUSH_TAIL]), { finishFlush, windowBits });
  return JSON.parse(text.toString());
}

/** A client's message in the form of RFC 7692. */
function deflate(message: string | Buffer): Buffer {
  const flushed = deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH });
  return flushed.subarray(0, -FLUSH_TAIL.length);
}

describe('the negotiation', () => {
  test.for([
    ['what browsers offer', OFFER, AGREED],
    [
      'a smaller window',
      `${OFFER}; server_max_window_bits=10`,
      `${AGREED}; server_max_window_bits=10`,
    ],
    ['an illegal offer and a good one', ['permessage-deflate; x', 'permessage-deflate'], AGREED],
    ['an illegal offer', 'permessage-deflate; server_max_window_bits=7', undefined],
    ['another extension', 'x-webkit-deflate-frame', undefined],
  ] as const)('%s', async ([, extensions, expected]) => {
    const { agreed } = await offer(await startManager(), extensions as string | string[]);
    expect(agreed).toBe(expected);
  });

  test('a header against the grammar is refused with 400', async () => {
    const client = await RawClient.connect(await startManager());
    client.write(request({ 'Sec-WebSocket-Extensions': 'permessage-deflate;' }));
    expect((await client.response()).status).toBe(400);
  });

  test('enableCompression: false agrees to nothing and sends as it is', async () => {
    const manager = await startManager({ enableCompression: false });
    const { client, agreed } = await offer(manager, OFFER);
    expect(agreed).toBeUndefined();
    manager.broadcast(news(5000));
    expect((await client.frame()).reserved).toBe(0);
  });
});

describe('what goes out', () => {
  test('is compressed from compressionThreshold on, timestamp included', async () => {
    const manager = await startManager({ compressionThreshold: 2000 });
    const { client } = await offer(manager, OFFER);
    const timestamp = '2026-01-01T00:00:00.000Z';
    const empty = JSON.stringify({ ...news(0), timestamp }).length;
    for (const length of [2000 - empty - 1, 2000 - empty]) manager.broadcast(news(length));
    const [below, at] = [await client.frame(), await client.frame()];
    expect([below.reserved, below.payload.length]).toEqual([0, 1999]);
    expect(at).toMatchObject({ reserved: RSV1, opcode: Opcode.text, fin: true });
    expect(at.payload.length).toBeLessThan(1000);
    expect(inflate(at)).toMatchObject(news(2000 - empty));
  });

  test('is the same for all with one window, and fits each window', async () => {
    const manager = await startManager({ compressionThreshold: 1 });
    const bits = [15, 15, 12, 9];
    const clients = await Promise.all(
      bits.map((n) => offer(manager, `permessage-deflate; server_max_window_bits=${n}`)),
    );
    const { client: smallest } = await offer(
      manager,
      'permessage-deflate; server_max_window_bits=8',
    );
    const plain = await RawClient.greeted(manager);
    manager.broadcast(news(30_000));

    const frames = await Promise.all(clients.map(({ client }) => client.frame()));
    frames.forEach((one, i) => {
      expect(inflate(one, bits[i])).toMatchObject(news(30_000));
    });
    expect(frames[0]?.payload.equals(frames[1]?.payload as Buffer)).toBe(true);
    // A smaller window finds less that repeats.
    expect(frames[3]?.payload.length).toBeGreaterThan(frames[0]?.payload.length as number);
    for (const client of [smallest, plain]) {
      const { reserved, payload } = await client.frame();
      expect(reserved).toBe(0);
      expect(JSON.parse(payload.toString())).toMatchObject(news(30_000));
    }
  });

  test('is as small as compressionLevel makes it', async () => {
    const sizes = await Promise.all(
      [1, 9].map(async (compressionLevel) => {
        const manager = await startManager({ compressionLevel });
        const { client } = await offer(manager, OFFER);
        // The second is compressed aside.
        for (const length of [30_000, 100_000]) manager.broadcast(news(length));
        return [(await client.frame()).payload.length, (await client.frame()).payload.length];
      }),
    );
    const [fast, small] = sizes as [number[], number[]];
    expect(small[0]).toBeLessThan(fast[0] as number);
    expect(small[1]).toBeLessThan(fast[1] as number);
  });

  test('goes out as it is where compression gains nothing', async () => {
    const manager = await startManager({ protocol: 'raw' });
    const client = await RawClient.connect(manager);
    client.write(request({ 'Sec-WebSocket-Extensions': OFFER }));
    await client.response();
    const noise = randomBytes(5000);
    const [connection] = manager.getConnections();
    connection?.socket.send(noise);
    connection?.socket.send(Buffer.from(WORDS.slice(0, 5000)));
    const { reserved, payload } = await client.frame();
    expect([reserved, payload.equals(noise)]).toEqual([0, true]);
    expect(await client.frame()).toMatchObject({ reserved: RSV1, opcode: Opcode.binary });
  });
});

describe('a large message, which is compressed aside', () => {
  test('keeps its place in the order of each client', async () => {
    const manager = await startManager();
    const clients = await Promise.all(Array.from({ length: 6 }, () => connectClient(manager)));
    const plain = await RawClient.greeted(manager);
    const lengths = [10, 150_000, 20, 90_000, 3000, 60_000, 30];
    for (const length of lengths) manager.broadcast(news(length));
    manager.sendToConnection(clients[0]?.connectionId as string, { type: 'last', payload: null });

    for (const client of clients) {
      for (const length of lengths) {
        expect((await client.next()).payload).toBe(news(length).payload);
      }
    }
    expect((await clients[0]?.next())?.type).toBe('last');
    for (const length of lengths) expect((await plain.message()).payload).toHaveLength(length);
  });

  test('holds up nobody who does not wait for it', async () => {
    const manager = await startManager({ shards: 1 });
    const [waiting, other] = [await connectClient(manager), await connectClient(manager)];
    manager.sendToConnection(waiting.connectionId, news(150_000));
    manager.sendToConnection(other.connectionId, { type: 'quick', payload: null });
    await other.next('quick');
    expect((await waiting.next()).payload).toHaveLength(150_000);
  });

  test('makes nobody slow: many at once are more than maxBufferedAmount only for a moment', async () => {
    const manager = await startManager({ maxBufferedAmount: 100_000 });
    const client = await connectClient(manager);
    for (let i = 0; i < 20; i += 1) manager.broadcast(news(100_000 + i));
    for (let i = 0; i < 20; i += 1) {
      expect((await client.next()).payload).toHaveLength(100_000 + i);
    }
    expect(manager.getStats()).toMatchObject({ slowConsumers: 0, drops: { slowConsumer: 0 } });
  });

  test('is waited for by flush(), and comes before a close', async () => {
    const manager = await startManager();
    const { client } = await offer(manager, OFFER);
    manager.broadcast(news(150_000));
    await flush(manager);
    expect(manager.getStats().queuedBytes).toBe(0);
    manager.broadcast(news(140_000));
    manager.getConnections()[0]?.socket.close(4000);
    expect(inflate(await client.frame()).payload).toHaveLength(150_000);
    expect(inflate(await client.frame()).payload).toHaveLength(140_000);
    expect((await client.closing()).code).toBe(4000);
  });
});

describe('what comes in', () => {
  const CHAT = { type: 'chat', payload: WORDS.slice(0, 9000) };
  type Heard = [message: WebSocketMessage];

  test('is inflated, whole or in fragments', async () => {
    const manager = await startManager();
    const { client } = await offer(manager, OFFER);
    const bytes = deflate(JSON.stringify(CHAT));
    const [first, second] = [bytes.subarray(0, 100), bytes.subarray(100)];
    for (const frames of [
      [frame(Opcode.text, bytes, { reserved: RSV1 })],
      [
        frame(Opcode.text, first, { reserved: RSV1, fin: false }),
        frame(Opcode.continuation, second),
      ],
    ]) {
      const heard = nextEvent<Heard>(manager, 'message');
      client.write(...frames);
      expect((await heard)[0]).toEqual(CHAT);
    }
  });

  test('of a client of the package ws is understood both ways', async () => {
    const manager = await startManager();
    const client = await connectClient(manager);
    manager.on('message', (message, connection) => {
      manager.sendToConnection(connection.id, message);
    });
    client.send(CHAT);
    expect(await client.next('chat')).toMatchObject(CHAT);
    expect(manager.getStats().bytesIn).toBeLessThan(CHAT.payload.length);
  });

  test.for([
    ['a bomb', deflate(Buffer.alloc(1 << 20)), RSV1, 1009],
    ['data that does not inflate', Buffer.from('\xff\xff\xff', 'latin1'), RSV1, 1007],
    ['text that is not UTF-8 when it is inflated', deflate(Buffer.from([0xff])), RSV1, 1007],
    ['another reserved bit', Buffer.alloc(1), 2, 1002],
  ] as const)('%s closes', async ([, payload, reserved, code]) => {
    const manager = await startManager();
    const { client } = await offer(manager, OFFER);
    const disconnected = nextEvent<[unknown, number]>(manager, 'disconnect');
    client.write(frame(Opcode.text, payload, { reserved }));
    expect((await client.closing()).code).toBe(code);
    expect((await disconnected)[1]).toBe(code);
  });

  test('may be compressed only where that was agreed', async () => {
    const client = await RawClient.greeted(await startManager());
    client.write(frame(Opcode.text, deflate('{}'), { reserved: RSV1 }));
    expect((await client.closing()).code).toBe(1002);
  });

  test('is never a compressed control frame or continuation', async () => {
    const manager = await startManager();
    for (const opcode of [Opcode.ping, Opcode.continuation, Opcode.close]) {
      const { client } = await offer(manager, OFFER);
      const payload = opcode === Opcode.close ? closePayload(1000) : '';
      client.write(frame(opcode, payload, { reserved: RSV1 }));
      expect((await client.closing()).code).toBe(1002);
    }
  });
});

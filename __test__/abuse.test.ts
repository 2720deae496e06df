/**
 * What a client can do on purpose. Each attack gets its close code, others are served meanwhile, and the
 * memory of the service stays where it was: it has a process of its own here (see `support/victim.ts`).
 */
import { deflateRawSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { frame, Opcode } from './support/frames.js';
import { RawClient, request } from './support/raw-client.js';
import { Victim } from './support/victim.js';

const MIB = 1024 * 1024;
const RSV1 = { reserved: 4 };

/** What memory may grow by: allocators keep some of what they had, and each attack is many times as much. */
const FLAT = 64 * MIB;

/** As many clients as there are numbers below `count`, connected one behind the other. */
async function clients(victim: Victim, count: number, extensions?: string): Promise<RawClient[]> {
  const all: RawClient[] = [];
  while (all.length < count) {
    const client = await RawClient.connect(victim);
    client.write(request({ 'Sec-WebSocket-Extensions': extensions }));
    expect((await client.response()).status).toBe(101);
    await client.message();
    all.push(client);
  }
  return all;
}

/** The header of a client's frame that claims a length in 64 bits; its mask is zero. */
const claim = (first: number, length: bigint) => {
  const header = Buffer.alloc(14);
  header.set([first, 0x80 | 127]);
  header.writeBigUInt64BE(length, 2);
  return header;
};

describe('compression bombs', () => {
  /** 8 MB that inflate to 8 GiB. */
  const BOMB = Buffer.alloc(
    8 * MIB,
    deflateRawSync(Buffer.alloc(MIB), { finishFlush: 2 /* Z_SYNC_FLUSH */ }),
  );
  const HEADER = claim(0x80 | 0x40 | Opcode.text, BigInt(BOMB.length));

  test.for([
    ['over the default maxPayload', {}],
    ['over a maxPayload that the bomb itself fits', { maxPayload: 16 * MIB }],
  ] as const)('%s: 100 at once', { timeout: 60_000 }, async ([, config]) => {
    const victim = await Victim.start(config);
    const before = await victim.report();
    const all = await clients(victim, 100, 'permessage-deflate');
    for (let i = 0; i < all.length; i += 10) {
      const ten = all.slice(i, i + 10);
      for (const client of ten) client.write(HEADER, BOMB);
      for (const client of ten) expect((await client.closing()).code).toBe(1009);
      for (const client of ten) client.destroy();
    }
    const { rss, ends } = await victim.reportWhen((report) => report.ends[1009] === 100);
    expect(ends).toEqual({ 1009: 100 });
    expect(rss - before.rss).toBeLessThan(FLAT);
  });

  test('in fragments, or behind bytes that inflate to nothing', async () => {
    const victim = await Victim.start();
    const [fragments, padding] = await clients(victim, 2, 'permessage-deflate');
    const shape = { ...RSV1, fin: false };
    fragments?.write(frame(Opcode.text, BOMB.subarray(0, 1000), shape));
    for (let i = 1; i < 16; i += 1) {
      const piece = BOMB.subarray(i * 1000, (i + 1) * 1000);
      fragments?.write(frame(Opcode.continuation, piece, { fin: false }));
    }
    expect((await fragments?.closing())?.code).toBe(1009);
    // Empty blocks: nothing would ever be over the limit but they themselves.
    padding?.write(frame(Opcode.text, Buffer.alloc(30_000, '\0\0\0\xff\xff', 'latin1'), RSV1));
    expect((await padding?.closing())?.code).toBe(1009);
  });
});

/** The rate of messages would end them before they are of any weight. */
const UNLIMITED = { limits: { messagesPerSecond: false as const } };

describe('frames', () => {
  test('10,000 fragments of a byte each are a message, and without an end they are nothing', async () => {
    const victim = await Victim.start(UNLIMITED);
    const before = await victim.report();
    const all = await clients(victim, 20);
    const message = JSON.stringify({ type: 'chat', payload: 'x'.repeat(10_000) });
    const bytes = [...message].map((character, i) =>
      frame(i === 0 ? Opcode.text : Opcode.continuation, character, { fin: false }),
    );
    const stream = Buffer.concat(bytes);
    for (const client of all) client.write(stream);
    const open = await victim.report();
    expect(open.heard).toEqual({});
    expect(open.rss - before.rss).toBeLessThan(FLAT);
    for (const client of all) client.write(frame(Opcode.continuation));
    await victim.reportWhen(({ heard }) => heard[10_000] === 20);
  });

  test('empty fragments without end cost nothing', async () => {
    const victim = await Victim.start(UNLIMITED);
    const before = await victim.report();
    const [client] = await clients(victim, 1);
    client?.write(frame(Opcode.text, '', { fin: false }));
    client?.write(
      Buffer.concat(Array(200_000).fill(frame(Opcode.continuation, '', { fin: false }))),
    );
    client?.write(frame(Opcode.ping, 'done'));
    expect((await client?.frame())?.payload.toString()).toBe('done');
    expect((await victim.report()).rss - before.rss).toBeLessThan(FLAT);
  });

  test.for([
    ['a length of 2^63', claim(0x82, 1n << 63n), 1002],
    ['a length of 2^63 - 1', claim(0x82, (1n << 63n) - 1n), 1009],
    ['a length of 2^63 - 1 that is compressed', claim(0xc2, (1n << 63n) - 1n), 1009],
    ['a ping in fragments', frame(Opcode.ping, 'x', { fin: false }), 1002],
    ['a close in fragments', frame(Opcode.close, '', { fin: false }), 1002],
    ['a ping of 64 KiB', frame(Opcode.ping, 'x'.repeat(65_536)), 1002],
  ] as const)('%s', async ([, bytes, code]) => {
    const victim = await Victim.start();
    const [client] = await clients(victim, 1, 'permessage-deflate');
    client?.write(bytes);
    expect((await client?.closing())?.code).toBe(code);
    await victim.reportWhen(({ ends }) => ends[code] === 1);
  });
});

describe('floods', () => {
  const PINGS = Buffer.concat(Array(2000).fill(frame(Opcode.ping, 'x'.repeat(125))));

  test('of pings by clients that read no pong: they are not read either', async () => {
    const victim = await Victim.start(UNLIMITED);
    const before = await victim.report();
    const all = await clients(victim, 20);
    for (const client of all) {
      client.pause();
      // 26 MB of pings, for which the answers would be as long.
      for (let i = 0; i < 100; i += 1) client.write(PINGS);
    }
    // Nobody tells when the last one is read: each report lets the service work on.
    for (let i = 0; i < 50; i += 1) {
      const { rss, stats } = await victim.report();
      expect(rss - before.rss).toBeLessThan(FLAT);
      expect(stats.queuedBytes).toBeLessThan(20 * 256 * 1024);
    }
  });

  test('of pings by a client that reads: each has its pong', async () => {
    const victim = await Victim.start(UNLIMITED);
    const [client] = await clients(victim, 1);
    for (let i = 0; i < 10; i += 1) client?.write(PINGS);
    for (let i = 0; i < 20_000; i += 1) {
      const { opcode, payload } = (await client?.frame()) ?? {};
      if (opcode !== Opcode.pong || payload?.length !== 125) throw new Error(`pong ${i} is wrong`);
    }
  });

  test('of messages to clients that never read', { timeout: 60_000 }, async () => {
    const victim = await Victim.start({ closeTimeout: 100 });
    const before = await victim.report();
    const all = await clients(victim, 50);
    for (const client of all) client.pause();
    let most = 0;
    for (let slow = 0; slow < 50; ) {
      await victim.broadcast(500_000);
      const { rss, stats } = await victim.report();
      most = Math.max(most, rss - before.rss);
      slow = stats.slowConsumers;
    }
    // The frames that wait for all of them are there once.
    expect(most).toBeLessThan(FLAT);
    const { ends, stats } = await victim.reportWhen((report) => report.ends[1006] === 50);
    expect(ends).toEqual({ 1006: 50 });
    expect(stats.queuedBytes).toBe(0);
  });
});

describe('peers that are half there', () => {
  test('who end their side without a close frame are let go', async () => {
    const victim = await Victim.start();
    const all = await clients(victim, 100);
    for (const client of all) client.end();
    for (const client of all) await client.ended;
    const { ends } = await victim.reportWhen((report) => report.ends[1006] === 100);
    expect(ends).toEqual({ 1006: 100 });
  });

  test('who fall silent are closed by the heartbeat, in the middle of whatever they sent', async () => {
    const victim = await Victim.start({ heartbeatInterval: 200, closeTimeout: 100 });
    const all = await clients(victim, 50, 'permessage-deflate');
    for (const client of all) {
      client.write(frame(Opcode.text, 'half a message', { fin: false }), '\x81');
    }
    for (const client of all) expect((await client.closing()).code).toBe(1001);
    const { ends } = await victim.reportWhen((report) => report.ends[1006] === 50);
    expect(ends).toEqual({ 1006: 50 });
  });

  test('who dribble their handshake keep nobody out, and are ended', async () => {
    const victim = await Victim.start({ handshakeTimeout: 500 });
    const before = await victim.report();
    const all: RawClient[] = [];
    for (let i = 0; i < 300; i += 1) all.push(await RawClient.connect(victim));
    const timer = setInterval(() => {
      for (const client of all) client.write('G');
    }, 50);
    onTestFinished(() => clearInterval(timer));
    const { rss } = await victim.report();
    expect(rss - before.rss).toBeLessThan(FLAT);
    for (const client of all) await client.ended;
    const { stats } = await victim.report();
    expect(stats.refusals.handshake_timeout).toBe(300);
  });
});

/**
 * Frames and messages, for clients that a server of Bun hands over message by message.
 */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  clientFrame,
  closePayload,
  FrameReader,
  Opcode,
  readClose,
} from '../lib/attach/frame-codec.js';
import { readAnswer } from '../lib/attach/handshake-answer.js';
import { frame, takeFrame } from './support/frames.js';

/** Numbers that are the same in each run: below `limit`, from this seed on. */
function numbers(seed: number) {
  let state = seed;
  return (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state % limit;
  };
}

/** On both sides of each form in which a frame gives its length. */
const LENGTHS = [0, 1, 2, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537, 200_000];

const CONTROL = [Opcode.Close, Opcode.Ping, Opcode.Pong] as const;

/** Messages with control frames in between, as the engine writes them. */
function engineFrames(below: (limit: number) => number) {
  return Array.from({ length: 40 }, () => {
    const control = below(3) === 0;
    const length = control ? below(126) : (LENGTHS[below(LENGTHS.length)] as number);
    const opcode = control ? CONTROL[below(3)] : [Opcode.Text, Opcode.Binary][below(2)];
    return { opcode: opcode as number, payload: Buffer.alloc(length, below(256)) };
  });
}

/** Comparing the bytes themselves one by one takes vitest seconds. */
const digest = ({ opcode, payload }: { opcode: number; payload: Buffer }) =>
  `${opcode} ${payload.length} ${createHash('sha1').update(payload).digest('hex')}`;

test.for([1, 2, 3, 4, 5, 6, 7, 8])('frames are read however they are cut (%i)', (seed) => {
  const below = numbers(seed);
  const sent = engineFrames(below);
  const bytes = Buffer.concat(
    sent.map(({ opcode, payload }) => frame(opcode, payload, { masked: false })),
  );
  const reader = new FrameReader();
  const received: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    // Some pieces cut a header, and some hold several frames.
    const piece = 1 + below([2, 20, 5000, 300_000][below(4)] as number);
    reader.push(bytes.subarray(at, at + piece));
    at += piece;
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      received.push(digest(next));
    }
  }
  expect(received).toEqual(sent.map(digest));
});

test('a frame is there as soon as its last byte is, and not before', () => {
  for (const length of LENGTHS) {
    const bytes = frame(Opcode.Binary, Buffer.alloc(length), { masked: false });
    const reader = new FrameReader();
    for (const part of [bytes.subarray(0, 1), bytes.subarray(1, -1)]) {
      reader.push(part);
      expect(reader.next()).toBeUndefined();
    }
    reader.push(bytes.subarray(Math.max(1, bytes.length - 1)));
    expect(reader.next()?.payload.length).toBe(length);
    expect(reader.next()).toBeUndefined();
  }
});

test("messages become a client's frames, whole and masked", () => {
  for (const length of LENGTHS) {
    for (const data of ['\u00e9'.repeat(length), Buffer.alloc(length, 7)]) {
      const opcode = typeof data === 'string' ? Opcode.Text : Opcode.Binary;
      const bytes = clientFrame(opcode, data);
      // Behind the length there is the key, of zeros.
      const start = bytes.length - Buffer.byteLength(data);
      expect(bytes.readUInt32BE(start - 4)).toBe(0);
      const unmasked = Buffer.concat([bytes.subarray(0, start - 4), bytes.subarray(start)]);
      const taken = takeFrame(unmasked);
      expect(taken?.length).toBe(unmasked.length);
      expect(taken?.frame).toMatchObject({ opcode, fin: true, reserved: 0, masked: true });
      expect(taken?.frame.payload.equals(Buffer.from(data))).toBe(true);
    }
  }
});

test('codes and reasons of Close frames, which may have neither', () => {
  for (const [code, reason] of [
    [1000, ''],
    [4999, 'caf\u00e9'],
    [1005, ''],
  ] as const) {
    expect(readClose(closePayload(code, reason))).toEqual({ code, reason });
  }
  expect(closePayload(1005, '')).toHaveLength(0);
});

describe("the engine's answer to a handshake", () => {
  const OPENS =
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\n';
  const REFUSES =
    'HTTP/1.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nno: \n';

  test('opens', () => {
    const headers = [['Sec-WebSocket-Protocol', 'chat']];
    expect(readAnswer(Buffer.from(OPENS))).toEqual({ status: 101, headers, body: '' });
  });

  test('refuses, with a reason', () => {
    const headers = [
      ['Sec-WebSocket-Version', '13'],
      ['Content-Type', 'text/plain'],
    ];
    expect(readAnswer(Buffer.from(REFUSES))).toEqual({ status: 426, headers, body: 'no: \n' });
  });
});

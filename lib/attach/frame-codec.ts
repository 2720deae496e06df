/**
 * Frames of RFC 6455 (section 5.2), for clients that a server hands over message by message: the engine
 * speaks frames all the same. No I/O.
 */

export const Opcode = { Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;

/** A frame of the engine's. It sends each message as one. */
export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** No status code was given (section 7.1.5). */
const NO_STATUS = 1005;

const MASKED = 0x80;
const FIN = 0x80;

/**
 * A whole message as a client's frame. Clients have to mask (section 5.3), which guards proxies on the way;
 * there are none here, so the key is 0, which leaves the payload as it is.
 */
export function clientFrame(opcode: number, data: string | Uint8Array): Buffer {
  const length = typeof data === 'string' ? Buffer.byteLength(data) : data.length;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const start = 2 + extended + 4;
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = FIN | opcode;
  frame[1] = MASKED | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) frame.writeUInt16BE(length, 2);
  if (extended === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.writeUInt32BE(0, start - 4);
  if (typeof data === 'string') frame.write(data, start);
  else frame.set(data, start);
  return frame;
}

/** The payload of a Close frame (section 5.5.1). */
export function closePayload(code: number, reason: string): Buffer {
  if (code === NO_STATUS) return Buffer.alloc(0);
  const payload = Buffer.from(`  ${reason}`);
  payload.writeUInt16BE(code, 0);
  return payload;
}

/** The code and the reason of a Close frame; 1005 without a code. */
export function readClose(payload: Buffer): { code: number; reason: string } {
  if (payload.length < 2) return { code: NO_STATUS, reason: '' };
  return { code: payload.readUInt16BE(0), reason: payload.toString('utf8', 2) };
}

/** Takes the engine's frames out of its bytes, however these are cut. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #length = 0;
  /** How many bytes there have to be before it is of use to look at them. */
  #needed = 2;

  push(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  /** The next frame; undefined until it is whole. */
  next(): Frame | undefined {
    while (this.#length >= this.#needed) {
      const bytes = this.#joined();
      const { start, end } = extentOf(bytes);
      if (bytes.length >= end && start > 0) {
        this.#chunks = [bytes.subarray(end)];
        this.#length -= end;
        this.#needed = 2;
        return { opcode: (bytes[0] as number) & 0x0f, payload: bytes.subarray(start, end) };
      }
      this.#needed = end;
    }
    return undefined;
  }

  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] as Buffer;
  }
}

/** Where the payload of the first frame starts and ends. While the header is cut, `start` is 0, and `end` the header's. */
function extentOf(bytes: Buffer): { start: number; end: number } {
  const short = (bytes[1] as number) & 0x7f;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return { start: 0, end: start };
  const length =
    short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  return { start, end: start + length };
}

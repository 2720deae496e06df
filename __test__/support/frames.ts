/**
 * Frames of RFC 6455, section 5.2, byte by byte: for tests of what no WebSocket library lets one send,
 * and of what exactly the server sends.
 */

/** What a frame is. */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame as the server sent it. */
export interface Frame {
  opcode: number;
  fin: boolean;
  /** The three reserved bits, as a number from 0 to 7. */
  reserved: number;
  masked: boolean;
  payload: Buffer;
}

interface Shape {
  fin?: boolean;
  reserved?: number;
  masked?: boolean;
}

/** A client's frame: masked, whole, and with its length in the fewest bytes, unless told otherwise. */
export function frame(
  opcode: number,
  payload: string | Uint8Array = '',
  shape: Shape = {},
): Buffer {
  const { fin = true, reserved = 0, masked = true } = shape;
  const data = Buffer.from(payload);
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const maskBit = masked ? 0x80 : 0;
  const header = [
    Buffer.from([first, maskBit | shortLength(data.length)]),
    longLength(data.length),
  ];
  if (!masked) return Buffer.concat([...header, data]);
  const mask = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
  return Buffer.concat([...header, mask, data.map((byte, i) => byte ^ (mask[i % 4] as number))]);
}

/** A client's text frame; what is no string is sent as JSON. */
export function text(message: unknown): Buffer {
  return frame(Opcode.text, typeof message === 'string' ? message : JSON.stringify(message));
}

/** The payload of a close frame. */
export function closePayload(code: number, reason: string | Uint8Array = ''): Buffer {
  return Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]);
}

/** Takes the frame at the start of the bytes, and says how long it is; nothing while it is cut. */
export function takeFrame(bytes: Buffer): { frame: Frame; length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const [first, second] = bytes as unknown as [number, number];
  const short = second & 0x7f;
  let start = 2;
  if (short === 126) start = 4;
  if (short === 127) start = 10;
  if (bytes.length < start) return undefined;
  let size = short;
  if (short === 126) size = bytes.readUInt16BE(2);
  if (short === 127) size = Number(bytes.readBigUInt64BE(2));
  if (bytes.length < start + size) return undefined;
  const payload = Buffer.from(bytes.subarray(start, start + size));
  return {
    frame: {
      opcode: first & 0x0f,
      fin: (first & 0x80) !== 0,
      reserved: (first >> 4) & 7,
      masked: (second & 0x80) !== 0,
      payload,
    },
    length: start + size,
  };
}

function shortLength(length: number): number {
  if (length < 126) return length;
  return length < 65_536 ? 126 : 127;
}

function longLength(length: number): Buffer {
  if (length < 126) return Buffer.alloc(0);
  const bytes = Buffer.alloc(length < 65_536 ? 2 : 8);
  if (bytes.length === 2) bytes.writeUInt16BE(length);
  else bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}

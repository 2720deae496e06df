// A WebSocket client with as much of the interface of `ws` as the soak uses, for most of its clients: `ws`
// inflates each message by itself and on other threads, which for thousands of receivers of one broadcast lags by
// seconds. This one inflates in place, and once what comes byte for byte to many.
import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { connect } from 'node:net';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const TAIL = Buffer.from([0, 0, 0xff, 0xff]);
const FLUSH = { finishFlush: constants.Z_SYNC_FLUSH };
const DEFLATE_FROM = 1024;
const CLOSE_TIMEOUT = 30_000;

/** The last compressed messages and what they are, for all clients. */
const inflated = [];
const MOST_KEPT = 32;

export class LightSocket extends EventEmitter {
  #socket;
  #key = randomBytes(16).toString('base64');
  #rest;
  #isOpen = false;
  #isClosing = false;
  #deflates = false;
  #code = 1006;
  #reason = '';
  #timer;

  /** @param {{ perMessageDeflate: false | { serverMaxWindowBits?: number } }} options */
  constructor(url, { perMessageDeflate }) {
    super();
    const { hostname, port, pathname } = new URL(url);
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.on('connect', () => {
      const lines = [
        `GET ${pathname} HTTP/1.1`,
        `Host: ${hostname}:${port}`,
        'Upgrade: websocket',
        'Connection: Upgrade',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${this.#key}`,
        ...offer(perMessageDeflate),
      ];
      this.#socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    });
    this.#socket.on('data', (bytes) => this.#read(bytes));
    this.#socket.on('error', (error) => this.emit('error', error));
    this.#socket.on('close', () => {
      clearTimeout(this.#timer);
      this.emit('close', this.#code, this.#reason);
    });
  }

  /** As of `ws`: 1 while open. */
  get readyState() {
    return this.#isOpen && !this.#isClosing ? 1 : 2;
  }

  send(data, { binary }) {
    const bytes = Buffer.from(data);
    if (!this.#deflates || bytes.length < DEFLATE_FROM) {
      return this.#write(binary ? BINARY : TEXT, bytes);
    }
    const compressed = deflateRawSync(bytes, FLUSH).subarray(0, -TAIL.length);
    this.#write(binary ? BINARY : TEXT, compressed, 0x40);
  }

  ping(data) {
    this.#write(PING, Buffer.from(data));
  }

  pong(data) {
    this.#write(PONG, data);
  }

  close(code) {
    this.#closeWith(code === undefined ? Buffer.alloc(0) : Buffer.from([code >> 8, code & 0xff]));
  }

  terminate() {
    this.#socket.destroy();
  }

  pause() {
    this.#socket.pause();
  }

  #closeWith(payload) {
    if (this.#isClosing) return;
    this.#write(CLOSE, payload);
    this.#isClosing = true;
    // The server ends the TCP connection.
    this.#timer = setTimeout(() => this.#socket.destroy(), CLOSE_TIMEOUT);
  }

  #write(opcode, payload, compressed = 0) {
    if (this.#isClosing || this.#socket.destroyed) return;
    const { length } = payload;
    const start = length < 126 ? 6 : 8;
    // All that clients send is shorter than 64 KiB.
    const frame = Buffer.allocUnsafe(start + length);
    frame[0] = 0x80 | compressed | opcode;
    frame[1] = 0x80 | Math.min(length, 126);
    if (length >= 126) frame.writeUInt16BE(length, 2);
    const mask = (Math.random() * 2 ** 32) >>> 0;
    frame.writeUInt32BE(mask, start - 4);
    for (let i = 0; i < length; i += 1) frame[start + i] = payload[i] ^ frame[start - 4 + (i & 3)];
    this.#socket.write(frame);
  }

  #read(chunk) {
    let bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = undefined;
    try {
      if (!this.#isOpen) bytes = this.#readHead(bytes);
      while (bytes.length > 0 && this.#isOpen) {
        const length = this.#readFrame(bytes);
        if (length === 0) break;
        bytes = bytes.subarray(length);
      }
    } catch (error) {
      this.emit('error', error);
      this.#socket.destroy();
      return;
    }
    if (bytes.length > 0) this.#rest = bytes;
  }

  /** Reads the response to the handshake; returns what is behind it. */
  #readHead(bytes) {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return bytes;
    const head = bytes.subarray(0, end).toString('latin1');
    const accept = createHash('sha1')
      .update(this.#key + GUID)
      .digest('base64');
    if (!head.startsWith('HTTP/1.1 101 ') || !head.includes(accept)) throw new Error(head);
    this.#deflates = /sec-websocket-extensions: permessage-deflate/i.test(head);
    this.#isOpen = true;
    this.emit('open');
    return bytes.subarray(end + 4);
  }

  /** Reads a frame, and returns its length, or 0 as long as it is cut. */
  #readFrame(bytes) {
    if (bytes.length < 2) return 0;
    const [first, second] = bytes;
    let start = 2;
    let length = second;
    if (second === 126) {
      if (bytes.length < 4) return 0;
      length = bytes.readUInt16BE(2);
      start = 4;
    } else if (second === 127) {
      if (bytes.length < 10) return 0;
      length = Number(bytes.readBigUInt64BE(2));
      start = 10;
    }
    if (bytes.length < start + length) return 0;
    // The server sends each message in one frame, without a mask.
    if ((first & 0xb0) !== 0x80 || second > 127) throw new Error(`a frame of ${first}, ${second}`);
    this.#take(first & 0x0f, (first & 0x40) > 0, bytes.subarray(start, start + length));
    return start + length;
  }

  #take(opcode, isCompressed, payload) {
    switch (opcode) {
      case TEXT:
      case BINARY:
        if (isCompressed && !this.#deflates) throw new Error('compressed without agreement');
        this.emit('message', isCompressed ? inflate(payload) : payload, opcode === BINARY);
        break;
      case PING:
        this.emit('ping', payload);
        break;
      case PONG:
        this.emit('pong', payload);
        break;
      case CLOSE:
        this.#code = payload.length < 2 ? 1005 : payload.readUInt16BE();
        this.#reason = payload.subarray(2).toString();
        this.#closeWith(payload.subarray(0, 2));
        this.#socket.end();
        break;
      default:
        throw new Error(`a frame of the kind ${opcode}`);
    }
  }
}

function offer(perMessageDeflate) {
  if (perMessageDeflate === false) return [];
  const { serverMaxWindowBits: bits } = perMessageDeflate;
  const window = bits === undefined ? '' : `; server_max_window_bits=${bits}`;
  return [`Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits${window}`];
}

function inflate(payload) {
  const known = inflated.find(({ bytes }) => bytes.equals(payload));
  if (known) return known.content;
  const content = inflateRawSync(Buffer.concat([payload, TAIL]), FLUSH);
  inflated.push({ bytes: Buffer.from(payload), content });
  if (inflated.length > MOST_KEPT) inflated.shift();
  return content;
}

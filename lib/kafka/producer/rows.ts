/**
 * Packs sends into what crosses to the engine: a table of rows with four numbers each, and the bytes they speak
 * of. `core/src/kafka/producer/rows.rs` reads the same, and tells of the layout.
 */
import type { IHeaders, Message } from '../types.js';

const SEND = -2;
const TOPIC = -3;
const EXTRAS = -4;
const END = -5;

const ROWS = 4_096;
const BYTES = 128 * 1024;

/** No topic has it: what is out of a partition's range fails as one that is not there. */
const NO_PARTITION = 0x7fffffff;

/** Up to this length, a loop in JavaScript is quicker than a call. */
const SHORT = 32;

type Bytes = string | Uint8Array | null | undefined;

/** Quicker than `write`, which looks at its arguments first. */
const utf8Write: (this: Buffer, text: string, at: number) => number =
  (Buffer.prototype as unknown as { utf8Write?: typeof utf8Write }).utf8Write ??
  Buffer.prototype.write;

/** Where a send begins, to take it back. */
export interface Mark {
  rows: number;
  used: number;
  flushes: number;
}

export class Rows {
  readonly #table = new Int32Array(ROWS * 4);
  #data = Buffer.allocUnsafeSlow(BYTES);
  #rows = 0;
  #used = 0;
  #flushes = 0;
  readonly #take: (table: Int32Array, data: Buffer, rows: number) => void;

  /** `take` gets what has gathered, and has read it when it returns. */
  constructor(take: (table: Int32Array, data: Buffer, rows: number) => void) {
    this.#take = take;
  }

  get isEmpty(): boolean {
    return this.#rows === 0;
  }

  /** Begins a send. */
  begin(id: number, profile: number): Mark {
    this.#reserve(0);
    const mark = { rows: this.#rows, used: this.#used, flushes: this.#flushes };
    this.#row(SEND, id, profile, 0);
    return mark;
  }

  /** The messages that follow are for this topic. */
  topic(topic: number): void {
    this.#reserve(0);
    this.#row(TOPIC, topic, 0, 0);
  }

  /**
   * Adds a message.
   *
   * @throws TypeError for what are no bytes
   */
  message(message: Message): void {
    const { key, value, partition, headers, timestamp } = message;
    let size = sizeAtMost(key) + sizeAtMost(value);
    if (headers != null || timestamp != null) {
      if (headers != null) size += headersAtMost(headers);
      this.#reserve(size);
      this.#withExtras(message, size);
      return;
    }
    if (size > BYTES) {
      this.#large(message, size);
      return;
    }
    this.#reserve(size);
    const start = this.#used;
    const keyLength = this.#bytes(key);
    this.#row(start, keyLength, this.#bytes(value), partitionOf(partition));
  }

  /** Ends a send. */
  end(): void {
    this.#reserve(0);
    this.#row(END, 0, 0, 0);
  }

  /** Takes a send back that cannot be packed. What has crossed of it already is sent. */
  takeBack({ rows, used, flushes }: Mark): void {
    if (flushes === this.#flushes) {
      this.#rows = rows;
      this.#used = used;
    } else {
      this.end();
    }
  }

  /** Hands over what has gathered. */
  flush(): void {
    if (this.#rows === 0) return;
    const rows = this.#rows;
    this.#rows = 0;
    this.#used = 0;
    this.#flushes += 1;
    this.#take(this.#table, this.#data, rows);
  }

  /** Makes room for two rows and so many bytes. */
  #reserve(size: number): void {
    if (this.#rows + 2 > ROWS || this.#used + size > this.#data.length) this.flush();
  }

  #row(a: number, b: number, c: number, d: number): void {
    const table = this.#table;
    const at = this.#rows * 4;
    table[at] = a;
    table[at + 1] = b;
    table[at + 2] = c;
    table[at + 3] = d;
    this.#rows += 1;
  }

  #withExtras(message: Message, size: number): void {
    if (size > this.#data.length) {
      this.#large(message, size);
      return;
    }
    const row = this.#rows;
    const time = timeOf(message.timestamp);
    this.#row(EXTRAS, 0, time | 0, Math.floor(time / 2 ** 32));
    const start = this.#used;
    const keyLength = this.#bytes(message.key);
    const valueLength = this.#bytes(message.value);
    const before = this.#used;
    if (message.headers != null) this.#headers(message.headers);
    this.#table[row * 4 + 1] = this.#used - before;
    this.#row(start, keyLength, valueLength, partitionOf(message.partition));
  }

  /** One that does not fit crosses alone, with bytes of its own. */
  #large(message: Message, size: number): void {
    this.flush();
    const scratch = this.#data;
    this.#data = Buffer.allocUnsafeSlow(exactSize(message, size));
    try {
      this.#withExtras({ ...message, headers: message.headers ?? {} }, 0);
      this.flush();
    } finally {
      this.#data = scratch;
      this.#rows = 0;
      this.#used = 0;
    }
  }

  #headers(headers: IHeaders): void {
    for (const name of Object.keys(headers)) {
      const value = headers[name];
      if (Array.isArray(value)) for (const one of value) this.#header(name, one);
      else this.#header(name, value);
    }
  }

  #header(name: string, value: Bytes): void {
    if (value === undefined) throw notBytes(value);
    this.#sized(name);
    this.#sized(value);
  }

  #sized(bytes: Bytes): void {
    const at = this.#used;
    this.#used += 4;
    this.#data.writeInt32LE(this.#bytes(bytes), at);
  }

  /** Writes them, and returns their length; -1 for null. */
  #bytes(bytes: Bytes): number {
    if (bytes === null || bytes === undefined) return -1;
    const length = typeof bytes === 'string' ? this.#text(bytes) : this.#copy(bytes);
    this.#used += length;
    return length;
  }

  #text(text: string): number {
    const { length } = text;
    const data = this.#data;
    const start = this.#used;
    if (length <= SHORT) {
      let index = 0;
      for (; index < length; index += 1) {
        const code = text.charCodeAt(index);
        if (code > 127) break;
        data[start + index] = code;
      }
      if (index === length) return length;
    }
    return utf8Write.call(data, text, start);
  }

  #copy(bytes: Uint8Array): number {
    this.#data.set(bytes, this.#used);
    return bytes.length;
  }
}

/** How many bytes it may need. */
function sizeAtMost(bytes: Bytes): number {
  if (typeof bytes === 'string') return bytes.length * 3;
  if (bytes === null || bytes === undefined) return 0;
  if (bytes instanceof Uint8Array) return bytes.length;
  throw notBytes(bytes);
}

function headersAtMost(headers: IHeaders): number {
  let size = 0;
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    const each = name.length * 3 + 8;
    if (Array.isArray(value)) for (const one of value) size += each + sizeAtMost(one);
    else size += each + sizeAtMost(value);
  }
  return size;
}

/** The size with texts measured: a third of the most it could be, usually. */
function exactSize({ key, value }: Message, atMost: number): number {
  return atMost - sizeAtMost(key) - sizeAtMost(value) + lengthOf(key) + lengthOf(value);
}

function lengthOf(bytes: Bytes): number {
  return bytes == null ? 0 : Buffer.byteLength(bytes);
}

/** Node's own error, as kafkajs's users see it. */
function notBytes(value: unknown): Error {
  try {
    Buffer.byteLength(value as string);
  } catch (error) {
    return error as Error;
  }
  return new TypeError('A key, value or header must be a string or a Buffer');
}

/** A whole number, perhaps as a string; the producer has checked it. */
function partitionOf(partition: number | null | undefined): number {
  if (partition === null || partition === undefined) return -1;
  const number = Number(partition);
  return number >= 0 && number <= NO_PARTITION ? number : NO_PARTITION;
}

/** Milliseconds since 1970; 0 for now, as in librdkafka, so that the time 0 is its neighbour 1. */
function timeOf(timestamp: string | undefined): number {
  if (!timestamp) return 0;
  const time = Number(timestamp);
  if (!Number.isSafeInteger(time)) throw new TypeError(`Invalid timestamp ${timestamp}`);
  return time || 1;
}

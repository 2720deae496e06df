/**
 * Batches as they come from the engine: one piece of memory (its layout is in
 * `core/src/kafka/consumer/pack.rs`), of which keys, values and headers are views.
 */
import type { IHeaders } from '../types.js';
import type { Batch, KafkaMessage } from './types.js';

const RUN_BYTES = 56;
const ROW_BYTES = 24;
const ROW_INTS = 6;

/** What Node itself makes views of a Buffer with: the same class as any Buffer's, for less than `subarray`. */
const View = (Buffer as unknown as { [Symbol.species]: typeof Uint8Array })[
  Symbol.species
] as unknown as new (
  memory: ArrayBufferLike,
  start: number,
  length: number,
) => Buffer;

/** Messages of one partition, in order, as they were fetched. There may be none: then only `next` counts. */
export class Run {
  readonly topic: string;
  readonly partition: number;
  /** Which of the consumer's assignments, and which epoch of the partition, it was read in. */
  readonly assignment: number;
  readonly epoch: number;
  readonly count: number;
  /** What its keys, values and headers have. */
  readonly bytes: number;
  /** The offset behind it, control records included. */
  readonly next: number;
  /** A handler has had it. It comes again when that has failed. */
  begun = false;
  readonly #high: number;
  readonly #offset: number;
  readonly #timestamp: number;
  readonly #memory: ArrayBufferLike;
  readonly #start: number;
  readonly #rows: Int32Array;
  readonly #row: number;
  /** The last timestamp: messages that come together often have the same, and its text is not cheap. */
  #time = Number.NaN;
  #timeText = '';

  constructor(
    nameOf: (topic: number) => string,
    floats: Float64Array,
    ints: Int32Array,
    index: number,
    buffer: Buffer,
    rows: Int32Array,
  ) {
    const float = (index * RUN_BYTES) / 8;
    const int = (index * RUN_BYTES) / 4 + 8;
    this.#offset = floats[float] as number;
    this.#timestamp = floats[float + 1] as number;
    this.next = floats[float + 2] as number;
    this.#high = floats[float + 3] as number;
    this.topic = nameOf(ints[int] as number);
    this.partition = ints[int + 1] as number;
    this.assignment = ints[int + 2] as number;
    this.epoch = ints[int + 3] as number;
    this.#row = (ints[int + 4] as number) * ROW_INTS;
    this.count = ints[int + 5] as number;
    this.#memory = buffer.buffer;
    this.#start = buffer.byteOffset;
    this.#rows = rows;
    this.bytes = this.count === 0 ? 0 : this.#end(this.count - 1) - (rows[this.#row] as number);
  }

  /** Where the data of a message ends. */
  #end(index: number): number {
    const rows = this.#rows;
    const row = this.#row + index * ROW_INTS;
    let end = rows[row] as number;
    for (let part = row + 1; part <= row + 3; part += 1) end += Math.max(rows[part] as number, 0);
    return end;
  }

  /** The offset that the partition's next message will get. */
  get highWatermark(): number {
    return Math.max(this.#high, this.next);
  }

  /** The offset of a message; the run's own without one. */
  offset(index: number): number {
    if (this.count === 0) return this.#offset;
    return this.#offset + (this.#rows[this.#row + index * ROW_INTS + 4] as number);
  }

  /** The first message that is not before this offset. */
  from(offset: number): number {
    let index = 0;
    while (index < this.count && this.offset(index) < offset) index += 1;
    return index;
  }

  message(index: number): KafkaMessage {
    const rows = this.#rows;
    const row = this.#row + index * ROW_INTS;
    const keyLength = rows[row + 1] as number;
    const valueLength = rows[row + 2] as number;
    const headersLength = rows[row + 3] as number;
    const memory = this.#memory;
    const key = this.#start + (rows[row] as number);
    const value = keyLength > 0 ? key + keyLength : key;
    return {
      magicByte: 2,
      attributes: 0,
      timestamp: this.#textOf(this.#timestamp + (rows[row + 5] as number)),
      offset: String(this.#offset + (rows[row + 4] as number)),
      key: keyLength < 0 ? null : new View(memory, key, keyLength),
      value: valueLength < 0 ? null : new View(memory, value, valueLength),
      headers:
        headersLength === 0
          ? {}
          : headersOf(
              new View(memory, valueLength > 0 ? value + valueLength : value, headersLength),
            ),
    } as KafkaMessage;
  }

  #textOf(time: number): string {
    if (time !== this.#time) {
      this.#time = time;
      this.#timeText = String(time);
    }
    return this.#timeText;
  }
}

/** The runs of a batch, in order. */
export function runsOf(batch: Buffer, nameOf: (topic: number) => string): Run[] {
  // Memory of the engine's begins at a multiple of 8; a copy that Node has made may not.
  const buffer = batch.byteOffset % 8 === 0 ? batch : copied(batch);
  const end = buffer.byteOffset + buffer.length;
  const tail = new Int32Array(buffer.buffer, end - 8, 2);
  const runCount = tail[0] as number;
  const rowCount = tail[1] as number;
  const rowsAt = end - 8 - rowCount * ROW_BYTES;
  const runsAt = rowsAt - runCount * RUN_BYTES;
  const rows = new Int32Array(buffer.buffer, rowsAt, rowCount * ROW_INTS);
  const floats = new Float64Array(buffer.buffer, runsAt, (runCount * RUN_BYTES) / 8);
  const ints = new Int32Array(buffer.buffer, runsAt, (runCount * RUN_BYTES) / 4);
  const runs: Run[] = [];
  for (let index = 0; index < runCount; index += 1) {
    runs.push(new Run(nameOf, floats, ints, index, buffer, rows));
  }
  return runs;
}

/** A run, from one of its messages on, as users see it. */
export function batchOf(run: Run, from = 0): Batch {
  const messages: KafkaMessage[] = [];
  for (let index = from; index < run.count; index += 1) messages.push(run.message(index));
  const first = run.offset(from);
  const last = run.next - 1;
  const high = run.highWatermark;
  return {
    topic: run.topic,
    partition: run.partition,
    highWatermark: String(high),
    messages,
    isEmpty: () => messages.length === 0,
    firstOffset: () => (messages.length === 0 ? null : String(first)),
    lastOffset: () => String(last),
    offsetLag: () => String(high - 1 - last),
    offsetLagLow: () => (messages.length === 0 ? '0' : String(high - 1 - first)),
  };
}

/** A name that comes more than once has an array. */
function headersOf(bytes: Buffer): IHeaders {
  const headers: Record<string, unknown> = {};
  let at = 0;
  const take = (): Buffer | null => {
    const length = bytes.readInt32LE(at);
    at += 4;
    if (length < 0) return null;
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const name = (take() as Buffer).toString();
    const value = take();
    if (!Object.hasOwn(headers, name)) {
      // A name such as `__proto__` is a header like any other.
      Object.defineProperty(headers, name, {
        value,
        configurable: true,
        enumerable: true,
        writable: true,
      });
    } else if (Array.isArray(headers[name])) {
      headers[name].push(value);
    } else {
      headers[name] = [headers[name], value];
    }
  }
  return headers as IHeaders;
}

function copied(batch: Buffer): Buffer {
  const memory = new ArrayBuffer(batch.length);
  new Uint8Array(memory).set(batch);
  return Buffer.from(memory);
}

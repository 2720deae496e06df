/**
 * The bytes by which members of a group tell each other their topics and their partitions:
 * https://kafka.apache.org/protocol, "Consumer Protocol".
 */
import type { ISerializer, MemberAssignment, MemberMetadata } from './types.js';

/** Writes the protocol's types, big endian. */
class Writer {
  readonly #parts: Buffer[] = [];

  int16(value: number): this {
    const part = Buffer.alloc(2);
    part.writeInt16BE(value);
    return this.raw(part);
  }

  int32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeInt32BE(value);
    return this.raw(part);
  }

  string(value: string): this {
    const text = Buffer.from(value);
    return this.int16(text.length).raw(text);
  }

  bytes(value: Buffer | null): this {
    return value === null ? this.int32(-1) : this.int32(value.length).raw(value);
  }

  raw(part: Buffer): this {
    this.#parts.push(part);
    return this;
  }

  end(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Reads them. */
class Reader {
  #at = 0;

  constructor(readonly buffer: Buffer) {}

  int16(): number {
    this.#at += 2;
    return this.buffer.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.buffer.readInt32BE(this.#at - 4);
  }

  string(): string {
    return this.#take(this.int16()).toString();
  }

  bytes(): Buffer | null {
    const length = this.int32();
    return length === -1 ? null : this.#take(length);
  }

  array<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(this.int32(), 0) }, read);
  }

  #take(length: number): Buffer {
    this.#at += length;
    return this.buffer.subarray(this.#at - length, this.#at);
  }
}

const memberMetadata: ISerializer<MemberMetadata> = {
  encode({ version, topics, userData = Buffer.alloc(0) }) {
    const writer = new Writer().int16(version).int32(topics.length);
    for (const topic of topics) writer.string(topic);
    return writer.bytes(userData).end();
  },

  decode(buffer) {
    const reader = new Reader(buffer);
    return {
      version: reader.int16(),
      topics: reader.array(() => reader.string()),
      userData: reader.bytes() as Buffer,
    };
  },
};

const memberAssignment: ISerializer<MemberAssignment> = {
  encode({ version, assignment, userData = Buffer.alloc(0) }) {
    const topics = Object.entries(assignment);
    const writer = new Writer().int16(version).int32(topics.length);
    for (const [topic, partitions] of topics) {
      writer.string(topic).int32(partitions.length);
      for (const partition of partitions) writer.int32(partition);
    }
    return writer.bytes(userData).end();
  },

  /** A member without partitions may have been given no bytes at all, which is null. */
  decode(buffer) {
    if (buffer.length < 2) return null;
    const reader = new Reader(buffer);
    return {
      version: reader.int16(),
      assignment: Object.fromEntries(
        reader.array(() => [reader.string(), reader.array(() => reader.int32())]),
      ),
      userData: reader.bytes() as Buffer,
    };
  },
};

/** The layouts that kafkajs exports. `userData` may be left out. */
export const AssignerProtocol = {
  MemberMetadata: memberMetadata,
  MemberAssignment: memberAssignment,
};

/**
 * kafkajs's partitioners: which partition a message goes to, the same for the same key as there.
 */
import { randomBytes } from 'node:crypto';
import type { DefaultPartitioner, ICustomPartitioner, LegacyPartitioner } from '../types.js';

const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/** murmur2 in 32 bits, as in Kafka's Java client. The result is signed. */
export function murmur2(key: Buffer | string): number {
  const data = bytesOf(key);
  const whole = data.length & ~3;
  let h = SEED ^ data.length;

  for (let i = 0; i < whole; i += 4) {
    let k = Math.imul(data.readInt32LE(i), M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  if (whole < data.length) h = Math.imul(h ^ rest(data, whole), M);

  h ^= h >>> 13;
  h = Math.imul(h, M);
  return h ^ (h >>> 15);
}

/**
 * What kafkajs took for murmur2 before its version 2: it multiplies in floating point, which loses low bits,
 * and walks on into a last group that is not whole. Those who keep it need the same results.
 */
export function legacyMurmur2(key: Buffer | string): number {
  const data = bytesOf(key);
  const byte = (index: number): number => data[index] ?? 0;
  let h = SEED ^ data.length;

  for (let i = 0; i < data.length; i += 4) {
    let k = byte(i) + (byte(i + 1) << 8) + (byte(i + 2) << 16) + (byte(i + 3) << 24);
    k *= M;
    k ^= k >>> 24;
    k *= M;
    h *= M;
    h ^= k;
  }
  const whole = data.length & ~3;
  if (whole < data.length) {
    h ^= rest(data, whole);
    h *= M;
  }

  h ^= h >>> 13;
  h *= M;
  return h ^ (h >>> 15);
}

/** The bytes after the last whole group, as one number. */
function rest(data: Buffer, whole: number): number {
  return data.readUIntLE(whole, data.length - whole);
}

function bytesOf(key: Buffer | string): Buffer {
  return Buffer.isBuffer(key) ? key : Buffer.from(String(key));
}

/** The partition that the message names; else that of its key; else those with a leader in turn. */
function partitionerWith(hash: (key: Buffer | string) => number): ICustomPartitioner {
  return () => {
    const turns = new Map<string, number>();

    return ({ topic, partitionMetadata, message }) => {
      if (message.partition != null) return message.partition;

      const count = partitionMetadata.length;
      if (message.key != null) return positive(hash(message.key)) % count;

      const turn = (turns.get(topic) ?? randomBytes(4).readUInt32BE(0)) + 1;
      turns.set(topic, turn);
      const available = partitionMetadata.filter(({ leader }) => leader >= 0);
      return available[positive(turn) % available.length]?.partitionId ?? positive(turn) % count;
    };
  };
}

function positive(number: number): number {
  return number & 0x7fffffff;
}

const defaultPartitioner: DefaultPartitioner = partitionerWith(murmur2);
const legacyPartitioner: LegacyPartitioner = partitionerWith(legacyMurmur2);

/** The partitioners that kafkajs has. */
export const Partitioners = {
  /** By murmur2 of the key, as Kafka's Java client. The engine does it without JavaScript. */
  DefaultPartitioner: defaultPartitioner,
  /** That of kafkajs before version 2. */
  LegacyPartitioner: legacyPartitioner,
  /** @deprecated The older name of `DefaultPartitioner`. */
  JavaCompatiblePartitioner: defaultPartitioner,
};

/**
 * The same key lands in the same partition as with kafkajs.
 */
import { Partitioners as Theirs } from 'kafkajs';
import legacyHash from 'kafkajs/src/producer/partitioners/legacy/murmur2.js';
import defaultHash from 'kafkajs/src/producer/partitioners/default/murmur2.js';
import { describe, expect, test, vi } from 'vitest';
import { legacyMurmur2, murmur2, Partitioners } from '../../lib/kafka/producer/partitioners.js';
import { partitionsOf } from './support.js';

/** Numbers that only look random: a failure comes again. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state;
  }
}

/** Keys of each length up to 40: bytes of any kind, and text beyond ASCII. */
function keys(count: number): (Buffer | string)[] {
  const random = numbers(42);
  const next = () => random.next().value >>> 8;
  return Array.from({ length: count }, (_, index) => {
    const bytes = Buffer.from(Array.from({ length: index % 41 }, () => next() & 0xff));
    return index % 3 === 0 ? bytes : `${bytes.toString('latin1')}€${next()}`.slice(index % 2);
  });
}

test('the hashes are those of kafkajs, the one before version 2 with its faults', () => {
  for (const key of ['', Buffer.alloc(0), ...keys(5_000)]) {
    expect([key, murmur2(key)]).toEqual([key, defaultHash(key)]);
    expect([key, legacyMurmur2(key)]).toEqual([key, legacyHash(key)]);
  }
});

test("murmur2 gives what Kafka's own Java client is tested with", () => {
  const known: [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
  ];
  for (const [key, hash] of known) expect([key, murmur2(key)]).toEqual([key, hash]);
});

describe.each(['DefaultPartitioner', 'LegacyPartitioner', 'JavaCompatiblePartitioner'] as const)(
  '%s',
  (name) => {
    test('chooses as that of kafkajs for keys, explicit partitions, and anything that it takes for a key', () => {
      const [ours, theirs] = [Partitioners[name](), Theirs[name]()];
      const odd = [7, 0, false, { a: 1 }] as unknown as string[];
      for (const count of [1, 3, 12, 100]) {
        const partitionMetadata = partitionsOf(count);
        for (const key of ['', ...odd, ...keys(500)]) {
          const args = { topic: 't', partitionMetadata, message: { key, value: '' } };
          expect([key, count, ours(args)]).toEqual([key, count, theirs(args)]);
        }
        for (const partition of [0, 2, 99]) {
          const message = { key: 'k', value: '', partition };
          expect(ours({ topic: 't', partitionMetadata, message })).toBe(partition);
        }
      }
    });

    test('takes partitions with a leader in turn when there is no key, each topic by itself', () => {
      const choose = Partitioners[name]();
      const partitionMetadata = partitionsOf(4).map((it) =>
        it.partitionId === 2 ? { ...it, leader: -1 } : it,
      );
      const turns = (topic: string) =>
        Array.from({ length: 6 }, () =>
          choose({ topic, partitionMetadata, message: { key: null, value: '' } }),
        );
      for (const topic of ['a', 'b']) {
        const chosen = turns(topic);
        expect(new Set(chosen)).toEqual(new Set([0, 1, 3]));
        expect(chosen.slice(3)).toEqual(chosen.slice(0, 3));
      }
    });

    test('takes any partition when none has a leader', () => {
      const choose = Partitioners[name]();
      const chosen = Array.from({ length: 3 }, () =>
        choose({ topic: 't', partitionMetadata: partitionsOf(3, -1), message: { value: '' } }),
      );
      expect(new Set(chosen)).toEqual(new Set([0, 1, 2]));
    });
  },
);

test('begins at a partition that is not always the same', () => {
  const first = () =>
    Partitioners.DefaultPartitioner()({
      topic: 't',
      partitionMetadata: partitionsOf(1000),
      message: { value: '' },
    });
  expect(new Set(Array.from({ length: 20 }, first)).size).toBeGreaterThan(1);
});

describe('the warning about the default partitioner', () => {
  /** What each library says of three producers without and with a partitioner, in a process that has said nothing. */
  async function said(library: string, configs: object[]): Promise<unknown[]> {
    vi.resetModules();
    const { Kafka } = await import(library);
    const lines: unknown[] = [];
    const kafka = new Kafka(
      {
        brokers: ['localhost:1'],
        logCreator:
          () =>
          ({ namespace, level, label, log }: never) => {
            const { timestamp, ...rest } = log as { timestamp: string };
            lines.push({ namespace, level, label, ...rest });
          },
      },
      { producer: () => ({}) },
    );
    for (const config of configs) kafka.producer(config);
    return lines;
  }
  const legacy = { createPartitioner: Partitioners.LegacyPartitioner };

  test.each([
    ['is given once', undefined, [legacy, {}, {}], 1],
    ['is silenced by the environment', '1', [{}], 0],
    ['is not given to one who names a partitioner', undefined, [legacy], 0],
  ] as const)('%s', async (_name, silence, configs, count) => {
    vi.stubEnv('KAFKAJS_NO_PARTITIONER_WARNING', silence);
    const ours = await said('../../lib/kafka/kafka.js', [...configs]);
    expect(ours).toHaveLength(count);
    // kafkajs is loaded once in a process, so that it says it once too, and here is compared first.
    if (count === 1) expect(ours).toEqual(await said('kafkajs', [...configs]));
    vi.unstubAllEnvs();
  });
});

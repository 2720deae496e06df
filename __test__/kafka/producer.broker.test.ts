/**
 * The producer on a real broker: what it sends is read back by npm's kafkajs, and what it answers is compared
 * with kafkajs's own answers.
 */
import kafkajs from 'kafkajs';
import { afterEach, describe, expect, test } from 'vitest';
import { CompressionTypes } from '../../lib/kafka/enums.js';
import { Kafka } from '../../lib/kafka/kafka.js';
import type { KafkaConfig, Message, Producer, ProducerConfig } from '../../lib/kafka/types.js';
import { unique, useBroker } from '../support/kafka-broker.ts';
import { createTopic, readBack, theirs } from './read-back.ts';
import { seen } from './support.js';

const broker = useBroker();
const open: { disconnect(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((it) => it.disconnect()));
});

function ours(config: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({ brokers: [broker.brokers.plaintext], logLevel: 0, ...config });
}

async function connected(options: ProducerConfig = {}, config?: Partial<KafkaConfig>) {
  return opened(ours(config).producer(options));
}

async function theirProducer(options: kafkajs.ProducerConfig = {}) {
  return opened(theirs(broker.brokers.plaintext).producer(options));
}

async function opened<P extends Pick<Producer, 'connect' | 'disconnect'>>(producer: P): Promise<P> {
  open.push(producer);
  await producer.connect();
  return producer;
}

const topicOf = (partitions = 1, config = {}) =>
  createTopic(broker.brokers.plaintext, unique('producer'), partitions, config);
const read = (topic: string, count: number) => readBack(broker.brokers.plaintext, topic, count);

const KINDS: Message[] = [
  { key: 'key', value: 'value' },
  { key: Buffer.from('buffers'), value: Buffer.from([0x66, 0x6f]) },
  { key: null, value: null },
  { value: '' },
  { key: '', value: 'empty key' },
  { key: 'schlüssel-€-😀', value: 'wert-\u0000-€-😀' },
  { value: `${'a'.repeat(33)}ü` },
  { value: 'time', timestamp: '1700000000123' },
  { value: 'old', timestamp: '1' },
  {
    key: 'headers',
    value: 'v',
    headers: { text: 'grün', bytes: Buffer.from('b'), many: ['1', Buffer.from('2')], none: [] },
  },
  { value: null, headers: { a: '' }, timestamp: '1700000000456' },
  { key: 'x', value: 'no headers', headers: {} },
];

describe('what is sent', () => {
  test('is read by kafkajs as what kafkajs sends', async () => {
    const [topic, theirTopic] = [await topicOf(), await topicOf()];
    await (await connected()).send({ topic, messages: KINDS });
    await (await theirProducer()).send({ topic: theirTopic, messages: KINDS as never });
    const [mine, reference] = [
      await read(topic, KINDS.length),
      await read(theirTopic, KINDS.length),
    ];
    const timeless = (it: (typeof mine)[number], index: number) =>
      KINDS[index]?.timestamp ? it : { ...it, timestamp: 'now' };
    expect(mine.map(timeless)).toEqual(reference.map(timeless));
    const age = Date.now() - Number(mine[0]?.timestamp);
    expect(Math.abs(age)).toBeLessThan(60_000);
  });

  test('at the time 0 is there a millisecond later: 0 is librdkafka\'s "now"', async () => {
    const topic = await topicOf();
    const times = ['0', '-1', '1'];
    const messages = times.map((timestamp) => ({ value: timestamp, timestamp }));
    await (await connected()).send({ topic, messages });
    const there = (await read(topic, 3)).map(({ value, timestamp }) => [value, timestamp]);
    expect(there).toEqual([
      ['0', '1'],
      ['-1', '-1'],
      ['1', '1'],
    ]);
  });

  test.each([0, 1, -1])('is there with acks %i', async (acks) => {
    const topic = await topicOf();
    const producer = await connected();
    const metadata = await producer.send({ topic, acks, messages: [{ value: `acks ${acks}` }] });
    expect(metadata).toHaveLength(acks === 0 ? 0 : 1);
    expect((await read(topic, 1)).map(({ value }) => value)).toEqual([`acks ${acks}`]);
  });

  test.each([
    ['GZIP', CompressionTypes.GZIP],
    ['Snappy', CompressionTypes.Snappy],
    ['LZ4', CompressionTypes.LZ4],
    ['ZSTD', CompressionTypes.ZSTD],
  ])('is compressed with %s', async (_name, compression) => {
    // The broker unpacks it and packs it with gzip, which kafkajs has.
    const topic = await topicOf(1, { 'compression.type': 'gzip' });
    const asSent = await topicOf(1, { 'compression.type': 'producer' });
    const producer = await connected();
    const messages = Array.from({ length: 50 }, (_, i) => ({ value: `${i} `.repeat(100) }));
    await producer.send({ topic, compression, messages });
    await producer.send({ topic: asSent, compression, messages });
    const values = (await read(topic, 50)).map(({ value }) => value);
    expect(values).toEqual(messages.map(({ value }) => value));

    const codecs = kafkajs.CompressionCodecs as Record<number, unknown>;
    const before = codecs[compression];
    codecs[compression] = () => ({
      decompress: async () => {
        throw new kafkajs.KafkaJSNonRetriableError(`packed with ${compression}`);
      },
    });
    try {
      await expect(read(asSent, 50)).rejects.toThrow(`packed with ${compression}`);
    } finally {
      codecs[compression] = before;
    }
  });

  test('keeps the order of each partition, however it was sent', async () => {
    const topic = await topicOf(2);
    const producer = await connected();
    const sends = Array.from({ length: 300 }, (_, i) =>
      producer.send({
        topic,
        // Those with headers go another way.
        messages: [
          { partition: i % 2, value: `${i} a`, ...(i % 3 === 0 && { headers: { h: 'x' } }) },
          { partition: i % 2, value: `${i} b` },
        ],
      }),
    );
    await Promise.all(sends);
    for (const partition of [0, 1]) {
      const values = (await read(topic, 600)).filter((it) => it.partition === partition);
      const numbers = values.map(({ value }) => value);
      const expected = Array.from({ length: 150 }, (_, i) => 2 * i + partition);
      expect(numbers).toEqual(expected.flatMap((i) => [`${i} a`, `${i} b`]));
    }
  });

  test('may be larger than what crosses at once, in one message and in one send', async () => {
    const topic = await topicOf();
    const producer = await connected();
    const large = `${'€'.repeat(250_000)}ende`;
    const messages: Message[] = [
      { value: 'before' },
      { key: 'k'.repeat(200_000), value: large },
      { value: Buffer.from(large), headers: { h: 'h'.repeat(150_000) }, timestamp: '5' },
      ...Array.from({ length: 9_000 }, (_, i) => ({ key: `${i}`, value: `small ${i}` })),
    ];
    const [metadata] = await producer.send({ topic, messages });
    expect(metadata?.baseOffset).toBe('0');
    const values = await read(topic, messages.length);
    expect(values.map(({ value }) => value)).toEqual(messages.map(({ value }) => String(value)));
    expect(values[1]?.key).toHaveLength(200_000);
    expect(values[2]).toMatchObject({ timestamp: '5', headers: { h: 'h'.repeat(150_000) } });
  });

  test('is whole with thousands of sends at once, to several topics and profiles', async () => {
    const topics = [await topicOf(3), await topicOf(3)];
    const producer = await connected();
    const sends = Array.from({ length: 4_000 }, (_, i) =>
      producer.send({
        topic: topics[i % 2] as string,
        acks: i % 3 === 0 ? 1 : -1,
        messages: [{ key: `${i}`, value: `${i}` }],
      }),
    );
    const answers = await Promise.all(sends);
    expect(answers.every((it) => it.length === 1)).toBe(true);
    for (const [which, topic] of topics.entries()) {
      const messages = await read(topic, 2_000);
      const at = new Map(messages.map((it) => [it.value, `${it.partition} ${it.offset}`]));
      expect(at.size).toBe(2_000);
      // Each send was told the place of its own message.
      answers.forEach(([told], i) => {
        if (i % 2 === which) expect(at.get(`${i}`)).toBe(`${told?.partition} ${told?.baseOffset}`);
      });
    }
  });

  test('by an idempotent producer is there once', async () => {
    const topic = await topicOf(2);
    const producer = await connected({ idempotent: true });
    const messages = Array.from({ length: 2_000 }, (_, i) => ({ key: `${i}`, value: `${i}` }));
    await Promise.all([
      producer.send({ topic, messages: messages.slice(0, 1_000) }),
      producer.send({ topic, messages: messages.slice(1_000), compression: CompressionTypes.GZIP }),
    ]);
    const values = (await read(topic, 2_000)).map(({ value }) => Number(value));
    expect(values.sort((a, b) => a - b)).toEqual(messages.map((_, i) => i));
  });

  test('by an idempotent producer is hardly held back when nothing is under way', async () => {
    const topic = await topicOf();
    const producer = await connected({ idempotent: true });
    const times: number[] = [];
    for (let number = 0; number < 200; number += 1) {
      const begun = performance.now();
      await producer.send({ topic, messages: [{ value: 'x' }] });
      times.push(performance.now() - begun);
    }
    // The quickest tells, however busy the machine is.
    expect(Math.min(...times)).toBeLessThan(4);
  });
});

describe('the partition', () => {
  test('is the one that kafkajs chooses for a key', async () => {
    const [topic, theirTopic] = [await topicOf(7), await topicOf(7)];
    const messages: Message[] = Array.from({ length: 300 }, (_, i) => {
      const key = ['', `key-${i}`, `schlüssel-${i}`, 'x'.repeat(i), `${i * 7919}`][i % 5] as string;
      return { key: i % 2 ? key : Buffer.from(key), value: String(i) };
    });
    await (await connected()).send({ topic, messages });
    await (await theirProducer()).send({ topic: theirTopic, messages: messages as never });
    const [mine, reference] = [await read(topic, 300), await read(theirTopic, 300)];
    const places = (them: typeof mine) => new Map(them.map((it) => [it.value, it.partition]));
    expect(places(mine)).toEqual(places(reference));
    expect(new Set(mine.map(({ partition }) => partition)).size).toBe(7);
  });

  test('may be named by a string, as with kafkajs', async () => {
    const topic = await topicOf(3);
    const messages = [2, '2', '0'].map((partition) => ({
      value: String(partition),
      partition: partition as number,
    }));
    for (const producer of [await connected(), await theirProducer()]) {
      const sent = await producer.send({ topic, messages });
      expect(sent.map(({ partition }) => Number(partition)).sort()).toEqual([0, 2]);
    }
    const values = (await read(topic, 6)).map(({ partition, value }) => [partition, value]);
    expect(values.sort()).toEqual([
      [0, '0'],
      [0, '0'],
      [2, '2'],
      [2, '2'],
      [2, '2'],
      [2, '2'],
    ]);
  });

  test('takes turns without a key', async () => {
    const topic = await topicOf(4);
    const producer = await connected();
    for (let i = 0; i < 8; i += 1) await producer.send({ topic, messages: [{ value: `${i}` }] });
    const partitions = (await read(topic, 8)).map(({ partition }) => partition);
    expect(partitions).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  });

  test('is what a partitioner of JavaScript says, which sees the topic', async () => {
    const topic = await topicOf(3);
    const counts: number[] = [];
    const producer = await connected({
      createPartitioner:
        () =>
        ({ partitionMetadata, message }) => {
          counts.push(partitionMetadata.length);
          return Number(message.value) % 3;
        },
    });
    const messages = ['2', '0', '2'].map((value) => ({ value }));
    await producer.send({ topic, messages });
    expect(counts).toEqual([3, 3, 3]);
    expect((await read(topic, 3)).map(({ partition }) => partition)).toEqual([0, 2, 2]);
  });
});

describe('the answer', () => {
  test.each([1, 3])('is that of kafkajs, with %i partitions', async (partitions) => {
    const [topic, theirTopic] = [await topicOf(partitions), await topicOf(partitions)];
    const [mine, reference] = [await connected(), await theirProducer()];
    for (let round = 0; round < 2; round += 1) {
      const messages = Array.from({ length: 30 }, (_, i) => ({ key: `${i}`, value: 'v' }));
      const answer = await mine.send({ topic, messages });
      const expected = await reference.send({ topic: theirTopic, messages });
      // Which comes first is the broker's choice there.
      expected.sort((a, b) => a.partition - b.partition);
      expect(answer).toEqual(expected.map((it) => ({ ...it, topicName: topic })));
    }
  });

  test('of sendBatch has each topic', async () => {
    const [a, b] = [await topicOf(), await topicOf(2)];
    const producer = await connected();
    const answer = await producer.sendBatch({
      topicMessages: [
        { topic: b, messages: [{ value: '1', partition: 1 }] },
        { topic: a, messages: [{ value: '2' }, { value: '3' }] },
        {
          topic: b,
          messages: [
            { value: '4', partition: 0 },
            { value: '5', partition: 1 },
          ],
        },
      ],
    });
    const places = answer.map((it) => [it.topicName, it.partition, it.baseOffset]);
    expect(places).toEqual([
      [b, 0, '0'],
      [b, 1, '0'],
      [a, 0, '0'],
    ]);
    expect((await read(b, 3)).map(({ value }) => value)).toEqual(['4', '1', '5']);
  });

  test('has the time where the broker stamps', async () => {
    const topic = await topicOf(1, { 'message.timestamp.type': 'LogAppendTime' });
    const [answer] = await (await connected()).send({ topic, messages: [{ value: 'v' }] });
    expect(answer?.logAppendTime).toBe((await read(topic, 1))[0]?.timestamp);
  });
});

describe('a topic that is not there', () => {
  test('is made by the first send', async () => {
    const topic = unique('made');
    const producer = await connected();
    const sends = ['1', '2'].map((value) => producer.send({ topic, messages: [{ value }] }));
    await Promise.all(sends);
    expect((await read(topic, 2)).map(({ value }) => value)).toEqual(['1', '2']);
  });

  // After kafkajs's waits for trying again: a request's time, 30 s, would be longer than a test may take.
  test('fails the send as with kafkajs when it must not be made, or was deleted', async () => {
    const options = {
      allowAutoTopicCreation: false,
      retry: { retries: 2, initialRetryTime: 50 },
    };
    const [mine, reference] = [await connected(options), await theirProducer(options)];
    const missing = { topic: unique('missing'), messages: [{ value: 'v' }] };
    expect(await mine.send(missing).catch(seen)).toEqual(await reference.send(missing).catch(seen));

    const deleted = { ...missing, topic: await topicOf() };
    await mine.send(deleted);
    const admin = await opened(theirs(broker.brokers.plaintext).admin());
    await admin.deleteTopics({ topics: [deleted.topic] });
    expect(await mine.send(deleted).catch(seen)).toEqual(await reference.send(missing).catch(seen));
  });

  test('is sent to when it appears meanwhile', async () => {
    const topic = unique('late');
    const producer = await connected({ allowAutoTopicCreation: false });
    const sent = producer.send({ topic, messages: [{ value: 'v' }] });
    await createTopic(broker.brokers.plaintext, topic, 2);
    expect(await sent).toHaveLength(1);
  });
});

describe('what fails', () => {
  test('is told as by kafkajs when a message is too large for the topic', async () => {
    const topic = await topicOf(1, { 'max.message.bytes': '2000' });
    const call = { topic, messages: [{ value: 'x'.repeat(3_000) }] };
    const mine = await (await connected()).send(call).catch(seen);
    const reference = await (await theirProducer()).send(call).catch(seen);
    expect(mine).toEqual(reference);
    expect(mine).toMatchObject({ type: 'MESSAGE_TOO_LARGE' });
  });

  test('does not fail what was sent beside it', async () => {
    const topic = await topicOf();
    const producer = await connected();
    const outcomes = await Promise.allSettled([
      producer.send({ topic, messages: [{ value: 'good' }] }),
      producer.send({ topic, messages: [{ value: 'bad', partition: 7 }] }),
      producer.send({ topic, messages: [{ value: 'half' }, { value: 'bad', partition: -1 }] }),
      producer.send({ topic, messages: [{ value: 5 as never }] }),
      producer.send({ topic, messages: [{ value: 'v', headers: { h: 5 as never } }] }),
      producer.send({ topic, messages: [{ value: 'last' }] }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
    ]);
    expect((await read(topic, 3)).map(({ value }) => value)).toEqual(['good', 'half', 'last']);
  });

  test('by a full queue is told apart, before anything of the send is taken', async () => {
    const producer = await connected(
      // They wait that long for the topic.
      { allowAutoTopicCreation: false, retry: { retries: 1, initialRetryTime: 2_000 } },
    );
    const topic = unique('missing');
    const messages = [{ value: Buffer.alloc(8 * 1024 * 1024) }];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => producer.send({ topic, messages })),
    );
    const names = outcomes.map((it) => (it.status === 'rejected' ? it.reason.name : it.status));
    // Eight of them are a little more than the 64 MiB that may wait.
    expect(names).toEqual([
      ...Array(8).fill('KafkaJSNumberOfRetriesExceeded'),
      ...Array(2).fill('KafkaJSQueueFullError'),
    ]);
    // What has waited is gone.
    const again = await producer.send({ topic, messages }).catch(({ name }) => name);
    expect(again).toBe('KafkaJSNumberOfRetriesExceeded');
  });

  test('by full queues of librdkafka waits, and goes when there is room', async () => {
    const topic = await topicOf();
    const producer = await connected();
    // Until the topic is known, all would wait in front of librdkafka.
    await producer.send({ topic, messages: [{ value: 'first' }] });
    // More than librdkafka holds of one producer, and less than with what may wait.
    const value = Buffer.alloc(900_000, 'x');
    const sends = Array.from({ length: 160 }, (_, i) =>
      producer.send({ topic, messages: [{ key: `${i}`, value }] }),
    );
    const offsets = (await Promise.all(sends)).map(([it]) => Number(it?.baseOffset));
    expect(offsets).toEqual(sends.map((_, i) => i + 1));
  });

  test('are more profiles than there may be', async () => {
    const topic = await topicOf();
    const producer = await connected();
    const profiles = await Promise.allSettled(
      Array.from({ length: 18 }, (_, i) =>
        producer.send({ topic, timeout: 20_000 + i, messages: [{ value: `${i}` }] }),
      ),
    );
    const failed = profiles.filter(({ status }) => status === 'rejected');
    // One of the sixteen was made by connect().
    expect(failed).toHaveLength(3);
    expect(String((failed[0] as PromiseRejectedResult).reason)).toContain('16 combinations');
  });
});

describe('disconnect()', () => {
  test('waits for what is being sent', async () => {
    const topic = await topicOf(2);
    const producer = await connected();
    const sends = Array.from({ length: 500 }, (_, i) =>
      producer.send({ topic, messages: [{ value: `${i}` }] }),
    );
    let settled = 0;
    for (const sent of sends) sent.then(() => (settled += 1));
    await producer.disconnect();
    expect(settled).toBe(500);
    expect(await read(topic, 500)).toHaveLength(500);
  });

  test('is the end of sending, and not of connecting', async () => {
    const topic = await topicOf();
    const producer = await connected();
    await producer.disconnect();
    const failure = await producer.send({ topic, messages: [{ value: 'v' }] }).catch(seen);
    const reference = theirs(broker.brokers.plaintext).producer();
    const expected = await reference.send({ topic, messages: [{ value: 'v' }] }).catch(seen);
    expect(failure).toEqual(expected);
    await producer.connect();
    await producer.send({ topic, messages: [{ value: 'again' }] });
    expect(await read(topic, 1)).toHaveLength(1);
  });
});

describe('connect()', () => {
  test.each([
    ['plain', 'saslPlaintext'],
    ['scram-sha-256', 'saslSsl'],
    ['scram-sha-512', 'saslSsl'],
  ] as const)('logs in with %s at %s', async (mechanism, listener) => {
    const { readFileSync } = await import('node:fs');
    const ssl = listener === 'saslSsl' ? { ssl: { ca: readFileSync(broker.ca, 'utf8') } } : {};
    const sasl = { mechanism, ...broker.users[mechanism] } as KafkaConfig['sasl'];
    const config = { brokers: [broker.brokers[listener]], ...ssl, ...(sasl && { sasl }) };
    const topic = await topicOf();
    const producer = await connected({}, config);
    await producer.send({ topic, messages: [{ value: 'v' }] });
    expect(await read(topic, 1)).toHaveLength(1);
  });

  test('fails at once with a wrong password', async () => {
    const sasl = { mechanism: 'plain', username: 'plain-user', password: 'wrong' } as const;
    const started = performance.now();
    const failure = connected({}, { brokers: [broker.brokers.saslPlaintext], sasl });
    await expect(failure).rejects.toMatchObject({ name: 'KafkaJSSASLAuthenticationError' });
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('says after its attempts that no broker is there', async () => {
    const retry = { retries: 1, initialRetryTime: 50 };
    const failure = connected({}, { brokers: ['127.0.0.1:1'], retry });
    await expect(failure).rejects.toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      cause: { name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' },
    });
  });

  test('is given up by disconnect()', async () => {
    const producer = ours({ brokers: ['127.0.0.1:1'] }).producer();
    const connecting = producer.connect();
    connecting.catch(() => {});
    await producer.disconnect();
    await expect(connecting).rejects.toThrow('The producer is disconnected');
  });
});

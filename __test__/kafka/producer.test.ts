/**
 * The producer over an engine: when it is connected, what the engine is given, what users see of its errors.
 */
import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { Partitioners } from '../../lib/kafka/producer/partitioners.js';
import type { ProducerConfig } from '../../lib/kafka/types.js';
import { crossed, deferred, failureOf, type RecordingEngine, recordingKafka } from './support.js';

const TRANSPORT = { code: -195, name: '_TRANSPORT', message: 'a:1/bootstrap: Connection refused' };
const FAST = { initialRetryTime: 1, maxRetryTime: 2 };

async function connected(config: ProducerConfig = {}) {
  const { kafka, engines } = recordingKafka();
  const producer = kafka.producer(config);
  await producer.connect();
  const engine = engines[0] as RecordingEngine;
  engine.calls.length = 0;
  return { producer, engine };
}

describe('connect()', () => {
  test('gives the engine what it is configured with', async () => {
    const { kafka, engines } = recordingKafka({ retry: { retries: 3, factor: 0.5 } });
    const producer = kafka.producer({
      idempotent: true,
      transactionalId: 'tx',
      maxInFlightRequests: 2,
      allowAutoTopicCreation: false,
      retry: { retries: 7 },
    });
    expect(engines).toEqual([]);
    await producer.connect();
    expect(engines[0]?.options).toMatchObject({
      config: { brokers: ['localhost:9092'], allowAutoTopicCreation: false },
      idempotent: true,
      transactionalId: 'tx',
      transactionTimeout: 60_000,
      maxInFlightRequests: 2,
      retry: { retries: 7, factor: 0.5, multiplier: 2 },
    });
    expect(producer.isIdempotent()).toBe(true);
  });

  test('called twice, at once or later, connects once', async () => {
    const { kafka, engines } = recordingKafka();
    const producer = kafka.producer();
    await Promise.all([producer.connect(), producer.connect()]);
    await producer.connect();
    expect(engines.map(({ calls }) => calls)).toEqual([[['connect']]]);
  });

  test('tries again as often as retry says, and then fails as kafkajs does', async () => {
    const { kafka, engines } = recordingKafka({ retry: { ...FAST, retries: 2 } }, (engine) => {
      engine.connecting = () => Promise.reject(crossed(TRANSPORT));
    });
    const producer = kafka.producer();
    await expect(producer.connect()).rejects.toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      message: 'Connection error: Connection refused',
      retriable: false,
      retryCount: 2,
      cause: { name: 'KafkaJSConnectionError', code: 'ECONNREFUSED', broker: 'a:1' },
    });
    expect(engines.map(({ calls }) => calls.flat())).toEqual([
      ['connect', 'connect', 'connect', 'disconnect'],
    ]);
    expect(await failureOf(() => producer.send({ topic: 't', messages: [] }))).toMatchObject({
      message: 'The producer is disconnected',
    });
  });

  test('succeeds when the broker appears meanwhile', async () => {
    let attempts = 0;
    const { kafka } = recordingKafka({ retry: { ...FAST, retries: 5 } }, (engine) => {
      engine.connecting = async () => {
        attempts += 1;
        if (attempts < 3) throw crossed(TRANSPORT);
      };
    });
    await kafka.producer().connect();
    expect(attempts).toBe(3);
  });

  test('does not try again with a wrong password', async () => {
    const sasl = { mechanism: 'plain', username: 'ada', password: 'x' } as const;
    const { kafka, engines } = recordingKafka({ sasl, retry: { ...FAST, retries: 5 } }, (it) => {
      it.connecting = () =>
        Promise.reject(crossed({ code: -169, name: '_AUTHENTICATION', message: 'refused' }));
    });
    expect(await failureOf(() => kafka.producer().connect())).toMatchObject({
      name: 'KafkaJSSASLAuthenticationError',
      message: 'SASL PLAIN authentication failed: refused',
    });
    expect(engines[0]?.calls).toEqual([['connect'], ['disconnect']]);
  });

  test('after a failure, and after disconnect(), begins anew, with brokers asked for again', async () => {
    const brokers = vi.fn(() => ['a:1']);
    let away = true;
    const { kafka, engines } = recordingKafka({ brokers }, (engine) => {
      engine.connecting = async () => {
        if (away) throw crossed(TRANSPORT);
      };
    });
    const producer = kafka.producer();
    await expect(producer.connect()).rejects.toThrow('Connection error');
    away = false;
    await producer.connect();
    await producer.disconnect();
    await producer.connect();
    expect(engines).toHaveLength(3);
    expect(brokers).toHaveBeenCalledTimes(3);
    await producer.send({ topic: 't', messages: [{ value: 'v' }] });
    expect(engines.map(({ calls }) => calls.map(([name]) => name))).toEqual([
      ['connect', 'disconnect'],
      ['connect', 'disconnect'],
      ['connect', 'send'],
    ]);
  });
});

describe('disconnect()', () => {
  test('is fine on a producer that was never connected', async () => {
    const { kafka } = recordingKafka();
    await kafka.producer().disconnect();
  });

  test('refuses sends while it waits, and after it', async () => {
    const { producer, engine } = await connected();
    const closing = deferred();
    engine.disconnect = () => closing.promise;
    const send = () => failureOf(() => producer.send({ topic: 't', messages: [] }));

    const done = producer.disconnect();
    expect(await send()).toMatchObject({
      name: 'KafkaJSNonRetriableError',
      message: "The producer is disconnecting; therefore, it can't safely accept messages anymore",
    });
    closing.resolve();
    await done;
    expect(await send()).toMatchObject({
      name: 'KafkaJSError',
      message: 'The producer is disconnected',
      retriable: true,
    });
  });

  test.each(['is under way', 'succeeds after all', 'waits to try again'])(
    'ends a connect() that %s, once',
    async (state) => {
      const reached = deferred();
      const connecting = deferred();
      const { kafka, engines } = recordingKafka(
        { retry: { retries: 5, initialRetryTime: 100_000 } },
        (engine) => {
          engine.connecting = async () => {
            reached.resolve();
            if (state === 'waits to try again') throw crossed(TRANSPORT);
            await connecting.promise;
          };
        },
      );
      const producer = kafka.producer();
      const failure = failureOf(() => producer.connect());
      await reached.promise;
      await producer.disconnect();
      if (state === 'succeeds after all') connecting.resolve();
      if (state === 'is under way') {
        connecting.reject(crossed({ code: -197, name: '_DESTROY', message: 'closed' }));
      }
      expect(await failure).toMatchObject({ message: 'The producer is disconnected' });
      expect(engines.map(({ calls }) => calls.flat())).toEqual([['connect', 'disconnect']]);
    },
  );

  test('leaves alone a connect() that came after it', async () => {
    const { producer, engine } = await connected();
    const closing = deferred();
    engine.disconnect = () => closing.promise;
    const done = producer.disconnect();
    await producer.connect();
    closing.resolve();
    await done;
    await producer.send({ topic: 't', messages: [{ value: 'v' }] });
  });
});

describe('send()', () => {
  test('is one call of the engine, with defaults', async () => {
    const { producer, engine } = await connected();
    const messages = [{ key: 'k', value: 'v' }, { value: null }];
    const metadata = [{ topicName: 't', partition: 0, errorCode: 0, baseOffset: '7' }];
    engine.sending = async () => metadata;
    expect(await producer.send({ topic: 't', messages })).toBe(metadata);
    expect(engine.calls).toEqual([
      ['send', { acks: -1, timeout: 30_000, compression: 0 }, [{ topic: 't', messages }]],
    ]);
    // No copies on this path.
    const [[, , [sent]]] = engine.calls as [[string, object, [{ messages: unknown }]]];
    expect(sent.messages).toBe(messages);
  });

  test('needs no this', async () => {
    const { producer, engine } = await connected();
    const { send } = producer;
    await send({ topic: 't', messages: [{ value: 'v' }], acks: 0, timeout: 5, compression: 4 });
    expect(engine.calls[0]?.[1]).toEqual({ acks: 0, timeout: 5, compression: 4 });
  });

  test('of nothing is nothing', async () => {
    const { producer, engine } = await connected();
    expect(await producer.send({ topic: 't', messages: [] })).toEqual([]);
    expect(await producer.sendBatch({})).toEqual([]);
    expect(engine.calls).toEqual([]);
  });

  test('refuses acks and compression that there are not', async () => {
    const { producer, engine } = await connected();
    const send = (more: object) =>
      failureOf(() => producer.send({ topic: 't', messages: [{ value: 'v' }], ...more }));
    expect(await send({ acks: 2 })).toMatchObject({
      type: 'INVALID_REQUIRED_ACKS',
      retriable: false,
    });
    for (const compression of [5, -1, 1.5, 'gzip']) {
      expect(await send({ compression })).toMatchObject({
        name: 'KafkaJSNonRetriableError',
        message: `Invalid compression type ${compression}`,
      });
    }
    expect(engine.calls).toEqual([]);
    await producer.send({ topic: 't', messages: [{ value: 'v' }], compression: null as never });
    expect(engine.calls).toHaveLength(1);
  });

  test('merges what a batch has of one topic, in order, and changes none of it', async () => {
    const { producer, engine } = await connected();
    const of = (topic: string, ...values: string[]) => ({
      topic,
      messages: values.map((value) => ({ value })),
    });
    const topicMessages = [of('a', '1'), of('b', '2'), of('a', '3', '4'), of('a')];
    const before = structuredClone(topicMessages);
    await producer.sendBatch({ topicMessages, acks: 1 });
    expect(engine.calls[0]?.[2]).toEqual([of('a', '1', '3', '4'), of('b', '2')]);
    expect(topicMessages).toEqual(before);
  });
});

describe('a partition', () => {
  test.each([
    [1.5, '1.5'],
    [Number.NaN, 'NaN'],
    ['x', '"x"'],
    ['', '""'],
    ['1.5', '"1.5"'],
    [{ id: 1 }, '{ id: 1 }'],
  ])('that is no whole number, as %o, fails all of its send at once', async (partition, shown) => {
    const { producer, engine } = await connected();
    const messages = [{ value: 'v' }, { value: 'w', partition: partition as never }];
    await expect(
      producer.sendBatch({
        topicMessages: [
          { topic: 'a', messages: [] },
          { topic: 't', messages },
        ],
      }),
    ).rejects.toMatchObject({
      name: 'KafkaJSNonRetriableError',
      message: `Invalid partition ${shown} for topic "t": it must be a whole number`,
    });
    expect(engine.calls).toEqual([]);
  });

  test.each([[undefined], [null], ['0'], [0]])('may be %o', async (partition) => {
    const { producer, engine } = await connected();
    await producer.send({ topic: 't', messages: [{ value: 'v', partition: partition as never }] });
    expect(engine.calls).toHaveLength(1);
  });
});

describe('a failed send', () => {
  const failing = async (thrown: unknown) => {
    const { producer, engine } = await connected({ retry: { retries: 4 } });
    engine.sending = () => Promise.reject(thrown);
    return producer.send({ topic: 't', messages: [{ value: 'v' }] }).catch((error) => error);
  };

  test('that could be tried again was: the engine does it', async () => {
    const native = { code: -188, name: '_UNKNOWN_TOPIC', message: 'Local: Unknown topic' };
    expect(await failing(crossed(native))).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      message: 'This server does not host this topic-partition',
      retriable: false,
      retryCount: 4,
      cause: { name: 'KafkaJSProtocolError', type: 'UNKNOWN_TOPIC_OR_PARTITION', retriable: true },
    });
  });

  test('that could not is as the broker says', async () => {
    expect(await failing(crossed({ code: 10, name: 'X', message: 'x' }))).toMatchObject({
      name: 'KafkaJSProtocolError',
      type: 'MESSAGE_TOO_LARGE',
    });
  });

  test('of a full queue is told apart', async () => {
    const native = { code: -184, name: '_QUEUE_FULL', message: 'Local: Queue full' };
    expect(await failing(crossed(native))).toMatchObject({
      name: 'KafkaJSQueueFullError',
      code: 'ERR_QUEUE_FULL',
      retriable: true,
    });
  });

  test('of a value of another type is as JavaScript says', async () => {
    const error = new TypeError('no Buffer');
    expect(await failing(error)).toBe(error);
  });
});

describe('a partitioner', () => {
  test('of the user is made once, and asked for each message', async () => {
    const choose = vi.fn(({ message }) => (message.key === 'k' ? 2 : 1));
    const createPartitioner = vi.fn(() => choose);
    const { producer, engine } = await connected({ createPartitioner });
    const message = { key: 'k', value: 'v' };
    const explicit = { value: 'w', partition: 0 };
    await producer.sendBatch({
      topicMessages: [
        { topic: 'a', messages: [message, explicit] },
        { topic: 'b', messages: [message] },
      ],
    });
    await producer.send({ topic: 'a', messages: [message] });

    expect(createPartitioner).toHaveBeenCalledTimes(1);
    expect(choose).toHaveBeenNthCalledWith(1, {
      topic: 'a',
      partitionMetadata: engine.metadata,
      message,
    });
    expect(choose.mock.calls[0]?.[0].message).toBe(message);
    expect(choose).toHaveBeenCalledTimes(4);
    expect(engine.calls.filter(([name]) => name === 'send').map((it) => it[2])).toEqual([
      [
        {
          topic: 'a',
          messages: [
            { ...message, partition: 2 },
            { value: 'w', partition: 1 },
          ],
        },
        { topic: 'b', messages: [{ ...message, partition: 2 }] },
      ],
      [{ topic: 'a', messages: [{ ...message, partition: 2 }] }],
    ]);
    expect(message).toEqual({ key: 'k', value: 'v' });
  });

  test('that is the default is left to the engine', async () => {
    for (const createPartitioner of [
      Partitioners.DefaultPartitioner,
      Partitioners.JavaCompatiblePartitioner,
    ]) {
      const { producer, engine } = await connected({ createPartitioner });
      await producer.send({ topic: 't', messages: [{ key: 'k', value: 'v' }] });
      expect(engine.calls.map(([name]) => name)).toEqual(['send']);
      expect(engine.calls[0]?.[2]).toEqual([{ topic: 't', messages: [{ key: 'k', value: 'v' }] }]);
    }
  });

  test('that throws fails the send', async () => {
    const error = new Error('mine');
    const createPartitioner = () => () => {
      throw error;
    };
    const { producer, engine } = await connected({ createPartitioner });
    await expect(producer.send({ topic: 't', messages: [{ value: 'v' }] })).rejects.toBe(error);
    expect(engine.calls.map(([name]) => name)).toEqual(['partitionMetadata']);
  });

  test.each([[undefined], [null], [1.5], [Promise.resolve(0)]])(
    'that says %o fails the send before anything is sent',
    async (answer) => {
      const createPartitioner = () => () => answer as never;
      const { producer, engine } = await connected({ createPartitioner });
      const sent = producer.send({ topic: 't', messages: [{ value: 'v' }] });
      await expect(sent).rejects.toMatchObject({
        name: 'KafkaJSNonRetriableError',
        message: `Invalid partition ${inspect(answer)} for topic "t": it must be a whole number`,
      });
      expect(engine.calls.map(([name]) => name)).toEqual(['partitionMetadata']);
    },
  );

  test('may say a number as a string', async () => {
    const { producer, engine } = await connected({ createPartitioner: () => () => '2' as never });
    await producer.send({ topic: 't', messages: [{ value: 'v' }] });
    expect(engine.calls.at(-1)?.[2]).toEqual([
      { topic: 't', messages: [{ value: 'v', partition: 2 }] },
    ]);
  });

  test('is not asked when nothing is known of the topic', async () => {
    const createPartitioner = () => vi.fn();
    const { producer, engine } = await connected({ createPartitioner });
    engine.metadata = [];
    await expect(producer.send({ topic: 't', messages: [{ value: 'v' }] })).rejects.toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      cause: { name: 'KafkaJSMetadataNotLoaded', message: 'Producing to topic without metadata' },
    });
  });
});

test('transactions are not there yet, and say so', async () => {
  const { kafka } = recordingKafka();
  expect(await failureOf(() => kafka.producer({ transactionalId: 'tx' }).transaction())).toEqual(
    expect.objectContaining({ name: 'KafkaJSNotImplemented', retriable: false }),
  );
});

test('limited retries of an idempotent producer are warned of', () => {
  const lines: string[] = [];
  const { kafka } = recordingKafka({
    logLevel: 4,
    logCreator: () => (entry) => lines.push(`${entry.namespace} ${entry.log.message}`),
  });
  const createPartitioner = Partitioners.LegacyPartitioner;
  kafka.producer({ idempotent: true, retry: { retries: 9 }, createPartitioner });
  expect(lines).toEqual([
    'Producer Limiting retries for the idempotent producer may invalidate EoS guarantees',
  ]);
});

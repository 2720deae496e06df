/**
 * What `KafkaClient` shares and keeps, over engines that only record.
 */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { KafkaClient } from '../../lib/kafka/client.js';
import type { ConsumerSettings } from '../../lib/kafka/consumer/checks.js';
import type { Consumer } from '../../lib/kafka/consumer/types.js';
import { type ConsumerEventPayloads, consumerEvents } from '../../lib/kafka/events.js';
import { Instrumentation } from '../../lib/kafka/instrumentation.js';
import { Kafka } from '../../lib/kafka/kafka.js';
import { reportStats } from '../../lib/kafka/native.js';
import { SharedClients } from '../../lib/kafka/shared-clients.js';
import type { KafkaConfig } from '../../lib/kafka/types.js';
import { deferred, failureOf, RecordingEngine } from './support.js';

afterEach(async () => {
  vi.unstubAllEnvs();
  await KafkaClient.disconnect();
  KafkaClient.configure({});
});

type Recorded = { settings: ConsumerSettings; calls: string[]; consumer: Consumer };

function newShared(prepare: (engine: RecordingEngine) => void = () => {}) {
  const engines: RecordingEngine[] = [];
  const consumers: Recorded[] = [];
  const configured: Partial<KafkaConfig>[] = [];
  let refused: Error | undefined;
  const shared = new SharedClients((config) => {
    configured.push(config);
    const base = { brokers: ['a:1'], logLevel: 0, retry: { retries: 0 } };
    return new Kafka(base, {
      producer: (options) => {
        const engine = new RecordingEngine(options);
        prepare(engine);
        engines.push(engine);
        return engine;
      },
      consumer: ({ settings, logger }) => {
        const events = new Instrumentation<ConsumerEventPayloads>(
          'consumer',
          consumerEvents,
          logger,
        );
        const calls: string[] = [];
        const consumer = {
          on: events.on,
          connect: async () => {
            calls.push('connect');
            if (refused) throw refused;
            events.emit('consumer.connect');
          },
          disconnect: async () => {
            calls.push('disconnect');
            events.emit('consumer.disconnect');
          },
        } as unknown as Consumer;
        reportStats(consumer, () => ({ nativeClients: 1, threads: 5, connections: 4 }));
        consumers.push({ settings, calls, consumer });
        return consumer;
      },
    });
  });
  return {
    shared,
    engines,
    consumers,
    configured,
    refuse: (error?: Error) => {
      refused = error;
    },
  };
}

describe('getProducer()', () => {
  test('called at once by many, connects once', async () => {
    const connecting = deferred();
    const { shared, engines } = newShared((engine) => {
      engine.connecting = () => connecting.promise;
    });
    const first = [shared.getProducer(), shared.getProducer()];
    connecting.resolve();
    const producers = [...(await Promise.all(first)), await shared.getProducer()];
    expect(new Set(producers).size).toBe(1);
    expect(engines.map(({ calls }) => calls)).toEqual([[['connect']]]);
    expect(engines[0]?.options).toMatchObject({
      transactionTimeout: 30_000,
      config: { allowAutoTopicCreation: true },
    });
  });

  test('rejects for all who wait when the connection fails, and tries again at the next call', async () => {
    let away = true;
    const { shared, engines } = newShared((engine) => {
      engine.connecting = async () => {
        if (away) throw new Error('away');
      };
    });
    const waiting = await Promise.allSettled([shared.getProducer(), shared.getProducer()]);
    expect(waiting.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(engines).toHaveLength(1);
    away = false;
    const producer = await shared.getProducer();
    await producer.send({ topic: 't', messages: [{ value: 'v' }] });
    expect(engines).toHaveLength(2);
  });

  test('gives a new one after somebody has disconnected it', async () => {
    const { shared } = newShared();
    const first = await shared.getProducer();
    await first.disconnect();
    const second = await shared.getProducer();
    expect(second).not.toBe(first);
    await second.send({ topic: 't', messages: [{ value: 'v' }] });
  });
});

describe('the log', () => {
  const warnings = (configure: Partial<KafkaConfig> = {}) => {
    const lines: string[] = [];
    const logCreator = () => (entry: { log: { message: string } }) => {
      lines.push(entry.log.message);
    };
    KafkaClient.configure({ logCreator, ...configure });
    KafkaClient.getInstance();
    return lines;
  };

  test('says that a user name is not used without KAFKA_SASL', () => {
    vi.stubEnv('KAFKA_USERNAME', 'ada');
    expect(warnings()).toEqual(['KAFKA_USERNAME is set, KAFKA_SASL is not: no login']);
  });

  test('says nothing where KAFKA_SASL, or the configuration, says what is meant', async () => {
    vi.stubEnv('KAFKA_USERNAME', 'ada');
    vi.stubEnv('KAFKA_SASL', 'false');
    expect(warnings()).toEqual([]);
    await KafkaClient.disconnect();
    vi.stubEnv('KAFKA_SASL', '');
    const sasl = { mechanism: 'plain', username: 'ada', password: 'x' } as const;
    expect(warnings({ sasl })).toEqual([]);
  });

  test('has no warning about a partitioner that nobody can choose', async () => {
    vi.stubEnv('KAFKAJS_NO_PARTITIONER_WARNING', undefined);
    // It is said once in a process, and so by modules that are new.
    vi.resetModules();
    const fresh = await import('../../lib/kafka/client.js');
    const lines: string[] = [];
    fresh.KafkaClient.configure({
      ...{ brokers: ['127.0.0.1:1'], retry: { retries: 0 } },
      logCreator: () => (entry) => {
        lines.push(entry.log.message);
      },
    });
    await fresh.KafkaClient.getProducer().catch(() => {});
    fresh.KafkaClient.getInstance().producer();
    expect(lines.filter((it) => it.includes('partitioner'))).toHaveLength(1);
    expect(lines.at(-1)).toContain('partitioner');
  });

  test('has each failure to connect once at ERROR', async () => {
    const errors: string[] = [];
    KafkaClient.configure({
      ...{ brokers: ['127.0.0.1:1'], retry: { retries: 1, initialRetryTime: 100 } },
      logCreator: () => (entry) => {
        if (entry.label === 'ERROR') errors.push(entry.log.message);
      },
    });
    await KafkaClient.getProducer().catch(() => {});
    const failure = 'Connection error: connect ECONNREFUSED 127.0.0.1:1';
    expect(errors).toEqual([failure, failure]);
  });
});

describe('createConsumer()', () => {
  test('gives each caller one of its own, connected', async () => {
    const { shared, consumers } = newShared();
    const made = [await shared.createConsumer('a'), await shared.createConsumer('a')];
    expect(made).toEqual(consumers.map(({ consumer }) => consumer));
    expect(consumers.map(({ calls }) => calls)).toEqual([['connect'], ['connect']]);
    expect(consumers[0]?.settings).toMatchObject({
      groupId: 'a',
      sessionTimeout: 30_000,
      heartbeatInterval: 3_000,
    });
  });

  test('rejects without a group, as kafkajs does', async () => {
    const { shared } = newShared();
    expect(await failureOf(() => shared.createConsumer(''))).toMatchObject({
      message: 'Consumer groupId must be a non-empty string.',
    });
  });
});

describe('disconnect()', () => {
  test('ends the producer and each consumer that is left, and begins anew', async () => {
    const { shared, engines, consumers } = newShared();
    const kafka = shared.getInstance();
    expect(shared.getInstance()).toBe(kafka);
    await shared.getProducer();
    const gone = await shared.createConsumer('a');
    await shared.createConsumer('b');
    await gone.disconnect();
    await shared.disconnect();
    expect(consumers.map(({ calls }) => calls)).toEqual([
      ['connect', 'disconnect'],
      ['connect', 'disconnect'],
    ]);
    expect(engines[0]?.calls).toEqual([['connect'], ['disconnect']]);
    await shared.disconnect();
    expect(shared.getInstance()).not.toBe(kafka);
  });

  test('ends a producer that is connecting', async () => {
    const reached = deferred();
    const { shared, engines } = newShared((engine) => {
      const connecting = deferred();
      engine.connecting = () => {
        reached.resolve();
        return connecting.promise;
      };
      engine.disconnect = async () => connecting.reject(new Error('closed'));
    });
    const failure = failureOf(() => shared.getProducer());
    await reached.promise;
    await shared.disconnect();
    expect(await failure).toMatchObject({ message: 'The producer is disconnected' });
    expect(engines).toHaveLength(1);
  });

  test('disconnects all even if one fails, and then says so', async () => {
    const { shared, engines, consumers } = newShared();
    await shared.getProducer();
    await shared.createConsumer('a');
    const failure = new Error('no');
    (engines[0] as RecordingEngine).disconnect = () => Promise.reject(failure);
    await expect(shared.disconnect()).rejects.toBe(failure);
    expect(consumers[0]?.calls).toEqual(['connect', 'disconnect']);
    expect(shared.getStats().producer).toBeNull();
  });
});

test('getStats() counts what each client costs', async () => {
  const { shared, consumers, refuse } = newShared();
  const NOTHING = { nativeClients: 0, threads: 0, connections: 0 };
  expect(shared.getStats()).toEqual({ producer: null, consumers: [], total: NOTHING });
  shared.getInstance();
  expect(shared.getStats().total).toEqual(NOTHING);

  await shared.getProducer();
  const consumer = await shared.createConsumer('a');
  await shared.createConsumer('b');
  refuse(new Error('away'));
  await expect(shared.createConsumer('c')).rejects.toThrow('away');
  refuse();
  const [producer, each] = [
    { nativeClients: 1, threads: 3, connections: 2 },
    { nativeClients: 1, threads: 5, connections: 4 },
  ];
  expect(shared.getStats()).toEqual({
    producer,
    consumers: [each, each],
    total: { nativeClients: 3, threads: 13, connections: 10 },
  });

  await consumer.disconnect();
  expect(shared.getStats().consumers).toEqual([each]);
  // As a consumer does that starts again after a crash.
  await consumers[0]?.consumer.connect();
  expect(shared.getStats().consumers).toEqual([each, each]);
});

describe('configure()', () => {
  test('comes before the first use, or after disconnect()', async () => {
    const { shared, configured } = newShared();
    shared.configure({ clientId: 'a' });
    shared.configure({ clientId: 'b' });
    shared.getInstance();
    expect(await failureOf(() => shared.configure({ clientId: 'c' }))).toMatchObject({
      name: 'KafkaJSNonRetriableError',
      message: expect.stringContaining('KafkaClient is in use'),
    });
    await shared.disconnect();
    shared.configure({ clientId: 'd' });
    shared.getInstance();
    expect(configured).toEqual([{ clientId: 'b' }, { clientId: 'd' }]);
  });

  test('goes before the environment, which is read when the Kafka is made', async () => {
    vi.stubEnv('KAFKAJS_LOG_LEVEL', 'nothing');
    vi.stubEnv('KAFKA_BROKERS', '');
    KafkaClient.configure({ brokers: [] });
    vi.stubEnv('KAFKA_SASL', 'true');
    vi.stubEnv('KAFKA_SASL_MECHANISM', 'aws');
    expect(await failureOf(() => KafkaClient.getInstance())).toMatchObject({
      message: expect.stringContaining('SASL AWS mechanism is not supported'),
    });
    vi.stubEnv('KAFKA_SASL', 'false');
    expect(KafkaClient.getInstance()).toBeInstanceOf(Kafka);
    expect(KafkaClient.getInstance()).toBe(KafkaClient.getInstance());
    expect(KafkaClient.getStats()).toEqual({
      producer: null,
      consumers: [],
      total: { nativeClients: 0, threads: 0, connections: 0 },
    });
  });
});

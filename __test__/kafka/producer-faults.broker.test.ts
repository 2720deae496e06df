/**
 * Producers and brokers that go and come: what was promised is in the log.
 */
import { expect, test } from 'vitest';
import { Kafka } from '../../lib/kafka/kafka.js';
import { BROKER_PATIENCE, startBroker, unique } from '../support/kafka-broker.ts';
import { createTopic, readBack } from './read-back.ts';

const MESSAGES = 100_000;
const EACH = 50;

test(
  'a broker that is killed: what an idempotent producer was promised is there once, the rest at most once',
  async (context) => {
    const broker = await startBroker(context);
    const topic = await createTopic(broker.brokers.plaintext, unique('killed'), 3);
    const kafka = new Kafka({ brokers: [broker.brokers.plaintext], logLevel: 0 });
    const producer = kafka.producer({ idempotent: true });
    await producer.connect();
    const [kept, lost] = [new Set<string>(), new Set<string>()];
    let next = 0;
    let inFlight = 0;
    let kill: (() => void) | undefined;
    const killed = new Promise<void>((resolve) => {
      kill = resolve;
    });
    const worker = async (): Promise<void> => {
      while (next < MESSAGES) {
        const first = next;
        next += EACH;
        const messages = Array.from({ length: EACH }, (_, i) => ({
          key: `${first + i}`,
          value: `${first + i}`,
        }));
        inFlight += EACH;
        const into = await producer.send({ topic, messages }).then(
          () => kept,
          () => lost,
        );
        inFlight -= EACH;
        for (const { value } of messages) into.add(value);
        if (kept.size >= MESSAGES * 0.3) kill?.();
      }
    };
    const workers = Array.from({ length: 20 }, worker);
    await killed;
    const atKill = inFlight;
    await broker.kill();
    await broker.restart();
    await Promise.all(workers);
    await producer.disconnect();
    console.log(`${atKill} messages were in flight at the kill, ${lost.size} were rejected`);
    expect(atKill).toBeGreaterThan(0);

    const counts = new Map<string, number>();
    for (const { value } of await readBack(broker.brokers.plaintext, topic, kept.size)) {
      counts.set(value as string, (counts.get(value as string) ?? 0) + 1);
    }
    expect([...kept].filter((value) => counts.get(value) !== 1)).toEqual([]);
    expect([...lost].filter((value) => (counts.get(value) ?? 0) > 1)).toEqual([]);
    expect(kept.size + lost.size).toBe(MESSAGES);
  },
  BROKER_PATIENCE,
);

test(
  'a broker that is away: sends wait for it, reject after their retries, and go on when it is back',
  async (context) => {
    const broker = await startBroker(context);
    const topic = await createTopic(broker.brokers.plaintext, unique('away'));
    const kafka = new Kafka({
      brokers: [broker.brokers.plaintext],
      logLevel: 0,
      requestTimeout: 2_000,
      retry: { retries: 1, initialRetryTime: 100 },
    });
    const producer = kafka.producer();
    await producer.connect();
    const send = (value: string) => producer.send({ topic, messages: [{ value }] });
    await send('before');
    await broker.kill();
    await expect(send('lost')).rejects.toMatchObject({ name: 'KafkaJSNumberOfRetriesExceeded' });
    await broker.restart();
    await send('after');
    await producer.disconnect();
    const values = (await readBack(broker.brokers.plaintext, topic, 2)).map(({ value }) => value);
    expect(values.at(0)).toBe('before');
    expect(values.at(-1)).toBe('after');
  },
  BROKER_PATIENCE,
);

/**
 * Producers and brokers that go and come: what was promised is in the log.
 */
import { expect, test, type TestContext } from 'vitest';
import { Kafka } from '../../lib/kafka/kafka.js';
import type { KafkaConfig } from '../../lib/kafka/types.js';
import { BROKER_PATIENCE, startBroker, unique } from '../support/kafka-broker.ts';
import { openLossyLink } from '../support/lossy-link.ts';
import { Seen } from './consumer-support.ts';
import { createTopic, readAll, readBack } from './read-back.ts';

/** Acknowledgements between one kill and the next, and how many of them come before it. */
const ROUND = 100_000;
const BEFORE_KILL = 30_000;

/** Messages of one send, and sends that wait for their answer at a time. */
const EACH = 50;
const SENDERS = 20;

/** For three rounds beside other work. */
const ROUNDS_PATIENCE = BROKER_PATIENCE + 180_000;

test(
  'a broker that is killed three times: what an idempotent producer was promised is there once',
  async (context) => {
    const { lost } = await killedUnderSends(context, { rounds: 3 });
    // Nothing limits its retries.
    expect(lost).toBe(0);
  },
  ROUNDS_PATIENCE,
);

test(
  'a broker that is killed: what an idempotent producer gives up meanwhile is there at most once',
  async (context) => {
    const { lost } = await killedUnderSends(context, {
      rounds: 1,
      config: { requestTimeout: 1_000, retry: { retries: 2, initialRetryTime: 100 } },
    });
    expect(lost).toBeGreaterThan(0);
  },
  ROUNDS_PATIENCE,
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

/**
 * Sends until so many rounds of messages are acknowledged, kills the broker in each of them, with an answer on its
 * way, and starts it again, and compares the log with what the sends said. Tells how many messages were rejected.
 */
async function killedUnderSends(
  context: TestContext,
  { rounds, config = {} }: { rounds: number; config?: Partial<KafkaConfig> },
): Promise<{ lost: number }> {
  const link = await openLossyLink();
  const plaintext = `127.0.0.1:${link.port}`;
  const broker = await startBroker(context, {
    properties: { 'advertised.listeners': `PLAINTEXT://${plaintext}` },
  });
  link.leadTo(broker.brokers.plaintext);
  const topic = await createTopic(plaintext, unique('killed'), 3);
  const kafka = new Kafka({ brokers: [plaintext], logLevel: 0, ...config });
  const producer = kafka.producer({ idempotent: true });
  await producer.connect();
  const [kept, lost] = [new Set<string>(), new Set<string>()];
  const acknowledged = new Seen<number>();
  let next = 0;
  let inFlight = 0;
  const sender = async (): Promise<void> => {
    while (kept.size < rounds * ROUND) {
      const messages = Array.from({ length: EACH }, (_, i) => {
        const value = `${next + i}`;
        return { key: value, value };
      });
      next += EACH;
      inFlight += EACH;
      const into = await producer.send({ topic, messages }).then(
        () => kept,
        () => lost,
      );
      inFlight -= EACH;
      for (const { value } of messages) into.add(value);
      acknowledged.add(kept.size);
    }
  };
  const senders = Array.from({ length: SENDERS }, sender);
  for (let round = 0; round < rounds; round += 1) {
    await acknowledged.until(() => kept.size >= round * ROUND + BEFORE_KILL);
    // An answer is lost, or there would hardly be a message in the log of which the producer does not know it.
    await link.loseAnswers();
    const [atKill, rejected] = [inFlight, lost.size];
    await broker.kill();
    link.cut();
    await broker.restart();
    await acknowledged.until(() => kept.size >= (round + 1) * ROUND);
    console.log(
      `kill ${round + 1}: ${atKill} messages were in flight, ${lost.size - rejected} were rejected`,
    );
    expect(atKill).toBeGreaterThan(0);
  }
  await Promise.all(senders);
  await producer.disconnect();

  const counts = new Map<string, number>();
  for (const { value } of await readAll(plaintext, topic)) {
    counts.set(value as string, (counts.get(value as string) ?? 0) + 1);
  }
  expect([...kept].filter((value) => counts.get(value) !== 1)).toEqual([]);
  expect([...lost].filter((value) => (counts.get(value) ?? 0) > 1)).toEqual([]);
  expect(kept.size + lost.size).toBe(next);
  return { lost: lost.size };
}

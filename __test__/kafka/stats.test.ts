/**
 * What `KafkaClient.getStats()` says is what the system sees: threads of this process, and connections to the
 * brokers.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { EmbeddedKafka, KafkaClient, type KafkaClientStats, logLevel } from '@libs/messaging';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { needs } from '../support/tools.ts';

const BROKERS = [1, 3];
const CONSUMERS = 3;
const PATIENCE = 10_000;

afterEach(() => KafkaClient.disconnect());

/** Threads of librdkafka's clients, and those that are ours. Node's come and go. */
function threads(): number {
  const names = readdirSync('/proc/self/task').map((id) => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'utf8');
    } catch {
      return ''; // It has ended.
    }
  });
  return names.filter((name) => /^(rdk:|messaging-kafka)/.test(name)).length;
}

/** Established connections to these ports, as the table of the system has them in hexadecimal digits. */
function connections(ports: Set<number>): number {
  const ESTABLISHED = '01';
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote, state]) => {
      const port = Number.parseInt(remote?.split(':')[1] ?? '', 16);
      return state === ESTABLISHED && ports.has(port);
    }).length;
}

async function start(brokers: number) {
  const topics = [{ topic: 'orders', numPartitions: 2 * brokers }];
  const embedded = await EmbeddedKafka.start({ brokers, topics });
  onTestFinished(() => embedded.close());
  KafkaClient.configure({ brokers: embedded.brokers, logLevel: logLevel.NOTHING });
  const ports = new Set(embedded.brokers.map((it) => Number(it.split(':')[1])));
  // The brokers' own: librdkafka's client that they belong to, and that of the cluster.
  const THEIRS = 4;
  /** Waits until the statement is true: clients come up, and go, on threads of their own. */
  const stated = async (): Promise<KafkaClientStats> => {
    const differences = () => {
      const { total } = KafkaClient.getStats();
      return [threads() - THEIRS - total.threads, connections(ports) - total.connections];
    };
    await expect.poll(differences, { timeout: PATIENCE }).toEqual([0, 0]);
    return KafkaClient.getStats();
  };
  return { stated };
}

describe.for(BROKERS)('brokers: %i', (brokers) => {
  test('one Kafka, one producer and some consumers', async (context) => {
    needs(context, '/proc/self/task', existsSync('/proc/self/task') || undefined);
    const { stated } = await start(brokers);
    KafkaClient.getInstance();
    const nothing = { nativeClients: 0, threads: 0, connections: 0 };
    expect(await stated()).toEqual({ producer: null, consumers: [], total: nothing });

    const producer = await KafkaClient.getProducer();
    const messages = Array.from({ length: 100 }, (_, index) => ({ key: `${index}`, value: 'v' }));
    await producer.send({ topic: 'orders', messages });
    expect((await stated()).producer).toMatchObject({ nativeClients: 1, threads: 3 + brokers });

    // Another way of sending has a client of its own.
    await producer.send({ topic: 'orders', acks: 1, messages });
    const { producer: both } = await stated();
    expect(both).toMatchObject({ nativeClients: 2, threads: 2 * (3 + brokers) });
    // Not each broker has to lead a partition.
    expect(both?.connections).toBeGreaterThanOrEqual(2);
    expect(both?.connections).toBeLessThanOrEqual(2 * brokers);

    for (let number = 1; number <= CONSUMERS; number += 1) {
      const consumer = await KafkaClient.createConsumer(`readers-${number}`);
      await consumer.subscribe({ topic: 'orders', fromBeginning: true });
      const partitions = new Set<number>();
      await new Promise<void>((resolve) => {
        consumer.run({
          eachMessage: async ({ partition }) => {
            if (partitions.add(partition).size === 2 * brokers) resolve();
          },
        });
      });
      const { consumers } = await stated();
      expect(consumers).toHaveLength(number);
      expect(consumers.at(-1)).toMatchObject({ nativeClients: 1, threads: 4 + brokers });
      // One for each broker, and one for whichever of them coordinates the group.
      expect(consumers.at(-1)?.connections).toBeGreaterThanOrEqual(2);
      expect(consumers.at(-1)?.connections).toBeLessThanOrEqual(brokers + 1);
    }
    expect((await stated()).total).toMatchObject({
      nativeClients: 2 + CONSUMERS,
      threads: 2 * (3 + brokers) + CONSUMERS * (4 + brokers),
    });

    await KafkaClient.disconnect();
    expect(await stated()).toEqual({ producer: null, consumers: [], total: nothing });
  });
});

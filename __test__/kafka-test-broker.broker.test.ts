/**
 * The tests' own Apache Kafka, by a client that others made: suites that fail on it are then not its fault.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Kafka, type KafkaConfig, logLevel } from 'kafkajs';
import { describe, expect, it, vi } from 'vitest';
import {
  BROKER_PATIENCE,
  type BrokerAddress,
  needsBroker,
  startBroker,
  unique,
  useBroker,
} from './support/kafka-broker.ts';
import { startNode } from './support/node-process.ts';

describe('the shared broker', () => {
  const broker = useBroker();

  it.each<[keyof BrokerAddress['brokers'], () => Partial<KafkaConfig>]>([
    ['plaintext', () => ({})],
    ['ssl', () => ({ ssl: trusting(broker.ca) })],
    ['mtls', () => ({ ssl: { ...trusting(broker.ca), ...identity(broker) } })],
    ['saslPlaintext', () => ({ sasl: { mechanism: 'plain', ...broker.users.plain } })],
    ['saslPlaintext', () => scram('scram-sha-256')],
    ['saslPlaintext', () => scram('scram-sha-512')],
    ['saslSsl', () => ({ ...scram('scram-sha-512'), ssl: trusting(broker.ca) })],
  ])('lets clients in at %s', async (listener, config) => {
    const cluster = await describeCluster(broker.brokers[listener], config());
    expect(cluster.brokers).toHaveLength(1);
    expect(`${cluster.brokers[0]?.host}:${cluster.brokers[0]?.port}`).toBe(
      broker.brokers[listener],
    );
  });

  it.each<[keyof BrokerAddress['brokers'], string, () => Partial<KafkaConfig>]>([
    ['ssl', 'that trust another authority', () => ({ ssl: trusting(broker.otherCa) })],
    ['mtls', 'without a certificate', () => ({ ssl: trusting(broker.ca) })],
    [
      'saslPlaintext',
      'with a wrong password',
      () => ({ sasl: { mechanism: 'plain', ...broker.users.plain, password: 'wrong' } }),
    ],
    [
      'saslPlaintext',
      'of another mechanism',
      () => ({ sasl: { mechanism: 'plain', ...broker.users['scram-sha-256'] } }),
    ],
  ])('refuses at %s clients %s', async (listener, _what, config) => {
    await expect(describeCluster(broker.brokers[listener], config())).rejects.toThrow();
  });

  function scram(mechanism: 'scram-sha-256' | 'scram-sha-512'): Partial<KafkaConfig> {
    return { sasl: { mechanism, ...broker.users[mechanism] } } as Partial<KafkaConfig>;
  }
});

it(
  'comes back from SIGKILL with its data and its ports',
  async (context) => {
    const broker = await startBroker(context);
    const topic = unique('kept');
    await withAdmin(broker.brokers.plaintext, {}, (admin) =>
      admin.createTopics({ topics: [{ topic, numPartitions: 2 }] }),
    );
    await broker.kill('SIGKILL');
    expect(broker.pid).toBeUndefined();
    await expect(describeCluster(broker.brokers.plaintext, {})).rejects.toThrow();
    await broker.restart();
    const topics = await withAdmin(broker.brokers.plaintext, {}, (admin) => admin.listTopics());
    expect(topics).toContain(topic);
  },
  BROKER_PATIENCE,
);

it(
  'ends with the process that started it, even if that is killed',
  async (context) => {
    needsBroker(context);
    const starter = startNode(
      `
      import { startBroker } from './scripts/kafka/broker.mjs';
      const { pid, ca } = await startBroker();
      console.log(JSON.stringify({ pid, ca }));
      process.kill(process.pid, 'SIGKILL');
    `,
      { patience: BROKER_PATIENCE },
    );
    const { pid, ca } = JSON.parse((await starter.printed(/^\{.*\}$/m))[0]);
    expect((await starter.end).signal).toBe('SIGKILL');
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), 10_000);
    await vi.waitFor(() => expect(existsSync(dirname(ca))).toBe(false), 10_000);
  },
  BROKER_PATIENCE,
);

function trusting(ca: string) {
  return { ca: [readFileSync(ca, 'utf8')] };
}

function identity({ clientCert, clientKey }: BrokerAddress) {
  return { cert: readFileSync(clientCert, 'utf8'), key: readFileSync(clientKey, 'utf8') };
}

function describeCluster(address: string, config: Partial<KafkaConfig>) {
  return withAdmin(address, config, (admin) => admin.describeCluster());
}

async function withAdmin<T>(
  address: string,
  config: Partial<KafkaConfig>,
  use: (admin: ReturnType<Kafka['admin']>) => Promise<T>,
): Promise<T> {
  const quiet = { logLevel: logLevel.NOTHING, retry: { retries: 0 } };
  const admin = new Kafka({ brokers: [address], ...quiet, ...config }).admin();
  try {
    await admin.connect();
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

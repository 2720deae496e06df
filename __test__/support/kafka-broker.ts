/**
 * An Apache Kafka for tests: `useBroker()` for the one that all suites of a run share, `startBroker()` for a test
 * that kills it or sets it up otherwise. A suite that needs either is named `*.broker.test.ts`.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { beforeAll, beforeEach, inject, onTestFinished, type TestContext } from 'vitest';
import { startBroker as start } from '../../scripts/kafka/broker.mjs';
import { haveJars, JARS } from '../../scripts/kafka/jars.mjs';
import { findProgram, needs } from './tools.ts';

export interface Login {
  username: string;
  password: string;
}

/** What a client has to know. */
export interface BrokerAddress {
  /** `host:port` of each listener. `mtls` wants a certificate of the client, `ssl` and `saslSsl` want none. */
  brokers: Record<'plaintext' | 'ssl' | 'saslPlaintext' | 'saslSsl' | 'mtls', string>;
  /** A user for each mechanism, whom the other mechanisms do not know. */
  users: Record<'plain' | 'scram-sha-256' | 'scram-sha-512', Login>;
  /** Path of the authority's certificate (PEM), as the three below. */
  ca: string;
  /** An authority of which the broker's certificate is not. */
  otherCa: string;
  clientCert: string;
  clientKey: string;
}

export interface Broker extends BrokerAddress {
  /** The process id of Java, undefined while the broker is down. */
  readonly pid: number | undefined;
  /** What it logged until now. */
  log(): Promise<string>;
  /** Ends its process, by default with SIGKILL, and resolves when it has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again with the same data and ports; one that runs is ended in order before. */
  restart(): Promise<void>;
  /** Ends it and removes its data. A test's own broker ends with the test anyway. */
  stop(): Promise<void>;
}

export interface BrokerOptions {
  /** More lines of `server.properties`. */
  properties?: Record<string, string | number | boolean>;
  /** More arguments of Java. */
  jvm?: string[];
}

/** How long a first start may take, which also fetches the broker. For the timeouts of tests and hooks. */
export const BROKER_PATIENCE = 180_000;

/** Skips the test, or fails it under TEST_REQUIRE=all, on a machine that cannot run a broker. */
export function needsBroker(context: TestContext): void {
  for (const [what, tool] of brokerTools()) needs(context, what, tool);
}

/** Starts a broker of the test's own, with no topic, some 4 s later. It ends with the test. */
export async function startBroker(context: TestContext, options?: BrokerOptions): Promise<Broker> {
  needsBroker(context);
  const broker: Broker = await start(options);
  onTestFinished(() => broker.stop());
  return broker;
}

/**
 * Makes the tests of a file, or of the `describe` around the call, run with the broker that the whole run shares.
 * The first suite starts it. What is returned is filled in before the first test. Topics and groups need names
 * of their own, `unique()`, and nobody ends this broker.
 */
export function useBroker(): BrokerAddress {
  const address = {} as BrokerAddress;
  beforeAll(async () => {
    if (brokerTools().every(([, tool]) => tool !== undefined))
      Object.assign(address, await sharedBroker());
  }, BROKER_PATIENCE);
  beforeEach(needsBroker);
  return address;
}

/** A name that no other test has, for a topic, a group or a client. */
export function unique(name: string): string {
  return `${name}-${randomUUID()}`;
}

function brokerTools(): [what: string, tool: string | undefined][] {
  return [
    ['java (17 or later)', findProgram('java')],
    ['openssl', findProgram('openssl')],
    ['mvn (Maven, which fetches Apache Kafka)', haveJars() ? JARS : findProgram('mvn')],
  ];
}

async function sharedBroker(): Promise<BrokerAddress> {
  const socket = connect(inject('sharedBroker'), '127.0.0.1');
  await once(socket, 'connect');
  const { address, failure } = JSON.parse(await text(socket));
  if (failure !== undefined) throw new Error(failure);
  return address;
}

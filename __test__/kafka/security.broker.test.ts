/**
 * TLS and logins on a real broker, and that nobody is told a secret.
 */
import { readFileSync } from 'node:fs';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Admin } from '../../lib/kafka/admin/types.js';
import { logLevel } from '../../lib/kafka/enums.js';
import { KafkaJSConnectionError, KafkaJSError } from '../../lib/kafka/errors.js';
import { Kafka } from '../../lib/kafka/kafka.js';
import type { LogEntry } from '../../lib/kafka/logger.js';
import type {
  KafkaConfig,
  OauthbearerProviderResponse,
  SASLOptions,
} from '../../lib/kafka/types.js';
import { tokenOf } from '../../scripts/kafka/settings.mjs';
import { unique, useBroker } from '../support/kafka-broker.ts';

const broker = useBroker();

const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
type Listener = keyof typeof broker.brokers;

/** A few attempts, so that a failure is there soon: the errors are those of any number of them. */
const retry = { retries: 2, initialRetryTime: 100 };

interface Attempt {
  error: (Error & { cause?: Error; code?: string }) | undefined;
  /** Milliseconds. */
  took: number;
  /** All that somebody could read: the log, the errors, and the objects themselves. */
  readable: string;
}

/** Connects and asks something, with everything logged. */
async function attempt(listener: Listener, config: Partial<KafkaConfig>): Promise<Attempt> {
  const log: LogEntry[] = [];
  const kafka = new Kafka({
    brokers: [broker.brokers[listener]],
    retry,
    logLevel: logLevel.DEBUG,
    logCreator: () => (entry) => void log.push(entry),
    ...config,
  });
  const admin: Admin = kafka.admin();
  const began = performance.now();
  let error: Attempt['error'];
  try {
    await admin.connect();
    expect((await admin.describeCluster()).brokers).toHaveLength(1);
  } catch (thrown) {
    error = thrown as Attempt['error'];
  }
  const took = performance.now() - began;
  const shown = [kafka, admin, error, log].map((it) =>
    inspect(it, { depth: 20, showHidden: true, maxStringLength: null }),
  );
  await admin.disconnect();
  return { error, took, readable: [...shown, JSON.stringify([kafka, admin, error, log])].join() };
}

function login(mechanism: (typeof MECHANISMS)[number], password?: string): SASLOptions {
  const user = broker.users[mechanism];
  return { mechanism, ...user, ...(password !== undefined && { password }) };
}

const trusting = (): { ca: string } => ({ ca: readFileSync(broker.ca, 'utf8') });
const identity = (): { cert: string; key: string } => ({
  cert: readFileSync(broker.clientCert, 'utf8'),
  key: readFileSync(broker.clientKey, 'utf8'),
});

describe('logins', () => {
  test.each(MECHANISMS)('%s, with and without TLS', async (mechanism) => {
    const { password } = broker.users[mechanism];
    for (const [listener, ssl] of [
      ['saslPlaintext', undefined],
      ['saslSsl', trusting()],
    ] as const) {
      const { error, readable } = await attempt(listener, {
        ...(ssl && { ssl }),
        sasl: login(mechanism),
      });
      expect(error).toBeUndefined();
      expect(readable).not.toContain(password);
    }
  });

  test.each(MECHANISMS)(
    '%s with a wrong password fails soon, as with kafkajs',
    async (mechanism) => {
      const password = 'open-sesame-1234';
      for (const [listener, ssl] of [
        ['saslPlaintext', undefined],
        ['saslSsl', trusting()],
      ] as const) {
        const { error, took, readable } = await attempt(listener, {
          ...(ssl && { ssl }),
          sasl: login(mechanism, password),
        });
        const name = mechanism.toUpperCase().replace('SCRAM-SHA-', 'SCRAM SHA');
        expect(error).toMatchObject({ name: 'KafkaJSSASLAuthenticationError', retriable: false });
        expect(error?.message).toMatch(
          new RegExp(`^SASL ${name} authentication failed: Authentication failed`),
        );
        expect(took).toBeLessThan(5_000);
        expect(readable).not.toContain(password);
        expect(readable).toContain('authentication failed');
      }
    },
  );

  test('no login where one is wanted, and one where none is known', async () => {
    const none = await attempt('saslPlaintext', {});
    expect(none.error).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      cause: expect.any(KafkaJSConnectionError),
    });
    const one = await attempt('plaintext', { sasl: login('plain') });
    expect(one.error).toMatchObject({ name: 'KafkaJSSASLAuthenticationError' });
    expect(one.readable).not.toContain(broker.users.plain.password);
  });
});

describe('tokens', () => {
  const tokens = (
    oauthBearerProvider: () => Promise<OauthbearerProviderResponse>,
  ): { sasl: SASLOptions } => ({ sasl: { mechanism: 'oauthbearer', oauthBearerProvider } });

  test('log an admin in, with and without TLS, and are shown nowhere', async () => {
    for (const [listener, ssl] of [
      ['saslPlaintext', undefined],
      ['saslSsl', trusting()],
    ] as const) {
      const value = tokenOf(60);
      const { error, readable } = await attempt(listener, {
        ...(ssl && { ssl }),
        ...tokens(async () => ({ value })),
      });
      expect(error).toBeUndefined();
      expect(readable).not.toContain(value);
    }
  });

  test('log in every native client of a producer, also after the first has expired, and a consumer', async () => {
    const given: number[] = [];
    const provider = async (): Promise<OauthbearerProviderResponse> => {
      given.push(Date.now());
      return { value: tokenOf(given.length === 1 ? 2 : 60) };
    };
    const kafka = new Kafka({
      brokers: [broker.brokers.saslPlaintext],
      logLevel: logLevel.NOTHING,
      ...tokens(provider),
    });
    const topic = unique('tokens');
    const producer = kafka.producer();
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    await producer.send({ topic, messages: [{ value: 'first' }] });
    expect(given).toHaveLength(1);

    // Another combination has a native client of its own. The first token is not good any more.
    const expired = (given[0] as number) + 2_100;
    await vi.waitFor(
      () => {
        expect(given).toHaveLength(2);
        expect(Date.now()).toBeGreaterThan(expired);
      },
      { timeout: 5_000 },
    );
    await producer.send({ topic, acks: 1, messages: [{ value: 'second' }] });

    const consumer = kafka.consumer({ groupId: unique('tokens') });
    onTestFinished(() => consumer.disconnect());
    await consumer.subscribe({ topic, fromBeginning: true });
    const values: (string | undefined)[] = [];
    await consumer.run({
      eachMessage: async ({ message }) => void values.push(`${message.value}`),
    });
    await vi.waitFor(() => expect(values).toEqual(['first', 'second']), { timeout: 10_000 });
    expect(given).toHaveLength(3);
  });

  test.each([
    ['one that has expired', () => tokenOf(-60)],
    ['one that is none', () => 'open-sesame-1234'],
  ])('%s is refused by the broker, once', async (_, make) => {
    const value = make();
    const provider = vi.fn(async () => ({ value }));
    const { error, took, readable } = await attempt('saslPlaintext', tokens(provider));
    expect(error).toMatchObject({ name: 'KafkaJSSASLAuthenticationError', retriable: false });
    expect(error?.message).toMatch(/^SASL OAUTHBEARER authentication failed: /);
    expect(readable).not.toContain(value);
    expect(took).toBeLessThan(5_000);
    expect(provider).toHaveBeenCalledTimes(1);
  });

  test('what the provider throws is what connect() rejects with, as with kafkajs', async () => {
    const thrown = new Error('no token today');
    const provider = vi.fn(async () => Promise.reject(thrown));
    for (const client of ['admin', 'producer', 'consumer'] as const) {
      provider.mockClear();
      const kafka = new Kafka({
        brokers: [broker.brokers.saslPlaintext],
        logLevel: logLevel.NOTHING,
        ...tokens(provider),
      });
      const made = client === 'consumer' ? kafka.consumer({ groupId: 'g' }) : kafka[client]();
      await expect(made.connect()).rejects.toBe(thrown);
      expect(provider).toHaveBeenCalledTimes(1);
    }
  });

  test('a provider that never answers does not hold up disconnect()', async () => {
    const kafka = new Kafka({
      brokers: [broker.brokers.saslPlaintext],
      logLevel: logLevel.NOTHING,
      ...tokens(() => new Promise(() => {})),
    });
    const producer = kafka.producer();
    const outcome = producer.connect().catch((error) => error);
    await new Promise(setImmediate);
    await producer.disconnect();
    expect(await outcome).toBeInstanceOf(KafkaJSError);
  });
});

describe('TLS', () => {
  test("an authority of the user's own, as text, Buffer or list", async () => {
    const ca = readFileSync(broker.ca);
    for (const given of [ca, ca.toString(), [readFileSync(broker.otherCa), ca]]) {
      expect((await attempt('ssl', { ssl: { ca: given } })).error).toBeUndefined();
    }
  });

  test.each<[string, () => KafkaConfig['ssl'], RegExp]>([
    ["the system's authorities", () => true, /certificate verify failed/],
    ['another one', () => ({ ca: readFileSync(broker.otherCa) }), /certificate verify failed/],
    [
      'another name',
      () => ({ ...trusting(), servername: 'kafka.example.org' }),
      /not made out to the servername/,
    ],
    [
      'another authority under the right name',
      () => ({ ca: readFileSync(broker.otherCa), servername: 'localhost' }),
      /not of an authority that is trusted/,
    ],
  ])('a broker that is not trusted by %s is not talked to', async (_, ssl, message) => {
    const { error, took } = await attempt('ssl', { ssl: ssl() as object });
    expect(error).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      retryCount: retry.retries,
      cause: { name: 'KafkaJSConnectionError', broker: broker.brokers.ssl },
    });
    expect(error?.message).toMatch(message);
    expect(took).toBeLessThan(10_000);
  });

  test('a broker may go unchecked, and may have another name than its host', async () => {
    expect((await attempt('ssl', { ssl: { rejectUnauthorized: false } })).error).toBeUndefined();
    const other = { rejectUnauthorized: false, servername: 'kafka.example.org' };
    expect((await attempt('ssl', { ssl: other })).error).toBeUndefined();

    // The certificate is made out to localhost and to 127.0.0.1.
    for (const servername of ['localhost', '127.0.0.1']) {
      const { error } = await attempt('ssl', { ssl: { ...trusting(), servername } });
      expect(error, servername).toBeUndefined();
    }
  });

  test('a broker whose certificate is made out to others is not talked to', async () => {
    // The same broker at another address.
    const [host = '', port] = broker.brokers.ssl.split(':');
    const relay = createServer((socket) => {
      const other = connect(Number(port), host === 'localhost' ? '127.0.0.1' : host);
      for (const end of [socket, other]) end.on('error', () => {});
      socket.pipe(other).pipe(socket);
    });
    relay.listen(0, '127.0.0.3');
    await once(relay, 'listening');
    onTestFinished(() => void relay.close());
    const brokers = [`127.0.0.3:${(relay.address() as AddressInfo).port}`];

    const { error } = await attempt('ssl', { brokers, ssl: trusting() });
    expect(error?.cause).toMatchObject({ name: 'KafkaJSConnectionError', broker: brokers[0] });
    expect(error?.message).toMatch(/certificate verify failed/);
    const ssl = { ...trusting(), servername: 'localhost' };
    expect((await attempt('ssl', { brokers, ssl })).error).toBeUndefined();
  });

  test('a client shows its certificate, also with an encrypted key', async () => {
    expect((await attempt('mtls', { ssl: { ...trusting(), ...identity() } })).error).toBe(
      undefined,
    );
    const passphrase = 'open-sesame-5678';
    const key = createPrivateKey(identity().key)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
      .toString();
    const ssl = { ...trusting(), cert: identity().cert, key, passphrase };
    const { error, readable } = await attempt('mtls', { ssl });
    expect(error).toBeUndefined();
    expect(readable).not.toContain(passphrase);
    expect(readable).not.toContain(key.split('\n')[3]);
  });

  test('a client without one, or with one that cannot be read, is refused', async () => {
    const without = await attempt('mtls', { ssl: trusting() });
    expect(without.error).toMatchObject({
      name: 'KafkaJSNumberOfRetriesExceeded',
      cause: { name: 'KafkaJSConnectionError', broker: broker.brokers.mtls },
    });
    expect(without.error?.message).toMatch(/alert/);
    expect(without.took).toBeLessThan(10_000);

    const key = `-----BEGIN PRIVATE KEY-----\nopen-sesame\n-----END PRIVATE KEY-----`;
    const { error, readable } = await attempt('mtls', {
      ssl: { ...trusting(), cert: identity().cert, key },
    });
    expect(error).toMatchObject({ name: 'KafkaJSNonRetriableError' });
    expect(error?.message).toMatch(/^ssl\.key/);
    expect(readable).not.toContain('open-sesame');
  });

  test('TLS to a plain listener, and none to one with TLS', async () => {
    const plain = await attempt('plaintext', { ssl: trusting() });
    expect(plain.error?.cause).toMatchObject({ name: 'KafkaJSConnectionError' });
    const secure = await attempt('ssl', {});
    expect(secure.error?.cause).toBeInstanceOf(KafkaJSConnectionError);
  });
});

/**
 * What the engine is told of a Kafka's configuration and of the environment, and what is refused.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { resolveConfig } from '../../lib/kafka/config.js';
import { kafkaConfigOf } from '../../lib/kafka/environment.js';
import { Kafka } from '../../lib/kafka/kafka.js';
import type { KafkaConfig } from '../../lib/kafka/types.js';
import { failureOf, recordingKafka } from './support.js';

beforeEach(() => {
  // The machine may have some of its own.
  vi.stubEnv('NODE_EXTRA_CA_CERTS', undefined);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

const BROKERS = { brokers: ['a:1', 'b:2'] };
const DEFAULTS = {
  brokers: ['a:1', 'b:2'],
  clientId: 'kafkajs',
  connectionTimeout: 1_000,
  requestTimeout: 30_000,
  metadataMaxAge: 300_000,
  allowAutoTopicCreation: true,
  initialRetryTime: 300,
  maxRetryTime: 30_000,
};
const CHECKED = { rejectUnauthorized: true, checkHost: true };

const resolved = async (config: object, client?: object) =>
  (await resolveConfig({ ...BROKERS, ...config } as KafkaConfig, client)).config;

describe('the engine is told', () => {
  const PLAIN = { mechanism: 'plain', username: 'ada', password: 'open sesame' };
  const CASES: [string, object, object, object?][] = [
    ['nothing but brokers', {}, {}],
    ['brokers of a function', { brokers: async () => ['c:3'] }, { brokers: ['c:3'] }],
    [
      'times',
      {
        connectionTimeout: 5_000,
        requestTimeout: '7000',
        retry: { maxRetryTime: 9, initialRetryTime: 3 },
      },
      { connectionTimeout: 5_000, requestTimeout: 7_000, maxRetryTime: 9, initialRetryTime: 3 },
    ],
    [
      'no limit of a request as the longest',
      { enforceRequestTimeout: false },
      { requestTimeout: 300_000 },
    ],
    [
      'what a client has of its own',
      { retry: { initialRetryTime: 3, maxRetryTime: 5 } },
      { metadataMaxAge: 1, allowAutoTopicCreation: false, initialRetryTime: 4, maxRetryTime: 5 },
      { metadataMaxAge: 1, allowAutoTopicCreation: false, retry: { initialRetryTime: 4 } },
    ],
    ['TLS', { ssl: true }, { ssl: CHECKED }],
    ['TLS with nothing given', { ssl: {} }, { ssl: CHECKED }],
    ['no TLS', { ssl: false }, {}],
    [
      'certificates as text and as bytes',
      {
        ssl: {
          ca: [Buffer.from('CA 1'), 'CA 2'],
          cert: Buffer.from('CERT'),
          key: 'KEY',
          passphrase: 'pass',
          servername: 'kafka.example',
          rejectUnauthorized: false,
          minVersion: 'TLSv1.2',
          pfx: undefined,
        },
      },
      {
        ssl: {
          ca: 'CA 1\nCA 2',
          cert: 'CERT',
          key: 'KEY',
          passphrase: 'pass',
          servername: 'kafka.example',
          rejectUnauthorized: false,
          checkHost: true,
        },
      },
    ],
    [
      'a key in a list, with its own passphrase',
      { ssl: { ca: [], key: [{ pem: 'KEY', passphrase: 'own' }], passphrase: 'other' } },
      { ssl: { key: 'KEY', passphrase: 'own', ...CHECKED } },
    ],
    ['a login', { sasl: PLAIN }, { sasl: PLAIN, connectionTimeout: 11_000 }],
    [
      'a mechanism in capitals, and its time',
      { sasl: { ...PLAIN, mechanism: 'SCRAM-SHA-512' }, authenticationTimeout: 500 },
      { sasl: { ...PLAIN, mechanism: 'scram-sha-512' }, connectionTimeout: 1_500 },
    ],
    [
      'a login that kafkajs has used before, and put its own provider on',
      { sasl: { ...PLAIN, authenticationProvider: () => ({}) } },
      { sasl: PLAIN, connectionTimeout: 11_000 },
    ],
  ];

  test.each(CASES)('%s', async (_name, config, expected, client) => {
    const found = await resolved(config, client);
    expect(found).toEqual({ ...DEFAULTS, ...expected });
    // It crosses as JSON.
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
  });

  test("Node's own switches of TLS, since kafkajs's users may rely on them", async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'messaging-')), 'extra.pem');
    writeFileSync(path, 'EXTRA');
    vi.stubEnv('NODE_EXTRA_CA_CERTS', path);
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    const { ssl } = await resolved({ ssl: true });
    expect(ssl?.ca).toMatch(/^-----BEGIN CERTIFICATE-----[\s\S]*\nEXTRA$/);
    expect(ssl?.rejectUnauthorized).toBe(false);
    expect((await resolved({ ssl: { ca: 'CA', rejectUnauthorized: true } })).ssl).toEqual({
      ca: 'CA',
      ...CHECKED,
    });
    vi.stubEnv('NODE_EXTRA_CA_CERTS', `${path}.missing`);
    expect((await resolved({ ssl: true })).ssl?.ca).toBeUndefined();
  });

  test('of tokens only that there are some: they are asked for when they are needed', async () => {
    const oauthBearerProvider = vi.fn(async () => ({ value: 'token' }));
    const sasl = { mechanism: 'oauthbearer' as const, oauthBearerProvider };
    const found = await resolveConfig({ ...BROKERS, sasl });
    expect(found.config.sasl).toEqual({ mechanism: 'oauthbearer' });
    expect(oauthBearerProvider).not.toHaveBeenCalled();
    expect(await found.oauthBearerProvider?.()).toEqual({ value: 'token' });

    oauthBearerProvider.mockResolvedValue({} as never);
    expect(await failureOf(() => found.oauthBearerProvider?.())).toMatchObject({
      name: 'KafkaJSSASLAuthenticationError',
      message: 'SASL OAUTHBEARER: Invalid OAuth bearer token',
    });
  });
});

describe('a Kafka is not made with', () => {
  test.each<[string, object, string]>([
    ['a socket factory', { socketFactory: () => {} }, 'socketFactory is not supported'],
    [
      'a mechanism in JavaScript',
      { sasl: { mechanism: 'custom', authenticationProvider: () => {} } },
      'SASL CUSTOM: a mechanism with an authenticationProvider is not supported',
    ],
    ['aws', { sasl: { mechanism: 'aws' } }, 'SASL AWS mechanism is not supported'],
    ['an unknown mechanism', { sasl: { mechanism: 'toString' } }, 'SASL TOSTRING mechanism is not'],
    ['no mechanism', { sasl: { username: 'a' } }, 'Invalid SASL mechanism undefined'],
    [
      'an archive of keys',
      { ssl: { pfx: 'x' } },
      'ssl.pfx is not supported by the engine: ca, cert',
    ],
    ['a check of its own', { ssl: { checkServerIdentity: () => {} } }, 'ssl.checkServerIdentity'],
    ['a version that is not certain', { ssl: { minVersion: 'TLSv1.3' } }, 'ssl.minVersion'],
    ['two keys', { ssl: { key: ['a', 'b'] } }, 'ssl.key: more than one key'],
    ['a certificate that is none', { ssl: { ca: 7 } }, 'ssl.ca: expected PEM as string or Buffer'],
    ['a time that is none', { requestTimeout: 'soon' }, 'Invalid requestTimeout, expected'],
    ['a time before now', { connectionTimeout: -1 }, 'Invalid connectionTimeout, expected'],
  ])('%s', async (_name, config, message) => {
    expect(
      await failureOf(() => new Kafka({ ...BROKERS, ...config } as KafkaConfig)),
    ).toMatchObject({
      name: 'KafkaJSNonRetriableError',
      message: expect.stringContaining(message),
      retriable: false,
    });
  });
});

describe('connect() fails without', () => {
  test.each([
    ['plain', 'SASL Plain: Invalid username or password'],
    ['scram-sha-256', 'SASL SCRAM SHA256 authentication: Invalid username or password'],
    ['scram-sha-512', 'SASL SCRAM SHA512 authentication: Invalid username or password'],
    ['oauthbearer', 'SASL OAUTHBEARER: Missing OAuth bearer token provider'],
  ])('what %s needs, at once', async (mechanism, message) => {
    for (const sasl of [{ mechanism }, { mechanism, username: 'a' }]) {
      const { kafka, engines } = recordingKafka({ sasl: sasl as never, retry: { retries: 5 } });
      expect(await failureOf(() => kafka.producer().connect())).toMatchObject({
        name: 'KafkaJSSASLAuthenticationError',
        message,
        retriable: false,
      });
      expect(engines).toEqual([]);
    }
  });
});

test('secrets are shown by no Kafka and no client', () => {
  const { kafka } = recordingKafka({
    sasl: { mechanism: 'plain', username: 'ada', password: 'open sesame' },
    ssl: { key: 'open sesame' },
  });
  for (const it of [kafka, kafka.producer()]) {
    expect(inspect(it, { depth: 9, showHidden: true })).not.toContain('sesame');
    expect(JSON.stringify(it)).not.toContain('sesame');
  }
});

describe('the environment', () => {
  const LOGIN = { mechanism: 'plain', username: undefined, password: undefined };

  test.each<[string, Record<string, string>, object]>([
    ['is empty', {}, {}],
    [
      'has empty values, which count as unset',
      { KAFKA_BROKERS: '', KAFKA_SSL: '', KAFKA_SASL: '', KAFKA_CLIENT_ID: '' },
      {},
    ],
    ['names the client', { KAFKA_CLIENT_ID: 'me' }, { clientId: 'me' }],
    ['lists brokers', { KAFKA_BROKERS: ' a:1 ,b:2,, ' }, { brokers: ['a:1', 'b:2'] }],
    ['lists none', { KAFKA_BROKERS: ' , ' }, { brokers: [] }],
    ['turns TLS on', { KAFKA_SSL: 'true' }, { ssl: true }],
    ['says another word', { KAFKA_SSL: '1' }, { ssl: false }],
    ['turns the login off: false', { KAFKA_SASL: 'false', KAFKA_USERNAME: 'a' }, {}],
    ['turns the login off: 0', { KAFKA_SASL: '0', KAFKA_USERNAME: 'a' }, {}],
    ['turns the login on', { KAFKA_SASL: 'true' }, { sasl: LOGIN }],
    [
      'turns the login on: any word',
      { KAFKA_SASL: 'yes', KAFKA_SASL_MECHANISM: '' },
      { sasl: LOGIN },
    ],
    [
      'has a login',
      {
        KAFKA_SASL: 'true',
        KAFKA_SASL_MECHANISM: 'scram-sha-256',
        KAFKA_USERNAME: 'ada',
        KAFKA_PASSWORD: ' open sesame ',
      },
      { sasl: { mechanism: 'scram-sha-256', username: 'ada', password: ' open sesame ' } },
    ],
  ])('%s', (_name, environment, expected) => {
    const defaults = { clientId: 'neuro-backend', brokers: ['localhost:9092'], ssl: false };
    expect(kafkaConfigOf(environment)).toEqual({ ...defaults, ...expected });
  });
});

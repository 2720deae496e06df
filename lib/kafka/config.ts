/**
 * The configuration of a Kafka: kafkajs's checks, and what the engine is told.
 *
 * What the engine cannot do is refused when the Kafka is made. Brokers and credentials are looked at by
 * `connect()`, with kafkajs's errors, since there they may come from a function.
 */
import {
  KafkaJSConnectionError,
  KafkaJSNonRetriableError,
  KafkaJSSASLAuthenticationError,
} from './errors.js';
import { type RetryOptions, retrySettings } from './retry.js';
import { type EngineSsl, engineSsl } from './ssl.js';
import type { KafkaConfig, OauthbearerProviderResponse } from './types.js';

/** What the engine is told of the cluster: JSON of the core's `ClientConfig`. Times are milliseconds. */
export interface EngineConfig {
  brokers: string[];
  clientId: string;
  ssl?: EngineSsl;
  sasl?: EngineSasl;
  /** For a connection to be made, TLS and login included. */
  connectionTimeout: number;
  requestTimeout: number;
  metadataMaxAge: number;
  allowAutoTopicCreation: boolean;
  initialRetryTime: number;
  maxRetryTime: number;
}

/** How the engine logs in. Tokens of `oauthbearer` are asked for when they are needed. */
export type EngineSasl =
  | {
      mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      username: string;
      password: string;
    }
  | { mechanism: 'oauthbearer' };

/** What one client has beside its Kafka's configuration. */
export interface ClientOptions {
  metadataMaxAge?: number | undefined;
  allowAutoTopicCreation?: boolean | undefined;
  retry?: RetryOptions | undefined;
}

/** What an engine needs to reach the cluster. */
export interface ResolvedConfig {
  config: EngineConfig;
  oauthBearerProvider?: () => Promise<OauthbearerProviderResponse>;
}

/** The login of kafkajs's users, before it is known to be complete. */
interface GivenSasl {
  mechanism?: unknown;
  authenticationProvider?: unknown;
  username?: unknown;
  password?: unknown;
  oauthBearerProvider?: unknown;
}

/** How kafkajs's messages about missing credentials begin. */
const LOGINS: Record<string, string> = {
  plain: 'SASL Plain',
  'scram-sha-256': 'SASL SCRAM SHA256 authentication',
  'scram-sha-512': 'SASL SCRAM SHA512 authentication',
};

/** The longest time that the engine waits for an answer. */
const LONGEST_REQUEST = 300_000;

/**
 * Refuses what this engine cannot do.
 *
 * @throws KafkaJSNonRetriableError
 */
export function checkKafkaConfig(config: KafkaConfig): void {
  if (config.socketFactory != null) {
    throw new KafkaJSNonRetriableError(
      'socketFactory is not supported: the engine makes its own sockets',
    );
  }
  if (config.sasl) checkMechanism(config.sasl);
  engineSsl(config.ssl);
  for (const name of ['connectionTimeout', 'authenticationTimeout', 'requestTimeout'] as const) {
    milliseconds(name, config[name], 0);
  }
}

/** Asks for the brokers, checks as kafkajs does when it connects, and gives what the engine is told. */
export async function resolveConfig(
  kafka: KafkaConfig,
  client: ClientOptions = {},
): Promise<ResolvedConfig> {
  const brokers = await brokersOf(kafka);
  const { initialRetryTime, maxRetryTime } = retrySettings(kafka.retry, client.retry);
  const ssl = engineSsl(kafka.ssl);
  const sasl = kafka.sasl ? engineSasl(kafka.sasl) : undefined;
  const login = sasl
    ? milliseconds('authenticationTimeout', kafka.authenticationTimeout, 10_000)
    : 0;
  const config: EngineConfig = {
    brokers,
    clientId: kafka.clientId ?? 'kafkajs',
    ...(ssl && { ssl }),
    ...(sasl && { sasl }),
    connectionTimeout: milliseconds('connectionTimeout', kafka.connectionTimeout, 1_000) + login,
    requestTimeout:
      kafka.enforceRequestTimeout === false
        ? LONGEST_REQUEST
        : milliseconds('requestTimeout', kafka.requestTimeout, 30_000),
    metadataMaxAge: milliseconds('metadataMaxAge', client.metadataMaxAge, 300_000),
    allowAutoTopicCreation: client.allowAutoTopicCreation ?? true,
    initialRetryTime: Math.round(initialRetryTime),
    maxRetryTime: Math.round(maxRetryTime),
  };
  if (sasl?.mechanism !== 'oauthbearer') return { config };
  return { config, oauthBearerProvider: tokensOf(kafka.sasl as GivenSasl) };
}

async function brokersOf({ brokers }: KafkaConfig): Promise<string[]> {
  let list: unknown = brokers;
  if (typeof brokers === 'function') {
    try {
      list = await brokers();
    } catch (e) {
      const { message, stack } = e as Error;
      const error = new KafkaJSConnectionError(
        `Failed to connect: "config.brokers" threw: ${message}`,
      );
      error.stack = `${error.name}\n  Caused by: ${stack}`;
      throw error;
    }
  }
  if (!list) throw new KafkaJSNonRetriableError('Failed to connect: brokers should not be null');
  if (!Array.isArray(list)) {
    throw new KafkaJSNonRetriableError('Failed to connect: brokers should be an array');
  }
  if (list.length === 0) {
    throw new KafkaJSNonRetriableError('Failed to connect: brokers array is empty');
  }
  for (const [index, broker] of list.entries()) {
    if (typeof broker !== 'string' || broker === '') {
      throw new KafkaJSNonRetriableError(
        `Failed to connect: broker at index ${index} is invalid "${typeof broker}"`,
      );
    }
  }
  return list;
}

function checkMechanism(sasl: GivenSasl): void {
  const name = mechanismOf(sasl);
  if (name in LOGINS || name === 'oauthbearer') return;
  const upper = name.toUpperCase();
  throw new KafkaJSNonRetriableError(
    typeof sasl.authenticationProvider === 'function'
      ? `SASL ${upper}: a mechanism with an authenticationProvider is not supported by the engine`
      : `SASL ${upper} mechanism is not supported: plain, scram-sha-256, scram-sha-512 and oauthbearer are`,
  );
}

function engineSasl(sasl: GivenSasl): EngineSasl {
  const mechanism = mechanismOf(sasl) as EngineSasl['mechanism'];
  if (mechanism === 'oauthbearer') {
    if (sasl.oauthBearerProvider == null) {
      throw new KafkaJSSASLAuthenticationError(
        'SASL OAUTHBEARER: Missing OAuth bearer token provider',
      );
    }
    return { mechanism };
  }
  const { username, password } = sasl;
  if (username == null || password == null) {
    throw new KafkaJSSASLAuthenticationError(`${LOGINS[mechanism]}: Invalid username or password`);
  }
  return { mechanism, username: String(username), password: String(password) };
}

/** Upper and lower case are one, as in kafkajs. */
function mechanismOf({ mechanism }: GivenSasl): string {
  if (typeof mechanism === 'string') return mechanism.toLowerCase();
  throw new KafkaJSNonRetriableError(`Invalid SASL mechanism ${mechanism}`);
}

/** The user's provider, with kafkajs's check of what it gives. */
function tokensOf(sasl: GivenSasl): () => Promise<OauthbearerProviderResponse> {
  const provider = sasl.oauthBearerProvider as () => Promise<OauthbearerProviderResponse>;
  return async () => {
    const token = await provider();
    if (token.value == null) {
      throw new KafkaJSSASLAuthenticationError('SASL OAUTHBEARER: Invalid OAuth bearer token');
    }
    return token;
  };
}

function milliseconds(name: string, value: unknown, otherwise: number): number {
  if (value === undefined || value === null) return otherwise;
  const number = Math.round(Number(value));
  if (number >= 0 && number <= 0x7fff_ffff) return number;
  throw new KafkaJSNonRetriableError(
    `Invalid ${name}, expected milliseconds received ${String(value)}`,
  );
}

/**
 * TLS: Node's options, which kafkajs hands to `tls.connect`, as the engine's.
 */
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, rootCertificates } from 'node:tls';
import { KafkaJSNonRetriableError } from './errors.js';

/** How the engine uses TLS. Certificates and keys are PEM. */
export interface EngineSsl {
  /** Whom to trust. Absent: the system's authorities. */
  ca?: string;
  cert?: string;
  key?: string;
  passphrase?: string;
  /** The name that brokers' certificates must have. Absent: each broker's host. */
  servername?: string;
  /** Whether brokers' certificates are checked. */
  rejectUnauthorized: boolean;
  /** Whether a certificate must be made out to the broker it comes from. */
  checkHost: boolean;
}

const OPTIONS = ['ca', 'cert', 'key', 'passphrase', 'servername', 'rejectUnauthorized'];

/** Versions that the engine's TLS uses at least and at most: what asks for no more than they give is met. */
const MET = {
  minVersion: ['TLSv1', 'TLSv1.1', 'TLSv1.2'],
  maxVersion: ['TLSv1.3'],
} as Record<string, string[]>;

/**
 * What the engine is told, or nothing without TLS.
 *
 * @throws KafkaJSNonRetriableError for an option that the engine does not have: leaving it out could trust
 *   more than was meant.
 */
export function engineSsl(
  ssl: ConnectionOptions | boolean | null | undefined,
): EngineSsl | undefined {
  if (!ssl) return undefined;
  const options: ConnectionOptions = typeof ssl === 'object' ? ssl : {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || OPTIONS.includes(name) || MET[name]?.includes(value)) continue;
    throw new KafkaJSNonRetriableError(
      `ssl.${name} is not supported by the engine: ${OPTIONS.join(', ')} are`,
    );
  }
  const { key, passphrase } = keyOf(options);
  return withoutUndefined({
    ca: pem('ca', options.ca) ?? extraAuthorities(),
    cert: pem('cert', options.cert),
    key,
    passphrase,
    servername: options.servername || undefined,
    rejectUnauthorized: options.rejectUnauthorized ?? nodeRejects(),
    checkHost: true,
  }) as EngineSsl;
}

function keyOf({ key, passphrase }: ConnectionOptions): { key?: string; passphrase?: string } {
  const keys = Array.isArray(key) ? key : [key];
  if (keys.length > 1) {
    throw new KafkaJSNonRetriableError('ssl.key: more than one key is not supported by the engine');
  }
  const [only] = keys;
  if (typeof only === 'object' && 'pem' in only) {
    return withoutUndefined({
      key: pem('key', only.pem),
      passphrase: only.passphrase ?? passphrase,
    });
  }
  return withoutUndefined({ key: pem('key', only), passphrase });
}

function pem(name: string, value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const texts = (Array.isArray(value) ? value : [value]).map((it) => {
    if (typeof it === 'string' || it instanceof Uint8Array)
      return Buffer.from(it as string).toString();
    throw new KafkaJSNonRetriableError(`ssl.${name}: expected PEM as string or Buffer`);
  });
  return texts.length === 0 ? undefined : texts.join('\n');
}

/** Node's own switches, which code that uses kafkajs obeys without knowing. */
function nodeRejects(): boolean {
  return process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0';
}

function extraAuthorities(): string | undefined {
  const path = process.env.NODE_EXTRA_CA_CERTS;
  if (!path) return undefined;
  try {
    return [...rootCertificates, readFileSync(path, 'utf8')].join('\n');
  } catch {
    // Node warns of it when it starts, and goes on without it.
    return undefined;
  }
}

function withoutUndefined<T extends object>(
  fields: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, it]) => it !== undefined)) as never;
}

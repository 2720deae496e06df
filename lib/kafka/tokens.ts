/**
 * Tokens of a login by `oauthbearer`: one before the client connects, and others before they expire.
 *
 * kafkajs asks the provider for each connection. The engine makes its connections by itself, whenever it needs
 * one, and so always has a token that is good.
 */
import { KafkaJSConnectionError, KafkaJSSASLAuthenticationError } from './errors.js';
import type { Logger } from './logger.js';
import type { OauthbearerProviderResponse } from './types.js';

/** The part of a token's life after which there is another. */
const PART = 0.8;
/** After how long one is replaced that does not say when it expires. */
const OPAQUE = 60_000;
/** When the provider is asked again that has failed, or has given a token that is no longer good. */
const AGAIN = 10_000;
const SHORTEST = 1_000;
/** Timers cannot wait for much longer. */
const LONGEST = 24 * 3_600_000;

/** What may be in a token (RFC 7628). */
const ALLOWED = /^[\x20-\x7e\t\r\n]+$/;

/** What a client's tokens are made with. */
export interface TokenOptions {
  /** The user's, with kafkajs's check of what it gives. */
  provider: () => Promise<OauthbearerProviderResponse>;
  /** Hands JSON of a token to the engine. */
  set: (json: string) => void;
  logger: Logger;
}

/** The tokens of one engine. */
export class Tokens {
  readonly #options: TokenOptions;
  readonly #ended: Promise<never>;
  #end: (error: Error) => void = () => {};
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TokenOptions) {
    this.#options = options;
    this.#ended = new Promise((_, reject) => {
      this.#end = reject;
    });
    this.#ended.catch(() => {});
  }

  /** The first. It fails with what the provider throws. */
  async begin(): Promise<void> {
    await this.#renew();
  }

  /** There are no more. A `begin()` that waits rejects. */
  end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#end(new KafkaJSConnectionError('Closed connection'));
  }

  async #renew(): Promise<void> {
    const { provider, set } = this.#options;
    const token = await Promise.race([provider(), this.#ended]);
    if (this.#over) return this.#ended;
    set(jsonOf(token));
    this.#schedule(waitOf(String(token.value), Date.now()));
  }

  #schedule(wait: number): void {
    if (this.#over) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renewLater(), wait).unref();
  }

  /** Nobody waits for it: the token before may be good for a while. */
  async #renewLater(): Promise<void> {
    try {
      await this.#renew();
    } catch (error) {
      if (this.#over) return;
      const { message } = Object(error) as Partial<Error>;
      this.#options.logger.error(`SASL OAUTHBEARER: no new token: ${message ?? error}`);
      this.#schedule(AGAIN);
    }
  }
}

/** When a token is to be replaced: milliseconds from now. */
export function waitOf(token: string, now: number): number {
  const expires = expiryOf(token);
  if (expires === undefined) return OPAQUE;
  const left = expires - now;
  return left <= 0 ? AGAIN : Math.min(Math.max(left * PART, SHORTEST), LONGEST);
}

/** When a JSON web token expires: milliseconds since 1970. Others do not say. */
function expiryOf(token: string): number | undefined {
  const [, claims, signature] = token.split('.');
  if (claims === undefined || signature === undefined) return undefined;
  try {
    const { exp } = JSON.parse(Buffer.from(claims, 'base64url').toString());
    return Number.isFinite(exp) ? exp * 1_000 : undefined;
  } catch {
    return undefined;
  }
}

function jsonOf({ value, extensions }: OauthbearerProviderResponse): string {
  const token = String(value);
  const entries = Object.entries(extensions ?? {}).map(([key, it]) => [key, String(it)] as const);
  const valid =
    ALLOWED.test(token) &&
    entries.every(([key, it]) => /^[A-Za-z]+$/.test(key) && key !== 'auth' && ALLOWED.test(it));
  if (!valid) {
    throw new KafkaJSSASLAuthenticationError('SASL OAUTHBEARER: Invalid OAuth bearer token');
  }
  return JSON.stringify({ value: token, extensions: Object.fromEntries(entries) });
}

/**
 * The remote key set of the option `jwt`: the engine says when it is to be fetched, and here it is fetched.
 */
import { codedError } from './errors.js';
import type { NativeManager } from './native.js';
import type { Reporter } from './reporter.js';
import type { WebSocketMessage } from './types.js';

// Taken once: a host's test may replace the global ones by a clock that stands still.
const { setTimeout, clearTimeout } = globalThis;

/** For how long tokens wait for it in the engine (`core/src/jwt/refresh.rs`). */
const TIMEOUT = 10_000;

/** Bytes of a set, as in the engine (`core/src/jwt/key_set.rs`). */
const MAX_BYTES = 1024 * 1024;

/** Fetches the key set of one manager. */
export class KeySets {
  readonly #native: NativeManager;
  readonly #reporter: Pick<Reporter<WebSocketMessage>, 'fault'>;
  /** The fetches under way: the engine keeps their beginnings apart, so they are few. */
  readonly #underWay = new Set<AbortController>();
  #closed = false;

  constructor(native: NativeManager, reporter: Pick<Reporter<WebSocketMessage>, 'fault'>) {
    this.#native = native;
    this.#reporter = reporter;
  }

  /** Fetches the set, and gives it to the engine. Never throws. */
  fetch(number: number, uri: string): void {
    if (this.#closed) return;
    const abort = new AbortController();
    this.#underWay.add(abort);
    const timer = setTimeout(() => abort.abort(), TIMEOUT);
    timer.unref();
    const end = () => {
      clearTimeout(timer);
      this.#underWay.delete(abort);
    };
    textOf(uri, abort)
      .finally(end)
      .then(
        (text) => {
          const problem = this.#native.keysFetched(number, text);
          if (problem !== null) this.#report(uri, 'used', problem);
        },
        (cause: unknown) => {
          this.#native.keysFetched(number, null);
          this.#report(
            uri,
            'fetched',
            abort.signal.aborted && !(cause instanceof BadAnswer)
              ? `no answer within ${TIMEOUT} ms`
              : whyUnreachable(cause),
          );
        },
      );
  }

  /** Ends what is under way, and begins nothing any more. */
  close(): void {
    this.#closed = true;
    for (const abort of this.#underWay) abort.abort();
  }

  #report(uri: string, what: 'fetched' | 'used', why: string): void {
    if (this.#closed) return;
    // What is behind the path may be a secret.
    const [shown] = uri.split(/[?#]/, 1);
    const message = `jwt.jwks: the key set of ${shown} could not be ${what}: ${why}`;
    this.#reporter.fault(codedError('ERR_JWKS', message));
  }
}

/** An answer that is no key set. */
class BadAnswer extends Error {}

/** The text behind a URL. Whatever is not needed of the answer is not read. */
async function textOf(uri: string, abort: AbortController): Promise<string> {
  const response = await fetch(uri, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    // Who answers with another address would choose whose keys are trusted.
    redirect: 'manual',
    signal: abort.signal,
  });
  try {
    if (response.status !== 200) throw new BadAnswer(`it was answered with ${response.status}`);
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      length += chunk.length;
      if (length > MAX_BYTES) throw new BadAnswer('it is larger than 1 MiB');
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    // The rest of the answer is not wanted.
    abort.abort();
    throw error;
  }
}

/** The words of errors of `fetch` say nothing; what they are caused by has a code. */
function whyUnreachable(error: unknown): string {
  if (error instanceof BadAnswer) return error.message;
  const { cause } = error as { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' ? cause.code : 'the connection failed';
}

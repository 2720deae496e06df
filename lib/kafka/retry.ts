/**
 * kafkajs's way to try again: waits that double, each a little at random.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Complete } from './complete.js';
import { KafkaJSNumberOfRetriesExceeded } from './errors.js';

/** How often and how long it is tried again. */
export interface RetryOptions {
  /** The longest wait. Milliseconds, default 30,000. */
  maxRetryTime?: number | undefined;
  /** The first wait. Milliseconds, default 300. */
  initialRetryTime?: number | undefined;
  /** By which part a wait may be longer or shorter, at random. Default 0.2. */
  factor?: number | undefined;
  /** By how much each wait is longer than the one before. Default 2. */
  multiplier?: number | undefined;
  /** How often it is tried again. Default 5. */
  retries?: number | undefined;
  /** Consumers only: whether to start again after a crash that trying again may mend. Default: yes. */
  restartOnFailure?: ((e: Error) => Promise<boolean>) | undefined;
}

/** Numbers of {@link RetryOptions}, complete. */
export type RetrySettings = Complete<Omit<RetryOptions, 'restartOnFailure'>>;

/** What is not given. */
export const RETRY_DEFAULTS: RetrySettings = {
  maxRetryTime: 30_000,
  initialRetryTime: 300,
  factor: 0.2,
  multiplier: 2,
  retries: 5,
};

/** These options, the later ones first, over the defaults. */
export function retrySettings(...options: (RetryOptions | null | undefined)[]): RetrySettings {
  const settings = { ...RETRY_DEFAULTS };
  for (const name of Object.keys(settings) as (keyof RetrySettings)[]) {
    for (const given of options) settings[name] = given?.[name] ?? settings[name];
  }
  return settings;
}

/** A fault of the code, which trying again does not mend. */
const FAULTS_OF_CODE = ['RangeError', 'ReferenceError', 'SyntaxError', 'TypeError'];

/** Whether kafkajs tries again after this error: unless it says not to, or is a fault of the code. */
export function isRetriable(error: unknown): boolean {
  const { name, retriable } = error as { name?: string; retriable?: boolean };
  return retriable !== false && !FAULTS_OF_CODE.includes(name as string);
}

/** What an attempt is told. */
export interface Attempt {
  /** 0 at first. */
  retryCount: number;
  /** The wait before the next one, in milliseconds. */
  retryTime: number;
}

/**
 * Calls until it succeeds, as often as `settings` say.
 *
 * An error that is not retriable is thrown as it is; the last one that is, as the cause of a
 * `KafkaJSNumberOfRetriesExceeded`. `signal` ends the waiting: then its reason is thrown.
 */
export async function retrying<T>(
  settings: RetrySettings,
  attempt: (attempt: Attempt) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const { factor, multiplier, maxRetryTime, initialRetryTime, retries } = settings;
  const randomised = (time: number): number =>
    Math.ceil(time * (1 - factor + 2 * factor * Math.random()));

  let retryTime = randomised(initialRetryTime);
  for (let retryCount = 0; ; retryCount += 1) {
    signal?.throwIfAborted();
    try {
      return await attempt({ retryCount, retryTime });
    } catch (error) {
      signal?.throwIfAborted();
      if (!isRetriable(error)) throw error;
      if (retryCount >= retries) {
        throw new KafkaJSNumberOfRetriesExceeded(error as Error, { retryCount, retryTime });
      }
    }
    await delay(retryTime, undefined, signal ? { signal } : {}).catch((error) => {
      throw signal?.reason ?? error;
    });
    retryTime = Math.min(randomised(retryTime) * multiplier, maxRetryTime);
  }
}

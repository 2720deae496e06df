/**
 * When an admin tries again: only after the errors that kafkajs names for each call.
 */
import { KafkaJSTimeout } from '../errors.js';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../logger.js';
import { type RetrySettings, retrying } from '../retry.js';

/** What the methods of an admin have in common. */
export interface AdminContext {
  retry: RetrySettings;
  logger: Logger;
}

/** Types of errors of the protocol after which it is tried again. */
export interface RetryOn {
  types: string[];
  /** What is logged at warning level before the next attempt, if anything. */
  warning?: string;
}

/** Calls until it succeeds, fails in another way, or has been tried often enough. */
export async function retryingOn<T>(
  { retry, logger }: AdminContext,
  { types, warning }: RetryOn,
  call: () => Promise<T>,
): Promise<T> {
  const outcome = await retrying(retry, async ({ retryCount, retryTime }) => {
    try {
      return { value: await call() };
    } catch (error) {
      const { type, message } = error as { type?: string; message: string };
      if (type === undefined || !types.includes(type)) return { error };
      if (warning) logger.warn(warning, { error: message, retryCount, retryTime });
      throw error;
    }
  });
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

/**
 * Asks every 100 ms until the answer is yes.
 *
 * @throws KafkaJSTimeout after `longest` milliseconds
 */
export async function waitUntil(
  isSo: () => Promise<boolean>,
  longest: number,
  whatIsWaitedFor: string,
): Promise<void> {
  const deadline = performance.now() + longest;
  while (!(await isSo())) {
    if (performance.now() >= deadline) {
      throw new KafkaJSTimeout(`Timed out while waiting for ${whatIsWaitedFor}`);
    }
    await delay(100);
  }
}

/**
 * Handlers that fail: their partition waits, each time longer, and after so many failures in a row the run
 * crashes. And what failures of a group are told by.
 */
import { KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded } from '../errors.js';
import { createErrorFromCode } from '../protocol-errors.js';
import { isRetriable, type RetrySettings } from '../retry.js';
import type { Partition } from './partitions.js';

export class Failures {
  readonly #settings: RetrySettings;
  readonly #wake: (partition: Partition) => void;
  readonly #crash: (error: Error) => void;
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(
    settings: RetrySettings,
    actions: { wake: (partition: Partition) => void; crash: (error: Error) => void },
  ) {
    this.#settings = settings;
    this.#wake = actions.wake;
    this.#crash = actions.crash;
  }

  /** A handler of this partition has failed. */
  add(partition: Partition, thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const { factor, multiplier, initialRetryTime, maxRetryTime, retries } = this.#settings;
    if (isRebalance(error)) return;
    const randomised = (time: number): number =>
      Math.ceil(time * (1 - factor + 2 * factor * Math.random()));
    // Another message has a count of its own.
    if (partition.failedAt !== partition.next) partition.failures = 0;
    partition.failedAt = partition.next;
    const retryCount = partition.failures;
    const retryTime = retryCount === 0 ? randomised(initialRetryTime) : partition.retryTime;
    if (!isRetriable(error)) {
      this.#crash(wrapped(error));
      return;
    }
    if (retryCount >= retries) {
      this.#crash(new KafkaJSNumberOfRetriesExceeded(error, { retryCount, retryTime }));
      return;
    }
    partition.failures += 1;
    partition.retryTime = Math.min(randomised(retryTime) * multiplier, maxRetryTime);
    partition.waiting = true;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      partition.waiting = false;
      this.#wake(partition);
    }, retryTime);
    this.#timers.add(timer);
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

/** The protocol's REBALANCE_IN_PROGRESS: the partition is, or will be, another member's. */
export function rebalancing(): Error {
  return createErrorFromCode(27);
}

/** Whether it is this error. */
export function isRebalancing(error: unknown): boolean {
  return (error as { type?: string }).type === 'REBALANCE_IN_PROGRESS';
}

/** What trying again does not change, by its name in the protocol. */
export function isForbidden(name: string): boolean {
  return name.endsWith('AUTHORIZATION_FAILED') || name === 'FENCED_INSTANCE_ID';
}

/** What kafkajs joins its group again for, instead of counting it. */
function isRebalance(error: Error): boolean {
  const { type } = error as { type?: string };
  return isRebalancing(error) || type === 'NOT_COORDINATOR_FOR_GROUP';
}

/** As kafkajs does: the error that is not tried again is the cause of one that says so. */
function wrapped(error: Error): Error {
  const cause = (error as { cause?: unknown }).cause ?? error;
  const outer = new KafkaJSNonRetriableError(error, { cause });
  outer.stack = error.stack ?? '';
  return outer;
}

/**
 * What a Kafka makes its clients with.
 */
import { NativeConsumer } from '../native.js';
import type { AdminConfig, Admin } from './admin/types.js';
import type { ResolvedConfig } from './config.js';
import type { ConsumerSettings } from './consumer/checks.js';
import { createConsumer } from './consumer/consumer.js';
import type { Consumer } from './consumer/types.js';
import type { Logger } from './logger.js';
import type { ProducerEngine, ProducerEngineOptions } from './native.js';
import type { RetryOptions } from './retry.js';

/** What every client of a Kafka is made with. */
export interface ClientBase {
  /** The Kafka's logger. */
  logger: Logger;
  /** The Kafka's options under the client's. */
  retry: RetryOptions;
  /** Asks for the configuration, at each `connect()`. */
  resolve: () => Promise<ResolvedConfig>;
}

/** How each kind is made. */
export interface Engines {
  /** The engine of a producer, for one connection. */
  producer: (options: ProducerEngineOptions) => ProducerEngine;
  /** A consumer; its options are checked already. */
  consumer: (options: ClientBase & { settings: ConsumerSettings }) => Consumer;
  /** An admin. */
  admin: (options: ClientBase & { settings: AdminConfig }) => Admin;
}

/** The engines of this package. One line for each as it comes. */
export const engines: Partial<Engines> = {
  consumer: (options) => createConsumer({ ...options, Native: NativeConsumer }),
};

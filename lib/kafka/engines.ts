/**
 * What a Kafka makes its clients with.
 */
import { NativeConsumer } from '../native.js';
import { createAdmin } from './admin/admin.js';
import type { Admin, AdminConfig } from './admin/types.js';
import type { ResolvedConfig } from './config.js';
import type { ConsumerSettings } from './consumer/checks.js';
import { createConsumer } from './consumer/consumer.js';
import type { Consumer, GroupDescription } from './consumer/types.js';
import type { Logger } from './logger.js';
import type { ProducerEngine, ProducerEngineOptions } from './native.js';
import { createProducerEngine } from './producer/engine.js';
import type { RetryOptions } from './retry.js';

/** What every client of a Kafka is made with. */
export interface ClientBase {
  /** The Kafka's logger. */
  logger: Logger;
  /** The Kafka's options under the client's. */
  retry: RetryOptions;
  /** The Kafka's options alone. */
  clusterRetry: RetryOptions;
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
  producer: createProducerEngine,
  consumer: (options) =>
    createConsumer({ ...options, Native: NativeConsumer, describeGroup: describer(options) }),
  admin: createAdmin,
};

/** Asks about a group with an admin of its own: consumers rarely do. */
function describer(options: ClientBase): (groupId: string) => Promise<GroupDescription> {
  return async (groupId) => {
    const admin = createAdmin(options);
    await admin.connect();
    try {
      const { groups } = await admin.describeGroups([groupId]);
      return groups[0] as GroupDescription;
    } finally {
      await admin.disconnect();
    }
  };
}

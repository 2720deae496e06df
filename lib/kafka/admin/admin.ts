/**
 * kafkajs's admin over the engine: when it is connected, and what its methods are made of.
 */
import type { ClientBase } from '../engines.js';
import { KafkaJSConnectionClosedError, KafkaJSNotImplemented } from '../errors.js';
import { type AdminEventPayloads, adminEvents } from '../events.js';
import { Instrumentation } from '../instrumentation.js';
import { retrySettings } from '../retry.js';
import { Sessions } from '../session.js';
import { AdminEngine, type Ask } from './engine.js';
import { groupMethods } from './groups.js';
import type { AdminContext } from './retrying.js';
import { topicMethods } from './topics.js';
import type { Admin } from './types.js';

/** An admin. Its engine is made when it connects. */
export function createAdmin({ logger: rootLogger, retry, resolve }: ClientBase): Admin {
  const logger = rootLogger.namespace('Admin');
  const context: AdminContext = { logger, retry: retrySettings(retry) };
  const events = new Instrumentation<AdminEventPayloads>('admin', adminEvents, logger);
  const sessions = new Sessions({
    ...context,
    create: async () => new AdminEngine(await resolve(), context),
    disconnected: () => new KafkaJSConnectionClosedError('Closed connection'),
  });
  let closed = false;
  const ask: Ask = async (type, request) => {
    // As in kafkajs, one that was never connected connects by itself, and one that was disconnected does not.
    if (closed) throw new KafkaJSConnectionClosedError('Closed connection');
    return (await sessions.connect()).ask(type, request);
  };
  const topics = topicMethods(ask, context);

  return {
    connect: async () => {
      closed = false;
      await sessions.connect();
      events.emit('admin.connect');
    },
    disconnect: async () => {
      closed = true;
      await sessions.disconnect();
      events.emit('admin.disconnect');
    },
    ...topics,
    ...groupMethods(ask, context, topics),
    on: events.on,
    logger: () => logger,
    events: adminEvents,
    createPartitions: notYet('createPartitions'),
    describeConfigs: notYet('describeConfigs'),
    alterConfigs: notYet('alterConfigs'),
    describeAcls: notYet('describeAcls'),
    deleteAcls: notYet('deleteAcls'),
    createAcls: notYet('createAcls'),
    deleteTopicRecords: notYet('deleteTopicRecords'),
    alterPartitionReassignments: notYet('alterPartitionReassignments'),
    listPartitionReassignments: notYet('listPartitionReassignments'),
  };
}

function notYet(method: string): () => Promise<never> {
  return async () => {
    throw new KafkaJSNotImplemented(`admin.${method}() is not supported by the engine yet`);
  };
}

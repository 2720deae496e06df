// The Kafka clients that are compared, and whether they are there.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { HOW, isBuilt } from './confluent.mjs';

const MODULES = path.resolve(import.meta.dirname, '../../node_modules');

const fromNpm = (id, title, name) => {
  const isInstalled = () => existsSync(path.join(MODULES, name));
  return { id, title, file: `${id}.mjs`, isInstalled, how: 'npm ci' };
};

/** The first is compared with the others. */
export const CLIENTS = [
  { id: 'messaging', title: '@libs/messaging', file: 'messaging.mjs', isInstalled: () => true },
  fromNpm('kafkajs', 'kafkajs', 'kafkajs'),
  fromNpm('platformatic', '@platformatic/kafka', '@platformatic/kafka'),
  {
    ...{ id: 'confluent', title: '@confluentinc/kafka-javascript', file: 'confluent.mjs' },
    ...{ isInstalled: isBuilt, how: HOW },
  },
];

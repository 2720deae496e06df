// This package, as the last build left it.
import { createRequire } from 'node:module';
import { likeKafkajs } from './like-kafkajs.mjs';

const { Kafka, logLevel } = createRequire(import.meta.url)('../../../index.js');

export function open(brokers) {
  const kafka = new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.ERROR });
  return likeKafkajs(kafka, {
    consumer: (groupId) => ({ groupId }),
    subscribe: { fromBeginning: true },
  });
}

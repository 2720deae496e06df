import kafkajs from 'kafkajs';
import { likeKafkajs } from './like-kafkajs.mjs';

const { Kafka, logLevel } = kafkajs;

export function open(brokers) {
  const kafka = new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.ERROR });
  return likeKafkajs(kafka, {
    consumer: (groupId) => ({ groupId }),
    subscribe: { fromBeginning: true },
  });
}

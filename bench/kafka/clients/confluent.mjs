// Settings that others take per send or per subscription are its clients' own.
import { load } from '../confluent.mjs';
import { likeKafkajs } from './like-kafkajs.mjs';

const { Kafka, logLevel } = load().KafkaJS;

export function open(brokers) {
  const kafka = new Kafka({ kafkaJS: { clientId: 'bench', brokers, logLevel: logLevel.ERROR } });
  return likeKafkajs(kafka, {
    // As its documentation advises whoever awaits each send.
    producer: { 'linger.ms': 0, kafkaJS: { acks: -1 } },
    consumer: (groupId) => ({ kafkaJS: { groupId, fromBeginning: true } }),
  });
}

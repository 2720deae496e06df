/**
 * kafkajs's checks of what a producer is given, in its order and with its messages. They come before any look
 * at the connection.
 */
import { inspect } from 'node:util';
import type { Complete } from '../complete.js';
import { KafkaJSError, KafkaJSNonRetriableError } from '../errors.js';
import { createErrorFromCode } from '../protocol-errors.js';
import type { RetryOptions } from '../retry.js';
import type { Message, ProducerBatch, TopicMessages } from '../types.js';

/** Whether a producer can send. */
export type ConnectionStatus = 'connected' | 'disconnecting' | 'disconnected';

const INVALID_REQUIRED_ACKS = 21;

/** Checks the options of an idempotent producer. */
export function checkIdempotence(idempotent: boolean, retry: RetryOptions | undefined): void {
  if (idempotent && (retry?.retries as number) < 1) {
    throw new KafkaJSNonRetriableError(
      'Idempotent producer must allow retries to protect against transient errors',
    );
  }
}

/** Checks a batch, its defaults filled in, and merges what it has of one topic. */
export function checkBatch(
  batch: Complete<Pick<ProducerBatch, 'topicMessages' | 'acks' | 'compression'>>,
  idempotent: boolean,
): TopicMessages[] {
  const { topicMessages, acks, compression } = batch;
  if (topicMessages.some(({ topic }) => !topic)) {
    throw new KafkaJSNonRetriableError('Invalid topic');
  }
  if (idempotent && acks !== -1) {
    throw new KafkaJSNonRetriableError(
      "Not requiring ack for all messages invalidates the idempotent producer's EoS guarantees",
    );
  }
  for (const { topic, messages } of topicMessages) checkMessages(topic, messages);

  // kafkajs leaves these two to the broker, or to chance.
  if (acks !== -1 && acks !== 0 && acks !== 1) throw createErrorFromCode(INVALID_REQUIRED_ACKS);
  if (!(Number.isInteger(compression) && compression >= 0 && compression <= 4)) {
    throw new KafkaJSNonRetriableError(`Invalid compression type ${compression}`);
  }
  return merged(topicMessages);
}

/** Checks that the producer is connected. */
export function checkConnected(status: ConnectionStatus): void {
  if (status === 'disconnecting') {
    throw new KafkaJSNonRetriableError(
      "The producer is disconnecting; therefore, it can't safely accept messages anymore",
    );
  }
  if (status === 'disconnected') throw new KafkaJSError('The producer is disconnected');
}

/**
 * A partition as a number: kafkajs takes a whole number as a string too. Whether the topic has it, the engine knows.
 *
 * @throws KafkaJSNonRetriableError for what is no whole number
 */
export function partitionNumber(topic: string, partition: unknown): number {
  const number =
    typeof partition === 'string' && /^-?\d+$/.test(partition) ? Number(partition) : partition;
  if (Number.isInteger(number)) return number as number;
  const shown = typeof partition === 'string' ? JSON.stringify(partition) : inspect(partition);
  throw new KafkaJSNonRetriableError(
    `Invalid partition ${shown} for topic "${topic}": it must be a whole number`,
  );
}

/** Checks the partitions that messages name. */
export function checkPartitions(topicMessages: TopicMessages[]): void {
  for (const { topic, messages } of topicMessages) {
    for (const { partition } of messages) {
      if (partition !== undefined && partition !== null) partitionNumber(topic, partition);
    }
  }
}

function checkMessages(topic: string, messages: Message[]): void {
  if (!messages) {
    throw new KafkaJSNonRetriableError(`Invalid messages array [${messages}] for topic "${topic}"`);
  }
  const withoutValue = messages.find(({ value }) => value === undefined);
  if (withoutValue) {
    throw new KafkaJSNonRetriableError(
      `Invalid message without value for topic "${topic}": ${JSON.stringify(withoutValue)}`,
    );
  }
}

function merged(topicMessages: TopicMessages[]): TopicMessages[] {
  if (topicMessages.length === 1) return topicMessages;
  const byTopic = new Map<string, TopicMessages>();
  for (const { topic, messages } of topicMessages) {
    const before = byTopic.get(topic)?.messages;
    byTopic.set(topic, { topic, messages: before ? before.concat(messages) : messages });
  }
  return [...byTopic.values()];
}

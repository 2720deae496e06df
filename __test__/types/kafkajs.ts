/**
 * Services as they are written for kafkajs: what is ours is taken where its types are asked for, and what is
 * made by its types is taken by ours. It only has to compile.
 */
import type * as kafkajs from 'kafkajs';
import {
  type AclOperationTypes,
  type AclPermissionTypes,
  type AclResourceTypes,
  AssignerProtocol,
  CompressionCodecs,
  CompressionTypes,
  type ConfigResourceTypes,
  type ConfigSource,
  type Consumer,
  type ConsumerConfig,
  type EachBatchPayload,
  type EachMessagePayload,
  Kafka,
  KafkaClient,
  type KafkaConfig,
  type KafkaJSConnectionError,
  type KafkaJSError,
  type KafkaJSNonRetriableError,
  type KafkaJSNumberOfRetriesExceeded,
  type KafkaJSOffsetOutOfRange,
  KafkaJSProtocolError,
  type KafkaJSRequestTimeoutError,
  type KafkaMessage,
  type Logger,
  logLevel,
  type Message,
  PartitionAssigners,
  Partitioners,
  type Producer,
  type ProducerConfig,
  type ProducerRecord,
  type RecordMetadata,
  type ResourcePatternTypes,
  type RetryOptions,
} from '@libs/messaging';

/** Compiles only where the first is assignable to the second. */
const assignable = <_From extends To, To>(): void => {};

// Instances of ours, where kafkajs's are asked for.
const kafka = new Kafka({ brokers: ['localhost:9092'], logLevel: logLevel.NOTHING });
export const producer: kafkajs.Producer = kafka.producer();
export const consumer: kafkajs.Consumer = kafka.consumer({ groupId: 'g' });
export const shared: Promise<kafkajs.Producer> = KafkaClient.getProducer();
export const joined: Promise<kafkajs.Consumer> = KafkaClient.createConsumer('g');
export const logger: kafkajs.Logger = kafka.logger();
export const partitioners: typeof kafkajs.Partitioners = Partitioners;
export const codecs: typeof kafkajs.CompressionCodecs = CompressionCodecs;
export const assigners: typeof kafkajs.PartitionAssigners = PartitionAssigners;
export const protocol: typeof kafkajs.AssignerProtocol = AssignerProtocol;
export const client: kafkajs.Kafka = kafka;
export const admin: kafkajs.Admin = kafka.admin();

// The other way round: what code already has by kafkajs's types.
assignable<kafkajs.Producer, Producer>();
assignable<kafkajs.Consumer, Consumer>();
assignable<kafkajs.Logger, Logger>();
assignable<kafkajs.KafkaConfig, KafkaConfig>();
assignable<kafkajs.ProducerConfig, ProducerConfig>();
assignable<kafkajs.ConsumerConfig, ConsumerConfig>();
assignable<kafkajs.ProducerRecord, ProducerRecord>();

// Data, both ways.
assignable<Message, kafkajs.Message>();
assignable<kafkajs.Message, Message>();
assignable<KafkaMessage, kafkajs.KafkaMessage>();
assignable<kafkajs.KafkaMessage, KafkaMessage>();
assignable<RecordMetadata, kafkajs.RecordMetadata>();
assignable<EachMessagePayload, kafkajs.EachMessagePayload>();
assignable<EachBatchPayload, kafkajs.EachBatchPayload>();

// Enumerations.
assignable<CompressionTypes, kafkajs.CompressionTypes>();
assignable<kafkajs.CompressionTypes, CompressionTypes>();
assignable<logLevel, kafkajs.logLevel>();
assignable<AclOperationTypes, kafkajs.AclOperationTypes>();
assignable<AclPermissionTypes, kafkajs.AclPermissionTypes>();
assignable<AclResourceTypes, kafkajs.AclResourceTypes>();
assignable<ConfigResourceTypes, kafkajs.ConfigResourceTypes>();
assignable<ConfigSource, kafkajs.ConfigSource>();
assignable<ResourcePatternTypes, kafkajs.ResourcePatternTypes>();

// Errors.
assignable<KafkaJSError, kafkajs.KafkaJSError>();
assignable<KafkaJSNonRetriableError, kafkajs.KafkaJSNonRetriableError>();
assignable<KafkaJSProtocolError, kafkajs.KafkaJSProtocolError>();
assignable<KafkaJSConnectionError, kafkajs.KafkaJSConnectionError>();
assignable<KafkaJSNumberOfRetriesExceeded, kafkajs.KafkaJSNumberOfRetriesExceeded>();
assignable<KafkaJSOffsetOutOfRange, kafkajs.KafkaJSOffsetOutOfRange>();
assignable<KafkaJSRequestTimeoutError, kafkajs.KafkaJSRequestTimeoutError>();

/** A stream processor, as it was before. */
export async function processor(): Promise<void> {
  const consumer = await KafkaClient.createConsumer('billing');
  await consumer.subscribe({ topics: ['orders', /^audit\./i], fromBeginning: true });
  const remove = consumer.on(consumer.events.CRASH, ({ payload }) => {
    console.error(payload.error.message, payload.groupId, payload.restart);
  });
  await consumer.run({
    partitionsConsumedConcurrently: 3,
    eachMessage: async ({ topic, partition, message, heartbeat }) => {
      console.log(topic, partition, message.offset, message.value?.toString());
      await heartbeat();
    },
  });
  consumer.seek({ topic: 'orders', partition: 0, offset: '12' });
  remove();

  const producer = await KafkaClient.getProducer();
  producer.on('producer.network.request', ({ payload }) => payload.apiName);
  // @ts-expect-error There is no such event.
  producer.on('producer.sent', () => {});
  await producer.send({
    topic: 'invoices',
    compression: CompressionTypes.GZIP,
    messages: [{ key: 'a', value: Buffer.from('b'), headers: { trace: ['1', Buffer.from('2')] } }],
  });
  try {
    await producer.sendBatch({ acks: 1, topicMessages: [] });
  } catch (error) {
    if (error instanceof KafkaJSProtocolError && error.code === 3) console.error(error.type);
  }
}

/** Options of every kind. */
export const options: KafkaConfig[] = [
  { brokers: async () => ['a:1'], ssl: { ca: ['PEM'], rejectUnauthorized: true } },
  { brokers: [], sasl: { mechanism: 'scram-sha-512', username: 'ada', password: 'x' } },
  {
    brokers: [],
    sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: 't' }) },
    logCreator: (level) => (entry) => console.log(level, entry.namespace, entry.log.message),
  },
];

/** Options that are there and undefined, as services compute them. */
const unset = undefined;
KafkaClient.configure({ sasl: unset, ssl: unset, clientId: unset, retry: unset });
export const computed: [KafkaConfig, ProducerConfig, ConsumerConfig] = [
  { brokers: [], sasl: unset, logLevel: unset, retry: { retries: unset } },
  { createPartitioner: unset, idempotent: unset, retry: { restartOnFailure: unset } },
  { groupId: 'g', rackId: unset, sessionTimeout: unset, retry: unset },
];
void kafka.consumer({ groupId: 'g' }).run({ autoCommitInterval: unset, eachBatch: unset });
void kafka.consumer({ groupId: 'g' }).subscribe({ topics: [], fromBeginning: unset });
void kafka.admin({ retry: unset }).createTopics({ topics: [], timeout: unset });
void kafka.admin().deleteTopics({ topics: [], timeout: unset });
void kafka.producer().send({ topic: 't', messages: [], acks: unset, compression: unset });
void kafka.producer().sendBatch({ timeout: unset, topicMessages: unset });
kafka.consumer({ groupId: 'g' }).pause([{ topic: 't', partitions: unset }]);

/** One that all clients share. */
const retry: RetryOptions = { retries: 3 };
export const retrying = [kafka.producer({ retry }), kafka.consumer({ groupId: 'g', retry })];

/**
 * The public types of Kafka, by kafkajs's names and assignable to and from its own: configuration, messages,
 * offsets, and what `Kafka` hands out. Those of consumers and admins are beside their code.
 */
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { CompressionTypes, logLevel } from './enums.js';
import type { ProducerEventPayloads, ProducerEvents } from './events.js';
import type {
  AuthenticationProviderArgs,
  Authenticator,
  ISocketFactoryArgs,
} from './inner-types.js';
import type {
  InstrumentationEvent,
  RemoveInstrumentationEventListener,
} from './instrumentation.js';
import type { Logger, logCreator } from './logger.js';
import type { RetryOptions } from './retry.js';

/** Gives the brokers, at each `connect()`. */
export type BrokersFunction = () => string[] | Promise<string[]>;

/** How a Kafka is reached. The checks of kafkajs are made by `connect()`, as there. */
export interface KafkaConfig {
  /** `host:port` of at least one broker, or a function that gives them. */
  brokers: string[] | BrokersFunction;
  /**
   * Whether to use TLS, and how: `ca`, `cert`, `key`, `passphrase`, `servername`, `rejectUnauthorized` of
   * Node's `tls.connect`. Without `ca`, the system's authorities are trusted. A `servername` is the name that
   * brokers' certificates have to have; what is sent to them (SNI) is their host all the same. Other options of TLS are
   * refused: KafkaJSNonRetriableError. Default: no TLS.
   */
  ssl?: ConnectionOptions | boolean | undefined;
  /**
   * How to log in. `aws`, and mechanisms with an `authenticationProvider`, are refused:
   * KafkaJSNonRetriableError.
   */
  sasl?: SASLOptions | Mechanism | undefined;
  /** What brokers call this client in their logs and quotas. Default: `kafkajs`. */
  clientId?: string | undefined;
  /** For a connection to be made. Milliseconds, default 1,000. */
  connectionTimeout?: number | undefined;
  /** For a login. Milliseconds, default 10,000. */
  authenticationTimeout?: number | undefined;
  /** Not used: the engine logs in again before a session ends. */
  reauthenticationThreshold?: number | undefined;
  /** For a broker to answer. Milliseconds, default 30,000, limit 300,000. */
  requestTimeout?: number | undefined;
  /** With `false`, `requestTimeout` is its limit. Default: true. */
  enforceRequestTimeout?: boolean | undefined;
  /** How often and how long it is tried again. */
  retry?: RetryOptions | undefined;
  /** The engine makes its own sockets: any value is refused with a KafkaJSNonRetriableError. */
  socketFactory?: ISocketFactory | undefined;
  /** How much is logged. Environment: `KAFKAJS_LOG_LEVEL`, which goes first. Default: INFO. */
  logLevel?: logLevel | undefined;
  /** Where it is logged. Default: JSON lines to the console. */
  logCreator?: logCreator | undefined;
}

/** kafkajs's type; see {@link KafkaConfig.socketFactory}. */
export type ISocketFactory = (args: ISocketFactoryArgs) => Socket;

/** kafkajs's type of a mechanism in JavaScript; see {@link KafkaConfig.sasl}. */
export type Mechanism = {
  mechanism: string;
  authenticationProvider: (args: AuthenticationProviderArgs) => Authenticator;
};

/** What an `oauthBearerProvider` gives. */
export interface OauthbearerProviderResponse {
  /**
   * The token: a JSON web token, or what the brokers take. Another is asked for when four fifths of its time are
   * over, or each minute if it does not say when it expires.
   */
  value: string;
  /** What goes to the brokers beside it (RFC 7628): names are letters. */
  extensions?: Record<string, string> | undefined;
}

type Credentials = { username: string; password: string };
/** What each mechanism needs. */
export type SASLMechanismOptionsMap = {
  plain: Credentials;
  'scram-sha-256': Credentials;
  'scram-sha-512': Credentials;
  aws: {
    authorizationIdentity: string;
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken?: string | undefined;
  };
  oauthbearer: { oauthBearerProvider: () => Promise<OauthbearerProviderResponse> };
};

/** The mechanisms by their names, which may also be written in capitals. */
export type SASLMechanism = keyof SASLMechanismOptionsMap;

/** A mechanism and what it needs. */
export type SASLOptions = SASLMechanismOptions<SASLMechanism>;

/** The same of one mechanism. */
export type SASLMechanismOptions<M> = M extends SASLMechanism
  ? { mechanism: M } & SASLMechanismOptionsMap[M]
  : never;

/** Options of `Kafka.producer()`. */
export interface ProducerConfig {
  /** Makes what chooses partitions; called once. Default: `Partitioners.DefaultPartitioner`. */
  createPartitioner?: ICustomPartitioner | undefined;
  /** Over the Kafka's own. */
  retry?: RetryOptions | undefined;
  /** How old what is known of topics may get. Milliseconds, default 300,000. */
  metadataMaxAge?: number | undefined;
  /**
   * Whether to ask for topics in a way that has brokers create them, where they do. Default: true. If not, sends to
   * a topic that is missing wait for it as long as the waits of `retry` take together.
   */
  allowAutoTopicCreation?: boolean | undefined;
  /** Whether a message that is sent again is written once, also after a lost answer. Default: false. */
  idempotent?: boolean | undefined;
  /** The name of this producer's transactions. */
  transactionalId?: string | undefined;
  /** When brokers give a transaction up. Milliseconds, default 60,000. */
  transactionTimeout?: number | undefined;
  /** Requests that may wait for their answer, for each broker. Default: 5. */
  maxInFlightRequests?: number | undefined;
}

/** A message to send. */
export interface Message {
  /** Messages of one key go to one partition. Default: none. */
  key?: Buffer | string | null;
  /** The content; null is a tombstone. */
  value: Buffer | string | null;
  /** The partition, a whole number. Default: what the partitioner chooses. */
  partition?: number;
  headers?: IHeaders;
  /** Milliseconds since 1970 in decimal; '0' is stored as '1'. Default: the time of the call. */
  timestamp?: string;
}

/** Headers by name. A list is several headers of one name. */
export interface IHeaders {
  [key: string]: Buffer | string | (Buffer | string)[] | undefined;
}

/** What a partitioner is told of a message. */
export interface PartitionerArgs {
  topic: string;
  partitionMetadata: PartitionMetadata[];
  message: Message;
}

/** Makes a partitioner: what gives each message its partition. */
export type ICustomPartitioner = () => (args: PartitionerArgs) => number;
export type DefaultPartitioner = ICustomPartitioner;
export type LegacyPartitioner = ICustomPartitioner;

/** Where a partition is. */
export type PartitionMetadata = {
  /** An error of the protocol, or 0. */
  partitionErrorCode: number;
  partitionId: number;
  /** The broker that leads it, or -1. */
  leader: number;
  replicas: number[];
  isr: number[];
  offlineReplicas?: number[];
};

/** What `send` takes. */
export interface ProducerRecord {
  topic: string;
  messages: Message[];
  /** Who has to have written it: -1 all in-sync replicas, 1 the leader, 0 nobody. Default: -1. */
  acks?: number | undefined;
  /** For the acknowledgements, in milliseconds. Default: 30,000. */
  timeout?: number | undefined;
  /** Default: none. */
  compression?: CompressionTypes | undefined;
}

/** Messages of one topic. */
export interface TopicMessages {
  topic: string;
  messages: Message[];
}

/** What `sendBatch` takes; see {@link ProducerRecord}. */
export interface ProducerBatch {
  acks?: number | undefined;
  timeout?: number | undefined;
  compression?: CompressionTypes | undefined;
  topicMessages?: TopicMessages[] | undefined;
}

/** Where messages of one partition were written. */
export type RecordMetadata = {
  topicName: string;
  partition: number;
  /** 0: a failure rejects. */
  errorCode: number;
  offset?: string;
  timestamp?: string;
  /** The offset of the first one. */
  baseOffset?: string;
  /** When the log has the broker's time: that, else -1. */
  logAppendTime?: string;
  logStartOffset?: string;
};

/** A position in a partition. */
export interface PartitionOffset {
  partition: number;
  offset: string;
}

/** Positions in a topic. */
export interface TopicOffsets {
  topic: string;
  partitions: PartitionOffset[];
}

/** Positions. */
export interface Offsets {
  topics: TopicOffsets[];
}

/** Partitions by topic. */
export interface IMemberAssignment {
  [key: string]: number[];
}

/** What a producer and a transaction have in common. */
export type Sender = {
  /** Sends messages to one topic. One entry for each partition that got some. */
  send(record: ProducerRecord): Promise<RecordMetadata[]>;
  /** Sends messages to several topics. */
  sendBatch(batch: ProducerBatch): Promise<RecordMetadata[]>;
};

/** Sends messages. Its methods need no `this`. */
export type Producer = Sender & {
  /** Reaches the cluster. Connecting twice is fine. */
  connect(): Promise<void>;
  /** Waits for what is being sent, and closes. `connect()` may be called again. */
  disconnect(): Promise<void>;
  isIdempotent(): boolean;
  readonly events: ProducerEvents;
  /** Calls `listener` at each of these events. An unknown name throws KafkaJSNonRetriableError. */
  on<K extends keyof ProducerEventPayloads>(
    eventName: K,
    listener: (event: InstrumentationEvent<ProducerEventPayloads[K]>) => void,
  ): RemoveInstrumentationEventListener<K>;
  /** Not there yet: rejects with KafkaJSNotImplemented. */
  transaction(): Promise<Transaction>;
  logger(): Logger;
};

/** Messages and offsets that become visible together, or not at all. */
export type Transaction = Sender & {
  sendOffsets(offsets: Offsets & { consumerGroupId: string }): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
  isActive(): boolean;
};

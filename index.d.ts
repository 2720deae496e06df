// Generated from lib/ by `npm run types`. Do not edit.

/// <reference types="node" />

import { EventEmitter } from 'node:events';
import { AddressInfo, Socket } from 'node:net';
import { ConnectionOptions } from 'node:tls';

/** How much is logged: everything up to this level. */
export declare enum logLevel {
	NOTHING = 0,
	ERROR = 1,
	WARN = 2,
	INFO = 4,
	DEBUG = 5
}
/** How messages are compressed on their way. All of them are built in. */
export declare enum CompressionTypes {
	None = 0,
	GZIP = 1,
	Snappy = 2,
	LZ4 = 3,
	ZSTD = 4
}
/** What a setting belongs to. */
export declare enum ConfigResourceTypes {
	UNKNOWN = 0,
	TOPIC = 2,
	BROKER = 4,
	BROKER_LOGGER = 8
}
/** Where the value of a setting comes from. */
export declare enum ConfigSource {
	UNKNOWN = 0,
	TOPIC_CONFIG = 1,
	DYNAMIC_BROKER_CONFIG = 2,
	DYNAMIC_DEFAULT_BROKER_CONFIG = 3,
	STATIC_BROKER_CONFIG = 4,
	DEFAULT_CONFIG = 5,
	DYNAMIC_BROKER_LOGGER_CONFIG = 6
}
/** What a permission is about. */
export declare enum AclResourceTypes {
	UNKNOWN = 0,
	ANY = 1,
	TOPIC = 2,
	GROUP = 3,
	CLUSTER = 4,
	TRANSACTIONAL_ID = 5,
	DELEGATION_TOKEN = 6
}
/** What a permission allows or denies. */
export declare enum AclOperationTypes {
	UNKNOWN = 0,
	ANY = 1,
	ALL = 2,
	READ = 3,
	WRITE = 4,
	CREATE = 5,
	DELETE = 6,
	ALTER = 7,
	DESCRIBE = 8,
	CLUSTER_ACTION = 9,
	DESCRIBE_CONFIGS = 10,
	ALTER_CONFIGS = 11,
	IDEMPOTENT_WRITE = 12
}
/** Whether a permission allows or denies. */
export declare enum AclPermissionTypes {
	UNKNOWN = 0,
	ANY = 1,
	DENY = 2,
	ALLOW = 3
}
/** How the name of a permission's resource is meant. */
export declare enum ResourcePatternTypes {
	UNKNOWN = 0,
	ANY = 1,
	MATCH = 2,
	LITERAL = 3,
	PREFIXED = 4
}
/**
 * Where kafkajs takes its codecs from. Here gzip, Snappy, LZ4 and Zstandard are built into the engine: a codec
 * may be set, so that code that does it still runs, and is not used.
 */
export declare const CompressionCodecs: {
	[Type in Exclude<CompressionTypes, CompressionTypes.None>]: () => unknown;
};
/** One line of the log. */
export interface LogEntry {
	/** The part that writes it, such as `Producer`; '' or undefined for the client itself. */
	namespace: string;
	level: logLevel;
	/** The level's name. */
	label: string;
	log: LoggerEntryContent;
}
/** What a line says: its text, and fields beside it. */
export interface LoggerEntryContent {
	/** ISO 8601 with milliseconds. */
	readonly timestamp: string;
	readonly message: string;
	[key: string]: any;
}
/** Makes what takes the lines. It is called once a Kafka, with the level at that time. */
export type logCreator = (logLevel: logLevel) => (entry: LogEntry) => void;
/** What a client writes its lines with, and users theirs. */
export type Logger = {
	info: (message: string, extra?: object) => void;
	error: (message: string, extra?: object) => void;
	warn: (message: string, extra?: object) => void;
	debug: (message: string, extra?: object) => void;
	/** A logger for a part, which may have a level of its own. */
	namespace: (namespace: string, logLevel?: logLevel) => Logger;
	/** Sets the level of this Kafka, for all its loggers that have none of their own. */
	setLogLevel: (logLevel: logLevel) => void;
};
/** What a listener is called with. */
export interface InstrumentationEvent<T> {
	/** Counts the events of this process that had a listener. */
	id: string;
	/** The name that the listener was added for. */
	type: string;
	/** When it happened, in milliseconds since 1970. */
	timestamp: number;
	payload: T;
}
/** Removes the listener that was added for the event `_T`. */
export type RemoveInstrumentationEventListener<_T> = () => void;
type ErrorSource = Error | string | {
	message: string;
	helpUrl?: string;
};
/** Details of a {@link KafkaJSError}. */
export interface KafkaJSErrorMetadata {
	/** Whether the same call may succeed when it is made again. */
	retriable?: boolean;
	topic?: string;
	partitionId?: number;
	metadata?: PartitionMetadata;
}
/** The root of Kafka's errors. */
export declare class KafkaJSError extends Error {
	/** Whether the same call may succeed when it is made again. */
	readonly retriable: boolean;
	/** Where to read about it. */
	readonly helpUrl?: string;
	readonly cause?: Error;
	constructor(e: ErrorSource, metadata?: KafkaJSErrorMetadata);
}
/** Trying again does not help. */
export declare class KafkaJSNonRetriableError extends KafkaJSError {
	constructor(e: ErrorSource, { cause }?: {
		cause?: unknown;
	});
}
interface ProtocolErrorSource {
	message: string;
	type: string;
	code: number;
	retriable: boolean;
	/** Where to read about it. */
	helpUrl?: string;
}
/** A broker's answer that carries an error of the protocol. */
export declare class KafkaJSProtocolError extends KafkaJSError {
	/** The protocol's number. */
	readonly code: number;
	/** The protocol's name of it, such as `UNKNOWN_TOPIC_OR_PARTITION`. */
	readonly type: string;
	constructor(e: ErrorSource | ProtocolErrorSource, metadata?: {
		retriable?: boolean;
	});
}
/** The position that was asked for is not, or no longer, in the log. */
export declare class KafkaJSOffsetOutOfRange extends KafkaJSProtocolError {
	readonly topic: string;
	readonly partition: number;
	constructor(e: ErrorSource | ProtocolErrorSource, { topic, partition }: {
		topic: string;
		partition: number;
	});
}
/** The group wants the member to join again, with the id that it has been given. */
export declare class KafkaJSMemberIdRequired extends KafkaJSProtocolError {
	readonly memberId: string;
	constructor(e: ErrorSource | ProtocolErrorSource, { memberId }: {
		memberId: string;
	});
}
/** A topic could not be created. */
export declare class KafkaJSCreateTopicError extends KafkaJSProtocolError {
	readonly topic: string;
	constructor(e: ErrorSource | ProtocolErrorSource, topicName: string);
}
/** A partition could not be given to other brokers. */
export declare class KafkaJSAlterPartitionReassignmentsError extends KafkaJSProtocolError {
	readonly topic?: string;
	readonly partition?: number;
	constructor(e: ErrorSource | ProtocolErrorSource, topicName?: string, partition?: number);
}
/** It was tried as often as `retry` says. `cause` is the last failure. */
export declare class KafkaJSNumberOfRetriesExceeded extends KafkaJSNonRetriableError {
	/** How often it was tried again. */
	readonly retryCount: number;
	/** The last wait, in milliseconds. */
	readonly retryTime: number;
	readonly stack: string;
	constructor(e: Error | string, { retryCount, retryTime }: KafkaJSNumberOfRetriesExceededMetadata);
}
/** Details of a {@link KafkaJSNumberOfRetriesExceeded}. */
export interface KafkaJSNumberOfRetriesExceededMetadata {
	retryCount: number;
	retryTime: number;
}
/** The connection to a broker could not be made, or was lost. */
export declare class KafkaJSConnectionError extends KafkaJSError {
	/** `host:port`, where it is known. */
	readonly broker: string;
	/** The system's code, such as `ECONNREFUSED`, where it is known. */
	readonly code?: string;
	constructor(e: ErrorSource, { broker, code }?: {
		broker?: string;
		code?: string;
	});
}
/** The connection ended while something waited for its answer. */
export declare class KafkaJSConnectionClosedError extends KafkaJSConnectionError {
	readonly host?: string;
	readonly port?: number;
	constructor(e: ErrorSource, { host, port }?: {
		host?: string;
		port?: number;
	});
}
/** Details of a {@link KafkaJSRequestTimeoutError}: those of the request. */
export interface KafkaJSRequestTimeoutErrorMetadata {
	broker: string;
	clientId: string;
	correlationId: number;
	createdAt: number;
	sentAt: number;
	pendingDuration: number;
}
/** A broker has not answered in time. */
export declare class KafkaJSRequestTimeoutError extends KafkaJSError {
	readonly broker: string;
	readonly correlationId: number;
	readonly createdAt: number;
	readonly sentAt: number;
	readonly pendingDuration: number;
	constructor(e: ErrorSource, metadata?: Partial<KafkaJSRequestTimeoutErrorMetadata>);
}
/**
 * The queue of what waits to be sent is full: nothing of this call was sent, and it may be made again when
 * other sends are done. Told from a failed delivery by its class and by `code`. kafkajs has no such error.
 */
export declare class KafkaJSQueueFullError extends KafkaJSError {
	readonly code = "ERR_QUEUE_FULL";
	constructor(e: ErrorSource);
}
/** Nothing is known of the cluster's topics yet. */
export declare class KafkaJSMetadataNotLoaded extends KafkaJSError {
	constructor(e?: ErrorSource);
}
/** Nothing is known of this topic yet. */
export declare class KafkaJSTopicMetadataNotLoaded extends KafkaJSMetadataNotLoaded {
	readonly topic: string;
	constructor(e: ErrorSource, { topic }?: {
		topic?: string;
	});
}
/** Partitions were assigned that this client does not know yet. */
export declare class KafkaJSStaleTopicMetadataAssignment extends KafkaJSError {
	readonly topic: string;
	readonly unknownPartitions: number;
	constructor(e: ErrorSource, { topic, unknownPartitions }?: {
		topic?: string;
		unknownPartitions?: unknown;
	});
}
/** Some of the groups could not be deleted. */
export declare class KafkaJSDeleteGroupsError extends KafkaJSError {
	readonly groups: DeleteGroupsResult[];
	constructor(e: ErrorSource, groups?: DeleteGroupsResult[]);
}
/** What became of one group that was to be deleted. */
export interface DeleteGroupsResult {
	groupId: string;
	errorCode?: number;
	error?: KafkaJSProtocolError;
}
/** The broker is too old for this request. */
export declare class KafkaJSServerDoesNotSupportApiKey extends KafkaJSNonRetriableError {
	readonly apiKey: number;
	readonly apiName: string;
	constructor(e: ErrorSource, { apiKey, apiName }?: {
		apiKey?: number;
		apiName?: string;
	});
}
/** No broker has this id. */
export declare class KafkaJSBrokerNotFound extends KafkaJSError {
	constructor(e?: ErrorSource, metadata?: KafkaJSErrorMetadata);
}
/** A record ends before its length says. */
export declare class KafkaJSPartialMessageError extends KafkaJSNonRetriableError {
	constructor(e?: ErrorSource);
}
/** The broker refuses the credentials, or they are incomplete. */
export declare class KafkaJSSASLAuthenticationError extends KafkaJSNonRetriableError {
	constructor(e?: ErrorSource);
}
/** No broker coordinates this group. */
export declare class KafkaJSGroupCoordinatorNotFound extends KafkaJSNonRetriableError {
	constructor(e?: ErrorSource);
}
/** This client cannot do it. */
export declare class KafkaJSNotImplemented extends KafkaJSNonRetriableError {
	constructor(e?: ErrorSource);
}
/** It was waited for long enough. */
export declare class KafkaJSTimeout extends KafkaJSNonRetriableError {
	constructor(e?: ErrorSource);
}
/** A lock was waited for long enough. */
export declare class KafkaJSLockTimeout extends KafkaJSTimeout {
	constructor(e?: ErrorSource);
}
/** Records in a format that is not known. */
export declare class KafkaJSUnsupportedMagicByteInMessageSet extends KafkaJSNonRetriableError {
	constructor(e?: ErrorSource);
}
/** What became of one partition whose records were to be deleted. */
export interface KafkaJSDeleteTopicRecordsErrorPartition {
	partition: number;
	offset: string;
	error: KafkaJSError;
}
/** Records of some partitions could not be deleted. Retriable when each of the failures is. */
export declare class KafkaJSDeleteTopicRecordsError extends KafkaJSError {
	readonly partitions: KafkaJSDeleteTopicRecordsErrorPartition[];
	constructor({ partitions, }: {
		topic?: string;
		partitions: KafkaJSDeleteTopicRecordsErrorPartition[];
	});
}
/** A fault of this package. */
export declare class KafkaJSInvariantViolation extends KafkaJSNonRetriableError {
	constructor(e: ErrorSource);
}
/** A number of variable length that is too long. Its `name` is as in kafkajs. */
export declare class KafkaJSInvalidVarIntError extends KafkaJSNonRetriableError {
}
/** A number that does not fit 64 bits. Its `name` is as in kafkajs. */
export declare class KafkaJSInvalidLongError extends KafkaJSNonRetriableError {
}
/** Several failures of one call. */
export declare class KafkaJSAggregateError extends Error {
	readonly errors: (Error | string)[];
	constructor(message: Error | string, errors: (Error | string)[]);
}
/** Fetching ends because the group is rebalancing. */
export declare class KafkaJSFetcherRebalanceError extends Error {
}
/** No broker can be reached. */
export declare class KafkaJSNoBrokerAvailableError extends KafkaJSError {
	constructor();
}
/** What an {@link ISocketFactory} is given. */
export interface ISocketFactoryArgs {
	host: string;
	port: number;
	ssl: ConnectionOptions;
	onConnect: () => void;
}
export type SaslAuthenticationRequest = {
	encode: () => Buffer | Promise<Buffer>;
};
export type SaslAuthenticationResponse<ParseResult> = {
	decode: (rawResponse: Buffer) => Buffer | Promise<Buffer>;
	parse: (data: Buffer) => ParseResult;
};
export type SaslAuthenticateArgs<ParseResult> = {
	request: SaslAuthenticationRequest;
	response?: SaslAuthenticationResponse<ParseResult>;
};
export type Authenticator = {
	authenticate: () => Promise<void>;
};
export type AuthenticationProviderArgs = {
	host: string;
	port: number;
	logger: Logger;
	saslAuthenticate: <ParseResult>(args: SaslAuthenticateArgs<ParseResult>) => Promise<ParseResult | void>;
};
export interface CoordinatorMetadata {
	errorCode: number;
	coordinator: {
		nodeId: number;
		host: string;
		port: number;
	};
}
export interface BrokerMetadata {
	brokers: Array<{
		nodeId: number;
		host: string;
		port: number;
		rack?: string;
	}>;
	topicMetadata: Array<{
		topicErrorCode: number;
		topic: string;
		partitionMetadata: PartitionMetadata[];
	}>;
}
export interface ApiVersions {
	[apiKey: number]: {
		minVersion: number;
		maxVersion: number;
	};
}
/** A broker, as kafkajs's own code speaks to it. Its answers are not typed there. */
export type Broker = {
	isConnected(): boolean;
	connect(): Promise<void>;
	disconnect(): Promise<void>;
	apiVersions(): Promise<ApiVersions>;
	metadata(topics: string[]): Promise<BrokerMetadata>;
	describeGroups: (options: {
		groupIds: string[];
	}) => Promise<any>;
	offsetCommit(request: {
		groupId: string;
		groupGenerationId: number;
		memberId: string;
		retentionTime?: number;
		topics: TopicOffsets[];
	}): Promise<any>;
	offsetFetch(request: {
		groupId: string;
		topics: TopicOffsets[];
	}): Promise<{
		responses: TopicOffsets[];
	}>;
	fetch(request: {
		replicaId?: number;
		isolationLevel?: number;
		maxWaitTime?: number;
		minBytes?: number;
		maxBytes?: number;
		topics: Array<{
			topic: string;
			partitions: Array<{
				partition: number;
				fetchOffset: string;
				maxBytes: number;
			}>;
		}>;
		rackId?: string;
	}): Promise<any>;
	produce(request: {
		topicData: Array<{
			topic: string;
			partitions: Array<{
				partition: number;
				firstSequence?: number;
				messages: Message[];
			}>;
		}>;
		transactionalId?: string;
		producerId?: number;
		producerEpoch?: number;
		acks?: number;
		timeout?: number;
		compression?: CompressionTypes;
	}): Promise<any>;
	alterPartitionReassignments(request: {
		topics: PartitionReassignment[];
		timeout?: number;
	}): Promise<any>;
	listPartitionReassignments(request: {
		topics?: TopicPartitions[];
		timeout?: number;
	}): Promise<ListPartitionReassignmentsResponse>;
};
/** What an assigner of kafkajs's is given. */
export type Cluster = {
	getNodeIds(): number[];
	metadata(): Promise<BrokerMetadata>;
	removeBroker(options: {
		host: string;
		port: number;
	}): void;
	addMultipleTargetTopics(topics: string[]): Promise<void>;
	isConnected(): boolean;
	connect(): Promise<void>;
	disconnect(): Promise<void>;
	refreshMetadata(): Promise<void>;
	refreshMetadataIfNecessary(): Promise<void>;
	addTargetTopic(topic: string): Promise<void>;
	findBroker(node: {
		nodeId: string;
	}): Promise<Broker>;
	findControllerBroker(): Promise<Broker>;
	findTopicPartitionMetadata(topic: string): PartitionMetadata[];
	findLeaderForPartitions(topic: string, partitions: number[]): {
		[leader: string]: number[];
	};
	findGroupCoordinator(group: {
		groupId: string;
	}): Promise<Broker>;
	findGroupCoordinatorMetadata(group: {
		groupId: string;
	}): Promise<CoordinatorMetadata>;
	defaultOffset(config: {
		fromBeginning: boolean;
	}): number;
	fetchTopicsOffset(topics: Array<{
		topic: string;
		partitions: Array<{
			partition: number;
		}>;
	} & ({
		fromBeginning: boolean;
		fromTimestamp?: never;
	} | {
		fromTimestamp: number;
		fromBeginning?: never;
	})>): Promise<TopicOffsets[]>;
};
export type ConsumerGroup = {
	groupId: string;
	generationId: number;
	memberId: string;
	coordinator: Broker;
};
export interface KafkaJSDeleteGroupsErrorGroups {
	groupId: string;
	errorCode: number;
	error: KafkaJSError;
}
export interface KafkaJSDeleteTopicRecordsErrorTopic {
	topic: string;
	partitions: KafkaJSDeleteTopicRecordsErrorPartition[];
}
export interface KafkaJSOffsetOutOfRangeMetadata {
	topic: string;
	partition: number;
}
export interface KafkaJSConnectionErrorMetadata {
	broker?: string;
	code?: string;
}
export interface KafkaJSTopicMetadataNotLoadedMetadata {
	topic: string;
}
export interface KafkaJSStaleTopicMetadataAssignmentMetadata {
	topic: string;
	unknownPartitions: PartitionMetadata[];
}
export interface KafkaJSServerDoesNotSupportApiKeyMetadata {
	apiKey: number;
	apiName: string;
}
export type ValueOf<T> = T[keyof T];
export type Without<T, U> = {
	[P in Exclude<keyof T, keyof U>]?: never;
};
export type XOR<T, U> = T | U extends object ? (Without<T, U> & U) | (Without<U, T> & T) : T | U;
/** How often and how long it is tried again. */
export interface RetryOptions {
	/** The longest wait. Milliseconds, default 30,000. */
	maxRetryTime?: number | undefined;
	/** The first wait. Milliseconds, default 300. */
	initialRetryTime?: number | undefined;
	/** By which part a wait may be longer or shorter, at random. Default 0.2. */
	factor?: number | undefined;
	/** By how much each wait is longer than the one before. Default 2. */
	multiplier?: number | undefined;
	/** How often it is tried again. Default 5. */
	retries?: number | undefined;
	/** Consumers only: whether to start again after a crash that trying again may mend. Default: yes. */
	restartOnFailure?: ((e: Error) => Promise<boolean>) | undefined;
}
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
type Credentials = {
	username: string;
	password: string;
};
/** What each mechanism needs. */
export type SASLMechanismOptionsMap = {
	plain: Credentials;
	"scram-sha-256": Credentials;
	"scram-sha-512": Credentials;
	aws: {
		authorizationIdentity: string;
		accessKeyId: string;
		secretAccessKey: string;
		sessionToken?: string | undefined;
	};
	oauthbearer: {
		oauthBearerProvider: () => Promise<OauthbearerProviderResponse>;
	};
};
/** The mechanisms by their names, which may also be written in capitals. */
export type SASLMechanism = keyof SASLMechanismOptionsMap;
/** A mechanism and what it needs. */
export type SASLOptions = SASLMechanismOptions<SASLMechanism>;
/** The same of one mechanism. */
export type SASLMechanismOptions<M> = M extends SASLMechanism ? {
	mechanism: M;
} & SASLMechanismOptionsMap[M] : never;
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
	on<K extends keyof ProducerEventPayloads>(eventName: K, listener: (event: InstrumentationEvent<ProducerEventPayloads[K]>) => void): RemoveInstrumentationEventListener<K>;
	/** Not there yet: rejects with KafkaJSNotImplemented. */
	transaction(): Promise<Transaction>;
	logger(): Logger;
};
/** Messages and offsets that become visible together, or not at all. */
export type Transaction = Sender & {
	sendOffsets(offsets: Offsets & {
		consumerGroupId: string;
	}): Promise<void>;
	commit(): Promise<void>;
	abort(): Promise<void>;
	isActive(): boolean;
};
export type ProducerEvents = {
	CONNECT: "producer.connect";
	DISCONNECT: "producer.disconnect";
	REQUEST: "producer.network.request";
	REQUEST_TIMEOUT: "producer.network.request_timeout";
	REQUEST_QUEUE_SIZE: "producer.network.request_queue_size";
};
export type ConsumerEvents = {
	HEARTBEAT: "consumer.heartbeat";
	COMMIT_OFFSETS: "consumer.commit_offsets";
	GROUP_JOIN: "consumer.group_join";
	FETCH_START: "consumer.fetch_start";
	FETCH: "consumer.fetch";
	START_BATCH_PROCESS: "consumer.start_batch_process";
	END_BATCH_PROCESS: "consumer.end_batch_process";
	CONNECT: "consumer.connect";
	DISCONNECT: "consumer.disconnect";
	STOP: "consumer.stop";
	CRASH: "consumer.crash";
	REBALANCING: "consumer.rebalancing";
	RECEIVED_UNSUBSCRIBED_TOPICS: "consumer.received_unsubscribed_topics";
	REQUEST: "consumer.network.request";
	REQUEST_TIMEOUT: "consumer.network.request_timeout";
	REQUEST_QUEUE_SIZE: "consumer.network.request_queue_size";
};
export type AdminEvents = {
	CONNECT: "admin.connect";
	DISCONNECT: "admin.disconnect";
	REQUEST: "admin.network.request";
	REQUEST_TIMEOUT: "admin.network.request_timeout";
	REQUEST_QUEUE_SIZE: "admin.network.request_queue_size";
};
export type ConnectEvent = InstrumentationEvent<null>;
export type DisconnectEvent = InstrumentationEvent<null>;
interface RequestPayload {
	apiKey: number;
	apiName: string;
	apiVersion: number;
	broker: string;
	clientId: string;
	correlationId: number;
	createdAt: number;
	duration: number;
	pendingDuration: number;
	sentAt: number;
	size: number;
}
export type RequestEvent = InstrumentationEvent<RequestPayload>;
export type RequestTimeoutEvent = InstrumentationEvent<Omit<RequestPayload, "duration" | "size">>;
export type RequestQueueSizeEvent = InstrumentationEvent<{
	broker: string;
	clientId: string;
	queueSize: number;
}>;
export type ConsumerHeartbeatEvent = InstrumentationEvent<{
	groupId: string;
	memberId: string;
	groupGenerationId: number;
}>;
export type ConsumerCommitOffsetsEvent = InstrumentationEvent<{
	groupId: string;
	memberId: string;
	groupGenerationId: number;
	topics: TopicOffsets[];
}>;
export type ConsumerGroupJoinEvent = InstrumentationEvent<{
	duration: number;
	groupId: string;
	isLeader: boolean;
	leaderId: string;
	groupProtocol: string;
	memberId: string;
	memberAssignment: IMemberAssignment;
}>;
export type ConsumerFetchStartEvent = InstrumentationEvent<{
	nodeId: number;
}>;
export type ConsumerFetchEvent = InstrumentationEvent<{
	numberOfBatches: number;
	duration: number;
	nodeId: number;
}>;
export interface IBatchProcessEvent {
	topic: string;
	partition: number;
	highWatermark: string;
	offsetLag: string;
	offsetLagLow: string;
	batchSize: number;
	firstOffset: string;
	lastOffset: string;
}
export type ConsumerStartBatchProcessEvent = InstrumentationEvent<IBatchProcessEvent>;
export type ConsumerEndBatchProcessEvent = InstrumentationEvent<IBatchProcessEvent & {
	duration: number;
}>;
export type ConsumerCrashEvent = InstrumentationEvent<{
	error: Error;
	groupId: string;
	restart: boolean;
}>;
export type ConsumerRebalancingEvent = InstrumentationEvent<{
	groupId: string;
	memberId: string;
}>;
/** Spelled as in kafkajs. */
export type ConsumerReceivedUnsubcribedTopicsEvent = InstrumentationEvent<{
	groupId: string;
	generationId: number;
	memberId: string;
	assignedTopics: string[];
	topicsSubscribed: string[];
	topicsNotSubscribed: string[];
}>;
type NetworkPayloads<Kind extends string> = {
	[Name in `${Kind}.network.request`]: RequestEvent["payload"];
} & {
	[Name in `${Kind}.network.request_timeout`]: RequestTimeoutEvent["payload"];
} & {
	[Name in `${Kind}.network.request_queue_size`]: RequestQueueSizeEvent["payload"];
};
type ProducerEventPayloads = NetworkPayloads<"producer"> & {
	"producer.connect": null;
	"producer.disconnect": null;
};
type AdminEventPayloads = NetworkPayloads<"admin"> & {
	"admin.connect": null;
	"admin.disconnect": null;
};
type ConsumerEventPayloads = NetworkPayloads<"consumer"> & {
	"consumer.heartbeat": ConsumerHeartbeatEvent["payload"];
	"consumer.commit_offsets": ConsumerCommitOffsetsEvent["payload"];
	"consumer.group_join": ConsumerGroupJoinEvent["payload"];
	"consumer.fetch_start": ConsumerFetchStartEvent["payload"];
	"consumer.fetch": ConsumerFetchEvent["payload"];
	"consumer.start_batch_process": ConsumerStartBatchProcessEvent["payload"];
	"consumer.end_batch_process": ConsumerEndBatchProcessEvent["payload"];
	"consumer.connect": null;
	"consumer.disconnect": null;
	"consumer.stop": null;
	"consumer.crash": ConsumerCrashEvent["payload"];
	"consumer.rebalancing": ConsumerRebalancingEvent["payload"];
	"consumer.received_unsubscribed_topics": ConsumerReceivedUnsubcribedTopicsEvent["payload"];
};
/** Options of `Kafka.consumer()`. */
export interface ConsumerConfig {
	/** The group. Its members share the partitions of their topics. */
	groupId: string;
	/** `[PartitionAssigners.roundRobin]`, the default, or nothing: others are refused. */
	partitionAssigners?: PartitionAssigner[] | undefined;
	/** How old what is known of topics may get. Milliseconds, default 300,000. */
	metadataMaxAge?: number | undefined;
	/** After how long without a heartbeat the group goes on without this member. Milliseconds, default 30,000. */
	sessionTimeout?: number | undefined;
	/** For members to join again in a rebalance. Milliseconds, default 60,000. */
	rebalanceTimeout?: number | undefined;
	/** Between heartbeats; must be under `sessionTimeout`. Milliseconds, default 3,000. */
	heartbeatInterval?: number | undefined;
	/** Of one partition in one fetch. Bytes, default 1,048,576. */
	maxBytesPerPartition?: number | undefined;
	/** What a broker waits for before it answers a fetch. Bytes, default 1. */
	minBytes?: number | undefined;
	/** Of one fetch. Bytes, default 10,485,760. */
	maxBytes?: number | undefined;
	/** How long a broker waits for `minBytes`. Milliseconds, default 5,000. */
	maxWaitTimeInMs?: number | undefined;
	/** Over the Kafka's own. Default: 5 retries. */
	retry?: RetryOptions | undefined;
	/** Whether subscribing to a topic has brokers create it, where they do. Default: true. */
	allowAutoTopicCreation?: boolean | undefined;
	/** Not used: the engine has one fetch for each broker. */
	maxInFlightRequests?: number | undefined;
	/** Whether to read messages of transactions that are open or were aborted. Default: false. */
	readUncommitted?: boolean | undefined;
	/** Where this client is, so that it may read from a replica nearby. Default: ''. */
	rackId?: string | undefined;
	/** This member's own name in the group, which then waits for it through a restart. kafkajs has no such option. */
	groupInstanceId?: string | undefined;
	/**
	 * How long a handler may take without a sign of life: a message that is done, or a call of `heartbeat()`. Then
	 * the consumer crashes, and others get its partitions. Milliseconds, default 300,000; 0 for no limit. kafkajs
	 * has `sessionTimeout` for it, which here is only for the process.
	 */
	maxHandlerTime?: number | undefined;
}
/** A kafkajs assigner; see {@link ConsumerConfig.partitionAssigners}. */
export type PartitionAssigner = (config: {
	cluster: Cluster;
	groupId: string;
	logger: Logger;
}) => Assigner;
export type Assigner = {
	name: string;
	version: number;
	assign(group: {
		members: GroupMember[];
		topics: string[];
	}): Promise<GroupMemberAssignment[]>;
	protocol(subscription: {
		topics: string[];
	}): GroupState;
};
export type Assignment = {
	[topic: string]: number[];
};
export type GroupMember = {
	memberId: string;
	memberMetadata: Buffer;
};
export type GroupMemberAssignment = {
	memberId: string;
	memberAssignment: Buffer;
};
export type GroupState = {
	name: string;
	metadata: Buffer;
};
export type MemberMetadata = {
	version: number;
	topics: string[];
	userData: Buffer;
};
export type MemberAssignment = {
	version: number;
	assignment: Assignment;
	userData: Buffer;
};
/** A layout of bytes. */
export interface ISerializer<T> {
	encode(value: T): Buffer;
	decode(buffer: Buffer): T | null;
}
export type MemberDescription = {
	clientHost: string;
	clientId: string;
	memberId: string;
	memberAssignment: Buffer;
	memberMetadata: Buffer;
};
export type ConsumerGroupState = "Unknown" | "PreparingRebalance" | "CompletingRebalance" | "Stable" | "Dead" | "Empty";
export type GroupDescription = {
	groupId: string;
	members: MemberDescription[];
	protocol: string;
	protocolType: string;
	state: ConsumerGroupState;
};
export type TopicPartitions = {
	topic: string;
	partitions: number[];
};
export type TopicPartition = {
	topic: string;
	partition: number;
};
export type TopicPartitionOffset = TopicPartition & {
	offset: string;
};
export type TopicPartitionOffsetAndMetadata = TopicPartitionOffset & {
	metadata?: string | null;
};
export interface MessageSetEntry {
	key: Buffer | null;
	value: Buffer | null;
	timestamp: string;
	attributes: number;
	offset: string;
	size: number;
	headers?: never;
}
export interface RecordBatchEntry {
	key: Buffer | null;
	value: Buffer | null;
	timestamp: string;
	attributes: number;
	offset: string;
	headers: IHeaders;
	size?: never;
}
/** A message that was consumed. */
export type KafkaMessage = MessageSetEntry | RecordBatchEntry;
/** Messages of one partition, in order. */
export type Batch = {
	topic: string;
	partition: number;
	/** The offset that the partition's next message will get. */
	highWatermark: string;
	messages: KafkaMessage[];
	isEmpty(): boolean;
	firstOffset(): string | null;
	lastOffset(): string;
	/** Messages after the last one of this batch. */
	offsetLag(): string;
	/** Messages after the first one of this batch. */
	offsetLagLow(): string;
};
export interface OffsetsByTopicPartition {
	topics: TopicOffsets[];
}
export interface EachMessagePayload {
	topic: string;
	partition: number;
	message: KafkaMessage;
	heartbeat(): Promise<void>;
	/** Pauses this partition. The function it gives resumes it. */
	pause(): () => void;
}
export interface EachBatchPayload {
	batch: Batch;
	/** Counts everything up to this offset as handled. */
	resolveOffset(offset: string): void;
	heartbeat(): Promise<void>;
	/** Pauses this partition. The function it gives resumes it. */
	pause(): () => void;
	commitOffsetsIfNecessary(offsets?: Offsets): Promise<void>;
	uncommittedOffsets(): OffsetsByTopicPartition;
	isRunning(): boolean;
	/** Whether the partition was sought elsewhere, or taken away, since this batch was read. */
	isStale(): boolean;
}
export type ConsumerEachMessagePayload = EachMessagePayload;
export type ConsumerEachBatchPayload = EachBatchPayload;
export type EachBatchHandler = (payload: EachBatchPayload) => Promise<void>;
export type EachMessageHandler = (payload: EachMessagePayload) => Promise<void>;
/** What `run` takes. */
export type ConsumerRunConfig = {
	/** Whether offsets are committed without being asked. Default: true. */
	autoCommit?: boolean | undefined;
	/** Commits so often, at most. Milliseconds. Default: after each batch. */
	autoCommitInterval?: number | null | undefined;
	/** Commits after so many messages. Default: after each batch. */
	autoCommitThreshold?: number | null | undefined;
	/** Whether a batch counts as handled when `eachBatch` is done. Default: true. */
	eachBatchAutoResolve?: boolean | undefined;
	/** How many partitions are handled at a time. Default: 1. */
	partitionsConsumedConcurrently?: number | undefined;
	eachBatch?: EachBatchHandler | undefined;
	eachMessage?: EachMessageHandler | undefined;
};
/** @deprecated `ConsumerSubscribeTopics` takes its place, as in kafkajs. */
export type ConsumerSubscribeTopic = {
	topic: string | RegExp;
	fromBeginning?: boolean | undefined;
};
export type ConsumerSubscribeTopics = {
	topics: (string | RegExp)[];
	fromBeginning?: boolean | undefined;
};
/** Reads messages as a member of a group. Its methods need no `this`. */
export type Consumer = {
	connect(): Promise<void>;
	disconnect(): Promise<void>;
	subscribe(subscription: ConsumerSubscribeTopics | ConsumerSubscribeTopic): Promise<void>;
	stop(): Promise<void>;
	run(config?: ConsumerRunConfig): Promise<void>;
	commitOffsets(topicPartitions: Array<TopicPartitionOffsetAndMetadata>): Promise<void>;
	seek(topicPartitionOffset: TopicPartitionOffset): void;
	describeGroup(): Promise<GroupDescription>;
	pause(topics: Array<{
		topic: string;
		partitions?: number[] | undefined;
	}>): void;
	paused(): TopicPartitions[];
	resume(topics: Array<{
		topic: string;
		partitions?: number[] | undefined;
	}>): void;
	/** Calls `listener` at each of these events. An unknown name throws KafkaJSNonRetriableError. */
	on<K extends keyof ConsumerEventPayloads>(eventName: K, listener: (event: InstrumentationEvent<ConsumerEventPayloads[K]>) => void): RemoveInstrumentationEventListener<K>;
	logger(): Logger;
	readonly events: ConsumerEvents;
};
/** Options of `Kafka.admin()`. */
export interface AdminConfig {
	/** Over the Kafka's own. */
	retry?: RetryOptions | undefined;
}
/** A topic to create. */
export interface ITopicConfig {
	topic: string;
	/** Default: -1, which is the brokers' own. */
	numPartitions?: number | undefined;
	/** Default: -1, which is the brokers' own. */
	replicationFactor?: number | undefined;
	/** Which brokers get which partition. Default: as the brokers choose. */
	replicaAssignment?: ReplicaAssignment[] | undefined;
	configEntries?: IResourceConfigEntry[] | undefined;
}
export interface ReplicaAssignment {
	partition: number;
	replicas: Array<number>;
}
export interface IResourceConfigEntry {
	name: string;
	value: string;
}
export interface ITopicMetadata {
	name: string;
	partitions: PartitionMetadata[];
}
export type SeekEntry = PartitionOffset;
export type FetchOffsetsPartition = PartitionOffset & {
	metadata: string | null;
};
/** What `createTopics` takes. */
export interface CreateTopicsOptions {
	/** Whether only to check. Default: false. */
	validateOnly?: boolean | undefined;
	/** Whether to wait until the partitions can be written to. Default: true. */
	waitForLeaders?: boolean | undefined;
	/** Milliseconds, default 5,000. */
	timeout?: number | undefined;
	topics: ITopicConfig[];
}
/** What `fetchOffsets` takes. */
export interface FetchOffsetsOptions {
	groupId: string;
	/** Default: all that the group has committed. */
	topics?: string[] | undefined;
	/** Whether -1 and -2 are replaced by the positions that they stand for. Default: false. */
	resolveOffsets?: boolean | undefined;
}
/** A group, as a list of groups has it. */
export interface GroupOverview {
	groupId: string;
	/** `consumer`, or that of another kind of group. */
	protocolType: string;
}
export interface GroupDescriptions {
	groups: GroupDescription[];
}
/**
 * Manages topics and groups. Its methods need no `this`, and connect by themselves where `connect()` was not
 * called, as in kafkajs.
 *
 * What a broker refuses rejects with KafkaJSProtocolError, with kafkajs's `type` and `code`; what is given
 * wrongly, with KafkaJSNonRetriableError, before anything is asked.
 */
export type Admin = {
	/**
	 * Reaches the cluster. Connecting twice is fine. Wrong credentials reject at once, with
	 * KafkaJSSASLAuthenticationError; brokers that are not there after the attempts that `retry` allows, with
	 * KafkaJSNumberOfRetriesExceeded, whose `cause` is the KafkaJSConnectionError.
	 */
	connect(): Promise<void>;
	/** Closes. What waits for an answer rejects. `connect()` may be called again. */
	disconnect(): Promise<void>;
	listTopics(): Promise<string[]>;
	/**
	 * Whether topics were created: false when what was wanted was there already. With `waitForLeaders`, each
	 * partition has a leader when it resolves, and after `timeout` it rejects with KafkaJSTimeout. Other
	 * failures reject with KafkaJSAggregateError, whose `errors` are a KafkaJSCreateTopicError for each topic.
	 */
	createTopics(options: CreateTopicsOptions): Promise<boolean>;
	/** `timeout`: milliseconds, default 5,000. An unknown topic is tried again, as `retry` allows. */
	deleteTopics(options: {
		topics: string[];
		timeout?: number | undefined;
	}): Promise<void>;
	/** Without topics, all of them. Asking for one does not create it. */
	fetchTopicMetadata(options?: {
		topics: string[];
	}): Promise<{
		topics: Array<ITopicMetadata>;
	}>;
	/** What a group has committed, `-1` where it has nothing; without topics, all that it has committed. */
	fetchOffsets(options: FetchOffsetsOptions): Promise<Array<{
		topic: string;
		partitions: FetchOffsetsPartition[];
	}>>;
	/** Where each partition begins (`low`) and ends (`high`, `offset`). */
	fetchTopicOffsets(topic: string): Promise<Array<SeekEntry & {
		high: string;
		low: string;
	}>>;
	/**
	 * The first offset whose message is not older than this (milliseconds since 1970), or else the end of the
	 * partition.
	 */
	fetchTopicOffsetsByTimestamp(topic: string, timestamp?: number): Promise<Array<SeekEntry>>;
	describeCluster(): Promise<{
		brokers: Array<{
			nodeId: number;
			host: string;
			port: number;
		}>;
		controller: number | null;
		clusterId: string;
	}>;
	/**
	 * Commits for a group that has no running members. `-1` and `-2` are committed as the numbers of the end and
	 * the beginning, where kafkajs commits the marks.
	 */
	setOffsets(options: {
		groupId: string;
		topic: string;
		partitions: SeekEntry[];
	}): Promise<void>;
	/** Commits the beginning of each partition, or its end. As `setOffsets`. */
	resetOffsets(options: {
		groupId: string;
		topic: string;
		earliest?: boolean | undefined;
	}): Promise<void>;
	listGroups(): Promise<{
		groups: GroupOverview[];
	}>;
	/** Members describe themselves in `memberMetadata` and `memberAssignment`: see `AssignerProtocol`. */
	describeGroups(groupIds: string[]): Promise<GroupDescriptions>;
	/** Rejects with KafkaJSDeleteGroupsError, whose `groups` are those that were not deleted. */
	deleteGroups(groupIds: string[]): Promise<DeleteGroupsResult[]>;
	/** Calls `listener` at each of these events. An unknown name throws KafkaJSNonRetriableError. */
	on<K extends keyof AdminEventPayloads>(eventName: K, listener: (event: InstrumentationEvent<AdminEventPayloads[K]>) => void): RemoveInstrumentationEventListener<K>;
	logger(): Logger;
	readonly events: AdminEvents;
	/** Not there yet: rejects with KafkaJSNotImplemented. */
	createPartitions(options: {
		validateOnly?: boolean | undefined;
		timeout?: number | undefined;
		topicPartitions: ITopicPartitionConfig[];
	}): Promise<boolean>;
	/** Not there yet: rejects with KafkaJSNotImplemented. */
	describeConfigs(configs: {
		resources: ResourceConfigQuery[];
		includeSynonyms: boolean;
	}): Promise<DescribeConfigResponse>;
	/** Not there yet: rejects with KafkaJSNotImplemented. */
	alterConfigs(configs: {
		validateOnly: boolean;
		resources: IResourceConfig[];
	}): Promise<any>;
	/** Not there yet: rejects with KafkaJSNotImplemented. */
	describeAcls(options: AclFilter): Promise<DescribeAclResponse>;
	/** Not there yet: rejects with KafkaJSNotImplemented. */
	deleteAcls(options: {
		filters: AclFilter[];
	}): Promise<DeleteAclResponse>;
	/** Not there yet: rejects with KafkaJSNotImplemented. */
	createAcls(options: {
		acl: AclEntry[];
	}): Promise<boolean>;
	/** Not there yet: rejects with KafkaJSNotImplemented. */
	deleteTopicRecords(options: {
		topic: string;
		partitions: SeekEntry[];
	}): Promise<void>;
	/** Not there yet: rejects with KafkaJSNotImplemented. */
	alterPartitionReassignments(request: {
		topics: PartitionReassignment[];
		timeout?: number | undefined;
	}): Promise<void>;
	/** Not there yet: rejects with KafkaJSNotImplemented. */
	listPartitionReassignments(request: {
		topics?: TopicPartitions[] | undefined;
		timeout?: number | undefined;
	}): Promise<ListPartitionReassignmentsResponse>;
};
/** How many partitions a topic is to have. */
export interface ITopicPartitionConfig {
	topic: string;
	count: number;
	/** The brokers of each new partition. Default: as the brokers choose. */
	assignments?: Array<Array<number>> | undefined;
}
/** Whose settings are asked for. Without names, all of them. */
export interface ResourceConfigQuery {
	type: ConfigResourceTypes;
	name: string;
	configNames?: string[] | undefined;
}
export interface ConfigSynonyms {
	configName: string;
	configValue: string;
	configSource: ConfigSource;
}
export interface ConfigEntries {
	configName: string;
	configValue: string;
	isDefault: boolean;
	configSource: ConfigSource;
	isSensitive: boolean;
	readOnly: boolean;
	configSynonyms: ConfigSynonyms[];
}
export interface DescribeConfigResponse {
	resources: {
		configEntries: ConfigEntries[];
		errorCode: number;
		errorMessage: string;
		resourceName: string;
		resourceType: ConfigResourceTypes;
	}[];
	throttleTime: number;
}
/** Settings to give to a topic or a broker. */
export interface IResourceConfig {
	type: ConfigResourceTypes;
	name: string;
	configEntries: IResourceConfigEntry[];
}
/** Who may do what. */
export interface Acl {
	principal: string;
	host: string;
	operation: AclOperationTypes;
	permissionType: AclPermissionTypes;
}
/** What it may be done to. */
export interface AclResource {
	resourceType: AclResourceTypes;
	resourceName: string;
	resourcePatternType: ResourcePatternTypes;
}
export type AclEntry = Acl & AclResource;
export type DescribeAclResource = AclResource & {
	acls: Acl[];
};
export interface DescribeAclResponse {
	throttleTime: number;
	errorCode: number;
	errorMessage?: string;
	resources: DescribeAclResource[];
}
/** Which permissions; what is not given fits all. */
export interface AclFilter {
	resourceType: AclResourceTypes;
	resourceName?: string | undefined;
	resourcePatternType: ResourcePatternTypes;
	principal?: string | undefined;
	host?: string | undefined;
	operation: AclOperationTypes;
	permissionType: AclPermissionTypes;
}
export interface MatchingAcl {
	errorCode: number;
	errorMessage?: string;
	resourceType: AclResourceTypes;
	resourceName: string;
	resourcePatternType: ResourcePatternTypes;
	principal: string;
	host: string;
	operation: AclOperationTypes;
	permissionType: AclPermissionTypes;
}
export interface DeleteAclFilterResponses {
	errorCode: number;
	errorMessage?: string;
	matchingAcls: MatchingAcl[];
}
export interface DeleteAclResponse {
	throttleTime: number;
	filterResponses: DeleteAclFilterResponses[];
}
/** Which brokers are to have which partition. */
export interface PartitionReassignment {
	topic: string;
	partitionAssignment: Array<ReplicaAssignment>;
}
export interface OngoingPartitionReassignment {
	partitionIndex: number;
	replicas: number[];
	addingReplicas?: number[];
	removingReplicas?: number[];
}
export interface OngoingTopicReassignment {
	topic: string;
	partitions: OngoingPartitionReassignment[];
}
export interface ListPartitionReassignmentsResponse {
	topics: OngoingTopicReassignment[];
}
/**
 * A Kafka cluster, as one application reaches it. Making it does not connect: the clients do.
 */
export declare class Kafka {
	#private;
	/**
	 * @param config - how to reach it; brokers and credentials are looked at by `connect()`, as in kafkajs
	 * @throws KafkaJSNonRetriableError for what the engine cannot do: a `socketFactory`, a mechanism with an
	 *   `authenticationProvider`, `aws`, options of TLS beyond those that `KafkaConfig.ssl` names
	 */
	constructor(config: KafkaConfig);
	/**
	 * A producer of its own.
	 *
	 * @throws KafkaJSNonRetriableError when it is idempotent and may not retry
	 */
	producer(config?: ProducerConfig): Producer;
	/**
	 * A consumer, one member of its group.
	 *
	 * @throws KafkaJSNonRetriableError without a group, or when `heartbeatInterval` is not under `sessionTimeout`
	 */
	consumer(config: ConsumerConfig): Consumer;
	/** An admin. */
	admin(config?: AdminConfig): Admin;
	/** The logger of this Kafka. Its clients log through it. */
	logger(): Logger;
}
/** What a client costs. */
export interface EngineStats {
	/** Clients of librdkafka. */
	nativeClients: number;
	/** Threads of the system: librdkafka's, and one of the engine's own for each client. */
	threads: number;
	/** Connections to brokers that are open. */
	connections: number;
}
/** What the clients of `KafkaClient` cost. */
export interface KafkaClientStats {
	/** The shared producer, or null while there is none. */
	producer: EngineStats | null;
	/** Each consumer that is connected. */
	consumers: EngineStats[];
	/** Their sum. A Kafka by itself costs nothing. */
	total: EngineStats;
}
/**
 * One Kafka for the whole process, configured by `KAFKA_CLIENT_ID`, `KAFKA_BROKERS`, `KAFKA_SSL`,
 * `KAFKA_SASL`, `KAFKA_SASL_MECHANISM`, `KAFKA_USERNAME` and `KAFKA_PASSWORD`. The environment is read when
 * the Kafka is made.
 */
export declare class KafkaClient {
	/** The Kafka. It is made at the first call, and not connected. */
	static getInstance(): Kafka;
	/**
	 * The producer that all share, connected: `transactionTimeout` 30,000 and `allowAutoTopicCreation` true.
	 * Calls while it connects wait for the same connection. When that fails they reject, and the next call
	 * tries again.
	 */
	static getProducer(): Promise<Producer>;
	/** A consumer of its own, connected: `sessionTimeout` 30,000 and `heartbeatInterval` 3,000. */
	static createConsumer(groupId: string): Promise<Consumer>;
	/**
	 * Sets options that go before the environment's, instead of those set before. Call it before anything else,
	 * or after `disconnect()`.
	 *
	 * @throws KafkaJSNonRetriableError when the Kafka is in use
	 */
	static configure(config: Partial<KafkaConfig>): void;
	/**
	 * Disconnects the producer and all consumers, also those that are connecting. The next call of any method
	 * begins anew.
	 */
	static disconnect(): Promise<void>;
	/**
	 * Native clients, threads and connections as they are now: of the producer, of each consumer, and in all. With
	 * n brokers, the producer has for each combination of `acks`, `timeout` and `compression` that is sent with one
	 * native client, 3 + n threads and at most n connections; each consumer has one, 4 + n and at most 1 + n.
	 */
	static getStats(): KafkaClientStats;
}
/** The layouts that kafkajs exports. `userData` may be left out. */
export declare const AssignerProtocol: {
	MemberMetadata: ISerializer<MemberMetadata>;
	MemberAssignment: ISerializer<MemberAssignment>;
};
/** The assigners that kafkajs has. */
export declare const PartitionAssigners: {
	roundRobin: PartitionAssigner;
};
/** The partitioners that kafkajs has. */
export declare const Partitioners: {
	/** By murmur2 of the key, as Kafka's Java client. The engine does it without JavaScript. */
	DefaultPartitioner: ICustomPartitioner;
	/** That of kafkajs before version 2. */
	LegacyPartitioner: ICustomPartitioner;
	/** @deprecated The older name of `DefaultPartitioner`. */
	JavaCompatiblePartitioner: ICustomPartitioner;
};
/**
 * The option `jwt`: how JSON Web Tokens (RFC 7519) are verified.
 */
/** An algorithm that tokens may be signed with (RFC 7518, RFC 8037). */
export type WebSocketJwtAlgorithm = "HS256" | "HS384" | "HS512" | "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" | "ES256" | "ES384" | "ES512" | "EdDSA";
/** A JSON Web Key Set (RFC 7517) that is fetched over the network. */
export interface WebSocketRemoteKeySet {
	/**
	 * Where from: `https:`, or `http:` on loopback. Redirects are not followed, and what takes longer than 10 s, is larger than
	 * 1 MiB, or has more than 100 keys counts as not fetched. A set without a key that fits refuses all tokens.
	 */
	uri: string;
	/**
	 * Milliseconds after which the set is fetched again. So long, and a fetch, a key that was withdrawn is still accepted; if
	 * the fetch fails, the last good set stays in use. Environment: `WS_JWT_JWKS_CACHE_MAX_AGE`. Default: 600000 (10 minutes).
	 * Limit: 2147483647.
	 */
	cacheMaxAge?: number | undefined;
	/**
	 * Milliseconds from one fetch to the next at least. A token whose key is not known makes for a fetch, and waits for
	 * it, at most once in that time. Before the first set it is one second, and twice as long each time, up to this.
	 * Environment: `WS_JWT_JWKS_COOLDOWN`. Default: 30000. Limit: 2147483647.
	 */
	cooldown?: number | undefined;
}
/**
 * How the tokens of clients are verified (RFC 7519): by one of `secret`, `publicKey` and `jwks`.
 *
 * The key decides which algorithms are accepted, and never the token; `none` is no algorithm. A member that is not given
 * falls through to its environment variable, but of the variables of the three none is looked at if one of them is given
 * here. Beside the errors of all options, an unknown member, also of `jwks: { uri }`, is a TypeError
 * `ERR_INVALID_OPTION_TYPE`. No error shows anything of a key.
 */
export interface WebSocketJwt {
	/**
	 * The secret of HS tokens, UTF-8 if it is a string: at least 32 bytes for HS256, 48 for HS384 and 64 for HS512 (RFC 7518,
	 * section 3.2). A key or a certificate is refused, in PEM, DER, base64 or JSON, since what may be public is no secret.
	 * Environment: `WS_JWT_SECRET`.
	 */
	secret?: string | Uint8Array | undefined;
	/**
	 * The public key in PEM, or the path of a file with one, which is read once: RSA of 2048 to 8192 bits, P-256, P-384, P-521 or
	 * Ed25519. Environment: `WS_JWT_PUBLIC_KEY`.
	 */
	publicKey?: string | Uint8Array | undefined;
	/**
	 * A JSON Web Key Set (RFC 7517) as an object, as JSON, as the path of a file, which is read once, or fetched: by its URL
	 * alone, or with times of one's own. Environment: `WS_JWKS_URL`, a URL, a path, or JSON.
	 */
	jwks?: string | {
		keys: readonly object[];
	} | WebSocketRemoteKeySet | undefined;
	/**
	 * The algorithms that are accepted. Environment: `WS_JWT_ALGORITHMS`, a list with commas. Default: all that fit the key; of
	 * a key set, those of each key.
	 */
	algorithms?: WebSocketJwtAlgorithm | readonly WebSocketJwtAlgorithm[] | undefined;
	/**
	 * `iss` must be this, or one of these. Environment: `WS_JWT_ISSUER`, a list with commas. Default: it does not matter, and so
	 * `false`.
	 */
	issuer?: string | readonly string[] | false | undefined;
	/**
	 * `aud` must be this or have it in it, or one of these. Environment: `WS_JWT_AUDIENCE`, a list with commas. Default: it
	 * does not matter, and so `false`.
	 */
	audience?: string | readonly string[] | false | undefined;
	/**
	 * Seconds by which the issuer's clock may differ from this machine's. Environment: `WS_JWT_CLOCK_TOLERANCE`. Default: 0.
	 * Limit: 3600.
	 */
	clockTolerance?: number | undefined;
	/**
	 * The claim that names the user, a string or a safe integer; a token without it is refused. Environment: `WS_JWT_USER_CLAIM`.
	 * Default: `'sub'`.
	 */
	userClaim?: string | undefined;
	/**
	 * The claim that names the session, if there is one. Environment: `WS_JWT_SESSION_CLAIM`. Default: `'sid'`.
	 */
	sessionClaim?: string | undefined;
}
/** Figures of the whole Node process. */
export interface ProcessStats {
	/** Resident memory in bytes. The last known, or 0, while the process has no file descriptor left to read it by. */
	rss: number;
	/** Bytes of the JavaScript heap in use; otherwise as `rss`. */
	heapUsed: number;
	/** CPU time of all threads since the process started, in microseconds. */
	cpu: {
		user: number;
		system: number;
	};
	/** Seconds since the process started. */
	uptime: number;
	/**
	 * How busy the JavaScript thread was since its start: milliseconds idle and active, and their ratio.
	 * `performance.eventLoopUtilization(later, earlier)` gives the figure of the time between two of them.
	 */
	eventLoopUtilization: {
		idle: number;
		active: number;
		utilization: number;
	};
}
/**
 * One message: a JSON object in one WebSocket text frame (RFC 6455, section 5.6).
 *
 * Keys beyond these are kept, in their order. A service with messages of its own shape extends this
 * interface and gives it to `WebSocketManager<Out, In>`.
 */
export interface WebSocketMessage {
	/** What kind of message it is. The protocol owns the names that `WebSocketManager` describes. */
	type: string;
	/** The message's content: any value that JSON can hold. */
	payload: any;
	/**
	 * When the message was made, ISO 8601 with milliseconds. A message that is sent without one, or with
	 * an empty one, gets the time of the call as its last key.
	 */
	timestamp?: string | undefined;
	/** The user whom the message concerns. It is passed on and never interpreted. */
	userId?: string | undefined;
	/** The session that the message concerns. It is passed on and never interpreted. */
	sessionId?: string | undefined;
}
/** Where the manager's own lines go. `console` fits, and so does a pino logger. */
export interface WebSocketLogger {
	/** One line for each connection that opens, logs in or closes. Without this method, none of them. */
	debug?(line: string): void;
	/** Listening and closing. */
	info(line: string): void;
	/** Each `warning`. */
	warn(line: string): void;
	/** Each `error`. */
	error(line: string): void;
}
/**
 * How much one client may ask for. `false` turns a limit off (`burst` is none of its own), and so do `off` and `0` in its variable. An unknown member is
 * a TypeError `ERR_INVALID_OPTION_TYPE`.
 *
 * What is over a rate or a number is answered by an `error` message with `payload.code` `RATE_LIMITED` or
 * `LIMIT_EXCEEDED`, changes nothing, and is counted in `getStats().refusals`.
 */
export interface WebSocketLimits {
	/**
	 * Messages of one connection in a second, pings and pongs too. What is over it is not carried out; a
	 * connection that is over it for 10 s, without a second's pause, is closed with 1008. Environment:
	 * `WS_RATE_LIMIT`, `100` or with the burst `100/200`. Default: 100; off under `protocol: 'raw'`, where
	 * nothing can be answered: there a message over the rate is lost. Limit: 1000000.
	 */
	messagesPerSecond?: number | false | undefined;
	/** Messages that may come at once, under `messagesPerSecond`. Default: twice that. Limit: 1000000. */
	burst?: number | undefined;
	/**
	 * Bytes of one connection in a second, as they come over the wire; at once, twice as many or
	 * `maxPayload`. Messages that come over it are refused as by `messagesPerSecond`. Environment:
	 * `WS_RATE_LIMIT_BYTES`. Default: off, since the rate of messages and `maxPayload` bound it. Limit:
	 * 1099511627776.
	 */
	bytesPerSecond?: number | false | undefined;
	/**
	 * Topics of one connection, those included that the service subscribes it to, which is never refused.
	 * Environment: `WS_MAX_SUBSCRIPTIONS`. Default: 1000. Limit: 10000000.
	 */
	subscriptions?: number | false | undefined;
	/** Rooms of one connection, likewise. Environment: `WS_MAX_ROOMS`. Default: 1000. Limit: 10000000. */
	rooms?: number | false | undefined;
	/**
	 * Connections that are logged in as one user. A further login is refused, and the earlier ones stay: so it needs
	 * `authenticate` or `jwt`, without which a stranger can log in as somebody often enough to lock them out. Environment:
	 * `WS_MAX_CONNECTIONS_PER_USER`. Default: off. Limit: 10000000.
	 */
	connectionsPerUser?: number | false | undefined;
	/**
	 * Messages of one user in a second over all its connections, and twice as many at once. It needs `authenticate` or `jwt`
	 * too: else a stranger who logs in as somebody uses up what they may send. Environment: `WS_RATE_LIMIT_PER_USER`.
	 * Default: off. Limit: 1000000.
	 */
	messagesPerSecondPerUser?: number | false | undefined;
	/**
	 * Handshakes of all clients in a second, and twice as many at once; others are answered with 503. What is over the
	 * limits of its address takes nothing of it.
	 * Environment: `WS_HANDSHAKE_RATE`. Default: off. Limit: 1000000.
	 */
	handshakesPerSecond?: number | false | undefined;
	/**
	 * What one address may ask for; of IPv6 the first 64 bits count. What is over it is answered with 429.
	 * `true` takes its defaults. Environment: `WS_LIMIT_PER_IP`. Default: off, unless `trustProxy` or `proxyProtocol` is given:
	 * behind a balancer all clients seem to have one address.
	 */
	perIp?: boolean | {
		/** Connections. Environment: `WS_MAX_CONNECTIONS_PER_IP`. Default: 200. Limit: 10000000. */
		connections?: number | false | undefined;
		/**
		 * Handshakes in a second, and ten times as many at once. Environment:
		 * `WS_HANDSHAKE_RATE_PER_IP`. Default: 20. Limit: 1000000.
		 */
		handshakesPerSecond?: number | false | undefined;
	} | null | undefined;
}
/**
 * Which pages may connect: an origin as browsers write it (`https://example.com`, `http://localhost:3000`,
 * `null`), which is compared as a whole, all hosts below a domain (`https://*.example.com`), all (`*`), a regular
 * expression, which is taken as it stands and so has to be anchored (`/^https:\/\/(.*\.)?example\.com$/`), or a function
 * that returns true for what is allowed.
 */
export type OriginRule = string | RegExp | ((origin: string, request: WebSocketRequest) => boolean | PromiseLike<boolean>);
/**
 * Options of a `WebSocketManager`.
 *
 * A value that is undefined, null, NaN, '' or 0 falls through to the environment variable named beside
 * it, and an unset or empty variable to the default; of booleans only undefined and null fall through,
 * and a variable means true only when it is `true`. The one exception is `port: 0`. `false` turns off `jwt`, `tls`,
 * `authorize`, `tokenFrom`, `origins`, `trustProxy` and each of the `limits`, whatever the environment says.
 * Other values outside the limits throw: TypeError `ERR_INVALID_OPTION_TYPE`, RangeError
 * `ERR_INVALID_OPTION_RANGE`, and RangeError `ERR_INVALID_ENV` when the environment holds the value.
 */
export interface WebSocketConfig {
	/**
	 * TCP port to listen on, 0 to 65535. `port: 0` lets the system choose a free one, which `address()` tells.
	 * Environment: `WS_PORT`. Default: 8080.
	 */
	port?: number | undefined;
	/**
	 * IP address to listen on, or `localhost`. Names are not looked up, because the socket is bound at once.
	 * Environment: `WS_HOST`. Default: all addresses, IPv6 and IPv4.
	 */
	host?: string | undefined;
	/**
	 * Path of the handshake's request (RFC 6455, section 4.2.1); it starts with `/` and is compared without
	 * the query. Other paths are answered with 404. Environment: `WS_PATH`. Default: `/ws`.
	 */
	path?: string | undefined;
	/**
	 * Milliseconds between two sweeps of the heartbeat. A connection that was silent for more than one
	 * interval is pinged (RFC 6455, section 5.5.2), after more than two it is closed; any frame of it counts.
	 * Environment: `WS_HEARTBEAT_INTERVAL`. Default: 30000. Limit: 2147483647.
	 */
	heartbeatInterval?: number | undefined;
	/**
	 * How many connections may be open. Each further one is closed with code 1013 and "Server overloaded".
	 * Environment: `WS_MAX_CONNECTIONS`. Default: 1000. Limit: 10000000.
	 */
	maxConnections?: number | undefined;
	/**
	 * Whether permessage-deflate (RFC 7692) is negotiated with clients that offer it. The server then always
	 * asks for `server_no_context_takeover` and `client_no_context_takeover`: a message is compressed once,
	 * however many receivers it has, and a connection keeps no window. Environment: `WS_COMPRESSION`.
	 * Default: true.
	 */
	enableCompression?: boolean | undefined;
	/**
	 * Bytes of a message from which on it is compressed, as `threshold` in `ws`; shorter ones gain little.
	 * What would not get smaller is sent as it is. Environment: `WS_COMPRESSION_THRESHOLD`. Default: 1024.
	 * Limit: 536870888; 1 compresses all that gets smaller by it.
	 */
	compressionThreshold?: number | undefined;
	/**
	 * How hard it is tried to make messages small: zlib's level, from 1, the fastest, to 9, the smallest.
	 * Environment: `WS_COMPRESSION_LEVEL`. Default: 6, as in zlib. Limit: 9.
	 */
	compressionLevel?: number | undefined;
	/**
	 * Whether silent connections are pinged and removed, see `heartbeatInterval`.
	 * Environment: `WS_HEARTBEAT`. Default: true.
	 */
	enableHeartbeat?: boolean | undefined;
	/**
	 * `'messaging'`: frames are the JSON messages that `WebSocketManager` describes. `'raw'`: nothing is
	 * interpreted and nothing sent on connect; every frame is a `data` event, for a protocol of one's own.
	 * Environment: `WS_PROTOCOL`. Default: `'messaging'`.
	 */
	protocol?: "messaging" | "raw" | undefined;
	/**
	 * Bytes of a client's message at most, over all its fragments and inflated. A larger one closes its connection with
	 * 1009 (RFC 6455, section 7.4.1). Environment: `WS_MAX_PAYLOAD`. Default: 16384. Limit: 536870888,
	 * the longest string of JavaScript.
	 */
	maxPayload?: number | undefined;
	/**
	 * Milliseconds that a client has for the whole handshake, so that one that dribbles holds no socket: a balancer's
	 * header, TLS and the request together.
	 * Environment: `WS_HANDSHAKE_TIMEOUT`. Default: 10000. Limit: 2147483647.
	 */
	handshakeTimeout?: number | undefined;
	/**
	 * Milliseconds that a client has to answer a close frame before its socket is closed without it
	 * (RFC 6455, section 7.1.1). Where the service closes they count from the last byte that the client took of what was
	 * queued before; where the client has brought it about, from the beginning. Environment: `WS_CLOSE_TIMEOUT`. Default: 5000. Limit: 2147483647.
	 */
	closeTimeout?: number | undefined;
	/**
	 * Bytes that may wait for one connection. A client that reads more slowly than it is sent to meets
	 * `slowConsumer`. Environment: `WS_MAX_BUFFERED_AMOUNT`. Default: 4194304 (4 MiB). Limit: 1099511627776.
	 */
	maxBufferedAmount?: number | undefined;
	/**
	 * What happens to a connection over `maxBufferedAmount`. `'disconnect'`: it is closed with 1013 and can
	 * resume. `'dropOldest'`: it loses what waits longest. Both are counted in `getStats()` and warned of.
	 * Environment: `WS_SLOW_CONSUMER`. Default: `'disconnect'`.
	 */
	slowConsumer?: "disconnect" | "dropOldest" | undefined;
	/**
	 * Bytes of queued payloads in this manager, each counted once however many receivers it has. A send
	 * over it returns 0 or false, sends nothing, and raises the `warning` `ERR_OVERLOADED`.
	 * Environment: `WS_MEMORY_BUDGET`. Default: 268435456 (256 MiB). Limit: 1099511627776.
	 */
	memoryBudget?: number | undefined;
	/**
	 * Threads that run the sockets. Environment: `WS_SHARDS`. Default: one less than the processors, from
	 * 1 to 4. Limit: 64.
	 */
	shards?: number | undefined;
	/**
	 * Says who a client is that sends `authenticate`, or whose handshake brought a token (`tokenFrom`). What it
	 * returns, or resolves with, is what the connection becomes, whatever the client claims; null, undefined or
	 * false refuses the client. So does a hook that throws or rejects, which is also a `warning` `ERR_HOOK`, and
	 * one that takes longer than `hookTimeout`. Nothing else of this client is interpreted meanwhile, so the
	 * order of its messages holds. Default: the client's claim is believed, unless there is `jwt`, beside which it must
	 * not stand. It has no environment variable.
	 */
	authenticate?: ((login: WebSocketLogin) => WebSocketIdentity | null | undefined | false | PromiseLike<WebSocketIdentity | null | undefined | false>) | null | undefined;
	/**
	 * Verifies the tokens of clients in the engine, without a call: who sends `authenticate`, or whose handshake brought a
	 * token (`tokenFrom`), becomes what its token says, whatever it claims beside that, and until its token ends. Default:
	 * none, unless the environment has a key: `WS_JWT_SECRET`, `WS_JWT_PUBLIC_KEY`, or `WS_JWKS_URL`. `false`: none at all.
	 */
	jwt?: WebSocketJwt | false | null | undefined;
	/**
	 * Says where clients may go by `subscribe` and `join_room`: a hook, of which only `true` is a yes, and which is
	 * held to the same as `authenticate`; or patterns, which the engine matches without a call. What the
	 * service does by itself, by `joinRoom` and `subscribe`, is not asked. Default: everywhere, and so `false`. Environment of
	 * the patterns: `WS_AUTHORIZE_SUBSCRIBE`, `WS_AUTHORIZE_JOIN_ROOM`, lists with commas.
	 */
	authorize?: WebSocketPatterns | ((access: WebSocketAccess) => boolean | PromiseLike<boolean>) | false | null | undefined;
	/**
	 * Whether a client has to authenticate before anything else: until then all but `authenticate` and `heartbeat` is
	 * answered with the `error` `AUTH_REQUIRED`, and no `broadcast` reaches it. Environment: `WS_REQUIRE_AUTH`.
	 * Default: false.
	 */
	requireAuth?: boolean | undefined;
	/**
	 * Milliseconds that a client has to authenticate under `requireAuth`, before it is closed with 4401. They run on
	 * while a hook decides, but the client is not closed before it has: a login that comes after them is still good.
	 * Environment: `WS_AUTH_TIMEOUT`. Default: 10000. Limit: 2147483647.
	 */
	authTimeout?: number | undefined;
	/**
	 * How often a client may fail to authenticate on one connection, whatever logins lie between, before it is closed
	 * with 4401. Environment: `WS_MAX_AUTH_FAILURES`. Default: 3. Limit: 1000.
	 */
	maxAuthFailures?: number | undefined;
	/**
	 * Where the request of a handshake may carry a token, the first place first: `'header'` is
	 * `Authorization: Bearer`, `'subprotocol'` is `new WebSocket(url, ['bearer', token])`, and `'cookie:NAME'` and
	 * `'query:NAME'` name the cookie or parameter. A client with one is judged at once, as if it had sent
	 * `authenticate`, and closed with 4401 if it is refused; one without is not judged. Without `authenticate` or `jwt` nobody
	 * looks at it, with the `warning` `ERR_UNVERIFIED_TOKENS`. Environment: `WS_TOKEN_FROM`, a list with commas.
	 * Default: nowhere, and so `false`.
	 */
	tokenFrom?: WebSocketTokenSource | readonly WebSocketTokenSource[] | false | null | undefined;
	/**
	 * Milliseconds before the end of an identity at which its client gets `token_expiring`; at most half of the
	 * time that it has. Environment: `WS_TOKEN_EXPIRING_LEAD`. Default: 60000. Limit: 2147483647.
	 */
	tokenExpiringLead?: number | undefined;
	/**
	 * Milliseconds that `authenticate` and `authorize` have as hooks; then the answer is no, with the `warning`
	 * `ERR_HOOK_TIMEOUT`. Environment: `WS_HOOK_TIMEOUT`. Default: 5000. Limit: 2147483647.
	 */
	hookTimeout?: number | undefined;
	/**
	 * The pages that may connect, by their `Origin` (RFC 6454), one rule or several; others are answered with
	 * 403. Clients that send none are no browsers, and may connect. Environment: `WS_ORIGINS`, strings with
	 * commas between. Default: all, with the `warning` `ERR_ANY_ORIGIN` if NODE_ENV is `production`. `false`, as `'*'`: all.
	 */
	origins?: OriginRule | readonly OriginRule[] | false | null | undefined;
	/**
	 * The proxies before the server, whose `X-Forwarded-For` tells a client's address: how many stand in a row,
	 * or their addresses, CIDR blocks, `'loopback'`, `'linklocal'`, `'uniquelocal'`, several as an array. Of others the
	 * header is ignored. `'0.0.0.0/0'` trusts everybody. Environment: `WS_TRUST_PROXY`, with commas between. Default: none.
	 * Limit: 100 proxies.
	 */
	trustProxy?: number | string | readonly string[] | false | null | undefined;
	/**
	 * Whether every connection of the manager's own port begins with a header of the PROXY protocol, version 1
	 * or 2, by which a balancer tells the client's address. A connection without is closed, and, if `trustProxy`
	 * has addresses, any that is not of these. Environment: `WS_PROXY_PROTOCOL`. Default: false.
	 */
	proxyProtocol?: boolean | undefined;
	/** How much one client may ask for. */
	limits?: WebSocketLimits | null | undefined;
	/**
	 * TLS on the manager's own port, so that clients come by `wss://`. Environment: the variables of its
	 * parts. Default: none, plain `ws://`. An attached manager refuses the option and does not look at the
	 * variables: its server has its own TLS. `false`: none, whatever the variables say.
	 */
	tls?: WebSocketTls | false | null | undefined;
	/** Where lines about the server's life go. Default: nowhere. It has no environment variable. */
	logger?: WebSocketLogger | null | undefined;
}
/**
 * A place in the request of a handshake that may carry a token, see `tokenFrom`. Any string is taken here, such as one of a
 * file of settings, and is judged by the constructor.
 */
export type WebSocketTokenSource = "header" | "subprotocol" | `cookie:${string}` | `query:${string}` | (string & {});
/** What a client claims when it logs in. Nothing of it is verified. */
export interface WebSocketLogin {
	/** The connection's id. */
	readonly connectionId: string;
	/**
	 * The user that the client claims to be, 1 to 256 bytes; a number that it sent is here in its decimal form. Undefined if
	 * it names none, which it need not, and for a token of the handshake.
	 */
	readonly userId: string | undefined;
	/** The session that it claims, at most 256 bytes, likewise. */
	readonly sessionId: string | undefined;
	/** Its token, from its message or its handshake; at most 8192 bytes. `console.log` of the login hides it. */
	readonly token: string | undefined;
	/** The request that opened the connection. */
	readonly request: {
		/** Path and query, as the client sent them. */
		readonly url: string;
		/** The header fields, names in lower case. */
		readonly headers: Readonly<Record<string, string>>;
		/** The client's IP address. Behind a proxy it is the proxy's, unless `trustProxy` says whom to believe. */
		readonly ip: string;
		/** The client's certificate, where TLS has asked for it: see `tls.requestCert`. */
		readonly clientCertificate?: WebSocketClientCertificate | undefined;
	};
}
/**
 * The certificate by which a client has proved who it is, signed by one of `tls.ca`; its members are those of Node's
 * `tlsSocket.getPeerCertificate()`. `new X509Certificate(raw)` of `node:crypto` knows the rest.
 */
export interface WebSocketClientCertificate {
	/** Whose it is, for example `{ O: 'us', CN: 'sensor-7' }`; what is named several times is an array. */
	readonly subject: Readonly<Record<string, string | string[] | undefined>>;
	/** Who has signed it. Of several authorities in `ca`, each may have signed for the same subject. */
	readonly issuer: Readonly<Record<string, string | string[] | undefined>>;
	/** Its other names, for example `DNS:sensor-7.example.com, URI:spiffe://example.com/sensor-7`. */
	readonly subjectaltname: string | undefined;
	/** Its number, in hexadecimal, unique to its issuer. */
	readonly serialNumber: string;
	/** Its SHA-256, as pairs of hexadecimal digits with colons between. */
	readonly fingerprint256: string;
	/** Itself, in DER. */
	readonly raw: Buffer;
}
/** Who a client is, by the word of `authenticate`. */
export interface WebSocketIdentity {
	/** The user, 1 to 256 bytes. A number counts in its decimal form, and has to be a safe integer. */
	userId: string | number;
	/** The session, at most 256 bytes. Without it the connection has none, whatever the client claims. */
	sessionId?: string | number | null | undefined;
	/**
	 * When the identity ceases to hold: a Date, or milliseconds since 1970. The client gets `token_expiring` before that,
	 * and is closed with 4401 then, unless it has authenticated again.
	 */
	expiresAt?: Date | number | null | undefined;
	/** What else is known of the user, at most 16384 bytes as JSON: for `connection.claims` and patterns. */
	claims?: object | null | undefined;
}
/** Where a client wants to go. */
export interface WebSocketAccess {
	/** Who wants to. */
	readonly connection: WebSocketConnection;
	/** What it wants to do. */
	readonly action: "subscribe" | "join_room";
	/** The topic or room. */
	readonly name: string;
}
/**
 * Names that clients may go to, by action; an action without patterns is denied. `*` stands for any characters,
 * `{userId}`, `{sessionId}` and `{claims.NAME}` for what is known of the client, for example `user:{userId}:*`; of a claim
 * that is an array, any of its strings and numbers will do. What is not known matches nothing. `{claims.a.b}` is the claim
 * `a.b`, as names that are URLs have dots, and without it the `b` in the claim `a`.
 */
export interface WebSocketPatterns {
	/** Topics. */
	subscribe?: readonly string[] | undefined;
	/** Rooms. */
	join_room?: readonly string[] | undefined;
}
/**
 * TLS of a manager's own port. PEM texts are taken as Node's `https.createServer` takes them; the variables
 * are paths of PEM files. If one of the variables is set there is TLS, or an error.
 *
 * Beside the errors of all options: Error `ERR_TLS_CERTIFICATE`, `ERR_TLS_KEY`, `ERR_TLS_PASSPHRASE`,
 * `ERR_TLS_KEY_MISMATCH`, `ERR_TLS_CA`. An unknown part, also one that Node has, is a TypeError `ERR_INVALID_OPTION_TYPE`.
 * No error shows anything of a key or a passphrase. A certificate that has expired is taken, with the `warning` `ERR_TLS_EXPIRED`, and so is one that is
 * not valid yet, with `ERR_TLS_NOT_YET_VALID`.
 */
export interface WebSocketTls {
	/**
	 * The certificate in PEM, and behind it those between it and its authority. Environment: `WS_TLS_CERT`.
	 */
	cert?: string | Uint8Array | undefined;
	/** The certificate's private key in PEM. Environment: `WS_TLS_KEY`. */
	key?: string | Uint8Array | undefined;
	/**
	 * The authorities of clients' certificates in PEM, needed for `requestCert`. Environment: `WS_TLS_CA`, one
	 * file. Default: none.
	 */
	ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
	/** What the private key is encrypted with. Environment: `WS_TLS_PASSPHRASE`. Default: it is not. */
	passphrase?: string | undefined;
	/** The oldest version of TLS that is spoken. Environment: `WS_TLS_MIN_VERSION`. Default: `'TLSv1.2'`. */
	minVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
	/**
	 * Whether a client must present a certificate of one of `ca`: one that does not is refused, as under Node's
	 * `rejectUnauthorized`, whose default is true too. It must be one of X.509 version 3. Environment:
	 * `WS_TLS_REQUEST_CERT`: `true`, `false`, `1` or `0`; anything else throws. Whose it is says `request.clientCertificate`,
	 * of the event `connection` and of the hook `authenticate`. Default: false.
	 */
	requestCert?: boolean | undefined;
}
/** The socket of one connection. */
export interface WebSocketSocket {
	/** The state as in browsers: 1 open, 2 closing, 3 closed. */
	readonly readyState: number;
	/**
	 * Sends one frame as it is: text for a string, binary for bytes. Nothing is added, not even a timestamp.
	 * Returns whether the connection was open and took it. Data of another type is refused with the
	 * `warning` `ERR_INVALID_MESSAGE`.
	 */
	send(data: string | ArrayBuffer | ArrayBufferView): boolean;
	/**
	 * Starts the closing handshake (RFC 6455, section 7.1.2).
	 *
	 * @param code Status code: 1000 to 1003, 1007 to 1014, or 3000 to 4999. Default: 1000.
	 * @param reason At most 123 bytes of UTF-8. Default: none.
	 * @throws TypeError `ERR_INVALID_ARGUMENT` for another code or a longer reason.
	 */
	close(code?: number, reason?: string): void;
}
/**
 * One client's connection, as events and `getConnection()` give it: the same object as long as the
 * connection is open. It can still be read after that, and shows the last state.
 */
export interface WebSocketConnection {
	/** The connection's name, for example `conn_1700000000000_k3j9x0a2b`. */
	readonly id: string;
	/**
	 * The user that the client logged in as, once it has: by the word of `authenticate` or its token, or without both by its own.
	 * It is read when it is asked for. So in a listener it may already be a later one than when what happened did.
	 */
	readonly userId?: string | undefined;
	/** The session that it logged in with, if there is one, likewise. */
	readonly sessionId?: string | undefined;
	/** What `authenticate` has told of the user beside that, or all claims of its token: a copy. */
	readonly claims?: any;
	/** The socket, for frames outside the protocol and for closing. */
	readonly socket: WebSocketSocket;
	/** The topics it is subscribed to now: a copy, so that changing the set changes nothing else. */
	readonly subscriptions: Set<string>;
	/** The rooms it is a member of now: a copy as well. */
	readonly rooms: Set<string>;
	/** When it was last heard from: bytes of any kind, also of a frame that is not whole. */
	readonly lastHeartbeat: Date;
	/** Whatever the service wants to keep with the connection. The server never reads it. */
	data?: any;
}
/** The request that opened a connection (RFC 6455, section 4.1). */
export interface WebSocketRequest {
	/** Path and query, as the client sent them. */
	readonly url: string;
	/** The header fields, names in lower case; the values of a repeated one are joined by `, `. */
	readonly headers: Readonly<Record<string, string>>;
	/** The client's IP address. Behind a proxy it is the proxy's, unless `trustProxy` says whom to believe. */
	readonly remoteAddress: string;
	/** The client's TCP port; 0 if a proxy has told the address alone. */
	readonly remotePort: number;
	/**
	 * The client's certificate, where TLS has asked for it: see `tls.requestCert`. Of an attached manager, the one that
	 * its server has asked for and trusts; on Bun no server tells it. It is not part of what `console.log` and `JSON.stringify` show.
	 */
	readonly clientCertificate?: WebSocketClientCertificate | undefined;
}
/** A fault of one message, listener or connection. The server goes on; it is told and never thrown. */
export interface WebSocketWarning {
	/** Stable name of the kind of fault, for example `ERR_INVALID_MESSAGE`. */
	code: string;
	/** The fault in words, which may change between versions. */
	message: string;
	/** The connection concerned, if it is one connection's fault. */
	connectionId?: string;
	/** What was thrown, if something was. */
	cause?: unknown;
}
/** An error that this package throws, rejects with or emits. */
export interface WebSocketError extends Error {
	/** Stable name of the kind of error. The message may change between versions. */
	code: string;
}
/** What `getStats()` returns. Totals count from the manager's start. */
export interface WebSocketStats {
	/** Open connections. */
	connections: number;
	/** Users with at least one open connection. */
	users: number;
	/** Rooms with at least one member. */
	rooms: number;
	/** Topics with at least one subscriber. */
	topics: number;
	/** Connections opened in total. */
	totalConnections: number;
	/** Messages received. */
	messagesIn: number;
	/** Messages handed to receivers: a broadcast counts once for each of them. */
	messagesOut: number;
	/** Bytes read from sockets. */
	bytesIn: number;
	/** Bytes written to sockets. */
	bytesOut: number;
	/** Bytes of payloads that wait now, counted against `memoryBudget`. */
	queuedBytes: number;
	/** How often a connection went over `maxBufferedAmount`. */
	slowConsumers: number;
	/** Threads that run the sockets. */
	shards: number;
	/** Messages that did not reach the network. */
	drops: {
		/** Sends refused over `memoryBudget`. */
		overloaded: number;
		/** Messages dropped because their receiver read too slowly. */
		slowConsumer: number;
		/** Receivers that a send counted and that had left when the engine carried it out. */
		departed: number;
		/** Messages that were queued for a receiver whose connection ended before they were written. */
		unwritten: number;
	};
	/**
	 * Handshakes, connections and messages refused, by reason, for example `not_found`, `server_overloaded` or
	 * `message_rate`, always in the same order. The README has a table of all reasons.
	 */
	refusals: Record<string, number>;
	/** Figures of the process. */
	process: ProcessStats;
}
/**
 * The events of a `WebSocketManager` and what their listeners are given.
 *
 * An event that nobody listens to never reaches the JavaScript thread. Several events may be emitted in
 * one turn of the event loop.
 */
export interface WebSocketManagerEvents<In extends WebSocketMessage = WebSocketMessage> {
	/** The manager accepts connections. */
	listening: [
		address: AddressInfo
	];
	/** A client's handshake is complete. */
	connection: [
		connection: WebSocketConnection,
		request: WebSocketRequest
	];
	/**
	 * A client sent a message whose type the protocol does not own. Without a listener the client is
	 * answered with the `error` "Unknown message type", and so it always is for a type that is missing,
	 * empty or no string.
	 */
	message: [
		message: In,
		connection: WebSocketConnection
	];
	/** A client sent a binary frame that is not a JSON message. */
	binary: [
		data: Buffer,
		connection: WebSocketConnection
	];
	/** A client sent a frame under `protocol: 'raw'`: a string for text, a Buffer for binary. */
	data: [
		data: string | Buffer,
		connection: WebSocketConnection
	];
	/** A client logged in; `connection.userId` says as whom. */
	authenticated: [
		connection: WebSocketConnection
	];
	/** A connection ended. Code 1006 means that it ended without a close frame (RFC 6455, section 7.1.5). */
	disconnect: [
		connection: WebSocketConnection,
		code: number,
		reason: string
	];
	/**
	 * The server itself failed: the port is taken, or a connection could not be accepted. For the port it is,
	 * as in Node, an uncaught exception when nobody listens and nobody called `ready()`; anything later, and keys of
	 * `jwt` that could not be fetched or used, is then a `warning`.
	 */
	error: [
		error: WebSocketError
	];
	/** A fault of one message, listener or connection. It is never thrown. */
	warning: [
		warning: WebSocketWarning
	];
	/** Node's own: a listener is about to be added. */
	newListener: [
		event: string | symbol,
		listener: (...args: unknown[]) => void
	];
	/** Node's own: a listener was removed. */
	removeListener: [
		event: string | symbol,
		listener: (...args: unknown[]) => void
	];
}
/** A topic under kafkajs's names. */
export interface EmbeddedTopic {
	/** 1 to 249 letters, digits, `.`, `_` and `-`. */
	topic: string;
	/** Default: 4, as for topics that clients create by using them. Limit: 1 to 1,000. */
	numPartitions?: number;
}
export interface EmbeddedKafkaConfig {
	/** How many brokers, each with a port of its own. Default: 1. Limit: 1 to 16. */
	brokers?: number;
	/** Topics that are there from the start. Default: none. */
	topics?: EmbeddedTopic[];
}
/**
 * Brokers inside this process, for tests and demos: librdkafka's mock cluster, which clients reach as a real one,
 * from other processes too. It starts in milliseconds, and what it holds goes with it.
 *
 * It serves producing (idempotent and in transactions too, for librdkafka's clients), fetching, consumer groups,
 * commits and metadata; topics appear when they are used. Its limits:
 * - Its ports listen on loopback (127.0.0.1) only, without TLS or SASL.
 * - Of an admin's methods it serves `listTopics`, `describeCluster`, `fetchTopicMetadata`, `fetchTopicOffsets`,
 *   `fetchTopicOffsetsByTimestamp` and `fetchOffsets` (without `resolveOffsets`). The others reject with
 *   `KafkaJSNotImplemented`: `createTopic()` of this class creates topics.
 * - Where a producer is told when the broker appended (`logAppendTime`), it is always 1234.
 * - A partition keeps 5 MB or 100,000 batches; the oldest go without a word.
 * - There is no isolation: `read_committed` sees aborted messages too. kafkajs's idempotent producer fails on it.
 * - A group has its first generation after 50 ms, not after the 3 s of a real broker. Every later change of its
 *   members takes `sessionTimeout` less a second, whether the members are ready or not, and at least till their next
 *   heartbeat. That has to be shorter than a test's patience: for consumers of this package, in the same thread,
 *   `sessionTimeout` is 2,000 ms and `heartbeatInterval` 500 ms, or less. To others give such times.
 *
 * Like a server, it keeps the process alive until `close()`.
 */
export declare class EmbeddedKafka {
	#private;
	/** `host:port` of each broker, as `brokers` of a client's configuration takes them. */
	readonly brokers: string[];
	private constructor();
	/**
	 * Starts the brokers.
	 *
	 * @throws TypeError `ERR_INVALID_OPTION_TYPE`, RangeError `ERR_INVALID_OPTION_RANGE`: an option that is not as
	 * documented.
	 * @throws Error `ERR_EMBEDDED_KAFKA`: the system has no thread or port, or two topics have one name.
	 */
	static start(config?: EmbeddedKafkaConfig): Promise<EmbeddedKafka>;
	/**
	 * Creates a topic, as many replicas as there are brokers, at most 3.
	 *
	 * @param numPartitions Default: 4. Limit: 1 to 1,000.
	 * @throws Error `ERR_EMBEDDED_KAFKA`: there is one of this name, or `close()` was called.
	 */
	createTopic(topic: string, numPartitions?: number): Promise<void>;
	/** Ends the brokers and all connections to them. Resolves when their ports are free; twice is fine. */
	close(): Promise<void>;
}
type Listener<Arguments extends unknown[]> = (...args: Arguments) => void;
declare class TypedEmitter<Events extends {
	[K in keyof Events]: unknown[];
}> extends EventEmitter {
	/** Emits an event to its listeners at once. Returns whether there were any. */
	emit: <K extends keyof Events & string>(event: K, ...args: Events[K]) => boolean;
	/** Calls `listener` for each event of this name from now on. */
	on<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this;
	/** The same as `on`. */
	addListener<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this;
	/** Calls `listener` for the next event of this name only. */
	once<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this;
	/** As `on`, before the listeners that are already there. */
	prependListener<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this;
	/** As `once`, before the listeners that are already there. */
	prependOnceListener<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this;
	/** Removes a listener that was added for this event. */
	off<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this;
	/** The same as `off`. */
	removeListener<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this;
	/** Removes all listeners, or those of one event. */
	removeAllListeners(event?: keyof Events & string): this;
}
/**
 * A WebSocket server (RFC 6455) on a port of its own, with users, rooms and topics.
 *
 * It listens as soon as it is made, and its sockets are run by threads beside the JavaScript thread. A
 * send is serialised when the call returns, arrives in the order of the calls, and never throws: a
 * message that cannot be sent gives 0 or false and a `warning`. After `close()` every method answers as
 * for a server without connections.
 *
 * Clients send JSON text frames: `authenticate` {userId, sessionId, token}, `subscribe` and
 * `unsubscribe` {topic}, `join_room` and `leave_room` {room}, `heartbeat`; each is answered. Any other
 * type is a `message` event.
 *
 * @typeParam Out - the messages that the service sends
 * @typeParam In - the messages that clients send to it
 */
export declare class WebSocketManager<Out extends WebSocketMessage = WebSocketMessage, In extends WebSocketMessage = WebSocketMessage> extends TypedEmitter<WebSocketManagerEvents<In>> {
	#private;
	/**
	 * Binds the port at once and accepts connections from the next turn of the event loop on, so that
	 * listeners set after this call see every one. A port that cannot be had is an `error` event.
	 *
	 * @throws TypeError `ERR_INVALID_OPTION_TYPE`, RangeError `ERR_INVALID_OPTION_RANGE`: an option that
	 * cannot be, named at the start of the message. RangeError `ERR_INVALID_ENV`: an environment variable. Error
	 * `ERR_TLS_CERTIFICATE`, `ERR_TLS_KEY`, `ERR_TLS_PASSPHRASE`, `ERR_TLS_KEY_MISMATCH`, `ERR_TLS_CA`: see `tls`.
	 */
	constructor(config?: WebSocketConfig | null);
	/**
	 * Attaches a manager to a server of one's own: it gets the upgrades (RFC 9110, section 7.8) of its `path`,
	 * and listens on no port. All options but `port`, `host`, `tls` and `proxyProtocol` apply. The server goes on serving http, and
	 * upgrades of other paths go to whoever listens for them; where nobody does, they are answered with 404. No other
	 * listener for `upgrade` is called for those of its path, unlike with `ws`: one that was a guard guards no longer.
	 * `close()` detaches it and leaves the server as it was.
	 *
	 * @param server - an `http.Server` or `https.Server` of Node, listening or not yet, which is what
	 * `listen()` of Express and Koa and Hono's `serve()` return, Fastify's `server` and Nest's
	 * `getHttpServer()`; the app that `app.listen()` of Elysia returns; or a server of `Bun.serve`, which should be
	 * made after this package was imported, or it raises the warning `ERR_SERVER_HANDLERS`. On Node, Elysia's adapter
	 * 1.4 does not tell where it listens: until the first upgrade, `address()` is null and `ready()` gives an empty
	 * address with the port 0.
	 * @throws TypeError `ERR_UNSUPPORTED_SERVER`: anything else, or a server that was closed. Error
	 * `ERR_PATH_IN_USE`: another manager has this path of this server. Error `ERR_TLS_ATTACHED`: the option
	 * `tls`, which is the server's. Options as in the constructor.
	 */
	static fromHttpServer<Out extends WebSocketMessage = WebSocketMessage, In extends WebSocketMessage = WebSocketMessage>(server: object, config?: WebSocketConfig | null): WebSocketManager<Out, In>;
	/**
	 * Resolves with the address as soon as the manager accepts connections, or has long done so. Rejects
	 * with the fault of binding, for example `EADDRINUSE`, or `ERR_MANAGER_CLOSED` if it was closed before. Of an
	 * attached manager it rejects with the `error` of its server, which that server emits all the same, or
	 * `ERR_SERVER_CLOSED` if it was closed. A server that is told to listen again is waited for, and its address is the new one.
	 */
	ready(): Promise<AddressInfo>;
	/**
	 * The address that it listens on, known as soon as it is made; null without one and after `close()`. Of an
	 * attached manager it is its server's, null until that listens.
	 */
	address(): AddressInfo | null;
	/**
	 * Replaces certificate, key and authorities while the manager serves, as Node's
	 * `server.setSecureContext()` does: connections that come from now on get the new ones, and open ones go on
	 * with what they began with. If it throws, all stays as it was. After `close()` it changes nothing that can be seen.
	 *
	 * @param options - what is not given stays as it was. The files that the environment names are read again, so
	 * that a manager that has its certificate from there needs no options.
	 * @throws as the constructor does for `tls`, also TypeError `ERR_INVALID_OPTION_TYPE` if nothing is given and no file can be
	 * read again; and Error `ERR_TLS_OFF`: the manager was made without `tls`; `ERR_TLS_ATTACHED`: it has no port of its own.
	 */
	setSecureContext(options?: WebSocketTls | null): void;
	/** Sends to one connection. Returns whether it was open. */
	sendToConnection(connectionId: string, message: Out): boolean;
	/** Sends to all connections of a user. Returns how many were open. */
	sendToUser(userId: string, message: Out): number;
	/** Sends to all members of a room. Returns how many were open. */
	sendToRoom(room: string, message: Out): number;
	/** Sends to all subscribers of a topic. Returns how many were open. */
	broadcastToTopic(topic: string, message: Out): number;
	/** Sends to all connections. Returns how many were open. */
	broadcast(message: Out): number;
	/**
	 * Sends a message and waits for the client's answer: the next message of that client with the same
	 * `id` that is none of the protocol's own. It need not have a `type`, unlike any other message: it is
	 * the `id` that says what it answers. The message goes out with its own `id` if that is a string of 1 to 64 bytes, else with a new one.
	 *
	 * @param options.timeout - milliseconds to wait, 1 to 2147483647. Default: 10000.
	 * @returns the answer, which is then no `message` event. Rejects with `ERR_REQUEST_TIMEOUT`,
	 * `ERR_CONNECTION_CLOSED` (also for an unknown connection), `ERR_DUPLICATE_REQUEST` (the connection's
	 * answer to another request with this `id` is still awaited), `ERR_OVERLOADED`, `ERR_INVALID_MESSAGE`,
	 * or for a timeout that cannot be.
	 */
	request<Answer extends WebSocketMessage = In>(connectionId: string, message: Out & {
		id?: string | undefined;
	}, options?: {
		timeout?: number | undefined;
	}): Promise<Answer>;
	/**
	 * Makes a connection a member of a room; joining twice counts once. What is sent to the room after
	 * this call reaches it. Returns whether the connection is open.
	 *
	 * @throws TypeError `ERR_INVALID_ARGUMENT` for a room that is neither a string nor a number
	 * (which counts in its decimal form), is empty or is over 256 bytes.
	 */
	joinRoom(connectionId: string, room: string): boolean;
	/** Ends a membership. Returns whether there was one. Throws as `joinRoom` does. */
	leaveRoom(connectionId: string, room: string): boolean;
	/** Subscribes a connection to a topic, as `joinRoom` does for a room. */
	subscribe(connectionId: string, topic: string): boolean;
	/** Ends a subscription. Returns whether there was one. Throws as `joinRoom` does. */
	unsubscribe(connectionId: string, topic: string): boolean;
	/**
	 * Closes a connection, behind what was sent to it before (RFC 6455, section 7.1.2). Returns whether it
	 * was open.
	 *
	 * @param code - 1000 to 1003, 1007 to 1014, or 3000 to 4999. Default: 1000.
	 * @param reason - at most 123 bytes of UTF-8. Default: none.
	 * @throws TypeError `ERR_INVALID_ARGUMENT` for another code or a longer reason.
	 */
	disconnect(connectionId: string, code?: number, reason?: string): boolean;
	/**
	 * Closes all connections of a user, behind what was sent to them before. Returns how many were open. Its logins
	 * that are being decided at that moment are refused. What it can come back with later is not changed: see
	 * `revokeSession` and `authenticate`.
	 *
	 * @param userId - a number, which the type does not allow for, counts in its decimal form, as in all methods.
	 * @param code - as in `disconnect`. Default: 4401.
	 * @param reason - as in `disconnect`. Default: "Disconnected".
	 * @throws as `disconnect`
	 */
	disconnectUser(userId: string, code?: number, reason?: string): number;
	/**
	 * Closes all connections of a session with 4401 "Session revoked", and refuses every login with it from now on.
	 * Returns how many were open. The newest 65,536 revoked sessions are remembered, by this manager and until it ends.
	 *
	 * @throws TypeError `ERR_INVALID_ARGUMENT` for a session that is neither a string nor a number, or is empty.
	 */
	revokeSession(sessionId: string): number;
	/** How many connections are open. */
	getConnectionCount(): number;
	/** The rooms that have members. */
	getActiveRooms(): string[];
	/** The topics that have subscribers. */
	getActiveTopics(): string[];
	/** The ids of a room's connections. */
	getRoomMembers(room: string): string[];
	/** The ids of a topic's connections. */
	getTopicSubscribers(topic: string): string[];
	/** The ids of a user's connections. */
	getUserConnections(userId: string): string[];
	/** An open connection, or undefined if there is none of this id. */
	getConnection(connectionId: string): WebSocketConnection | undefined;
	/** All open connections. This makes an object for each of them; for the number alone, see the count. */
	getConnections(): WebSocketConnection[];
	/** Figures of this manager and of the process, as they are now. */
	getStats(): WebSocketStats;
	/**
	 * Stops accepting and closes all connections with 1001 (RFC 6455, section 7.4.1). From this call on
	 * nothing is connected; `disconnect` events follow. A second call does nothing.
	 */
	close(): void;
	/**
	 * As `close`, and resolves when what was queued is written and all connections have ended, or when the
	 * time is up, which ends the rest.
	 *
	 * @param options.timeout - milliseconds, 0 to 2147483647. Default: 10000.
	 */
	shutdown(options?: {
		timeout?: number | undefined;
	}): Promise<void>;
	/** `await using manager = new WebSocketManager()`: the same as `shutdown()`. */
	[Symbol.asyncDispose]: () => Promise<void>;
}

export {};

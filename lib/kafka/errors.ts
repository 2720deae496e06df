/**
 * kafkajs's error classes: the same names, fields and `retriable`, so that what catches them there catches
 * them here.
 *
 * A longer file than others, since it is one list: it is compared with kafkajs's, and each class is a few lines.
 */

import type { PartitionMetadata } from './types.js';

/** What an error is made of: a text, another error, or a row of the protocol's table of errors. */
export type ErrorSource = Error | string | { message: string; helpUrl?: string };

/** Details of a {@link KafkaJSError}. */
export interface KafkaJSErrorMetadata {
  /** Whether the same call may succeed when it is made again. */
  retriable?: boolean;
  topic?: string;
  partitionId?: number;
  metadata?: PartitionMetadata;
}

type Options = { retriable?: boolean | undefined; cause?: unknown };

/** The root of Kafka's errors. */
export class KafkaJSError extends Error {
  /** Whether the same call may succeed when it is made again. */
  readonly retriable: boolean;
  /** Where to read about it. */
  readonly helpUrl?: string;
  declare readonly cause?: Error;

  constructor(e: ErrorSource, metadata?: KafkaJSErrorMetadata);
  constructor(e: ErrorSource, { retriable = true, cause }: Options = {}) {
    super(textOf(e), { cause });
    Error.captureStackTrace(this, this.constructor);
    // As in kafkajs, the fields are the error's own and enumerable: loggers print them.
    assign(this, { message: textOf(e), name: 'KafkaJSError' });
    this.retriable = retriable;
    assign(this, { helpUrl: (e as { helpUrl?: string }).helpUrl, cause });
  }
}

/** Trying again does not help. */
export class KafkaJSNonRetriableError extends KafkaJSError {
  constructor(e: ErrorSource, { cause }: { cause?: unknown } = {}) {
    super(e, { retriable: false, cause } as KafkaJSErrorMetadata);
    this.name = 'KafkaJSNonRetriableError';
  }
}

/** A row of the protocol's table of errors. */
export interface ProtocolErrorSource {
  message: string;
  type: string;
  code: number;
  retriable: boolean;
  /** Where to read about it. */
  helpUrl?: string;
}

/** A broker's answer that carries an error of the protocol. */
export class KafkaJSProtocolError extends KafkaJSError {
  /** The protocol's number. */
  readonly code: number;
  /** The protocol's name of it, such as `UNKNOWN_TOPIC_OR_PARTITION`. */
  readonly type: string;

  constructor(e: ErrorSource | ProtocolErrorSource, metadata: { retriable?: boolean } = {}) {
    const source = e as Partial<ProtocolErrorSource>;
    const retriable = metadata.retriable ?? source.retriable;
    super(e, (retriable === undefined ? {} : { retriable }) as KafkaJSErrorMetadata);
    this.type = source.type as string;
    this.code = source.code as number;
    this.name = 'KafkaJSProtocolError';
  }
}

/** The position that was asked for is not, or no longer, in the log. */
export class KafkaJSOffsetOutOfRange extends KafkaJSProtocolError {
  readonly topic: string;
  readonly partition: number;

  constructor(
    e: ErrorSource | ProtocolErrorSource,
    { topic, partition }: { topic: string; partition: number },
  ) {
    super(e);
    this.topic = topic;
    this.partition = partition;
    this.name = 'KafkaJSOffsetOutOfRange';
  }
}

/** The group wants the member to join again, with the id that it has been given. */
export class KafkaJSMemberIdRequired extends KafkaJSProtocolError {
  readonly memberId: string;

  constructor(e: ErrorSource | ProtocolErrorSource, { memberId }: { memberId: string }) {
    super(e);
    this.memberId = memberId;
    this.name = 'KafkaJSMemberIdRequired';
  }
}

/** A topic could not be created. */
export class KafkaJSCreateTopicError extends KafkaJSProtocolError {
  readonly topic: string;

  constructor(e: ErrorSource | ProtocolErrorSource, topicName: string) {
    super(e);
    this.topic = topicName;
    this.name = 'KafkaJSCreateTopicError';
  }
}

/** A partition could not be given to other brokers. */
export class KafkaJSAlterPartitionReassignmentsError extends KafkaJSProtocolError {
  readonly topic?: string;
  readonly partition?: number;

  constructor(e: ErrorSource | ProtocolErrorSource, topicName?: string, partition?: number) {
    super(e);
    assign(this, { topic: topicName, partition });
    this.name = 'KafkaJSAlterPartitionReassignmentsError';
  }
}

/** It was tried as often as `retry` says. `cause` is the last failure. */
export class KafkaJSNumberOfRetriesExceeded extends KafkaJSNonRetriableError {
  /** How often it was tried again. */
  readonly retryCount: number;
  /** The last wait, in milliseconds. */
  readonly retryTime: number;
  declare readonly stack: string;

  constructor(
    e: Error | string,
    { retryCount, retryTime }: KafkaJSNumberOfRetriesExceededMetadata,
  ) {
    super(e, { cause: e });
    this.retryCount = retryCount;
    this.retryTime = retryTime;
    this.name = 'KafkaJSNumberOfRetriesExceeded';
    this.stack = `${this.name}\n  Caused by: ${(e as Error).stack ?? e}`;
  }
}

/** Details of a {@link KafkaJSNumberOfRetriesExceeded}. */
export interface KafkaJSNumberOfRetriesExceededMetadata {
  retryCount: number;
  retryTime: number;
}

/** The connection to a broker could not be made, or was lost. */
export class KafkaJSConnectionError extends KafkaJSError {
  /** `host:port`, where it is known. */
  readonly broker: string;
  /** The system's code, such as `ECONNREFUSED`, where it is known. */
  readonly code?: string;

  constructor(e: ErrorSource, { broker, code }: { broker?: string; code?: string } = {}) {
    super(e);
    this.broker = broker as string;
    assign(this, { code });
    this.name = 'KafkaJSConnectionError';
  }
}

/** The connection ended while something waited for its answer. */
export class KafkaJSConnectionClosedError extends KafkaJSConnectionError {
  readonly host?: string;
  readonly port?: number;

  constructor(e: ErrorSource, { host, port }: { host?: string; port?: number } = {}) {
    super(e, { broker: `${host}:${port}` });
    assign(this, { host, port });
    this.name = 'KafkaJSConnectionClosedError';
  }
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
export class KafkaJSRequestTimeoutError extends KafkaJSError {
  declare readonly broker: string;
  declare readonly correlationId: number;
  declare readonly createdAt: number;
  declare readonly sentAt: number;
  declare readonly pendingDuration: number;

  constructor(e: ErrorSource, metadata: Partial<KafkaJSRequestTimeoutErrorMetadata> = {}) {
    super(e);
    const { broker, correlationId, createdAt, sentAt, pendingDuration } = metadata;
    assign(this, { broker, correlationId, createdAt, sentAt, pendingDuration });
    this.name = 'KafkaJSRequestTimeoutError';
  }
}

/**
 * The queue of what waits to be sent is full: nothing of this call was sent, and it may be made again when
 * other sends are done. Told from a failed delivery by its class and by `code`. kafkajs has no such error.
 */
export class KafkaJSQueueFullError extends KafkaJSError {
  readonly code = 'ERR_QUEUE_FULL';

  constructor(e: ErrorSource) {
    super(e);
    this.name = 'KafkaJSQueueFullError';
  }
}

/** Nothing is known of the cluster's topics yet. */
export class KafkaJSMetadataNotLoaded extends KafkaJSError {
  constructor(e: ErrorSource = '') {
    super(e);
    this.name = 'KafkaJSMetadataNotLoaded';
  }
}

/** Nothing is known of this topic yet. */
export class KafkaJSTopicMetadataNotLoaded extends KafkaJSMetadataNotLoaded {
  readonly topic: string;

  constructor(e: ErrorSource, { topic }: { topic?: string } = {}) {
    super(e);
    this.topic = topic as string;
    this.name = 'KafkaJSTopicMetadataNotLoaded';
  }
}

/** Partitions were assigned that this client does not know yet. */
export class KafkaJSStaleTopicMetadataAssignment extends KafkaJSError {
  readonly topic: string;
  readonly unknownPartitions: number;

  constructor(
    e: ErrorSource,
    { topic, unknownPartitions }: { topic?: string; unknownPartitions?: unknown } = {},
  ) {
    super(e);
    this.topic = topic as string;
    this.unknownPartitions = unknownPartitions as number;
    this.name = 'KafkaJSStaleTopicMetadataAssignment';
  }
}

/** Some of the groups could not be deleted. */
export class KafkaJSDeleteGroupsError extends KafkaJSError {
  readonly groups: DeleteGroupsResult[];

  constructor(e: ErrorSource, groups: DeleteGroupsResult[] = []) {
    super(e);
    this.groups = groups;
    this.name = 'KafkaJSDeleteGroupsError';
  }
}

/** What became of one group that was to be deleted. */
export interface DeleteGroupsResult {
  groupId: string;
  errorCode?: number;
  error?: KafkaJSProtocolError;
}

/** The broker is too old for this request. */
export class KafkaJSServerDoesNotSupportApiKey extends KafkaJSNonRetriableError {
  readonly apiKey: number;
  readonly apiName: string;

  constructor(e: ErrorSource, { apiKey, apiName }: { apiKey?: number; apiName?: string } = {}) {
    super(e);
    this.apiKey = apiKey as number;
    this.apiName = apiName as string;
    this.name = 'KafkaJSServerDoesNotSupportApiKey';
  }
}

/** No broker has this id. */
export class KafkaJSBrokerNotFound extends KafkaJSError {
  constructor(e: ErrorSource = '', metadata?: KafkaJSErrorMetadata) {
    super(e, metadata);
    this.name = 'KafkaJSBrokerNotFound';
  }
}

/** A record ends before its length says. */
export class KafkaJSPartialMessageError extends KafkaJSNonRetriableError {
  constructor(e: ErrorSource = '') {
    super(e);
    this.name = 'KafkaJSPartialMessageError';
  }
}

/** The broker refuses the credentials, or they are incomplete. */
export class KafkaJSSASLAuthenticationError extends KafkaJSNonRetriableError {
  constructor(e: ErrorSource = '') {
    super(e);
    this.name = 'KafkaJSSASLAuthenticationError';
  }
}

/** No broker coordinates this group. */
export class KafkaJSGroupCoordinatorNotFound extends KafkaJSNonRetriableError {
  constructor(e: ErrorSource = '') {
    super(e);
    this.name = 'KafkaJSGroupCoordinatorNotFound';
  }
}

/** This client cannot do it. */
export class KafkaJSNotImplemented extends KafkaJSNonRetriableError {
  constructor(e: ErrorSource = '') {
    super(e);
    this.name = 'KafkaJSNotImplemented';
  }
}

/** It was waited for long enough. */
export class KafkaJSTimeout extends KafkaJSNonRetriableError {
  constructor(e: ErrorSource = '') {
    super(e);
    this.name = 'KafkaJSTimeout';
  }
}

/** A lock was waited for long enough. */
export class KafkaJSLockTimeout extends KafkaJSTimeout {
  constructor(e: ErrorSource = '') {
    super(e);
    this.name = 'KafkaJSLockTimeout';
  }
}

/** Records in a format that is not known. */
export class KafkaJSUnsupportedMagicByteInMessageSet extends KafkaJSNonRetriableError {
  constructor(e: ErrorSource = '') {
    super(e);
    this.name = 'KafkaJSUnsupportedMagicByteInMessageSet';
  }
}

/** What became of one partition whose records were to be deleted. */
export interface KafkaJSDeleteTopicRecordsErrorPartition {
  partition: number;
  offset: string;
  error: KafkaJSError;
}

/** Records of some partitions could not be deleted. Retriable when each of the failures is. */
export class KafkaJSDeleteTopicRecordsError extends KafkaJSError {
  readonly partitions: KafkaJSDeleteTopicRecordsErrorPartition[];

  constructor({
    partitions,
  }: { topic?: string; partitions: KafkaJSDeleteTopicRecordsErrorPartition[] }) {
    const failures = partitions.filter(({ error }) => error != null);
    super('Error while deleting records', {
      retriable: failures.every(({ error }) => error.retriable === true),
    });
    this.name = 'KafkaJSDeleteTopicRecordsError';
    this.partitions = partitions;
  }
}

/** A fault of this package. */
export class KafkaJSInvariantViolation extends KafkaJSNonRetriableError {
  constructor(e: ErrorSource) {
    super(`Invariant violated: ${textOf(e)}. This is likely a bug and should be reported.`);
    this.name = 'KafkaJSInvariantViolation';
  }
}

/** A number of variable length that is too long. Its `name` is as in kafkajs. */
export class KafkaJSInvalidVarIntError extends KafkaJSNonRetriableError {}

/** A number that does not fit 64 bits. Its `name` is as in kafkajs. */
export class KafkaJSInvalidLongError extends KafkaJSNonRetriableError {}

/** Several failures of one call. */
export class KafkaJSAggregateError extends Error {
  readonly errors: (Error | string)[];

  constructor(message: Error | string, errors: (Error | string)[]) {
    super(message as string);
    this.errors = errors;
    this.name = 'KafkaJSAggregateError';
  }
}

/** Fetching ends because the group is rebalancing. */
export class KafkaJSFetcherRebalanceError extends Error {}

/** No broker can be reached. */
export class KafkaJSNoBrokerAvailableError extends KafkaJSError {
  constructor() {
    super('No broker available');
    this.name = 'KafkaJSNoBrokerAvailableError';
  }
}

function textOf(e: ErrorSource): string {
  return (e as Error).message || (e as string);
}

/** Sets fields that the compiler holds for read-only or for absent rather than undefined. */
function assign(error: Error, fields: Record<string, unknown>): void {
  Object.assign(error, fields);
}

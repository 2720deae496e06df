/**
 * Kafka inside the process, for tests and demos.
 */
import { kindOf } from '../arguments.js';
import { codedError } from '../errors.js';
import { NativeEmbeddedKafka } from '../native.js';

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

/** The mock's own default for topics that are created by use. */
const PARTITIONS = 4;
const MOST_PARTITIONS = 1000;
const MOST_BROKERS = 16;
/** Addresses of all that this thread has started. */
const running = new Set<string>();
const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/;

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
export class EmbeddedKafka {
  /** `host:port` of each broker, as `brokers` of a client's configuration takes them. */
  readonly brokers: string[];

  readonly #native: InstanceType<typeof NativeEmbeddedKafka>;
  #closed: Promise<void> | undefined;

  private constructor(native: InstanceType<typeof NativeEmbeddedKafka>) {
    this.#native = native;
    this.brokers = native.brokers();
    for (const broker of this.brokers) running.add(broker);
  }

  /**
   * Starts the brokers.
   *
   * @throws TypeError `ERR_INVALID_OPTION_TYPE`, RangeError `ERR_INVALID_OPTION_RANGE`: an option that is not as
   * documented.
   * @throws Error `ERR_EMBEDDED_KAFKA`: the system has no thread or port, or two topics have one name.
   */
  static async start(config: EmbeddedKafkaConfig = {}): Promise<EmbeddedKafka> {
    const complete = completed(config);
    try {
      return new EmbeddedKafka(new NativeEmbeddedKafka(JSON.stringify(complete)));
    } catch (thrown) {
      throw failure(thrown);
    }
  }

  /**
   * Creates a topic, as many replicas as there are brokers, at most 3.
   *
   * @param numPartitions Default: 4. Limit: 1 to 1,000.
   * @throws Error `ERR_EMBEDDED_KAFKA`: there is one of this name, or `close()` was called.
   */
  async createTopic(topic: string, numPartitions?: number): Promise<void> {
    const complete = completedTopic({ topic, numPartitions }, '');
    await this.#native.createTopic(JSON.stringify(complete)).catch((thrown) => {
      throw failure(thrown);
    });
  }

  /** Ends the brokers and all connections to them. Resolves when their ports are free; twice is fine. */
  close(): Promise<void> {
    this.#closed ??= this.#native.close().then(
      () => {
        for (const broker of this.brokers) running.delete(broker);
      },
      (thrown) => {
        // It is still open: the next call tries again.
        this.#closed = undefined;
        throw failure(thrown);
      },
    );
    return this.#closed;
  }
}

/** Whether these brokers are of this thread, also by the other name of where they listen. */
export function areEmbedded(brokers: string[]): boolean {
  return brokers.every((broker) => running.has(broker.replace(/^localhost(?=:)/i, '127.0.0.1')));
}

function completed(config: unknown) {
  if (typeof config !== 'object' || config === null) throw wrongType('config', 'an object', config);
  const { brokers = 1, topics = [] } = config as { brokers?: unknown; topics?: unknown };
  if (!Array.isArray(topics)) throw wrongType('topics', 'an array', topics);
  return {
    brokers: integer('brokers', brokers, MOST_BROKERS),
    topics: topics.map((topic, index) => completedTopic(topic, `topics[${index}]`)),
  };
}

function completedTopic(entry: unknown, path: string) {
  if (typeof entry !== 'object' || entry === null) throw wrongType(path, 'an object', entry);
  const { topic, numPartitions = PARTITIONS } = entry as {
    topic?: unknown;
    numPartitions?: unknown;
  };
  const prefix = path === '' ? '' : `${path}.`;
  if (typeof topic !== 'string') throw wrongType(`${prefix}topic`, 'a string', topic);
  if (!TOPIC.test(topic) || topic === '.' || topic === '..') {
    const rule = `must be a name of 1 to 249 letters, digits, ".", "_" and "-"`;
    throw codedError('ERR_INVALID_OPTION_RANGE', `${prefix}topic: ${rule}`);
  }
  return {
    topic,
    numPartitions: integer(`${prefix}numPartitions`, numPartitions, MOST_PARTITIONS),
  };
}

function integer(path: string, value: unknown, most: number): number {
  if (typeof value !== 'number') throw wrongType(path, 'a number', value);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  const limits = `an integer from 1 to ${most}`;
  throw codedError('ERR_INVALID_OPTION_RANGE', `${path}: must be ${limits}, got ${value}`);
}

function wrongType(path: string, expected: string, value: unknown): Error {
  const text = `${path}: must be ${expected}, got ${kindOf(value)}`;
  return codedError('ERR_INVALID_OPTION_TYPE', text);
}

/** What the engine said of a fault: its message is one as JSON. */
function failure(thrown: unknown): Error {
  let { message } = thrown as Error;
  try {
    const fault = JSON.parse(message);
    message = `${fault.name}: ${fault.message}`;
  } catch {
    // A failure of Node-API itself, whose text is one for people.
  }
  return codedError('ERR_EMBEDDED_KAFKA', message);
}

/**
 * The engine of a producer over librdkafka: one crossing and one promise for each send, however many messages
 * it has. Sends of one turn cross together.
 */
import { NativeProducer } from '../../native.js';
import { KafkaJSNonRetriableError } from '../errors.js';
import type {
  EngineStats,
  NativeError,
  ProducerEngine,
  ProducerEngineOptions,
  SendOptions,
} from '../native.js';
import { logNotice } from '../notices.js';
import type { RetrySettings } from '../retry.js';
import { Tokens } from '../tokens.js';
import type { Message, PartitionMetadata, RecordMetadata } from '../types.js';
import { Rows } from './rows.js';

// Taken once: a test's fake timers must not stop the engine.
const { queueMicrotask } = globalThis;

/** Messages that wait for metadata or for room, in bytes. Sends beyond it reject with KafkaJSQueueFullError. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** The engine's numbers have 32 bits. */
const LONGEST = 0x7fffffff;

/** A send that is not finished. */
interface Pending {
  topics: string[];
  acks: number;
  resolve: (metadata: RecordMetadata[]) => void;
  reject: (error: unknown) => void;
}

interface KnownProfile extends SendOptions {
  number: number;
}

/** Engines that are open: the native side calls them by a weak reference, and nobody else may hold them. */
const open = new Set<NativeProducerEngine>();

export function createProducerEngine(options: ProducerEngineOptions): ProducerEngine {
  return new NativeProducerEngine(options);
}

class NativeProducerEngine implements ProducerEngine {
  readonly #options: ProducerEngineOptions;
  readonly #native: NativeProducer;
  readonly #rows: Rows;
  readonly #tokens: Tokens | undefined;
  readonly #pending = new Map<number, Pending>();
  readonly #topics = new Map<string, number>();
  readonly #profiles: KnownProfile[] = [];
  readonly #metadata = new Map<string, { at: number; partitions: PartitionMetadata[] }>();
  #numbers = new Float64Array(4_096);
  #next = 0;
  #connected = false;
  #scheduled = false;
  readonly #flushNow = (): void => {
    this.#scheduled = false;
    this.#flush();
  };

  constructor(options: ProducerEngineOptions) {
    this.#options = options;
    const here = new WeakRef(this);
    const when = (call: (engine: NativeProducerEngine) => void) => () => {
      const engine = here.deref();
      if (engine) call(engine);
    };
    this.#native = new NativeProducer(
      JSON.stringify(nativeConfig(options)),
      when((engine) => engine.#takeFinished()),
      when((engine) => engine.#takeNotices()),
    );
    this.#rows = new Rows((table, data, rows) => this.#native.flush(table, data, rows));
    const { oauthBearerProvider: provider, logger } = options;
    const set = (token: string): void => this.#native.setToken(token);
    this.#tokens = provider && new Tokens({ provider, set, logger });
  }

  async login(): Promise<void> {
    await this.#tokens?.begin();
  }

  async connect(): Promise<void> {
    open.add(this);
    try {
      await this.#native.connect();
      this.#connected = true;
    } catch (error) {
      open.delete(this);
      throw error;
    }
  }

  async disconnect(): Promise<void> {
    this.#tokens?.end();
    try {
      this.#flush();
      await this.#native.close();
    } finally {
      this.#takeFinished();
      this.#takeNotices();
      open.delete(this);
    }
  }

  send(
    options: SendOptions,
    topicMessages: { topic: string; messages: Message[] }[],
  ): Promise<RecordMetadata[]> {
    return new Promise((resolve, reject) => {
      const profile = this.#profile(options);
      this.#next = (this.#next + 1) | 0;
      const id = this.#next;
      const mark = this.#rows.begin(id, profile);
      const topics: string[] = [];
      this.#pending.set(id >>> 0, { topics, acks: options.acks, resolve, reject });
      try {
        for (const { topic, messages } of topicMessages) {
          topics.push(topic);
          this.#rows.topic(this.#topic(topic));
          for (const message of messages) this.#rows.message(message);
        }
        this.#rows.end();
      } catch (error) {
        this.#pending.delete(id >>> 0);
        this.#rows.takeBack(mark);
        // As kafkajs's retries treat what is wrong with the code that calls.
        reject(new KafkaJSNonRetriableError(error as Error, { cause: error as Error }));
      }
      if (!this.#scheduled) {
        this.#scheduled = true;
        queueMicrotask(this.#flushNow);
      }
    });
  }

  async partitionMetadata(topic: string): Promise<PartitionMetadata[]> {
    const known = this.#metadata.get(topic);
    const now = performance.now();
    if (known && now - known.at < this.#options.config.metadataMaxAge) return known.partitions;
    const answer = await this.#native.request(JSON.stringify({ type: 'partitionMetadata', topic }));
    const partitions: PartitionMetadata[] = JSON.parse(answer);
    this.#metadata.set(topic, { at: now, partitions });
    return partitions;
  }

  stats(): EngineStats {
    const { nativeClients, threads, connections } = JSON.parse(this.#native.stats());
    return { nativeClients, threads, connections };
  }

  #profile(options: SendOptions): number {
    for (const known of this.#profiles) {
      if (
        known.acks === options.acks &&
        known.timeout === options.timeout &&
        known.compression === options.compression
      ) {
        return known.number;
      }
    }
    const { acks, compression } = options;
    const timeout = whole(options.timeout, 900_000);
    const number = this.#native.profile(JSON.stringify({ acks, timeout, compression }));
    this.#profiles.push({ ...options, number });
    return number;
  }

  #topic(name: string): number {
    let number = this.#topics.get(name);
    if (number === undefined) {
      number = this.#native.topic(name);
      this.#topics.set(name, number);
    }
    return number;
  }

  #flush(): void {
    try {
      this.#rows.flush();
    } catch (error) {
      // What has crossed and what has not cannot be told apart any more.
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
    }
  }

  /** Settles what has finished. */
  #takeFinished(): void {
    for (;;) {
      const count = this.#native.take(this.#numbers);
      if (count === 0) return;
      if (count < 0) this.#numbers = new Float64Array(-count);
      else this.#settle(count);
    }
  }

  #settle(count: number): void {
    const numbers = this.#numbers;
    let at = 0;
    while (at < count) {
      const id = numbers[at] as number;
      const partitions = numbers[at + 1] as number;
      at += 2;
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (partitions < 0) {
        const failure = this.#native.takeFailure();
        pending?.reject(failureOf(failure));
        continue;
      }
      if (pending?.acks === 0) pending.resolve([]);
      else pending?.resolve(metadataOf(pending.topics, numbers, at, partitions));
      at += partitions * 4;
    }
  }

  #takeNotices(): void {
    for (const json of this.#native.takeNotices())
      logNotice(this.#options.logger, JSON.parse(json), !this.#connected);
  }
}

/** What the core's `ProducerConfig` is made of. */
function nativeConfig(options: ProducerEngineOptions): object {
  const { config, retry, idempotent, maxInFlightRequests } = options;
  return {
    client: config,
    idempotent,
    ...(maxInFlightRequests !== undefined && {
      maxInFlight: whole(maxInFlightRequests, 1_000_000),
    }),
    retries: whole(retry.retries, LONGEST),
    messageTimeout: messageTimeout(retry, config.requestTimeout),
    ...(!config.allowAutoTopicCreation && {
      missingTimeout: whole(waitsOf(retry), LONGEST),
    }),
    maxWaitingBytes: MAX_WAITING_BYTES,
    closeTimeout: whole(config.requestTimeout, LONGEST),
  };
}

/** How long kafkajs would try: its waits, and a request's time. 0: without end. */
function messageTimeout(retry: RetrySettings, requestTimeout: number): number {
  const time = waitsOf(retry) + requestTimeout;
  return time >= LONGEST ? 0 : Math.max(1, Math.round(time));
}

/** All waits of kafkajs together. */
function waitsOf({ initialRetryTime, multiplier, maxRetryTime, retries }: RetrySettings): number {
  let wait = initialRetryTime;
  let time = 0;
  // Until each wait is as long as the one before.
  let left = retries;
  for (; left > 0 && wait > 0 && wait < maxRetryTime && multiplier > 1; left -= 1) {
    time += wait;
    wait = Math.min(wait * multiplier, maxRetryTime);
  }
  return time + Math.max(0, left) * wait;
}

function whole(number: number, most: number): number {
  return Math.min(Math.max(0, Math.round(Number(number) || 0)), most);
}

function metadataOf(
  topics: string[],
  numbers: Float64Array,
  start: number,
  count: number,
): RecordMetadata[] {
  const metadata: RecordMetadata[] = new Array(count);
  for (let index = 0, at = start; index < count; index += 1, at += 4) {
    metadata[index] = {
      topicName: topics[numbers[at] as number] as string,
      partition: numbers[at + 1] as number,
      errorCode: 0,
      baseOffset: String(numbers[at + 2]),
      logAppendTime: String(numbers[at + 3]),
      // The engine does not see it; it is this one until records are deleted.
      logStartOffset: '0',
    };
  }
  return metadata;
}

function failureOf(json: string | null): NativeError {
  return json === null ? { code: -1, name: 'UNKNOWN', message: '' } : JSON.parse(json);
}

/**
 * What the tests of Kafka's TypeScript share: what two libraries throw, and an engine that only records.
 */
import type { KafkaConfig } from '../../lib/kafka/types.js';
import type { EngineStats, ProducerEngine, ProducerEngineOptions } from '../../lib/kafka/native.js';
import { Kafka } from '../../lib/kafka/kafka.js';
import type { PartitionMetadata, RecordMetadata } from '../../lib/kafka/types.js';

/** What users see of an error; 'nothing' where none was thrown. */
export async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return seen(error);
  }
  return 'nothing';
}

/** The fields of an error that its users compare. */
export function seen(error: unknown): unknown {
  const { name, message, type, code, retriable, broker } = error as Record<string, unknown>;
  return { name, message, type, code, retriable, broker };
}

export function partitionsOf(count: number, leader = 1): PartitionMetadata[] {
  return Array.from({ length: count }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader,
    replicas: [1],
    isr: [1],
  }));
}

/** An engine that records its calls and answers what it is told to. */
export class RecordingEngine implements ProducerEngine {
  readonly calls: unknown[][] = [];
  connecting: () => Promise<void> = async () => {};
  sending: () => Promise<RecordMetadata[]> = async () => [];
  metadata: PartitionMetadata[] = partitionsOf(3);

  constructor(readonly options: ProducerEngineOptions) {}

  async connect(): Promise<void> {
    this.calls.push(['connect']);
    await this.connecting();
  }

  async disconnect(): Promise<void> {
    this.calls.push(['disconnect']);
  }

  async send(...args: Parameters<ProducerEngine['send']>): Promise<RecordMetadata[]> {
    this.calls.push(['send', ...args]);
    return this.sending();
  }

  async partitionMetadata(topic: string): Promise<PartitionMetadata[]> {
    this.calls.push(['partitionMetadata', topic]);
    return this.metadata;
  }

  stats(): EngineStats {
    return { nativeClients: 1, threads: 3, connections: 2 };
  }
}

/** A Kafka with recording engines, which `prepare` may change as they are made. It logs nothing. */
export function recordingKafka(
  config: Partial<KafkaConfig> = {},
  prepare: (engine: RecordingEngine) => void = () => {},
) {
  const engines: RecordingEngine[] = [];
  const kafka = new Kafka(
    { brokers: ['localhost:9092'], logLevel: 0, retry: { retries: 0 }, ...config },
    {
      producer: (options) => {
        const engine = new RecordingEngine(options);
        prepare(engine);
        engines.push(engine);
        return engine;
      },
    },
  );
  return { kafka, engines };
}

/** An engine's error as it crosses. */
export function crossed(native: { code: number; name: string; message: string; fatal?: boolean }) {
  return Object.assign(new Error(JSON.stringify(native)), { code: 'KAFKA' });
}

/** A promise, and what settles it. */
export function deferred(): {
  promise: Promise<void>;
  resolve: () => void;
  reject: (e: Error) => void;
} {
  let resolve = (): void => {};
  let reject = (_: Error): void => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

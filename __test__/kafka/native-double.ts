/**
 * A native consumer that a test plays: it says when notices and batches come, and by which of the two doors first.
 */
import { onTestFinished } from 'vitest';
import type { KafkaConfig } from '../../lib/kafka/config.js';
import { createConsumer } from '../../lib/kafka/consumer/consumer.js';
import type { NativeConsumer } from '../../lib/kafka/consumer/engine.js';
import type { Consumer, ConsumerConfig } from '../../lib/kafka/consumer/types.js';
import { Kafka } from '../../lib/kafka/kafka.js';

export interface Request {
  type: string;
  topics?: { topic: string }[] | string[];
  [more: string]: unknown;
}

/** Messages of partition 0 of topic `a`, with values of so many zeros. */
export interface Run {
  assignment: number;
  epoch?: number;
  offset: number;
  count: number;
  bytes?: number;
}

const CLUSTER = { clusterId: null, controller: 1, topics: [], brokers: [] };

/** How long `disconnect` waits for handlers here. Milliseconds. */
export const PATIENCE = 100;

/** The cluster has these topics, without partitions of note, or has not. */
export function topicsOf({ topics = [] }: Request, error: object | null) {
  const named = topics.map((it) => (typeof it === 'string' ? it : it.topic));
  return { ...CLUSTER, topics: named.map((name) => ({ name, error, partitions: [] })) };
}

/** Lets what is under way go on for a while. */
export const later = (time = 50) => new Promise((resolve) => setTimeout(resolve, time));

export class NativeDouble implements NativeConsumer {
  readonly requests: Request[] = [];
  readonly commands: Request[] = [];
  readonly notices: object[] = [];
  readonly batches: Buffer[] = [];
  /** How often a batch was taken. */
  taken = 0;
  onNotice = (): void => {};
  onBatch = (): void => {};
  /** May throw. Undefined is what a cluster without faults says. */
  answer: (request: Request) => unknown = () => undefined;

  /** How often it was asked this. */
  count(type: string): number {
    return this.requests.filter((it) => it.type === type).length;
  }

  /** The consumer over it, which a test may configure. */
  consumer(config: Partial<ConsumerConfig> = {}, kafkaConfig: Partial<KafkaConfig> = {}): Consumer {
    const double = this;
    class Native implements NativeConsumer {
      constructor(_: string, onNotice: () => void, onBatch: () => void) {
        double.onNotice = onNotice;
        double.onBatch = onBatch;
      }
      take = () => double.take();
      topics = () => double.topics();
      takeNotices = () => double.takeNotices();
      stats = () => double.stats();
      setToken = () => double.setToken();
      command = (json: string) => double.command(json);
      request = (json: string) => double.request(json);
    }
    const kafka = new Kafka(
      { brokers: ['a:1'], logLevel: 0, ...kafkaConfig },
      { consumer: (options) => createConsumer({ ...options, Native, patience: PATIENCE }) },
    );
    const consumer = kafka.consumer({ groupId: 'g', retry: { initialRetryTime: 1 }, ...config });
    onTestFinished(() => consumer.disconnect());
    return consumer;
  }

  assign(assignment: number): void {
    const partitions = [{ topic: 'a', partition: 0 }];
    this.notices.push({ type: 'assigned', assignment, partitions, memberId: 'm', generation: 1 });
  }

  revoke(assignment: number): void {
    const partitions = [{ topic: 'a', partition: 0 }];
    this.notices.push({ type: 'revoked', assignment, partitions, lost: false });
  }

  take(): Buffer | null {
    const batch = this.batches.shift() ?? null;
    if (batch !== null) this.taken += 1;
    return batch;
  }

  topics(): string[] {
    return ['a'];
  }

  takeNotices(): string[] {
    return this.notices.splice(0).map((notice) => JSON.stringify(notice));
  }

  stats(): string {
    return '{}';
  }

  setToken(): void {}

  command(json: string): void {
    this.commands.push(JSON.parse(json));
  }

  async request(json: string): Promise<string> {
    const request = JSON.parse(json) as Request;
    this.requests.push(request);
    const answered = await this.answer(request);
    if (answered !== undefined) return JSON.stringify(answered);
    return JSON.stringify(request.type === 'declare' ? topicsOf(request, null) : CLUSTER);
  }
}

/** One batch of one run, in the layout of `core/src/kafka/consumer/pack.rs`. */
export function batch({ assignment, epoch = 0, offset, count, bytes = 0 }: Run): Buffer {
  const data = Math.ceil((count * bytes) / 8) * 8;
  const memory = new ArrayBuffer(data + 56 + 24 * count + 8);
  new Float64Array(memory, data, 4).set([offset, 0, offset + count, offset + count]);
  new Int32Array(memory, data + 32, 6).set([0, 0, assignment, epoch, 0, count]);
  const rows = new Int32Array(memory, data + 56, 6 * count + 2);
  for (let index = 0; index < count; index += 1) {
    rows.set([index * bytes, -1, bytes, 0, index, 0], 6 * index);
  }
  rows.set([1, count], 6 * count);
  return Buffer.from(memory);
}

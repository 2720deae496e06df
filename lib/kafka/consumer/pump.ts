/**
 * When a consumer's batches are handled: so many partitions at a time, each one's batches in order.
 */
import type { ConsumerEventPayloads } from '../events.js';
import type { Instrumentation } from '../instrumentation.js';
import { type Run, runsOf } from './batch.js';
import type { ConsumerEngine } from './engine.js';
import type { Failures } from './failures.js';
import type { BatchHandler, MessageHandler } from './handlers.js';
import type { Offsets } from './offsets.js';
import type { Partition, Partitions } from './partitions.js';

// Taken once: a test's fake timers must not stop the engine.
const { setImmediate } = globalThis;

/**
 * Messages, and bytes of them, that may wait here for a handler that is free, so that a partition which is slow, or waits
 * after a failure, does not hold all. With more the next batch has to wait.
 */
const BACKLOG = 10_000;
const BACKLOG_BYTES = 16 << 20;

export interface PumpOptions {
  engine: ConsumerEngine;
  events: Instrumentation<ConsumerEventPayloads>;
  nodeId: number;
  partitions: Partitions;
  offsets: Offsets;
  failures: Failures;
  /** Undefined: batches count as handled. */
  handler: MessageHandler | BatchHandler | undefined;
  /** Partitions that are handled at a time. */
  concurrency: number;
  isRunning: () => boolean;
  /** Lets the engine go on with a partition that was resumed while it was being handled. */
  resume: (partition: Partition) => void;
}

export class Pump {
  readonly #options: PumpOptions;
  /** Partitions with something to handle, in the order in which it came. */
  #ready: Partition[] = [];
  readonly #backlog = { messages: 0, bytes: 0 };
  #active = 0;
  #pumping = false;
  #pumpLater: NodeJS.Immediate | undefined;
  #idle: (() => void)[] = [];
  #fetchStart = 0;

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  /** Handlers that run. */
  get active(): number {
    return this.#active;
  }

  /** Gives batches to handlers, as many as may run at a time. */
  pump(): void {
    if (this.#pumping) return;
    const { isRunning, concurrency } = this.#options;
    this.#pumping = true;
    this.#pumpLater = undefined;
    try {
      while (isRunning() && this.#active < concurrency) {
        const partition = this.#ready.shift();
        if (partition !== undefined) this.#begin(partition);
        else if (this.#isFull || !this.#takeBatch()) break;
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Is to be handled, unless it is being handled, or waits after a failure. */
  enqueue(partition: Partition): void {
    if (partition.busy || partition.waiting || partition.runs.length === 0) return;
    if (!this.#ready.includes(partition)) this.#ready.push(partition);
    if (!this.#pumping) this.#pumpSoon();
  }

  /** What waits of it is not to be handled any more. */
  drop(partition: Partition): void {
    for (const run of partition.runs) this.#count(run, -1);
    partition.drop();
  }

  /** It was resumed while a handler was busy with it: now the engine is told, or when that has ended. */
  goOn(partition: Partition): void {
    if (!partition.resumeLater || partition.busy) return;
    partition.resumeLater = false;
    partition.epoch += 1;
    this.#options.resume(partition);
  }

  /** Resolves when no handler runs. */
  handlersDone(): Promise<void> {
    if (this.#active === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** For the events `consumer.fetch_start` and `consumer.fetch`. */
  beginFetch(): void {
    this.#fetchStart = Date.now();
    this.#options.events.emit('consumer.fetch_start', { nodeId: this.#options.nodeId });
  }

  get #isFull(): boolean {
    return this.#backlog.messages > BACKLOG || this.#backlog.bytes > BACKLOG_BYTES;
  }

  /** A run has come, or is gone. */
  #count(run: Run, sign: 1 | -1): void {
    this.#backlog.messages += sign * run.count;
    this.#backlog.bytes += sign * run.bytes;
  }

  /** Lets timers and I/O go on between batches. */
  #pumpSoon(): void {
    this.#pumpLater ??= setImmediate(() => this.pump());
  }

  #takeBatch(): boolean {
    const { engine, partitions } = this.#options;
    const batch = engine.take();
    if (batch === null) return false;
    this.#endFetch();
    for (const run of runsOf(batch, (topic) => engine.topic(topic))) {
      const partition = partitions.get(run.topic, run.partition);
      if (!partition.takes(run) || partitions.revoking) continue;
      this.#count(run, 1);
      partition.runs.push(run);
      if (partition.runs.length === 1) this.enqueue(partition);
    }
    return true;
  }

  #begin(partition: Partition): void {
    const run = partition.runs.shift();
    if (run === undefined || partition.busy) return;
    this.#count(run, -1);
    partition.busy = true;
    partition.alive = Date.now();
    this.#active += 1;
    const { cuts } = partition;
    const done = (failure?: { error: unknown }): void => this.#end(partition, run, cuts, failure);
    const { handler } = this.#options;
    if (handler === undefined) {
      done();
      return;
    }
    handler.handle(partition, run).then(
      () => done(),
      (error) => done({ error }),
    );
  }

  #end(partition: Partition, run: Run, cuts: number, failure?: { error: unknown }): void {
    this.#active -= 1;
    partition.busy = false;
    const { failures, isRunning, offsets, partitions } = this.#options;
    offsets.commitSoon();
    if (partition.assignment !== 0 && isRunning() && !partitions.revoking) {
      const stale = partition.cuts !== cuts;
      if (failure !== undefined) {
        failures.add(partition, failure.error);
        if (!stale) this.#handleAgain(partition, run);
      } else {
        partition.failures = 0;
        if (!stale && partition.rewind) this.#goBack(partition);
      }
      this.goOn(partition);
    }
    partition.rewind = false;
    this.enqueue(partition);
    if (this.#active === 0) {
      for (const resolve of this.#idle.splice(0)) resolve();
    }
    this.#pumpSoon();
  }

  /** What is not resolved of it comes first, when the partition has waited. */
  #handleAgain(partition: Partition, run: Run): void {
    if ((partition.next as number) < run.offset(0)) {
      this.#goBack(partition);
      return;
    }
    partition.runs.unshift(run);
    this.#count(run, 1);
  }

  /** Reads again from the first message that is not resolved. */
  #goBack(partition: Partition): void {
    this.drop(partition);
    partition.epoch += 1;
    const { topic, partition: number, next, epoch } = partition;
    if (next !== undefined) this.#options.engine.seek(topic, number, String(next), epoch);
  }

  #endFetch(): void {
    const { events, nodeId } = this.#options;
    const duration = Date.now() - this.#fetchStart;
    events.emit('consumer.fetch', { numberOfBatches: 0, duration, nodeId });
    this.beginFetch();
  }
}

/**
 * What is done with a batch: users' handlers, and kafkajs's steps around them.
 */
import { KafkaJSError } from '../errors.js';
import type { ConsumerEventPayloads } from '../events.js';
import type { Instrumentation } from '../instrumentation.js';
import type { Logger } from '../logger.js';
import type { Offsets as OffsetsToCommit } from '../types.js';
import { isThenable } from '../../thenable.js';
import { batchOf, type Run } from './batch.js';
import { isRebalancing, rebalancing } from './failures.js';
import type { Heartbeats } from './heartbeats.js';
import type { Offsets } from './offsets.js';
import type { Partition, Partitions } from './partitions.js';
import type { EachBatchHandler, EachMessageHandler } from './types.js';

/** What `run` is given. */
export interface Handlers {
  eachMessage: EachMessageHandler | null;
  eachBatch: EachBatchHandler | null;
  eachBatchAutoResolve: boolean;
}

/** What handling needs of its run. */
export interface Work {
  partitions: Partitions;
  offsets: Offsets;
  heartbeats: Heartbeats;
  events: Instrumentation<ConsumerEventPayloads>;
  logger: Logger;
  isRunning: () => boolean;
  isPaused: (topic: string, partition: number) => boolean;
  /** Gives what resumes it. */
  pause: (topic: string, partition: number) => () => void;
}

/** One batch that is being handled. */
class Task {
  readonly partition: Partition;
  readonly run: Run;
  readonly work: Work;
  /** Where to begin: what a handler has resolved before it failed does not come again. */
  readonly from: number;
  readonly #moves: number;
  readonly #cuts: number;

  constructor(partition: Partition, run: Run, work: Work) {
    this.partition = partition;
    this.run = run;
    this.work = work;
    this.#moves = partition.moves;
    this.#cuts = partition.cuts;
    // What was not read before can only lie before `next` when that is an offset which the partition does not have,
    // or has no more: it has begun anew.
    const anew = !run.begun && run.offset(0) < (partition.next ?? 0);
    run.begun = true;
    if (anew) partition.next = run.offset(0);
    partition.next ??= run.offset(0);
    this.from = run.from(partition.next);
    partition.committed ??= partition.next;
  }

  /** Whether the partition was sought elsewhere, or is another member's, since the batch was read. */
  get isStale(): boolean {
    return this.partition.moves !== this.#moves;
  }

  /** Whether the next message of this batch may be handled. */
  get goesOn(): boolean {
    return this.partition.cuts === this.#cuts && this.work.isRunning();
  }

  /** All up to this offset is handled. What comes too late is ignored. */
  resolve(next: number): void {
    if (!this.isStale) this.work.offsets.resolve(this.partition, next);
  }

  /** The partition is gone: its handler is too late. */
  get isLate(): boolean {
    return this.partition.assignment !== this.run.assignment;
  }

  readonly pause = (): (() => void) => this.work.pause(this.run.topic, this.run.partition);
}

/** Calls `eachMessage`. */
export class MessageHandler {
  readonly #eachMessage: EachMessageHandler;
  readonly #work: Work;

  constructor(eachMessage: EachMessageHandler, work: Work) {
    this.#eachMessage = eachMessage;
    this.#work = work;
  }

  async handle(partition: Partition, run: Run): Promise<void> {
    const work = this.#work;
    const task = new Task(partition, run, work);
    const ended = began(task);
    if (task.from === run.count) task.resolve(run.next);
    const { topic, partition: number } = run;
    const { pause } = task;
    const heartbeat = async (): Promise<void> => {
      if (task.isLate) throw rebalancing();
      work.heartbeats.beat(partition);
    };
    const eachMessage = this.#eachMessage;
    const last = run.count - 1;
    for (let index = task.from; index <= last; index += 1) {
      if (!task.goesOn) break;
      const message = run.message(index);
      try {
        // Awaiting what is no promise would cost a turn for each message.
        const handled: unknown = eachMessage({
          topic,
          partition: number,
          message,
          heartbeat,
          pause,
        });
        if (isThenable(handled)) await handled;
      } catch (error) {
        logFailure(task, 'eachMessage', run.offset(index), error);
        await work.offsets.commitNow();
        throw error;
      }
      task.resolve(index === last ? run.next : run.offset(index) + 1);
      work.heartbeats.beat(partition);
      const committed = work.offsets.afterMessage();
      if (committed !== undefined) await committed.catch(ignoreLate);
    }
    ended();
  }
}

/** Calls `eachBatch`. */
export class BatchHandler {
  readonly #eachBatch: EachBatchHandler;
  readonly #autoResolve: boolean;
  readonly #work: Work;

  constructor(eachBatch: EachBatchHandler, autoResolve: boolean, work: Work) {
    this.#eachBatch = eachBatch;
    this.#autoResolve = autoResolve;
    this.#work = work;
  }

  async handle(partition: Partition, run: Run): Promise<void> {
    const work = this.#work;
    const task = new Task(partition, run, work);
    const ended = began(task);
    if (task.from === run.count) {
      task.resolve(run.next);
      ended();
      return;
    }
    const batch = batchOf(run, task.from);
    const last = run.offset(run.count - 1);
    const late = (): boolean => task.isLate || work.partitions.revoking;
    try {
      await this.#eachBatch({
        batch,
        // The last message's offset stands for the control records behind it, which nobody sees.
        resolveOffset: (offset) => {
          const resolved = Number(offset);
          task.resolve(resolved === last ? run.next : resolved + 1);
        },
        heartbeat: async () => {
          if (late()) throw rebalancing();
          work.heartbeats.beat(partition);
        },
        pause: task.pause,
        commitOffsetsIfNecessary: async (offsets?: OffsetsToCommit) => {
          if (task.isLate) throw rebalancing();
          await (offsets ? work.offsets.commit(offsets.topics) : work.offsets.commitIfNecessary());
        },
        uncommittedOffsets: () => work.offsets.uncommitted(),
        isRunning: work.isRunning,
        isStale: () => task.isStale || late(),
      });
    } catch (error) {
      logFailure(task, 'eachBatch', run.offset(task.from), error);
      await work.offsets.commitNow();
      throw error;
    }
    if (this.#autoResolve) task.resolve(run.next);
    else partition.rewind = !task.isStale && (partition.next as number) < run.next;
    ended();
  }
}

/** Tells listeners that a batch is begun, and gives what tells them that it is done. */
function began({ run, work, from }: Task): () => void {
  const { events } = work;
  const begun = 'consumer.start_batch_process';
  const done = 'consumer.end_batch_process';
  if (!events.has(begun) && !events.has(done)) return () => {};
  const start = Date.now();
  const high = run.highWatermark;
  const last = run.next - 1;
  const payload = {
    topic: run.topic,
    partition: run.partition,
    highWatermark: String(high),
    offsetLag: String(high - 1 - last),
    offsetLagLow: String(high - 1 - run.offset(from)),
    batchSize: run.count - from,
    firstOffset: String(run.offset(from)),
    lastOffset: String(last),
  };
  events.emit(begun, payload);
  return () => events.emit(done, { ...payload, duration: Date.now() - start });
}

function logFailure({ run, work }: Task, what: string, offset: number, error: unknown): void {
  if (error instanceof KafkaJSError) return;
  work.logger.error(`Error when calling ${what}`, {
    topic: run.topic,
    partition: run.partition,
    offset: String(offset),
    stack: (error as Error | undefined)?.stack,
    error,
  });
}

/** A commit that came too late is the next owner's to make. */
function ignoreLate(error: unknown): void {
  if (!isRebalancing(error)) throw error;
}

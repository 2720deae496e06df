/**
 * One run of a consumer: what its users order, and how its parts work together. `pump.ts` has batches handled,
 * `membership.ts` takes partitions and gives them back, `offsets.ts` commits.
 */
import { KafkaJSError } from '../errors.js';
import type { ConsumerEventPayloads } from '../events.js';
import type { Instrumentation } from '../instrumentation.js';
import type { Logger } from '../logger.js';
import type { RetrySettings } from '../retry.js';
import type { ConsumerSettings, TopicCommits } from './checks.js';
import type { ConsumerEngine } from './engine.js';
import { Failures, isForbidden } from './failures.js';
import { BatchHandler, type Handlers, MessageHandler, type Work } from './handlers.js';
import { Heartbeats } from './heartbeats.js';
import { Membership } from './membership.js';
import { Offsets } from './offsets.js';
import { type Partition, Partitions } from './partitions.js';
import { Pauses } from './pauses.js';
import { Pump } from './pump.js';
import type { TopicPartitions } from './types.js';

/** Commits that fail in a row before it is a warning. */
const COMMIT_FAILURES = 3;

export interface RunnerOptions extends Handlers {
  engine: ConsumerEngine;
  settings: ConsumerSettings;
  retry: RetrySettings;
  events: Instrumentation<ConsumerEventPayloads>;
  logger: Logger;
  topics: string[];
  nodeId: number;
  autoCommit: boolean;
  autoCommitInterval: number | null;
  autoCommitThreshold: number | null;
  partitionsConsumedConcurrently: number;
  /** The run cannot go on. */
  onCrash: (error: Error) => void;
}

export class Runner {
  readonly #options: RunnerOptions;
  readonly #partitions = new Partitions();
  readonly #pauses = new Pauses();
  readonly #offsets: Offsets;
  readonly #heartbeats: Heartbeats;
  readonly #failures: Failures;
  readonly #pump: Pump;
  readonly #membership: Membership;
  #running = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
    const { engine, events, settings } = options;
    this.#heartbeats = new Heartbeats(
      events,
      settings,
      () => this.#pump.active === 0,
      () => this.#lookForHung(),
    );
    this.#offsets = new Offsets(this.#partitions, {
      ...options,
      commit: (assignment, offsets) => engine.commit(assignment, offsets),
      onCommitted: (topics) => {
        events.emit('consumer.commit_offsets', { ...this.#heartbeats.member(), topics });
      },
      onFailure: (error, times) => this.#commitFailed(error as Error, times),
    });
    const work = {
      partitions: this.#partitions,
      offsets: this.#offsets,
      heartbeats: this.#heartbeats,
      events,
      logger: options.logger,
      isRunning: () => this.#running,
      isPaused: (topic: string, partition: number) => this.#pauses.has(topic, partition),
      pause: (topic: string, partition: number) => {
        this.pause([{ topic, partitions: [partition] }]);
        return () => this.resume([{ topic, partitions: [partition] }]);
      },
    };
    this.#failures = new Failures(options.retry, {
      wake: (partition) => this.#pump.enqueue(partition),
      crash: (error) => this.#crash(error),
    });
    this.#pump = new Pump({
      ...work,
      engine,
      failures: this.#failures,
      handler: handlerOf(options, work),
      nodeId: options.nodeId,
      concurrency: options.partitionsConsumedConcurrently,
      resume: (partition) => this.#tellPauses([partition]),
    });
    this.#membership = new Membership({
      ...work,
      engine,
      settings,
      topics: options.topics,
      pump: this.#pump,
      crash: (error) => this.#crash(error),
    });
    engine.onNotices = (notices) => {
      for (const notice of notices) this.#membership.take(notice);
    };
    engine.onBatch = () => this.#pump.pump();
  }

  /** Joins the group. Resolves when partitions were assigned, or none of them for now. */
  async start(): Promise<void> {
    this.#running = true;
    await this.#membership.join();
  }

  /**
   * Lets handlers finish, for as long as `patience` lets it, and commits what is resolved: first what is so already,
   * since a handler that hangs may use up all of the patience.
   */
  async stop(patience: Promise<void>): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    this.#membership.stop();
    this.#failures.stop();
    this.#heartbeats.stop();
    for (const partition of this.#partitions.all()) this.#pump.drop(partition);
    await Promise.race([this.#offsets.commitNow(), patience]);
    await Promise.race([this.#pump.handlersDone(), patience]);
    await Promise.race([this.#offsets.commitNow(), patience]);
    this.#partitions.unassign();
  }

  get isRunning(): boolean {
    return this.#running;
  }

  async commitOffsets(topics: TopicCommits[]): Promise<void> {
    if (!this.#running) return;
    const offsets = topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((it) => ({ ...it, offset: String(it.offset) })),
    }));
    await this.#offsets.commit(offsets);
  }

  seek(topic: string, partition: number, offset: bigint): void {
    const sought = this.#partitions.get(topic, partition);
    this.#pump.drop(sought);
    sought.epoch += 1;
    sought.moves += 1;
    sought.failures = 0;
    sought.next = offset < 0n ? undefined : Number(offset);
    this.#options.engine.seek(topic, partition, String(offset), sought.epoch);
    if (sought.assignment !== 0) this.#offsets.commitSoon();
  }

  pause(topicPartitions: { topic: string; partitions?: number[] | undefined }[]): void {
    this.#options.logger.info(`Pausing fetching from ${topicPartitions.length} topics`, {
      topicPartitions,
    });
    this.#changePauses(topicPartitions, (topic, list) => this.#pauses.pause(topic, list));
  }

  resume(topicPartitions: { topic: string; partitions?: number[] | undefined }[]): void {
    this.#options.logger.info(`Resuming fetching from ${topicPartitions.length} topics`, {
      topicPartitions,
    });
    this.#changePauses(topicPartitions, (topic, list) => this.#pauses.resume(topic, list));
  }

  paused(): TopicPartitions[] {
    const paused = this.#partitions.byTopic((it) => this.#pauses.has(it.topic, it.partition));
    return Array.from(paused, ([topic, partitions]) => ({ topic, partitions }));
  }

  #changePauses(
    topicPartitions: { topic: string; partitions?: number[] | undefined }[],
    change: (topic: string, partitions: number[] | undefined) => void,
  ): void {
    const isPaused = (it: Partition): boolean => this.#pauses.has(it.topic, it.partition);
    const before = new Map(Array.from(this.#partitions.all(), (it) => [it, isPaused(it)]));
    for (const { topic, partitions } of topicPartitions) change(topic, partitions);
    const changed = [...before].filter(([it, was]) => was !== isPaused(it)).map(([it]) => it);
    const now = changed.filter((it) => {
      this.#pump.drop(it);
      it.epoch += 1;
      it.resumeLater = it.busy && !isPaused(it);
      return !it.resumeLater;
    });
    this.#tellPauses(now);
  }

  /** One that a handler is busy with stays paused in the engine until it is known where it goes on. */
  #tellPauses(changed: Partition[]): void {
    const rules = this.#pauses.rules();
    for (const { topic, partition, resumeLater } of this.#partitions.all()) {
      if (!resumeLater) continue;
      const rule = rules.find((it) => it.topic === topic);
      rule?.paused.push(partition);
    }
    const changes = changed.map(({ topic, partition, epoch, next }) => ({
      topic,
      partition,
      epoch,
      offset: next === undefined ? null : String(next),
    }));
    this.#options.engine.pauses(rules, changes);
  }

  // ---- commits and ends

  /** It is tried again; one that goes on failing is not for those alone who look for it. */
  #commitFailed(error: Error, times: number): void {
    const { groupId } = this.#options.settings;
    const level = times < COMMIT_FAILURES ? 'debug' : 'warn';
    this.#options.logger[level](`Offsets were not committed: ${error.message}`, { groupId, times });
    if (isForbidden((error as { type?: string }).type ?? '')) this.#crash(error);
  }

  /** A handler that shows no life any more holds its partitions for nothing. */
  #lookForHung(): void {
    const { maxHandlerTime } = this.#options.settings;
    if (maxHandlerTime === 0 || this.#pump.active === 0) return;
    const since = Date.now() - maxHandlerTime;
    for (const { busy, alive, topic, partition } of this.#partitions.assigned()) {
      if (!busy || alive >= since) continue;
      const what = `The handler of ${topic}[${partition}] has shown no life for ${maxHandlerTime} ms`;
      this.#crash(new KafkaJSError(`${what} (maxHandlerTime)`));
      return;
    }
  }

  #crash(error: Error): void {
    if (this.#running) this.#options.onCrash(error);
  }
}

function handlerOf(handlers: Handlers, work: Work): MessageHandler | BatchHandler | undefined {
  const { eachMessage, eachBatch, eachBatchAutoResolve } = handlers;
  if (eachMessage) return new MessageHandler(eachMessage, work);
  return eachBatch ? new BatchHandler(eachBatch, eachBatchAutoResolve, work) : undefined;
}

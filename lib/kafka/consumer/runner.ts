/**
 * One run of a consumer: takes batches, has them handled, and gives partitions back when the group wants them.
 */
import { KafkaJSError } from '../errors.js';
import type { ConsumerEventPayloads } from '../events.js';
import type { Instrumentation } from '../instrumentation.js';
import type { Logger } from '../logger.js';
import { logNotice } from '../notices.js';
import { fromNativeError, kafkaErrorOf } from '../native-errors.js';
import type { RetrySettings } from '../retry.js';
import { type Run, runsOf } from './batch.js';
import type { ConsumerSettings, TopicCommits } from './checks.js';
import type { ConsumerEngine, Notice, Place } from './engine.js';
import { Failures } from './failures.js';
import { BatchHandler, type Handlers, MessageHandler } from './handlers.js';
import { Heartbeats } from './heartbeats.js';
import { Offsets } from './offsets.js';
import { type Partition, Partitions } from './partitions.js';
import { Pauses } from './pauses.js';
import type { TopicPartitions } from './types.js';

/** Messages that may wait here for a handler that is free, so that one slow partition does not hold all. */
const BACKLOG = 10_000;

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
  readonly #handler: MessageHandler | BatchHandler | undefined;
  /** Partitions with something to handle, in the order in which it came. */
  #ready: Partition[] = [];
  #backlog = 0;
  #active = 0;
  #running = false;
  #pumping = false;
  #pumpLater: NodeJS.Immediate | undefined;
  #idle: (() => void)[] = [];
  #joinedAt = 0;
  #inconsistent = false;
  #fetchStart = 0;
  #onJoined: () => void = () => {};

  constructor(options: RunnerOptions) {
    this.#options = options;
    const { engine, events, settings } = options;
    this.#heartbeats = new Heartbeats(
      events,
      settings,
      () => this.#active === 0,
      () => this.#lookForHung(),
    );
    this.#offsets = new Offsets(this.#partitions, {
      ...options,
      commit: (assignment, offsets) => this.#commit(assignment, offsets),
      onCommitted: (topics) => {
        events.emit('consumer.commit_offsets', { ...this.#heartbeats.member(), topics });
      },
      onFailure: (error) => this.#commitFailed(error as Error),
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
      wake: (partition) => this.#enqueue(partition),
      crash: (error) => this.#crash(error),
    });
    if (options.eachMessage) this.#handler = new MessageHandler(options.eachMessage, work);
    else if (options.eachBatch)
      this.#handler = new BatchHandler(options.eachBatch, options.eachBatchAutoResolve, work);
    engine.onNotices = (notices) => {
      for (const notice of notices) this.#notice(notice);
    };
    engine.onBatch = () => this.#pump();
  }

  /** Joins the group. Resolves when partitions were assigned, or none of them for now. */
  async start(): Promise<void> {
    this.#running = true;
    this.#joinedAt = Date.now();
    const joined = new Promise<void>((resolve) => {
      this.#onJoined = resolve;
    });
    await this.#options.engine.subscribe(this.#options.topics);
    await joined;
  }

  /**
   * Lets handlers finish, for as long as `patience` lets it, and commits what is resolved: first what is so already,
   * since a handler that hangs may use up all of the patience.
   */
  async stop(patience: Promise<void>): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    this.#onJoined();
    this.#failures.stop();
    this.#heartbeats.stop();
    for (const partition of this.#partitions.all()) this.#drop(partition);
    await Promise.race([this.#offsets.commitNow(), patience]);
    await Promise.race([this.#handlersDone(), patience]);
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
    this.#drop(sought);
    sought.epoch += 1;
    sought.moves += 1;
    sought.failures = 0;
    sought.next = offset < 0n ? undefined : Number(offset);
    this.#options.engine.seek(topic, partition, String(offset), sought.epoch);
    if (sought.assignment !== 0) this.#offsets.commitSoon();
  }

  pause(topicPartitions: { topic: string; partitions?: number[] }[]): void {
    this.#options.logger.info(`Pausing fetching from ${topicPartitions.length} topics`, {
      topicPartitions,
    });
    this.#changePauses(topicPartitions, (topic, list) => this.#pauses.pause(topic, list));
  }

  resume(topicPartitions: { topic: string; partitions?: number[] }[]): void {
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
    topicPartitions: { topic: string; partitions?: number[] }[],
    change: (topic: string, partitions: number[] | undefined) => void,
  ): void {
    const isPaused = (it: Partition): boolean => this.#pauses.has(it.topic, it.partition);
    const before = new Map(Array.from(this.#partitions.all(), (it) => [it, isPaused(it)]));
    for (const { topic, partitions } of topicPartitions) change(topic, partitions);
    const changed = [...before].filter(([it, was]) => was !== isPaused(it)).map(([it]) => it);
    const now = changed.filter((it) => {
      this.#drop(it);
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

  // ---- the group

  #notice(notice: Notice): void {
    const { logger, settings } = this.#options;
    switch (notice.type) {
      case 'assigned':
        this.#assigned(notice);
        return;
      case 'revoked':
        this.#revoked(notice).catch((error) => this.#crash(error));
        return;
      case 'error':
        this.#failed(notice.error);
        return;
      case 'partition': {
        const { topic, partition, error } = notice;
        const cause = fromNativeError(error, { topic, partition });
        if (isForbidden(error.name)) this.#crash(cause);
        logger.warn(`Cannot read from a partition: ${error.message}`, {
          ...{ topic, partition, groupId: settings.groupId, error: cause.message },
        });
        return;
      }
      default:
        logNotice(logger, notice);
    }
  }

  #assigned({ assignment, partitions, memberId, generation }: Notice & { type: 'assigned' }): void {
    const { events, logger, settings, topics } = this.#options;
    if (!this.#running) return;
    const sought = [...this.#partitions.all()].filter(
      (it) => it.next !== undefined && !it.assignment,
    );
    const places = new Map(sought.map((it) => [it, it.next]));
    this.#partitions.assign(assignment, partitions);
    // A `seek` that came before its partition did.
    for (const [partition, next] of places) {
      if (partition.assignment === assignment) partition.next = next;
    }
    if (places.size > 0) this.#offsets.commitSoon();
    this.#inconsistent = false;
    this.#heartbeats.join(memberId, generation);
    const memberAssignment = Object.fromEntries(this.#partitions.byTopic());
    const payload = {
      groupId: settings.groupId,
      memberId,
      leaderId: '',
      isLeader: false,
      memberAssignment,
      groupProtocol: 'roundrobin',
      duration: Date.now() - this.#joinedAt,
    };
    const assignedTopics = Object.keys(memberAssignment);
    const topicsNotSubscribed = assignedTopics.filter((it) => !topics.includes(it));
    if (topicsNotSubscribed.length > 0) {
      const unsubscribed = {
        ...{ groupId: settings.groupId, generationId: generation, memberId },
        ...{ assignedTopics, topicsSubscribed: topics, topicsNotSubscribed },
      };
      events.emit('consumer.received_unsubscribed_topics', unsubscribed);
      logger.warn('Consumer group received unsubscribed topics', unsubscribed);
    }
    events.emit('consumer.group_join', payload);
    logger.info('Consumer has joined the group', payload);
    this.#beginFetch();
    this.#onJoined();
  }

  /** Handlers may finish what they have begun; what is resolved is committed; then the partitions go. */
  async #revoked({ assignment, lost }: Notice & { type: 'revoked' }): Promise<void> {
    const { engine, events, logger, settings } = this.#options;
    if (this.#partitions.assignment !== assignment) return;
    const { memberId } = this.#heartbeats.member();
    this.#joinedAt = Date.now();
    if (lost) {
      logger.warn('The partitions were given to other members, re-joining', {
        ...{ groupId: settings.groupId, memberId },
      });
    } else {
      logger.warn('The group is rebalancing, re-joining', { groupId: settings.groupId, memberId });
    }
    if (!this.#partitions.revoking) {
      events.emit('consumer.rebalancing', { groupId: settings.groupId, memberId });
    }
    this.#partitions.revoking = true;
    for (const partition of this.#partitions.assigned()) this.#drop(partition);
    if (lost) {
      this.#partitions.unassign();
      return;
    }
    await this.#handlersDone();
    if (this.#partitions.assignment !== assignment) return;
    await this.#offsets.commitNow();
    if (this.#partitions.assignment !== assignment) return;
    this.#partitions.unassign();
    engine.release(assignment);
  }

  #failed(error: Parameters<typeof fromNativeError>[0]): void {
    const { logger, settings } = this.#options;
    const cause = fromNativeError(error);
    if (error.fatal === true || isForbidden(error.name)) {
      this.#crash(cause);
      return;
    }
    const { groupId } = settings;
    if (error.name === 'INCONSISTENT_GROUP_PROTOCOL') {
      if (this.#inconsistent) return;
      this.#inconsistent = true;
      logger.warn(
        'The group has members of kafkajs, whose assignment protocol (RoundRobinAssigner) this client does not have. It joins when they have left',
        { groupId },
      );
      // Whoever waits for `run` must not wait for the others to leave.
      this.#onJoined();
      return;
    }
    logger.debug(`Kafka: ${error.message}`, { groupId, error: error.name });
  }

  // ---- batches

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#pumpLater = undefined;
    try {
      while (this.#running && this.#active < this.#options.partitionsConsumedConcurrently) {
        const partition = this.#ready.shift();
        if (partition !== undefined) this.#begin(partition);
        else if (this.#backlog > BACKLOG || !this.#takeBatch()) break;
      }
    } finally {
      this.#pumping = false;
    }
  }

  /** Lets timers and I/O go on between batches. */
  #pumpSoon(): void {
    this.#pumpLater ??= setImmediate(() => this.#pump());
  }

  #takeBatch(): boolean {
    const { engine } = this.#options;
    const batch = engine.take();
    if (batch === null) return false;
    this.#endFetch();
    for (const run of runsOf(batch, (topic) => engine.topic(topic))) {
      const partition = this.#partitions.get(run.topic, run.partition);
      if (!partition.takes(run) || this.#partitions.revoking) continue;
      this.#backlog += run.count;
      partition.runs.push(run);
      if (partition.runs.length === 1) this.#enqueue(partition);
    }
    return true;
  }

  /** Is to be handled, unless it is being handled, or waits after a failure. */
  #enqueue(partition: Partition): void {
    if (partition.busy || partition.waiting || partition.runs.length === 0) return;
    if (!this.#ready.includes(partition)) this.#ready.push(partition);
    if (!this.#pumping) this.#pumpSoon();
  }

  #begin(partition: Partition): void {
    const run = partition.runs.shift();
    if (run === undefined || partition.busy) return;
    this.#backlog -= run.count;
    partition.busy = true;
    partition.alive = Date.now();
    this.#active += 1;
    const { cuts } = partition;
    const done = (failure?: { error: unknown }): void => this.#end(partition, run, cuts, failure);
    if (this.#handler === undefined) {
      done();
      return;
    }
    this.#handler.handle(partition, run).then(
      () => done(),
      (error) => done({ error }),
    );
  }

  #end(partition: Partition, run: Run, cuts: number, failure?: { error: unknown }): void {
    this.#active -= 1;
    partition.busy = false;
    this.#offsets.commitSoon();
    if (partition.assignment !== 0 && this.#running && !this.#partitions.revoking) {
      const stale = partition.cuts !== cuts;
      if (failure !== undefined) {
        this.#failures.add(partition, failure.error);
        if (!stale) this.#handleAgain(partition, run);
      } else {
        partition.failures = 0;
        if (!stale && partition.rewind) this.#goBack(partition);
      }
      if (partition.resumeLater) {
        partition.resumeLater = false;
        partition.epoch += 1;
        this.#tellPauses([partition]);
      }
    }
    partition.rewind = false;
    this.#enqueue(partition);
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
    this.#backlog += run.count;
  }

  /** Reads again from the first message that is not resolved. */
  #goBack(partition: Partition): void {
    this.#drop(partition);
    partition.epoch += 1;
    const { topic, partition: number, next, epoch } = partition;
    if (next !== undefined) this.#options.engine.seek(topic, number, String(next), epoch);
  }

  #drop(partition: Partition): void {
    for (const run of partition.runs) this.#backlog -= run.count;
    partition.drop();
  }

  /** Resolves when no handler runs. */
  #handlersDone(): Promise<void> {
    if (this.#active === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #beginFetch(): void {
    this.#fetchStart = Date.now();
    this.#options.events.emit('consumer.fetch_start', { nodeId: this.#options.nodeId });
  }

  #endFetch(): void {
    const { events, nodeId } = this.#options;
    const duration = Date.now() - this.#fetchStart;
    events.emit('consumer.fetch', { numberOfBatches: 0, duration, nodeId });
    this.#beginFetch();
  }

  // ---- commits and ends

  async #commit(assignment: number, offsets: Place[]): Promise<void> {
    try {
      await this.#options.engine.commit(assignment, offsets);
    } catch (error) {
      throw kafkaErrorOf(error);
    }
  }

  #commitFailed(error: Error): void {
    const { groupId } = this.#options.settings;
    this.#options.logger.debug(`Offsets were not committed: ${error.message}`, { groupId });
    if (isForbidden((error as { type?: string }).type ?? '')) this.#crash(error);
  }

  /** A handler that shows no life any more holds its partitions for nothing. */
  #lookForHung(): void {
    const { maxHandlerTime } = this.#options.settings;
    if (maxHandlerTime === 0 || this.#active === 0) return;
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

/** What trying again does not change. */
function isForbidden(name: string): boolean {
  return name.endsWith('AUTHORIZATION_FAILED') || name === 'FENCED_INSTANCE_ID';
}

/**
 * A consumer's side of its group: partitions that are given and taken back, and what goes wrong with that.
 */
import type { ConsumerEventPayloads } from '../events.js';
import type { Instrumentation } from '../instrumentation.js';
import type { Logger } from '../logger.js';
import { fromNativeError } from '../native-errors.js';
import { logNotice } from '../notices.js';
import type { ConsumerSettings } from './checks.js';
import type { ConsumerEngine, Notice } from './engine.js';
import { isForbidden } from './failures.js';
import type { Heartbeats } from './heartbeats.js';
import type { Offsets } from './offsets.js';
import type { Partitions } from './partitions.js';
import type { Pump } from './pump.js';

export interface MembershipOptions {
  engine: ConsumerEngine;
  settings: ConsumerSettings;
  events: Instrumentation<ConsumerEventPayloads>;
  logger: Logger;
  topics: string[];
  partitions: Partitions;
  offsets: Offsets;
  heartbeats: Heartbeats;
  pump: Pump;
  isRunning: () => boolean;
  crash: (error: Error) => void;
}

export class Membership {
  readonly #options: MembershipOptions;
  #joinedAt = 0;
  #inconsistent = false;
  #onJoined: () => void = () => {};

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /** Joins the group. Resolves when partitions were assigned, or none of them for now. */
  async join(): Promise<void> {
    const { engine, topics } = this.#options;
    this.#joinedAt = Date.now();
    if (topics.length === 0) {
      // librdkafka has no subscription to nothing: kafkajs's members that have one get nothing.
      this.#tellJoined('', {});
      return;
    }
    const joined = new Promise<void>((resolve) => {
      this.#onJoined = resolve;
    });
    await engine.subscribe(topics);
    await joined;
  }

  /** Lets whoever waits for `join` go on. */
  stop(): void {
    this.#onJoined();
  }

  /** What the engine tells by itself. */
  take(notice: Notice): void {
    const { crash, logger, settings } = this.#options;
    switch (notice.type) {
      case 'assigned':
        this.#assigned(notice);
        return;
      case 'revoked':
        this.#revoked(notice).catch(crash);
        return;
      case 'error':
        this.#failed(notice.error);
        return;
      case 'partition': {
        const { topic, partition, error } = notice;
        const cause = fromNativeError(error, { topic, partition });
        if (isForbidden(error.name)) crash(cause);
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
    const { events, heartbeats, isRunning, logger, offsets, partitions: known } = this.#options;
    const { pump, settings, topics } = this.#options;
    if (!isRunning()) return;
    const sought = [...known.all()].filter((it) => it.next !== undefined && !it.assignment);
    const places = new Map(sought.map((it) => [it, it.next]));
    known.assign(assignment, partitions);
    // A `seek` that came before its partition did.
    for (const [partition, next] of places) {
      if (partition.assignment === assignment) partition.next = next;
    }
    for (const partition of known.assigned()) pump.goOn(partition);
    if (places.size > 0) offsets.commitSoon();
    this.#inconsistent = false;
    heartbeats.join(memberId, generation);
    const memberAssignment = Object.fromEntries(known.byTopic());
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
    this.#tellJoined(memberId, memberAssignment);
    pump.beginFetch();
    this.#onJoined();
  }

  #tellJoined(memberId: string, memberAssignment: Record<string, number[]>): void {
    const { events, logger, settings } = this.#options;
    const payload = {
      groupId: settings.groupId,
      memberId,
      leaderId: '',
      isLeader: false,
      memberAssignment,
      groupProtocol: 'roundrobin',
      duration: Date.now() - this.#joinedAt,
    };
    events.emit('consumer.group_join', payload);
    logger.info('Consumer has joined the group', payload);
  }

  /** Handlers may finish what they have begun; what is resolved is committed; then the partitions go. */
  async #revoked({ assignment, lost }: Notice & { type: 'revoked' }): Promise<void> {
    const { engine, events, heartbeats, logger, offsets, partitions, pump, settings } =
      this.#options;
    if (partitions.assignment !== assignment) return;
    const { memberId } = heartbeats.member();
    this.#joinedAt = Date.now();
    if (lost) {
      logger.warn('The partitions were given to other members, re-joining', {
        ...{ groupId: settings.groupId, memberId },
      });
    } else {
      logger.warn('The group is rebalancing, re-joining', { groupId: settings.groupId, memberId });
    }
    if (!partitions.revoking) {
      events.emit('consumer.rebalancing', { groupId: settings.groupId, memberId });
    }
    partitions.revoking = true;
    for (const partition of partitions.assigned()) pump.drop(partition);
    if (lost) {
      partitions.unassign();
      return;
    }
    await pump.handlersDone();
    if (partitions.assignment !== assignment) return;
    await offsets.commitNow();
    if (partitions.assignment !== assignment) return;
    partitions.unassign();
    engine.release(assignment);
  }

  #failed(error: Parameters<typeof fromNativeError>[0]): void {
    const { crash, logger, settings } = this.#options;
    const cause = fromNativeError(error);
    if (error.fatal === true || isForbidden(error.name)) {
      crash(cause);
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
}

/**
 * Which offsets are resolved, and when they are committed.
 */
import type { TopicOffsets } from '../types.js';
import type { Place } from './engine.js';
import { rebalancing } from './failures.js';
import type { Partition, Partitions } from './partitions.js';

/**
 * Between commits that follow batches. Milliseconds. A commit costs as much as hundreds of messages, and batches may
 * come by the thousand.
 */
const APART = 20;
/** The same after a failure, twice as long after each further one. */
const APART_FAILED = 100;
const MOST_APART = 5_000;

/** What is called for a commit. */
export type Commit = (assignment: number, offsets: Place[]) => Promise<void>;

export interface OffsetsOptions {
  autoCommit: boolean;
  autoCommitInterval: number | null;
  autoCommitThreshold: number | null;
  commit: Commit;
  onCommitted: (topics: TopicOffsets[]) => void;
  /** A commit has failed that nobody waits for; so many in a row. */
  onFailure: (error: unknown, times: number) => void;
}

export class Offsets {
  readonly #partitions: Partitions;
  readonly #options: OffsetsOptions;
  /** Whether anything has to be looked at after each message. */
  readonly #perMessage: boolean;
  #lastCommit = Date.now();
  #failures = 0;
  #running: Promise<void> | undefined;
  #again = false;
  #started = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(partitions: Partitions, options: OffsetsOptions) {
    this.#partitions = partitions;
    this.#options = options;
    const { autoCommit, autoCommitInterval, autoCommitThreshold } = options;
    this.#perMessage = autoCommit && (autoCommitInterval !== null || autoCommitThreshold !== null);
  }

  /** All up to here is handled: `next` is the offset behind it. */
  resolve(partition: Partition, next: number): void {
    partition.next = next;
  }

  /** kafkajs's look after each message. Undefined when nothing is to be done. */
  afterMessage(): Promise<void> | undefined {
    return this.#perMessage && this.#isDue() ? this.commitIfNecessary() : undefined;
  }

  #isDue(): boolean {
    const { autoCommitInterval, autoCommitThreshold } = this.#options;
    if (autoCommitThreshold !== null && this.#resolved() >= autoCommitThreshold) return true;
    return autoCommitInterval !== null && Date.now() >= this.#lastCommit + autoCommitInterval;
  }

  /** Offsets that are resolved and not committed. */
  #resolved(): number {
    let resolved = 0;
    for (const { next, committed } of this.#partitions.assigned()) {
      if (next !== undefined && committed !== undefined) resolved += next - committed;
    }
    return resolved;
  }

  /** What users call `commitOffsetsIfNecessary`: commits when interval or threshold say so. */
  async commitIfNecessary(): Promise<void> {
    if (this.#isDue()) await this.commit();
  }

  /** What is resolved and not committed. */
  uncommitted(): { topics: TopicOffsets[] } {
    const topics = new Map<string, TopicOffsets>();
    for (const { topic, partition, next, committed } of this.#partitions.assigned()) {
      if (next === undefined || next === committed || next < 0) continue;
      const offsets = topics.get(topic) ?? { topic, partitions: [] };
      offsets.partitions.push({ partition, offset: String(next) });
      topics.set(topic, offsets);
    }
    return { topics: [...topics.values()] };
  }

  /** Commits these offsets, or all that is resolved. Rejects when they are not this member's any more. */
  async commit(topics: TopicOffsets[] = this.uncommitted().topics): Promise<void> {
    const places = topics.flatMap(({ topic, partitions }) =>
      partitions.map((it) => ({ ...it, topic, offset: String(it.offset) })),
    );
    if (places.length === 0) {
      this.#lastCommit = Date.now();
      return;
    }
    const { assignment } = this.#partitions;
    if (assignment === 0) throw rebalancing();
    await this.#options.commit(assignment, places);
    this.#lastCommit = Date.now();
    this.#failures = 0;
    if (this.#partitions.assignment === assignment) {
      for (const { topic, partition, offset } of places) {
        const known = this.#partitions.get(topic, partition);
        if (known.assignment === assignment) known.committed = Number(offset);
      }
    }
    this.#options.onCommitted(topics);
  }

  /**
   * After a batch: what is resolved is on its way to the group, and further batches need not wait for it. One
   * commit at a time, and a little apart; what is resolved meanwhile goes with the next. One that fails is tried again,
   * though no further batch may come.
   */
  commitSoon(): void {
    if (!this.#options.autoCommit || this.#timer !== undefined) return;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    const failed = Math.min(APART_FAILED * 2 ** (this.#failures - 1), MOST_APART);
    const wait = this.#started + (this.#failures === 0 ? APART : failed) - Date.now();
    if (wait > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#start();
      }, wait).unref();
      return;
    }
    this.#start();
  }

  #start(): void {
    this.#started = Date.now();
    this.#running = this.commit()
      .catch((error) => {
        this.#again = true;
        this.#failed(error);
      })
      .finally(() => {
        this.#running = undefined;
        if (!this.#again) return;
        this.#again = false;
        if (this.#partitions.assignment !== 0) this.commitSoon();
      });
  }

  /** The same, waited for: before partitions go, and after a failure. It does not reject. */
  async commitNow(): Promise<void> {
    if (!this.#options.autoCommit) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#again = false;
    await this.#running;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#partitions.assignment === 0) return;
    await this.commit().catch((error) => this.#failed(error));
  }

  #failed(error: unknown): void {
    this.#failures += 1;
    this.#options.onFailure(error, this.#failures);
  }
}

/**
 * What a run knows of its partitions, and which of them are its own at the moment.
 */
import type { AssignedPartition } from './engine.js';
import type { Run } from './batch.js';

/** One partition. Offsets are numbers: Kafka's do not come near 2^53. */
export class Partition {
  readonly topic: string;
  readonly partition: number;
  /** Which assignment it belongs to; 0 for none. */
  assignment = 0;
  /** Raised with each order to the engine that makes batches stale; the engine marks batches with it. */
  epoch = 0;
  /** Raised by whatever makes batches stale that are here already, or are being handled. */
  cuts = 0;
  /** Raised by what makes the work on a batch stale: `seek`, and another assignment. */
  moves = 0;
  /** The offset behind the last one that is resolved; undefined when nothing is since it was assigned or sought. */
  next: number | undefined;
  /** What the group has as far as this member knows. */
  committed: number | undefined;
  /** What waits to be handled. */
  runs: Run[] = [];
  /** A handler has a batch of it. */
  busy = false;
  /** When that handler has last shown that it lives. */
  alive = 0;
  /**
   * It was resumed while a handler had a batch of it, whose outcome says where it goes on. Until the engine has been told it
   * is paused there, through other assignments too.
   */
  resumeLater = false;
  /** A batch was handled without resolving all of it: the rest is read again. */
  rewind = false;
  /** Failures in a row, and until when it is left alone. */
  failures = 0;
  failedAt: number | undefined;
  retryTime = 0;
  waiting = false;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }

  /** Whether this run is of now. */
  takes(run: Run): boolean {
    return run.assignment === this.assignment && run.epoch === this.epoch;
  }

  /** What is here is not to be handled any more. */
  drop(): void {
    this.cuts += 1;
    this.runs = [];
  }
}

export class Partitions {
  readonly #topics = new Map<string, Map<number, Partition>>();
  /** The assignment that holds; 0 for none. */
  assignment = 0;
  /** The group takes the partitions back, and waits until what is being handled is committed. */
  revoking = false;

  get(topic: string, partition: number): Partition {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.#topics.set(topic, partitions);
    }
    let found = partitions.get(partition);
    if (found === undefined) {
      found = new Partition(topic, partition);
      partitions.set(partition, found);
    }
    return found;
  }

  /** Takes over an assignment. Epochs go on, and so does a `seek` that was waiting for it. */
  assign(assignment: number, partitions: AssignedPartition[]): void {
    this.unassign();
    this.assignment = assignment;
    this.revoking = false;
    for (const { topic, partition } of partitions) {
      this.get(topic, partition).assignment = assignment;
    }
  }

  unassign(): void {
    this.assignment = 0;
    this.revoking = false;
    for (const partition of this.assigned()) {
      partition.assignment = 0;
      partition.moves += 1;
      partition.drop();
      partition.next = undefined;
      partition.committed = undefined;
      partition.failures = 0;
    }
  }

  *all(): Generator<Partition> {
    for (const partitions of this.#topics.values()) yield* partitions.values();
  }

  *assigned(): Generator<Partition> {
    for (const partition of this.all()) if (partition.assignment !== 0) yield partition;
  }

  /** By topic, as kafkajs lists them. */
  byTopic(only: (partition: Partition) => boolean = () => true): Map<string, number[]> {
    const topics = new Map<string, number[]>();
    for (const partition of this.assigned()) {
      if (!only(partition)) continue;
      const list = topics.get(partition.topic) ?? [];
      list.push(partition.partition);
      topics.set(partition.topic, list);
    }
    for (const list of topics.values()) list.sort((a, b) => a - b);
    return topics;
  }
}

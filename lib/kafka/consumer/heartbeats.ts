/**
 * kafkajs's heartbeats. The engine sends the real ones, whatever handlers do; here are the event, which comes as
 * often as kafkajs's, and what `heartbeat()` has to say.
 */
import type { ConsumerEventPayloads } from '../events.js';
import type { Instrumentation } from '../instrumentation.js';
import type { ConsumerSettings } from './checks.js';
import type { Partition } from './partitions.js';

export class Heartbeats {
  readonly #events: Instrumentation<ConsumerEventPayloads>;
  readonly #groupId: string;
  readonly #interval: number;
  #memberId = '';
  #generation = -1;
  #last = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Without a handler that runs, nobody calls `beat`, and a timer does. `look` is called as often. */
  constructor(
    events: Instrumentation<ConsumerEventPayloads>,
    settings: ConsumerSettings,
    isIdle: () => boolean,
    look: () => void,
  ) {
    this.#events = events;
    this.#groupId = settings.groupId;
    this.#interval = settings.heartbeatInterval;
    this.#timer = setInterval(
      () => {
        if (isIdle()) this.beat();
        look();
      },
      Math.max(settings.heartbeatInterval, 1),
    );
    this.#timer.unref();
  }

  join(memberId: string, generation: number): void {
    this.#memberId = memberId;
    this.#generation = generation;
    this.#last = Date.now();
  }

  member(): { groupId: string; memberId: string; groupGenerationId: number } {
    return {
      groupId: this.#groupId,
      memberId: this.#memberId,
      groupGenerationId: this.#generation,
    };
  }

  /** A handler of this partition lives. Tells listeners, when the last time is an interval ago. */
  beat(partition?: Partition): void {
    const now = Date.now();
    if (partition !== undefined) partition.alive = now;
    if (this.#memberId === '' || now < this.#last + this.#interval) return;
    this.#last = now;
    this.#events.emit('consumer.heartbeat', this.member());
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

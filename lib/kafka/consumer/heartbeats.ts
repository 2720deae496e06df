/**
 * kafkajs's heartbeats. The engine sends the real ones, whatever handlers do; here are the event, which comes as
 * often as kafkajs's, and what `heartbeat()` has to say.
 */
import type { ConsumerEventPayloads } from '../events.js';
import type { Instrumentation } from '../instrumentation.js';
import type { ConsumerSettings } from './checks.js';

export class Heartbeats {
  readonly #events: Instrumentation<ConsumerEventPayloads>;
  readonly #groupId: string;
  readonly #interval: number;
  #memberId = '';
  #generation = -1;
  #last = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Without a handler that runs, nobody calls `beat`, and a timer does. */
  constructor(
    events: Instrumentation<ConsumerEventPayloads>,
    settings: ConsumerSettings,
    isIdle: () => boolean,
  ) {
    this.#events = events;
    this.#groupId = settings.groupId;
    this.#interval = settings.heartbeatInterval;
    this.#timer = setInterval(
      () => {
        if (isIdle()) this.beat();
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

  /** Tells listeners, when the last time is an interval ago. */
  beat(): void {
    if (this.#memberId === '') return;
    const now = Date.now();
    if (now < this.#last + this.#interval) return;
    this.#last = now;
    this.#events.emit('consumer.heartbeat', this.member());
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

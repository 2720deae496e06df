/**
 * What is paused: partitions, and whole topics with partitions that come later.
 */
import type { PauseRule } from './engine.js';

interface State {
  paused: Set<number>;
  all: boolean;
  /** Exceptions from `all`. */
  resumed: Set<number>;
}

export class Pauses {
  readonly #topics = new Map<string, State>();

  pause(topic: string, partitions?: number[]): void {
    const state = this.#state(topic);
    if (partitions === undefined) {
      state.paused.clear();
      state.resumed.clear();
      state.all = true;
      return;
    }
    for (const partition of partitions) {
      state.paused.add(partition);
      state.resumed.delete(partition);
    }
    // As in kafkajs: partitions that are named take the place of the whole topic.
    state.all = false;
  }

  resume(topic: string, partitions?: number[]): void {
    const state = this.#state(topic);
    if (partitions === undefined) {
      state.paused.clear();
      state.resumed.clear();
      state.all = false;
      return;
    }
    for (const partition of partitions) {
      state.paused.delete(partition);
      if (state.all) state.resumed.add(partition);
    }
  }

  has(topic: string, partition: number): boolean {
    const state = this.#topics.get(topic);
    if (state === undefined) return false;
    return (state.all && !state.resumed.has(partition)) || state.paused.has(partition);
  }

  /** For the engine, which pauses partitions again when they are assigned. */
  rules(): PauseRule[] {
    return Array.from(this.#topics, ([topic, { all, paused, resumed }]) => ({
      topic,
      all,
      paused: [...paused],
      resumed: [...resumed],
    }));
  }

  #state(topic: string): State {
    let state = this.#topics.get(topic);
    if (state === undefined) {
      state = { paused: new Set(), all: false, resumed: new Set() };
      this.#topics.set(topic, state);
    }
    return state;
  }
}

// What was wrong: how often each kind, and the first ones in full.

const KEPT = 10;

export class Faults {
  #kinds = new Map();

  add(kind, detail) {
    const known = this.#kinds.get(kind) ?? { count: 0, examples: [] };
    known.count += 1;
    if (known.examples.length < KEPT) known.examples.push(detail);
    this.#kinds.set(kind, known);
  }

  /** As an object that can cross to another process. */
  all() {
    return Object.fromEntries(this.#kinds);
  }
}

/** Counts by name. */
export class Tally {
  counts = {};

  add(name, by = 1) {
    this.counts[name] = (this.counts[name] ?? 0) + by;
  }

  get(name) {
    return this.counts[name] ?? 0;
  }
}

/**
 * The messages of one test client: those that nobody took yet, and those who wait for one.
 */
import { codedError } from './errors.js';
import type { TestMessage } from './testing.js';
import type { WebSocketError } from './types.js';

// Taken once: a test's fake clock must not stop the time limits of the test itself.
const { setTimeout, clearTimeout } = globalThis;

/** How many of the latest arrivals an error lists, and how much of each. */
const LISTED = 20;
const LISTED_LENGTH = 200;

interface Waiting {
  readonly wanted: (message: TestMessage) => boolean;
  readonly resolve: (message: TestMessage) => void;
  readonly end: (why: string) => void;
}

/** A queue from which messages are taken by kind, in the order in which they arrived. */
export class Mailbox {
  readonly #queue: TestMessage[] = [];
  readonly #waiting = new Set<Waiting>();
  readonly #arrivals: TestMessage[] = [];
  #arrived = 0;
  #ended: string | undefined;

  /** What nobody has taken yet. */
  get pending(): TestMessage[] {
    return [...this.#queue];
  }

  /** Hands a message to the first who waits for one like it, or keeps it. */
  deliver(message: TestMessage): void {
    this.#arrived += 1;
    this.#arrivals.push(message);
    if (this.#arrivals.length > LISTED) this.#arrivals.shift();
    for (const waiting of this.#waiting) {
      if (!waiting.wanted(message)) continue;
      waiting.resolve(message);
      return;
    }
    this.#queue.push(message);
  }

  /** Nothing will arrive any more: fails those who wait, and those who will. */
  end(why: string): void {
    this.#ended ??= why;
    for (const waiting of this.#waiting) waiting.end(this.#ended);
  }

  /** Takes the oldest message that is wanted, or waits for it. `what` names it in errors. */
  take(
    what: string,
    wanted: (message: TestMessage) => boolean,
    timeout: number,
  ): Promise<TestMessage> {
    const index = this.#queue.findIndex(wanted);
    const [found] = index < 0 ? [] : this.#queue.splice(index, 1);
    if (found !== undefined) return Promise.resolve(found);
    const asked = new Error();
    return new Promise<TestMessage>((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
      };
      const fail = (code: string, message: string) => {
        settle();
        reject(askedBy(asked, codedError(code, `${message}. ${this.#summary()}`)));
      };
      const waiting: Waiting = {
        wanted,
        resolve: (message) => {
          settle();
          resolve(message);
        },
        end: (why) => fail('ERR_CONNECTION_CLOSED', `${why}; no ${what}`),
      };
      const timer = setTimeout(
        () => fail('ERR_TEST_TIMEOUT', `no ${what}: waited ${timeout} ms`),
        timeout,
      );
      this.#waiting.add(waiting);
      if (this.#ended !== undefined) waiting.end(this.#ended);
    });
  }

  #summary(): string {
    if (this.#arrived === 0) return 'Nothing arrived.';
    const lines = this.#arrivals.map((message) => {
      const taken = this.#queue.includes(message) ? '' : ' (taken)';
      return `\n  ${JSON.stringify(message).slice(0, LISTED_LENGTH)}${taken}`;
    });
    const which = this.#arrived > LISTED ? `, the last ${LISTED} of them` : '';
    return `Arrived: ${this.#arrived}${which}:${lines.join('')}`;
  }
}

/** The error with the stack of the moment of asking, which leads to the test's line. */
function askedBy(asked: Error, error: WebSocketError): WebSocketError {
  const frames = asked.stack?.split('\n').slice(1) ?? [];
  error.stack = [`${error.name}: ${error.message}`, ...frames].join('\n');
  return error;
}

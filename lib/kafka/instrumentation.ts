/**
 * kafkajs's events: `on(name, listener)` of producers, consumers and admins.
 *
 * Unlike there, a listener that throws at once does not break off what emits: its error is logged, as that of
 * one that rejects.
 */
import { EventEmitter } from 'node:events';
import { KafkaJSNonRetriableError } from './errors.js';
import type { Logger } from './logger.js';

/** What a listener is called with. */
export interface InstrumentationEvent<T> {
  /** Counts the events of this process that had a listener. */
  id: string;
  /** The name that the listener was added for. */
  type: string;
  /** When it happened, in milliseconds since 1970. */
  timestamp: number;
  payload: T;
}

/** Removes the listener that was added for the event `_T`. */
export type RemoveInstrumentationEventListener<_T> = () => void;

let nextId = 0;

/** The events of one client. */
export class Instrumentation<Payloads extends object> {
  readonly #emitter = new EventEmitter().setMaxListeners(0);
  readonly #names: readonly string[];
  readonly #namesForUsers: string;
  readonly #logger: Logger;

  /** `kind` is the client's, and the first part of its events' names. */
  constructor(kind: 'producer' | 'consumer' | 'admin', events: object, logger: Logger) {
    this.#names = Object.values(events);
    this.#namesForUsers = Object.keys(events)
      .map((key) => `${kind}.events.${key}`)
      .join(', ');
    this.#logger = logger;
  }

  /** kafkajs's `on`: adds a listener, and gives what removes it. An unknown name throws. */
  readonly on = <K extends keyof Payloads & string>(
    eventName: K,
    listener: (event: InstrumentationEvent<Payloads[K]>) => void,
  ): RemoveInstrumentationEventListener<K> => {
    if (!this.#names.includes(eventName)) {
      throw new KafkaJSNonRetriableError(`Event name should be one of ${this.#namesForUsers}`);
    }
    // A function of its own for each call: the same listener may be added twice, and removed singly.
    const call = async (event: InstrumentationEvent<Payloads[K]>): Promise<void> => {
      try {
        await listener(event);
      } catch (error) {
        const { message, stack } = error as Error;
        this.#logger.error(`Failed to execute listener: ${message}`, { eventName, stack });
      }
    };
    this.#emitter.on(eventName, call);
    return () => {
      this.#emitter.off(eventName, call);
    };
  };

  /** Whether anybody listens, for events that take effort to gather. */
  has(eventName: keyof Payloads & string): boolean {
    return this.#emitter.listenerCount(eventName) > 0;
  }

  /** Tells the listeners. */
  emit<K extends keyof Payloads & string>(
    eventName: K,
    ...payload: Payloads[K] extends null ? [] : [Payloads[K]]
  ): void {
    if (!this.has(eventName)) return;
    const event = { id: nextId, type: eventName, timestamp: Date.now(), payload: payload[0] };
    nextId += 1;
    this.#emitter.emit(eventName, event);
  }
}

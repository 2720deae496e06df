/**
 * Node's EventEmitter with typed events, which also tells its subclass when its set of listeners changes.
 */
import { EventEmitter } from 'node:events';

/** What a listener of one event is called with. */
type Listener<Arguments extends unknown[]> = (...args: Arguments) => void;

/** Node's own type of a listener, which says nothing of its arguments. */
type AnyListener = Parameters<EventEmitter['on']>[1];

/**
 * A Node EventEmitter whose event names and listeners are checked by the compiler.
 *
 * @typeParam Events - names and arguments of the events, for example `{ data: [chunk: Buffer] }`
 */
export class TypedEmitter<Events extends { [K in keyof Events]: unknown[] }> extends EventEmitter {
  /** Emits an event to its listeners at once. Returns whether there were any. */
  declare emit: <K extends keyof Events & string>(event: K, ...args: Events[K]) => boolean;

  /** @internal Called after listeners were added or removed. */
  protected listenersChanged(): void {}

  /** Calls `listener` for each event of this name from now on. */
  override on<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this {
    super.on(event, listener as AnyListener);
    this.listenersChanged();
    return this;
  }

  /** The same as `on`. */
  override addListener<K extends keyof Events & string>(
    event: K,
    listener: Listener<Events[K]>,
  ): this {
    return this.on(event, listener);
  }

  /** Calls `listener` for the next event of this name only. */
  override once<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this {
    super.once(event, listener as AnyListener);
    this.listenersChanged();
    return this;
  }

  /** As `on`, before the listeners that are already there. */
  override prependListener<K extends keyof Events & string>(
    event: K,
    listener: Listener<Events[K]>,
  ): this {
    super.prependListener(event, listener as AnyListener);
    this.listenersChanged();
    return this;
  }

  /** As `once`, before the listeners that are already there. */
  override prependOnceListener<K extends keyof Events & string>(
    event: K,
    listener: Listener<Events[K]>,
  ): this {
    super.prependOnceListener(event, listener as AnyListener);
    this.listenersChanged();
    return this;
  }

  /** Removes a listener that was added for this event. */
  override off<K extends keyof Events & string>(event: K, listener: Listener<Events[K]>): this {
    return this.removeListener(event, listener);
  }

  /** The same as `off`. */
  override removeListener<K extends keyof Events & string>(
    event: K,
    listener: Listener<Events[K]>,
  ): this {
    super.removeListener(event, listener as AnyListener);
    this.listenersChanged();
    return this;
  }

  /** Removes all listeners, or those of one event. */
  override removeAllListeners(event?: keyof Events & string): this {
    // Node tells "no argument" and "undefined" apart.
    if (event === undefined) super.removeAllListeners();
    else super.removeAllListeners(event);
    this.listenersChanged();
    return this;
  }
}

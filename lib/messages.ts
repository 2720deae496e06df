/**
 * Messages to JSON text, once for each send however many receivers it has.
 */
import { reasonOf } from './text.js';
import { codedError } from './errors.js';
import type { WebSocketError } from './types.js';

const OPENING_BRACE = 0x7b;

/**
 * Whether the message gets its timestamp from the engine, which appends it behind the last key and so
 * spares the copy that adding a key here would need.
 *
 * A message with a `timestamp` of its own, even an empty one, keeps the key's place; one with `toJSON`
 * decides for itself what its keys are. `serialise` gives both what they need.
 */
function takesStamp(message: object): boolean {
  return (
    !('timestamp' in message) && typeof (message as { toJSON?: unknown }).toJSON !== 'function'
  );
}

/** A message as JSON text, and whether the engine has to add the timestamp. */
export class Serialiser {
  /** Whether the text of the last `serialise` lacks its timestamp. A field, so that a send allocates nothing. */
  stamp = false;

  /**
   * The message's JSON text.
   *
   * @param method - who sends it, for the error
   * @throws TypeError `ERR_INVALID_MESSAGE` for what is no JSON object: undefined, an array, a cyclic
   * object, one with a BigInt in it, one whose `toJSON` throws.
   */
  serialise(method: string, message: unknown): string {
    if (typeof message !== 'object' || message === null) {
      const got = message === null ? 'null' : typeof message;
      throw invalid(method, `a message must be an object, got ${got}`);
    }
    let text: string | undefined;
    let stamp: boolean;
    try {
      stamp = takesStamp(message);
      text = JSON.stringify(stamp ? message : withTimestamp(message));
    } catch (cause) {
      throw invalid(method, `a message cannot be serialised: ${reasonOf(cause)}`, cause);
    }
    // Arrays, boxed strings and whatever `toJSON` returned are JSON too, but no messages.
    if (text === undefined || text.charCodeAt(0) !== OPENING_BRACE) {
      throw invalid(method, 'a message must serialise to a JSON object');
    }
    // Last, because a `toJSON` inside the message may have sent another one.
    this.stamp = stamp;
    return text;
  }
}

function invalid(method: string, what: string, cause?: unknown): WebSocketError {
  return codedError('ERR_INVALID_MESSAGE', `${method}: ${what}`, cause);
}

function withTimestamp(message: { timestamp?: unknown }): object {
  return { ...message, timestamp: message.timestamp || new Date().toISOString() };
}

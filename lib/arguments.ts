/**
 * Checks of arguments before they cross into the engine, which takes them by their declared types.
 */
import { codedError } from './errors.js';

/** The longest time that a timer can wait: Node's own limit for `setTimeout`. */
const MAX_TIMEOUT = 2 ** 31 - 1;

/**
 * The name of a connection, user, room or topic. Numbers are taken in their decimal form, as ids out of
 * a database often are; anything else names nothing. So does a text with half a surrogate pair: the engine's text is UTF-8,
 * in which all such halves would be the same.
 */
export function nameOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? value : undefined;
  return typeof value === 'number' ? String(value) : undefined;
}

/** The same where something is changed: what names nothing is the caller's error. */
export function requireName(argument: string, value: unknown): string {
  const name = nameOf(value);
  if (name !== undefined) return name;
  const got = typeof value === 'string' ? 'half a surrogate pair' : kindOf(value);
  throw codedError('ERR_INVALID_ARGUMENT', `${argument}: must be a string, got ${got}`);
}

/** A close code and reason; which codes may be sent is the engine's to say. */
export function requireClose(code: unknown, reason: unknown): void {
  if (!Number.isInteger(code) || (code as number) < 0 || (code as number) > 0xffff) {
    throw codedError('ERR_INVALID_ARGUMENT', `code: must be a close code, got ${shown(code)}`);
  }
  if (typeof reason !== 'string') {
    throw codedError('ERR_INVALID_ARGUMENT', `reason: must be a string, got ${kindOf(reason)}`);
  }
}

/** A time limit in milliseconds. */
export function requireTimeout(value: unknown, least: number): number {
  if (typeof value !== 'number') {
    throw codedError('ERR_INVALID_OPTION_TYPE', `timeout: must be a number, got ${kindOf(value)}`);
  }
  if (!Number.isInteger(value) || value < least || value > MAX_TIMEOUT) {
    const limits = `an integer from ${least} to ${MAX_TIMEOUT}`;
    throw codedError('ERR_INVALID_OPTION_RANGE', `timeout: must be ${limits}, got ${value}`);
  }
  return value;
}

/** What kind of value it is, for error messages: the value itself may be long or secret. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : kindOf(value);
}

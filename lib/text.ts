/**
 * What others wrote or threw, as text for messages and logs.
 */
import { kindOf } from './arguments.js';

/** The reason in whatever was thrown: it may have no text, and this must not fail. */
export function reasonOf(cause: unknown): string {
  try {
    return String((cause as Partial<Error> | null | undefined)?.message ?? cause);
  } catch {
    return kindOf(cause);
  }
}

/** A text in one line: what clients wrote must not look like lines of its own, nor steer a terminal. */
export function oneLine(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The stack of whatever was thrown, if it has one. */
export function stackOf(cause: unknown): string | undefined {
  try {
    return cause instanceof Error && cause.stack ? String(cause.stack) : undefined;
  } catch {
    return undefined;
  }
}

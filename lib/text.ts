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

/** The stack of whatever was thrown, if it has one. */
export function stackOf(cause: unknown): string | undefined {
  try {
    return cause instanceof Error && cause.stack ? String(cause.stack) : undefined;
  } catch {
    return undefined;
  }
}

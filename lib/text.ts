/**
 * What others wrote or threw, as text for messages and logs.
 */
import { kindOf } from './arguments.js';

/** A frame of a stack, behind the line break before it. */
const FRAME = /\n {1,8}at /;

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

/**
 * The stack of whatever was thrown, if it has one: what it begins with in one line, as clients may have written the
 * message in it, and behind that nothing but frames.
 */
export function stackOf(cause: unknown): string | undefined {
  try {
    if (!(cause instanceof Error) || !cause.stack) return undefined;
    const stack = String(cause.stack);
    // Behind the message, which may have lines that look like frames.
    const { message } = cause;
    const behind = stack.includes(message) ? stack.indexOf(message) + message.length : 0;
    const first = stack.slice(behind).search(FRAME);
    const end = first < 0 ? stack.length : behind + first;
    const frames = stack
      .slice(end)
      .split('\n')
      .filter((line) => FRAME.test(`\n${line}`));
    return [stack.slice(0, end), ...frames].map(oneLine).join('\n');
  } catch {
    return undefined;
  }
}

/**
 * Errors as users meet them: of this realm's own classes, with a stable `code`.
 *
 * The engine's errors belong to the realm that loaded the addon, which in jest and in vitest's vm pools is
 * another one than the test's, where `instanceof Error` is then false. So none of them is passed on.
 */
import type { WebSocketError } from './types.js';

const CLASSES: Record<string, ErrorConstructor> = {
  ERR_INVALID_ARGUMENT: TypeError,
  ERR_INVALID_MESSAGE: TypeError,
  ERR_INVALID_OPTION_TYPE: TypeError,
  ERR_INVALID_OPTION_RANGE: RangeError,
  ERR_INVALID_ENV: RangeError,
  ERR_UNSUPPORTED_SERVER: TypeError,
};

/** An error of the class that belongs to `code`. */
export function codedError(code: string, message: string, cause?: unknown): WebSocketError {
  const ErrorClass = CLASSES[code] ?? Error;
  const error = cause === undefined ? new ErrorClass(message) : new ErrorClass(message, { cause });
  return Object.assign(error, { code });
}

/** What the engine threw, as an error of this realm. */
export function fromNative(thrown: unknown): WebSocketError {
  const { code, message } = thrown as Partial<WebSocketError>;
  return codedError(code ?? 'ERR_INTERNAL', message ?? String(thrown));
}

/** Calls the engine and translates what it throws. */
export function translated<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw fromNative(thrown);
  }
}

/** A fault of listening, with the fields that Node's own servers give it. */
export function listenError(fault: { code: string; message: string }): WebSocketError {
  return Object.assign(codedError(fault.code, fault.message), fault);
}

/**
 * Throws outside the current call, where nothing can catch it but `uncaughtException`: the place for a
 * fault of the host's own listener that nobody else is told of, without cutting off what is being done.
 */
export function throwUncaught(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

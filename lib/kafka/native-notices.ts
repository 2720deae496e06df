/**
 * What a native client says beside its answers: lines for the client's logger.
 */
import type { Logger } from './logger.js';
import type { NativeError } from './native.js';

/** A notice, as its JSON says it (`core/src/kafka/notices.rs`). */
export type NativeNotice =
  | { type: 'log'; level: number; facility: string; message: string }
  | { type: 'error'; error: NativeError }
  | { type: 'dropped'; lines: number }
  | { type: 'assigned' | 'revoked' };

/** Logs it, unless it is none of those that are logged. */
export function logNotice(logger: Logger, notice: NativeNotice): void {
  if (notice.type === 'log') {
    logger[methodOf(notice.level)](notice.message, { facility: notice.facility });
  } else if (notice.type === 'error') {
    const { name, message } = notice.error;
    logger.error(message, { error: name });
  } else if (notice.type === 'dropped') {
    logger.warn(`${notice.lines} lines of the engine's log were dropped`);
  }
}

/** syslog's levels. */
function methodOf(level: number): 'error' | 'warn' | 'info' | 'debug' {
  if (level <= 3) return 'error';
  if (level === 4) return 'warn';
  return level <= 6 ? 'info' : 'debug';
}

/**
 * What the engine has to tell beside its answers, as lines of the client's log.
 */
import type { Logger } from './logger.js';
import type { NativeError } from './native.js';

/** One of them, as the core's `Notice` is in JSON. Those of consumers have more. */
export type Notice =
  | { type: 'log'; level: number; facility: string; message: string }
  | { type: 'error'; error: NativeError }
  | { type: 'dropped'; lines: number };

/** Syslog's levels, which librdkafka's lines have. */
const SYSLOG_ERROR = 3;
const SYSLOG_WARNING = 4;
const SYSLOG_INFO = 6;

/** librdkafka's marks of lines about connections that could not be made. */
const FAILURES = ['FAIL', 'ERROR'];

/**
 * Writes it to the log. What the engine mends by itself is for those who look closely, and so is what fails while
 * the client connects: each attempt is logged with its failure anyway.
 */
export function logNotice(logger: Logger, notice: Notice, connecting = false): void {
  if (notice.type === 'log') {
    const { level, facility, message } = notice;
    const isSaid = connecting && FAILURES.includes(facility);
    logger[isSaid ? 'debug' : methodOf(level)](message, { facility });
  } else if (notice.type === 'error') {
    // librdkafka's line about it comes as well.
    const { name, message, fatal } = notice.error;
    logger[fatal ? 'error' : 'debug'](message, { error: name });
  } else {
    logger.warn(`${notice.lines} lines of the engine's log were dropped`);
  }
}

function methodOf(level: number): 'error' | 'warn' | 'info' | 'debug' {
  if (level <= SYSLOG_ERROR) return 'error';
  if (level === SYSLOG_WARNING) return 'warn';
  return level <= SYSLOG_INFO ? 'info' : 'debug';
}

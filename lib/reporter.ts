/**
 * Where faults go: to the `error` and `warning` listeners, to the logger, or up as uncaught exceptions.
 */
import { kindOf } from './arguments.js';
import { codedError, throwUncaught } from './errors.js';
import type { TypedEmitter } from './emitter.js';
import { loggerMask, type WebSocketManagerEvents } from './events.js';
import { oneLine, reasonOf, stackOf } from './text.js';
import type {
  WebSocketError,
  WebSocketLogger,
  WebSocketMessage,
  WebSocketWarning,
} from './types.js';

/** Reports one manager's faults and its lines for the logger. */
export class Reporter<In extends WebSocketMessage> {
  /** The kinds of events that the logger needs, one bit each. */
  readonly mask: number;
  readonly #emitter: TypedEmitter<WebSocketManagerEvents<In>>;
  readonly #logger: WebSocketLogger | undefined;

  /** @throws TypeError `ERR_INVALID_OPTION_TYPE` for a logger without the methods of one. */
  constructor(emitter: TypedEmitter<WebSocketManagerEvents<In>>, logger: unknown) {
    this.#emitter = emitter;
    this.#logger = requireLogger(logger);
    this.mask = this.#logger === undefined ? 0 : loggerMask(this.logsConnections);
  }

  /** Whether lines about single connections are wanted; they are not put together otherwise. */
  get logsConnections(): boolean {
    return typeof this.#logger?.debug === 'function';
  }

  /** Writes a line to the logger, if there is one. */
  log(level: 'debug' | 'info' | 'warn' | 'error', line: string): void {
    try {
      this.#logger?.[level]?.(line);
    } catch (thrown) {
      throwUncaught(thrown);
    }
  }

  /** Tells of a fault that the server survives. Never throws. */
  warn(warning: WebSocketWarning): void {
    const { code, message, connectionId, cause } = warning;
    const where = connectionId === undefined ? '' : ` (${connectionId})`;
    const stack = stackOf(cause);
    this.log(
      'warn',
      `${oneLine(`${code}: ${message}${where}`)}${stack === undefined ? '' : `\n${stack}`}`,
    );
    try {
      this.#emitter.emit('warning', warning);
    } catch (thrown) {
      // A warning about the listener of warnings would find the same listener.
      throwUncaught(thrown);
    }
  }

  /** Tells of a fault of the server itself: an uncaught exception without a listener, as Node has it. */
  fail(error: WebSocketError): void {
    this.log('error', oneLine(`${error.code}: ${error.message}`));
    if (this.#emitter.listenerCount('error') === 0) {
      throwUncaught(error);
      return;
    }
    try {
      this.#emitter.emit('error', error);
    } catch (thrown) {
      this.listenerFailed(thrown);
    }
  }

  /**
   * Tells of a fault of the server once it listens: an `error`, and a warning when nobody listens for errors.
   * Clients can bring such faults about, and must not be able to end a process that was not written for them.
   */
  fault(error: WebSocketError): void {
    if (this.#emitter.listenerCount('error') > 0) this.fail(error);
    else this.warn({ code: error.code, message: error.message, cause: error });
  }

  /** A listener threw, or the promise that it returned was rejected. */
  listenerFailed(cause: unknown, connectionId?: string): void {
    if (this.#logger === undefined && this.#emitter.listenerCount('warning') === 0) {
      throwUncaught(cause);
      return;
    }
    this.warn({
      code: 'ERR_LISTENER',
      message: `a listener failed: ${reasonOf(cause)}`,
      ...(connectionId === undefined ? {} : { connectionId }),
      cause,
    });
  }
}

function requireLogger(logger: unknown): WebSocketLogger | undefined {
  if (logger === undefined || logger === null) return undefined;
  const methods = logger as Partial<Record<string, unknown>>;
  for (const method of ['info', 'warn', 'error']) {
    if (typeof methods[method] !== 'function') {
      const got = `${kindOf(logger)} without ${method}()`;
      const expected = 'logger: must have the functions info, warn and error';
      throw codedError('ERR_INVALID_OPTION_TYPE', `${expected}, got ${got}`);
    }
  }
  return logger as WebSocketLogger;
}

/**
 * kafkajs's loggers: levels, namespaces, and whom the entries go to.
 */
import { logLevel } from './enums.js';

/** One line of the log. */
export interface LogEntry {
  /** The part that writes it, such as `Producer`; '' or undefined for the client itself. */
  namespace: string;
  level: logLevel;
  /** The level's name. */
  label: string;
  log: LoggerEntryContent;
}

/** What a line says: its text, and fields beside it. */
export interface LoggerEntryContent {
  /** ISO 8601 with milliseconds. */
  readonly timestamp: string;
  readonly message: string;
  // biome-ignore lint/suspicious/noExplicitAny: kafkajs's type, which its users' log creators are written for.
  [key: string]: any;
}

/** Makes what takes the lines. It is called once a Kafka, with the level at that time. */
export type logCreator = (logLevel: logLevel) => (entry: LogEntry) => void;

/** What a client writes its lines with, and users theirs. */
export type Logger = {
  info: (message: string, extra?: object) => void;
  error: (message: string, extra?: object) => void;
  warn: (message: string, extra?: object) => void;
  debug: (message: string, extra?: object) => void;
  /** A logger for a part, which may have a level of its own. */
  namespace: (namespace: string, logLevel?: logLevel) => Logger;
  /** Sets the level of this Kafka, for all its loggers that have none of their own. */
  setLogLevel: (logLevel: logLevel) => void;
};

/**
 * A logger without a namespace.
 *
 * The environment's `KAFKAJS_LOG_LEVEL` (`error`, `WARN` …) goes before the levels that code gives, except for
 * `setLogLevel`.
 */
export function createLogger(level: logLevel, creator: logCreator): Logger {
  let rootLevel = fromEnvironment() ?? level;
  const write = creator(rootLevel);

  const loggerOf = (namespace: string | undefined, ownLevel: logLevel | null): Logger => {
    const writerOf = (label: keyof typeof logLevel) => {
      return (message: string, extra: object = {}): void => {
        const entryLevel = logLevel[label];
        if (entryLevel > (ownLevel ?? rootLevel)) return;
        const timestamp = new Date().toISOString();
        write({
          namespace: namespace as string,
          level: entryLevel,
          label,
          log: { timestamp, logger: 'kafkajs', message, ...extra },
        });
      };
    };
    return {
      info: writerOf('INFO'),
      error: writerOf('ERROR'),
      warn: writerOf('WARN'),
      debug: writerOf('DEBUG'),
      namespace: (name, levelOfName) => loggerOf(name, fromEnvironment() ?? levelOfName ?? null),
      setLogLevel: (newLevel) => {
        rootLevel = newLevel;
      },
    };
  };
  return loggerOf(undefined, null);
}

/** What logs where no `logCreator` is given: a line of JSON to the console's method of the level. */
export const consoleLogCreator: logCreator =
  () =>
  ({ namespace, level, label, log }) => {
    const prefix = namespace ? `[${namespace}] ` : '';
    const line = JSON.stringify({ level: label, ...log, message: `${prefix}${log.message}` });
    if (level === logLevel.ERROR) console.error(line);
    else if (level === logLevel.WARN) console.warn(line);
    else if (level === logLevel.INFO) console.info(line);
    else console.log(line);
  };

function fromEnvironment(): logLevel | undefined {
  const name = (process.env.KAFKAJS_LOG_LEVEL ?? '').toUpperCase();
  return Object.hasOwn(logLevel, name) ? logLevel[name as keyof typeof logLevel] : undefined;
}

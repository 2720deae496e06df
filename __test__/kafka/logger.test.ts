/**
 * Loggers: the same entries at the same levels as kafkajs's, and the same lines on the console.
 */
import kafkajs from 'kafkajs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import * as ourEnums from '../../lib/kafka/enums.js';
import { Kafka } from '../../lib/kafka/kafka.js';
import type { LogEntry, Logger } from '../../lib/kafka/logger.js';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

type Script = (logger: Logger) => void;
const LEVELS = ['error', 'warn', 'info', 'debug'] as const;

const allLevels: Script = (logger) => {
  for (const level of LEVELS) logger[level](`a ${level}`, { topic: 't', n: 1 });
  logger.error('without fields');
};

const SCRIPTS: [string, number | undefined, string | undefined, Script][] = [
  ['at the default level', undefined, undefined, allLevels],
  ['at each level: 0', 0, undefined, allLevels],
  ['at each level: 1', 1, undefined, allLevels],
  ['at each level: 2', 2, undefined, allLevels],
  ['at each level: 5', 5, undefined, allLevels],
  ['at the level of the environment', 1, 'debug', allLevels],
  ['with an unknown level in the environment', 2, 'loud', allLevels],
  ['with a name in the environment that objects have', 2, 'toString', allLevels],
  ['with namespaces', 4, undefined, (it) => allLevels(it.namespace('Producer'))],
  ['with namespaces of their own level', 1, undefined, (it) => allLevels(it.namespace('A', 5))],
  [
    'with the environment over the level of a namespace',
    1,
    'WARN',
    (it) => allLevels(it.namespace('A', 5)),
  ],
  [
    'with namespaces of namespaces',
    1,
    undefined,
    (it) => allLevels(it.namespace('A', 5).namespace('B')),
  ],
  [
    'with a level that is set later, for namespaces too',
    1,
    undefined,
    (it) => {
      const part = it.namespace('Part');
      const own = it.namespace('Own', 2);
      part.setLogLevel(5);
      for (const logger of [it, part, own]) allLevels(logger);
    },
  ],
  [
    'with fields that replace those of the entry',
    4,
    undefined,
    (it) => it.info('a', { message: 'b', logger: 'c' }),
  ],
];

describe('log entries', () => {
  test.each(SCRIPTS)('%s', (_name, level, environment, script) => {
    vi.stubEnv('KAFKAJS_LOG_LEVEL', environment);
    const heard = (make: (config: never) => { logger(): unknown }): unknown[] => {
      const entries: unknown[] = [];
      const logCreator = (...made: unknown[]) => {
        entries.push(made);
        return ({ log: { timestamp, ...log }, ...entry }: LogEntry) => {
          expect(timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
          entries.push({ ...entry, log });
        };
      };
      const kafka = make({ brokers: ['a:1'], logLevel: level, logCreator } as never);
      script(kafka.logger() as Logger);
      return entries;
    };
    const expected = heard((config) => new kafkajs.Kafka(config));
    expect(heard((config) => new Kafka(config))).toEqual(expected);
  });
});

test('without a logCreator, lines of JSON go to the console', () => {
  vi.useFakeTimers({ now: 1e12 });
  const METHODS = ['error', 'warn', 'info', 'log'] as const;
  const heard = (logger: Logger): unknown[] => {
    const lines: unknown[] = [];
    for (const method of METHODS) {
      vi.spyOn(console, method).mockImplementation((...line) => lines.push([method, ...line]));
    }
    allLevels(logger);
    allLevels(logger.namespace('Producer'));
    return lines;
  };
  const config = { brokers: ['a:1'], logLevel: 5 };
  const expected = heard(new kafkajs.Kafka(config).logger());
  expect(heard(new Kafka(config).logger())).toEqual(expected);
  expect(expected).toHaveLength(10);
  vi.useRealTimers();
});

test('enumerations have what they have in kafkajs, and no more', () => {
  const { CompressionCodecs, ...enums } = ourEnums;
  for (const [name, values] of Object.entries(enums)) {
    expect([name, values]).toEqual([name, (kafkajs as unknown as Record<string, object>)[name]]);
  }
  expect(Object.keys(enums)).toHaveLength(8);
  expect(Object.keys(CompressionCodecs)).toEqual(Object.keys(kafkajs.CompressionCodecs));
});

test('a codec may be set, and is built in otherwise', () => {
  const { CompressionCodecs, CompressionTypes } = ourEnums;
  expect(CompressionCodecs[CompressionTypes.Snappy]).toThrow('Snappy compression is built into');
  const codec = () => ({});
  CompressionCodecs[CompressionTypes.Snappy] = codec;
  expect(CompressionCodecs[CompressionTypes.Snappy]).toBe(codec);
});

// The command line of the benchmark.
import os from 'node:os';
import { parseArgs } from 'node:util';
import { VERIFIERS } from '../jwt/contestants.mjs';
import { JWT_ROWS } from '../jwt/rows.mjs';
import { CLIENTS } from '../kafka/contestants.mjs';
import { KAFKA_ROWS } from '../kafka/rows.mjs';
import { CONTESTANTS } from './contestants.mjs';
import { openFilesLimit } from './machine.mjs';
import { ROWS } from './rows.mjs';

/** Files that a server or the load generator has open besides its connections. */
const OTHER_FILES = 500;

const ALL_ROWS = [...ROWS, ...JWT_ROWS, ...KAFKA_ROWS];
const IDS = [...new Set([...CONTESTANTS, ...VERIFIERS, ...CLIENTS].map(({ id }) => id))];

export const USAGE = `Usage: node bench/run.mjs [options]
  --rows a,b          rows to measure (default: all, those of Kafka if there is Java);
                      jwt and kafka stand for all of theirs
  --contestants a,b   default: all that are installed
  --rounds 3          interleaved rounds; figures are their medians
  --connections 1000  clients of most rows
  --many 10000        clients of the idle and js-thread-many rows, as far as open files allow
  --seconds 2         length of each measurement, after a warm-up; Kafka's: 5 at most
  --server-cpus 0     CPUs of the server, as taskset takes them; of Kafka's client
  --load-cpus 1       CPUs of the load generator; of Kafka's broker
  --loadgen <file>    a built load generator, instead of building it
rows: ${ALL_ROWS.map((row) => row.id).join(', ')}
contestants: ${IDS.join(', ')}`;

const STRINGS = [
  'rows',
  'contestants',
  'rounds',
  'connections',
  'many',
  'seconds',
  'server-cpus',
  'load-cpus',
  'loadgen',
];

/** Throws an Error whose message is meant for the user. */
export function parseOptions(args) {
  const options = Object.fromEntries(STRINGS.map((name) => [name, { type: 'string' }]));
  options.help = { type: 'boolean' };
  const { values } = parseArgs({ args, options });
  const spare = os.cpus().length > 1;
  const affordable = openFilesLimit() - OTHER_FILES;
  return {
    help: values.help ?? false,
    rows: chosen(
      'rows',
      values.rows,
      ALL_ROWS,
      ({ id }) => id,
      ({ field }) => field,
    ),
    contestants: chosen('contestants', values.contestants, IDS, (id) => id),
    rounds: number('rounds', values.rounds ?? '3', 1, 50),
    connections: number('connections', values.connections ?? '1000', 10, affordable),
    many: Math.min(number('many', values.many ?? '10000', 10, 25_000), affordable),
    seconds: number('seconds', values.seconds ?? '2', 0.1, 60),
    kafkaSeconds: number('seconds', values.seconds ?? '5', 0.1, 60),
    serverCpus: values['server-cpus'] ?? (spare ? '0' : null),
    loadCpus: values['load-cpus'] ?? (spare ? '1' : null),
    loadgen: values.loadgen ?? null,
  };
}

function chosen(name, text, all, idOf, groupOf = idOf) {
  if (text === undefined) return all;
  return text.split(',').flatMap((id) => {
    const found = all.filter((one) => idOf(one) === id || groupOf(one) === id);
    if (found.length === 0) throw new Error(`--${name}: there is no ${id}`);
    return found;
  });
}

function number(name, text, least, most) {
  const value = Number(text);
  if (!(value >= least && value <= most)) {
    throw new Error(`--${name}: a number from ${least} to ${most} is needed`);
  }
  return value;
}

// The benchmark: plays every row against every contestant, interleaved in rounds, and prints a
// Markdown table of the medians. bench/README.md tells how it measures and how to read it.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { measureJwt } from './jwt/run.mjs';
import { measureKafka, missingForKafka } from './kafka/run.mjs';
import { CONTESTANTS, FIELDS, isInstalled, startServer } from './lib/contestants.mjs';
import { buildLoadgen, runLoadgen } from './lib/loadgen.mjs';
import { machine, versions } from './lib/machine.mjs';
import { parseOptions, USAGE } from './lib/options.mjs';
import { markdown, summarise, targets } from './lib/report.mjs';
import { playRounds } from './lib/rounds.mjs';

const RESULTS = path.join(import.meta.dirname, 'results');

const say = (text) => process.stderr.write(`${text}\n`);

/** One measurement: a fresh server, a fresh load generator, one report or an error. */
async function measure(row, contestant, options, program) {
  const connections = row.many ? options.many : options.connections;
  let server;
  try {
    const { deflate = false, threshold } = row;
    server = await startServer(contestant, { deflate, threshold }, options.serverCpus);
    const { pid, port, control } = server;
    const { seconds } = options;
    const warmup = Math.max(0.3, seconds / 3);
    // Connecting thousands of clients and draining what is under way takes its time as well.
    const deadline = 40 + 5 * seconds + connections / 200;
    const scenario = row.scenario({ connections });
    const order = { pid, port, control, path: '/ws', connections, deflate };
    Object.assign(order, { seconds, warmup, deadline });
    return await runLoadgen(program, { ...order, scenario }, options.loadCpus);
  } catch (error) {
    return { error: error.message };
  } finally {
    await server?.stop();
  }
}

/** Those of a row's field that take part. */
const contestantsOf = ({ field = 'wire' }, contestants) =>
  FIELDS[field].filter((one) => contestants.includes(one));

function brief(row, measurement) {
  if (measurement.error) return `failed: ${measurement.error}`;
  const value = measurement[row.value ?? 'cpuUs'];
  return `${value.toFixed(2)} ${row.value ?? 'cpuUs'}, ${measurement.units} units`;
}

function resultOf(row, all, options, measurements) {
  const contestants = contestantsOf(row, all);
  const connections = row.many ? options.many : options.connections;
  const summaries = contestants.map(({ id }) => [
    id,
    summarise(row, measurements.get(`${row.id} ${id}`)),
  ]);
  return {
    id: row.id,
    field: row.field ?? 'wire',
    title: typeof row.title === 'function' ? row.title(connections) : row.title,
    unit: row.unit,
    latency: row.latency ?? true,
    rate: row.rate ?? false,
    deflate: row.deflate ?? false,
    target: row.target,
    connections,
    contestants: Object.fromEntries(summaries),
  };
}

async function measureWebSockets(rows, options) {
  const chosen = CONTESTANTS.filter(({ id }) => options.contestants.includes(id));
  const contestants = chosen.filter(isInstalled);
  for (const missing of chosen.filter((one) => !isInstalled(one))) {
    say(`left out, not installed: ${missing.title}`);
  }
  const program = options.loadgen ?? buildLoadgen();
  const measurements = await playRounds({
    rows,
    rounds: options.rounds,
    contestantsOf: (row) => contestantsOf(row, contestants),
    measure: (row, contestant) => measure(row, contestant, options, program),
    brief,
    say,
  });
  const results = rows.map((row) => resultOf(row, contestants, options, measurements));
  return { results, tables: markdown(results, contestants), promises: targets(results) };
}

/** All parts one after the other: the broker of Kafka's rows would disturb the others. */
async function measureAll(options) {
  const parts = [];
  const of = (name) => options.rows.filter(({ field }) => field === name);
  const [kafkaRows, jwtRows] = [of('kafka'), of('jwt')];
  const rows = options.rows.filter((row) => !kafkaRows.includes(row) && !jwtRows.includes(row));
  if (rows.length > 0) parts.push(await measureWebSockets(rows, options));
  if (jwtRows.length > 0) parts.push(await measureJwt(jwtRows, options, say));
  if (kafkaRows.length === 0) return parts;
  const missing = missingForKafka();
  if (!missing) parts.push(await measureKafka(kafkaRows, options, say));
  else if (parts.length > 0) say(`left out, the rows of Kafka: ${missing}`);
  else throw new Error(`the rows of Kafka need a broker: ${missing}`);
  return parts;
}

async function main() {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    console.log(USAGE);
    return;
  }
  if (process.platform !== 'linux') throw new Error('the benchmark runs on Linux only');
  const about = { date: new Date().toISOString(), machine: machine(), versions: versions() };

  const parts = await measureAll(options);
  const results = parts.flatMap((part) => part.results);
  const promises = parts.flatMap((part) => part.promises);

  console.log(parts.flatMap((part) => part.tables).join('\n\n'));
  if (promises.length > 0) console.log(`\n${promises.join('\n')}`);
  const problems = results.flatMap((result) =>
    Object.entries(result.contestants).flatMap(([id, { problems: found }]) =>
      found.map((problem) => `${result.id} ${id}: ${problem}`),
    ),
  );
  if (problems.length > 0) {
    console.log(`\nNot to be trusted (!):\n${problems.map((one) => `- ${one}`).join('\n')}`);
    process.exitCode = 1;
  }
  mkdirSync(RESULTS, { recursive: true });
  const { rounds, connections, many, seconds, serverCpus, loadCpus } = options;
  const conditions = { rounds, connections, many, seconds, serverCpus, loadCpus };
  const record = JSON.stringify({ ...about, conditions, results }, null, 2);
  writeFileSync(path.join(RESULTS, 'latest.json'), `${record}\n`);
}

main().catch((error) => {
  say(error.message);
  process.exitCode = 1;
});

// The rows of JSON Web Tokens, all rounds.
import { spawn } from 'node:child_process';
import { confined } from '../lib/contestants.mjs';
import { figure, median, times } from '../lib/report.mjs';
import { playRounds } from '../lib/rounds.mjs';
import { VERIFIERS } from './contestants.mjs';
import { makeTokens } from './tokens.mjs';

export async function measureJwt(rows, options, say) {
  const chosen = VERIFIERS.filter(({ id }) => options.contestants.includes(id));
  const verifiers = chosen.filter((one) => one.isInstalled());
  for (const { title } of chosen.filter((one) => !one.isInstalled())) {
    say(`left out, not installed: ${title}`);
  }
  const commands = new Map(verifiers.map((one) => [one.id, one.command()]));
  const tokens = new Map(rows.map(({ id, algorithm }) => [id, makeTokens(algorithm)]));
  const measurements = await playRounds({
    rows,
    rounds: options.rounds,
    contestantsOf: ({ algorithm }) =>
      verifiers.filter(({ algorithms }) => algorithms?.includes(algorithm) ?? true),
    measure: (row, { id, library }) => {
      const times = { warmup: Math.max(0.3, options.seconds / 3), seconds: options.seconds };
      const order = { library, ...tokens.get(row.id), ...times };
      return measure(commands.get(id), order, options.serverCpus);
    },
    brief,
    say,
  });
  const results = rows.map((row) => resultOf(row, verifiers, measurements));
  return { results, tables: [table(results, verifiers)], promises: [] };
}

/** One measurement: a fresh process that is told what to do. */
function measure(command, order, cpus) {
  const [file, ...args] = confined(command, cpus);
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (complaint += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), (order.seconds + 60) * 1000);
    child.once('error', (error) => resolve({ error: error.message }));
    child.once('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(JSON.parse(output));
      else resolve({ error: complaint.trim().slice(0, 500) || `ended with ${code}` });
    });
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(order));
  });
}

function brief(_, { error, cpuUs, units }) {
  return error ? `failed: ${error}` : `${cpuUs.toFixed(2)} us, ${units} tokens`;
}

function resultOf({ id, field, title, algorithm }, verifiers, measurements) {
  const present = verifiers.filter((one) => measurements.has(`${id} ${one.id}`));
  const summaries = present.map((one) => {
    const rounds = measurements.get(`${id} ${one.id}`);
    const good = rounds.filter((round) => !round.error);
    const problems = rounds.flatMap(({ error }) => error ?? []);
    const cpuUs = good.length > 0 ? median(good.map((round) => round.cpuUs)) : null;
    return [one.id, { cpuUs, problems, rounds }];
  });
  return { id, field, title, algorithm, contestants: Object.fromEntries(summaries) };
}

/** CPU per token, in brackets thousands of tokens per second of a core; then our ratio to each rival. */
function table(results, verifiers) {
  const [ours, ...rivals] = verifiers;
  const compared = ours?.id === VERIFIERS[0].id ? rivals : [];
  const head = ['work', ...verifiers.map(({ title }) => title)];
  head.push(...compared.map(({ title }) => `to ${title}`));
  const lines = results.map(({ title, contestants }) => [
    title,
    ...verifiers.map(({ id }) => cell(contestants[id])),
    ...compared.map(({ id }) => ratio(contestants[ours.id], contestants[id])),
  ]);
  return [head, head.map(() => '---'), ...lines]
    .map((line) => `| ${line.join(' | ')} |`)
    .join('\n');
}

function cell(summary) {
  if (!summary) return 'has it not';
  if (summary.cpuUs === null) return 'failed';
  const mark = summary.problems.length > 0 ? ' (!)' : '';
  return `${figure(summary.cpuUs)} (${figure(1000 / summary.cpuUs)} k/s)${mark}`;
}

function ratio(ours, theirs) {
  return ours?.cpuUs && theirs?.cpuUs ? times(ours.cpuUs / theirs.cpuUs) : '';
}

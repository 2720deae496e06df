// From measurements to medians, from medians to Markdown tables.
import { CONTESTANTS, FIELDS } from './contestants.mjs';

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** One contestant's figures in one row: medians over the rounds that succeeded. */
export function summarise(row, measurements) {
  const reports = measurements.filter((one) => !one.error);
  const problems = measurements.flatMap(problemsOf);
  if (reports.length === 0) return { value: null, problems, rounds: measurements };
  const of = (pick) => median(reports.map(pick));
  const value = (report) => report[row.value ?? 'cpuUs'];
  const values = reports.map(value);
  return {
    value: of(value),
    least: Math.min(...values),
    most: Math.max(...values),
    p50Us: of((report) => report.latency.p50),
    p99Us: of((report) => report.latency.p99),
    perSecond: of((report) => report.units / (report.wallMs / 1000)),
    compressed: of((report) => report.compressed / Math.max(1, report.units)),
    problems,
    rounds: measurements,
  };
}

function problemsOf(measurement) {
  if (measurement.error) return [measurement.error];
  const { lost, misordered, unexpected, faultCount, faults } = measurement;
  if (lost + misordered + unexpected + faultCount === 0) return [];
  const counts = `${lost} lost, ${misordered} out of order, ${unexpected} unexpected`;
  return [`${counts}, ${faultCount} faults ${faults.join('; ')}`];
}

/** A table for each field: value, in brackets latency p50 / p99 in ms; then our ratio to each rival. Where
 * messages may be compressed, the cell says how many were. */
export function markdown(results, contestants) {
  return Object.entries(FIELDS).flatMap(([field, all]) => {
    const rows = results.filter((result) => result.field === field);
    const present = all.filter((one) => contestants.includes(one));
    return rows.length > 0 && present.length > 0 ? [table(rows, present)] : [];
  });
}

const oursOf = ({ field }) => FIELDS[field][0].id;

function table(results, contestants) {
  const ours = oursOf(results[0]);
  const rivals = contestants.filter((contestant) => contestant.id !== ours);
  const compared = rivals.length < contestants.length ? rivals : [];
  const ratios = compared.map((rival) => `to ${rival.title}`);
  const head = ['work', 'per', ...contestants.map(({ title }) => title), ...ratios];
  const lines = results.map((result) => {
    const cells = contestants.map(({ id }) => cell(result, result.contestants[id]));
    return [result.title, result.unit, ...cells, ...compared.map(({ id }) => ratio(result, id))];
  });
  return [head, head.map(() => '---'), ...lines]
    .map((line) => `| ${line.join(' | ')} |`)
    .join('\n');
}

function cell(result, summary) {
  if (!summary || summary.value === null) return 'failed';
  const mark = summary.problems.length > 0 ? ' (!)' : '';
  if (!result.latency) return `${figure(summary.value)}${mark}`;
  const latency = `${figure(summary.p50Us / 1000)} / ${figure(summary.p99Us / 1000)}`;
  const share = result.deflate ? `, ${Math.round(summary.compressed * 100)} % deflated` : '';
  const rate = result.rate ? `, ${figure(summary.perSecond)}/s` : '';
  return `${figure(summary.value)} (${latency})${rate}${share}${mark}`;
}

function ratio(result, rival) {
  const value = ratioTo(result, rival);
  return value === null ? '' : times(value);
}

function ratioTo(result, rival) {
  const ours = result.contestants[oursOf(result)]?.value ?? null;
  const theirs = result.contestants[rival]?.value ?? null;
  return ours === null || !theirs ? null : ours / theirs;
}

export const times = (value) => `${value < 0.1 ? value.toPrecision(1) : value.toFixed(2)}x`;

export function figure(value) {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

/** What is promised, and whether it was kept; one line per row that has a target. */
export function targets(results) {
  return results.flatMap((result) => {
    const ours = result.contestants[oursOf(result)];
    if (!result.target || !ours) return [];
    const { ratio: most, limit, rival = 'bun' } = result.target;
    const value = limit ? ours.value : ratioTo(result, rival);
    if (value === null) return [];
    const { title } = CONTESTANTS.find((one) => one.id === rival);
    const promise = limit ? `at most ${limit}` : `at most ${most}x ${title}`;
    const reached = limit ? figure(value) : times(value);
    const lines = [verdict(value <= (limit ?? most), result, promise, reached)];
    if (result.target.latency) lines.push(...latencies(result));
    return lines;
  });
}

function verdict(kept, { title }, promise, reached) {
  return `- ${kept ? 'kept' : 'MISSED'}: ${title}: ${promise}, measured ${reached}`;
}

function latencies(result) {
  const { messaging, bun } = result.contestants;
  return [
    ['p50Us', 'median latency'],
    ['p99Us', '99th percentile'],
  ].map(([key, name]) => {
    const value = messaging[key] / bun[key];
    return verdict(value <= 1, result, `${name} at most Bun's`, times(value));
  });
}

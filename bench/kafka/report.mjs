// From measurements of Kafka clients to a Markdown table and promises kept or missed.
import { CLIENTS } from './contestants.mjs';
import { figure, median, times } from '../lib/report.mjs';

const FIGURES = ['cpuS', 'delayP99Ms', 'rssMiB'];
const FAULTS = ['lost', 'repeated', 'misordered', 'broken'];

/** One client's figures in one row: medians over the rounds that succeeded. */
export function summarise(measurements) {
  const reports = measurements.filter((one) => !one.error);
  const problems = measurements.flatMap(problemsOf);
  if (reports.length === 0) return { cpuS: null, problems, rounds: measurements };
  const of = (pick) => median(reports.map(pick));
  return {
    ...Object.fromEntries(FIGURES.map((name) => [name, of((report) => report[name])])),
    perSecond: of(({ units, wallMs }) => units / (wallMs / 1000)),
    ...(reports[0].latency && {
      p50Ms: of(({ latency }) => latency.p50Ms),
      p99Ms: of(({ latency }) => latency.p99Ms),
    }),
    problems,
    rounds: measurements,
  };
}

function problemsOf(measurement) {
  if (measurement.error) return [measurement.error];
  const found = FAULTS.filter((name) => measurement[name]);
  return found.length > 0 ? [found.map((name) => `${measurement[name]} ${name}`).join(', ')] : [];
}

export function table(results, clients) {
  const [ours, ...rivals] = clients;
  const compared = ours?.id === CLIENTS[0].id ? rivals : [];
  const head = ['work', ...clients.map(({ title }) => title)];
  head.push(...compared.map(({ title }) => `to ${title}`));
  const lines = results.map(({ title, latency, contestants }) => [
    title,
    ...clients.map(({ id }) => cell(contestants[id], latency)),
    ...compared.map(({ id }) => ratios(contestants[ours.id], contestants[id])),
  ]);
  return [head, head.map(() => '---'), ...lines]
    .map((line) => `| ${line.join(' | ')} |`)
    .join('\n');
}

function cell(summary, latency) {
  if (summary.cpuS === null) return 'failed';
  const { cpuS, perSecond, delayP99Ms, rssMiB, p50Ms, p99Ms, problems } = summary;
  const parts = [`${figure(perSecond / 1000)} k/s`];
  if (latency) parts.push(`${figure(p50Ms)} / ${figure(p99Ms)} ms a send`);
  parts.push(`delay ${figure(delayP99Ms)} ms`, `${Math.round(rssMiB)} MiB`);
  return `${figure(cpuS)} (${parts.join(', ')})${problems.length > 0 ? ' (!)' : ''}`;
}

function ratios(ours, theirs) {
  if (ours.cpuS === null || theirs.cpuS === null) return '';
  return `${times(ours.cpuS / theirs.cpuS)} CPU, ${times(ours.perSecond / theirs.perSecond)} msg/s`;
}

/** What is promised, and whether it was kept. */
export function promises(results) {
  return results.flatMap(({ title, target, contestants }) => {
    const { messaging: ours, kafkajs: theirs, [target.also]: also } = contestants;
    if (!ours || ours.cpuS === null) return [];
    const line = (kept, promise, reached) =>
      `- ${kept ? 'kept' : 'MISSED'}: ${title}: ${promise}, measured ${reached}`;
    const lines = [];
    if (theirs && theirs.cpuS !== null) {
      const cpu = ours.cpuS / theirs.cpuS;
      const rate = ours.perSecond / theirs.perSecond;
      lines.push(line(cpu <= target.cpu, `at most ${target.cpu}x kafkajs's CPU`, times(cpu)));
      lines.push(line(rate >= target.rate, `at least ${target.rate}x its msg/s`, times(rate)));
      if (target.delay) {
        const reached = `${figure(ours.delayP99Ms)} ms to ${figure(theirs.delayP99Ms)} ms`;
        const kept = ours.delayP99Ms <= theirs.delayP99Ms;
        lines.push(line(kept, 'event-loop delay p99 at most its', reached));
      }
    }
    if (also && also.cpuS !== null) {
      const rate = ours.perSecond / also.perSecond;
      lines.push(line(rate >= 1, `at least ${target.also}'s msg/s`, times(rate)));
    }
    if (target.rss) {
      const reached = `${Math.round(ours.rssMiB)} MiB`;
      lines.push(line(ours.rssMiB < target.rss, `under ${target.rss} MiB`, reached));
    }
    return lines;
  });
}

// The soak's report, as text.

const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const grouped = (count) => count.toLocaleString('en');

/** Points of a curve that are printed. */
const POINTS = 20;

export function reportOf(run) {
  const { options, tally, report, memory, samples, descriptors, seconds, cpu, lag, faults } = run;
  const { stats, counts } = report;
  const lines = [
    `Soak: ${options.connections} connections, ${options.minutes} minutes, seed ${options.seed}`,
    '',
    row('connections opened', tally.get('opened')),
    row('messages sent by clients', tally.get('sent by clients')),
    row('messages received and checked', tally.get('received')),
    row('sends to groups', sum(counts, /^sent to (rooms|topics|users|all)$/)),
    row('receivers that these counted', counts['receivers counted']),
    row('messages to single clients', counts['sent to one']),
    row('hooks that failed', counts['hooks failed']),
    row('hooks that took too long', counts['hooks out of time']),
    '',
    list('sent', counts, /^sent to /),
    list('authenticate', counts, /^authenticate /),
    list('authorize', counts, /^authorize /),
    list('requests', counts, /^requests: /),
    list('put out', counts, /: connections$/),
    list('warnings', counts, /^warning /),
    list('left', tally.counts, /^left: /),
    list('ends as clients saw them', tally.counts, /^closed /),
    list('ends as the service saw them', counts, /^disconnect /),
    list('refusals', counted(stats.refusals)),
    list('drops', stats.drops),
    `compressed: ${mib(stats.bytesOut)} out in ${grouped(stats.messagesOut)} messages, ${mib(stats.bytesIn)} in`,
    '',
    `RSS: ${curve(samples).join(' ')} MiB`,
    `     ${mib(memory.first)} after the warm-up, ${mib(memory.last)} at the end: ${verdictOf(memory)}`,
    `     ${mib(stats.process.rss)} when all have left, of them ${mib(stats.process.heapUsed)} in JavaScript`,
    `descriptors: ${descriptors.start} at the start, ${descriptors.peak} at most, ${descriptors.end} at the end`,
    `CPU: server ${percent(cpu.server, seconds)}, clients ${percent(cpu.clients, seconds)} of a core`,
    `the clients' thread was late by ${lag.toFixed(0)} ms at most`,
    '',
    ...faultLines(faults),
  ];
  return lines.filter((line) => line !== undefined).join('\n');
}

export function faultLines(faults) {
  const kinds = Object.entries(faults);
  if (kinds.length === 0) return ['No fault: nothing lost, doubled or out of order.'];
  return kinds.flatMap(([kind, { count, examples }]) => [
    `FAULT ${kind}: ${grouped(count)} times`,
    ...examples.map((example) => `  ${example}`),
  ]);
}

function row(name, count = 0) {
  return `${name.padEnd(32)}${grouped(count).padStart(14)}`;
}

function list(title, counts, pattern = /^/) {
  const found = Object.entries(counts).filter(([name]) => pattern.test(name));
  if (found.length === 0) return undefined;
  const parts = found.map(([name, count]) => {
    return `${name.replace(/^(sent to|requests:|left:|closed|disconnect|warning) |^auth\w+ /, '')} ${grouped(count)}`;
  });
  return `${title}: ${parts.join(', ')}`;
}

const counted = (counts) =>
  Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));

function sum(counts, pattern) {
  const found = Object.entries(counts).filter(([name]) => pattern.test(name));
  return found.reduce((total, [, count]) => total + count, 0);
}

function curve(samples) {
  const step = Math.max(1, samples.length / POINTS);
  const points = [];
  for (let i = 0; i < samples.length; i += step) points.push(samples[Math.floor(i)]);
  return points.map((bytes) => (bytes / 2 ** 20).toFixed(0));
}

function verdictOf({ isJudged, isFlat }) {
  if (!isJudged) return 'not judged, the run is too short';
  return isFlat ? 'flat' : 'it grows';
}

const percent = (part, seconds) => `${((100 * part) / seconds).toFixed(0)} %`;

// The program that is measured: one client, one row, in a process of its own. Its argument is what series.mjs asks
// for, its last line of output the report.
import { startMeter } from './meter.mjs';
import { numberOf, makeValue } from './values.mjs';

/** What is done before anything counts: connections, and the compiler's work. */
const WARMUP_MS = 1000;
/** Of the messages there are, at most. */
const WARMUP_SHARE = 0.1;

const order = JSON.parse(process.argv[2]);
const { open } = await import(`./clients/${order.file}`);
const client = open(order.brokers);
const report = order.kind === 'produce' ? await produce(order) : await consume(order);
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit());

/** As many sends under way as the row says, each begun when one has been acknowledged. */
async function produce({ topic, size, inFlight, perSend, messages, seconds }) {
  const producer = await client.producer();
  let number = 0;
  const values = () => Array.from({ length: perSend }, () => makeValue(number++, size));
  // What a service sends it has anyway: a send of many is made once, and sent again and again.
  const many = perSend > 1 ? producer.prepare(topic, values()) : undefined;
  let sent = 0;

  async function play(most, deadline, latencies) {
    const before = sent;
    const one = async () => {
      while (sent - before < most && performance.now() < deadline) {
        sent += perSend;
        const begun = performance.now();
        await producer.send(many ?? producer.prepare(topic, values()));
        latencies?.push(performance.now() - begun);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, one));
    return sent - before;
  }

  await play(messages * WARMUP_SHARE, performance.now() + WARMUP_MS);
  const latencies = [];
  const stop = startMeter();
  const done = await play(messages, performance.now() + seconds * 1000, latencies);
  const report = stop(done);
  await producer.close();
  return { ...report, latency: quantiles(latencies), sent };
}

/** From the first messages to the last, or until time is up. Each has to be the next one of its partition. */
async function consume({ topic, group, size, each, messages, seconds }) {
  const next = [];
  const faults = { misordered: 0, broken: 0 };
  let seen = 0;
  let from = Number.POSITIVE_INFINITY;
  let until = 0;
  let stop;
  let ended;
  const end = new Promise((resolve) => {
    ended = resolve;
  });
  let start;

  function take(partition, value) {
    const number = numberOf(value);
    if (number !== (next[partition] ?? 0)) faults.misordered += 1;
    next[partition] = number + 1;
    if (value.length !== size) faults.broken += 1;
    seen += 1;
    // Clocks are not looked at for each.
    if ((seen & 0xff) === 0 || seen === messages) look();
  }

  function look() {
    const now = performance.now();
    start ??= now;
    if (stop === undefined) {
      if (now < start + WARMUP_MS && seen < messages * WARMUP_SHARE) return;
      from = seen;
      until = now + seconds * 1000;
      stop = startMeter();
    } else if (ended && (seen >= messages || now >= until)) {
      ended(stop(seen - from));
      ended = undefined;
    }
  }

  const consumer = await client.consume({ topic, group, each, take });
  const report = await end;
  await consumer.close();
  return { ...report, ...faults };
}

function quantiles(latencies) {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}

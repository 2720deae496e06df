// The rows of the benchmark that are about Kafka.

const BATCHES = { inFlight: 4, perSend: 1000 };
const SINGLES = { inFlight: 100, perSend: 1 };

/**
 * `kind` is what the client does, `size` the bytes of a value. A measurement ends after `messages`, or after the
 * seconds of `--seconds`. `target` is what the project promises beside `rival`: at most `cpu` times its CPU, at
 * least `rate` times its messages a second, an event-loop delay no worse; `rss` is a limit in MiB.
 */
export const KAFKA_ROWS = [
  produce('produce-100', 'produce 100 B, 1,000 a send, 4 sends in flight', {
    ...{ ...BATCHES, size: 100, messages: 1_000_000 },
    target: { cpu: 0.15, rate: 5 },
  }),
  produce('produce-1k', 'produce 1 KiB, 1,000 a send, 4 sends in flight', {
    ...{ ...BATCHES, size: 1024, messages: 500_000 },
    target: { cpu: 0.15, rate: 5 },
  }),
  produce('single-100', 'produce 100 B, single awaited sends, 100 in flight', {
    ...{ ...SINGLES, size: 100, messages: 500_000 },
    latency: true,
    target: { cpu: 0.15, rate: 5, also: 'confluent' },
  }),
  consume('consume-100', 'consume 100 B, eachMessage', 100, 'message', 0.4),
  consume('consume-1k', 'consume 1 KiB, eachMessage', 1024, 'message', 0.4),
  consume('consume-batch-100', 'consume 100 B, eachBatch', 100, 'batch', 0.5),
  consume('consume-batch-1k', 'consume 1 KiB, eachBatch', 1024, 'batch', 0.5),
];

function produce(id, title, more) {
  return { id, field: 'kafka', title, kind: 'produce', ...more };
}

function consume(id, title, size, each, cpu) {
  const messages = size < 1024 ? 2_000_000 : 600_000;
  const target = { cpu, rate: 2, rss: 150, delay: true };
  return { id, field: 'kafka', title, kind: 'consume', size, each, messages, target };
}

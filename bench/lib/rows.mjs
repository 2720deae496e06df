// The rows of the benchmark: what each one asks of the load generator, and what it reports.

const SIXTEEN = 16;

const send = (options) => ({
  kind: 'broadcast',
  audience: 'everybody',
  size: 128,
  window: 1,
  batch: 1,
  interval: 0,
  ...options,
});

/**
 * `value` names the figure of the load generator's report, `unit` says what it is per.
 * `many` rows use the number of connections given by --many. `target` is what the project
 * promises: at most `ratio` times `rival` (Bun), or at most `limit`; with `latency`, also that neither its median
 * nor its 99th percentile is above Bun's. In `deflate` rows every client negotiates compression, and
 * `threshold` is our `compressionThreshold` where it is not the default. `field` names the contestants (wire).
 */
export const ROWS = [
  {
    id: 'broadcast-128',
    title: 'broadcast 128 B, one at a time',
    unit: 'delivery',
    scenario: () => send({ size: 128 }),
  },
  {
    id: 'broadcast-1k',
    title: 'broadcast 1 KiB, one at a time',
    unit: 'delivery',
    scenario: () => send({ size: 1024 }),
    target: { ratio: 1 },
  },
  {
    id: 'broadcast-16k',
    title: 'broadcast 16 KiB, one at a time',
    unit: 'delivery',
    scenario: () => send({ size: 16 * 1024 }),
  },
  {
    id: 'in-flight-1k',
    title: 'broadcast 1 KiB, 16 in flight',
    unit: 'delivery',
    scenario: () => send({ size: 1024, window: SIXTEEN }),
  },
  {
    id: 'one-tick-128',
    title: 'broadcast 128 B, 16 calls in one tick',
    unit: 'delivery',
    scenario: () => send({ size: 128, window: SIXTEEN, batch: SIXTEEN }),
  },
  {
    id: 'topic-128',
    title: 'topic (10 % subscribed) 128 B, one at a time',
    unit: 'delivery',
    scenario: () => send({ size: 128, audience: 'topic' }),
  },
  {
    id: 'room-128',
    title: 'room (10 % joined) 128 B, one at a time',
    unit: 'delivery',
    scenario: () => send({ size: 128, audience: 'room' }),
  },
  {
    id: 'paced-1k',
    title: 'broadcast 1 KiB, 20,000 deliveries per second',
    unit: 'delivery',
    // An open loop: the same rate for everybody, so that latencies compare.
    scenario: ({ connections }) => send({ size: 1024, window: 1000, interval: connections / 20 }),
  },
  ...deflateRows(),
  {
    id: 'heartbeat-1',
    title: 'heartbeat round trip, 1 in flight',
    unit: 'round trip',
    scenario: () => ({ kind: 'heartbeat', inFlight: 1 }),
  },
  {
    id: 'heartbeat-8',
    title: 'heartbeat round trip, 8 in flight',
    unit: 'round trip',
    scenario: () => ({ kind: 'heartbeat', inFlight: 8 }),
    target: { ratio: 1.2 },
  },
  {
    id: 'connect',
    title: 'connect (to the first message)',
    unit: 'connection',
    scenario: () => ({ kind: 'connect', concurrency: 100 }),
  },
  {
    id: 'cycle',
    title: 'connect, subscribe, close',
    unit: 'cycle',
    scenario: () => ({ kind: 'cycle', concurrency: 100, limit: 20_000 }),
  },
  {
    id: 'idle',
    title: 'idle connection, bytes of RSS',
    unit: 'connection',
    value: 'residentBytes',
    many: true,
    latency: false,
    scenario: () => ({ kind: 'idle', concurrency: 100 }),
    target: { limit: 3000 },
  },
  ...jsThreadRows(),
  ...echoRows(),
];

// By default we compress from 1 KiB on. The second row of 128 B shows what it costs to do so always.
function deflateRows() {
  const row = (id, title, size, more) => ({
    id,
    title: `deflate, broadcast ${title}, one at a time`,
    unit: 'delivery',
    deflate: true,
    scenario: () => send({ size }),
    target: { ratio: 0.25, latency: true },
    ...more,
  });
  return [
    row('deflate-128', '128 B', 128),
    row('deflate-128-always', '128 B, compressionThreshold 1', 128, { threshold: 1 }),
    row('deflate-1k', '1 KiB', 1024),
    row('deflate-16k', '16 KiB', 16 * 1024),
  ];
}

// Calls in successive turns find everything warm. Isolated calls come when the last broadcast has
// long been delivered: caches are cold and threads asleep, as in most services.
function jsThreadRows() {
  const row = (id, many, pace, interval, target) => ({
    id,
    many,
    target,
    unit: 'call',
    value: 'mainThreadUs',
    latency: false,
    title: (connections) => `JS thread per broadcast 1 KiB, ${connections} connections, ${pace}`,
    scenario: ({ connections }) => {
      return { kind: 'js-thread', size: 1024, calls: 200, interval: interval(connections) };
    },
  });
  const none = () => 0;
  const long = (connections) => Math.max(10, connections / 66);
  return [
    row('js-thread', false, 'in successive turns', none, { limit: 30 }),
    row('js-thread-many', true, 'in successive turns', none, { limit: 30 }),
    row('js-thread-isolated', false, 'isolated calls', long),
    row('js-thread-isolated-many', true, 'isolated calls', long),
  ];
}

// Where each message and its answer pass through the host's code.
function echoRows() {
  const row = (inFlight, target) => ({
    id: `echo-${inFlight}`,
    field: 'echo',
    title: `echo 128 B, ${inFlight} in flight`,
    unit: 'round trip',
    rate: true,
    scenario: () => ({ kind: 'echo', inFlight, size: 128 }),
    target,
  });
  return [row(1), row(32, { ratio: 0.5, rival: 'echo-ws' })];
}

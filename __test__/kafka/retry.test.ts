/**
 * Trying again as kafkajs does.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { KafkaJSError, KafkaJSNonRetriableError } from '../../lib/kafka/errors.js';
import { type RetryOptions, retrying, retrySettings } from '../../lib/kafka/retry.js';
import { Sessions } from '../../lib/kafka/session.js';
import { createLogger } from '../../lib/kafka/logger.js';

afterEach(() => vi.restoreAllMocks());

/** The waits between attempts, with a random number that never changes. */
async function waits(random: number, retry: RetryOptions) {
  vi.spyOn(Math, 'random').mockReturnValue(random);
  const waited: number[] = [];
  const outcome = retrying(retrySettings(retry), async ({ retryTime }) => {
    waited.push(retryTime);
    throw new KafkaJSError('down');
  });
  return { waited, error: await outcome.catch((error: unknown) => error) };
}

test('the defaults are those of kafkajs, and what is given last goes first', () => {
  expect(retrySettings()).toEqual({
    maxRetryTime: 30_000,
    initialRetryTime: 300,
    factor: 0.2,
    multiplier: 2,
    retries: 5,
  });
  expect(retrySettings({ retries: 1, factor: 0 }, { retries: 9 })).toMatchObject({
    retries: 9,
    factor: 0,
  });
});

test('an error that trying again does not mend is thrown at once and as it is', async () => {
  for (const error of [new KafkaJSNonRetriableError('no'), new TypeError('no')]) {
    const attempt = vi.fn().mockRejectedValue(error);
    await expect(retrying(retrySettings(), attempt)).rejects.toBe(error);
    expect(attempt).toHaveBeenCalledTimes(1);
  }
});

test('a signal ends the waiting', async () => {
  const abort = new AbortController();
  const reason = new KafkaJSError('disconnected');
  const outcome = retrying(
    retrySettings({ initialRetryTime: 1_000_000 }),
    async () => {
      setImmediate(() => abort.abort(reason));
      throw new KafkaJSError('down');
    },
    abort.signal,
  );
  await expect(outcome).rejects.toBe(reason);
});

/** A session whose engine connects when it is told to. */
function session() {
  const engines: { connect: ReturnType<typeof vi.fn>; disconnect: ReturnType<typeof vi.fn> }[] = [];
  const connects: PromiseWithResolvers[] = [];
  const sessions = new Sessions({
    create: async () => {
      const engine = {
        connect: vi.fn(() => {
          const waiting = withResolvers();
          connects.push(waiting);
          return waiting.promise;
        }),
        disconnect: vi.fn(async () => {}),
      };
      engines.push(engine);
      return engine;
    },
    retry: retrySettings({ retries: 1, initialRetryTime: 1 }),
    logger: createLogger(0, () => () => {}),
    disconnected: () => new KafkaJSError('The admin is disconnected'),
  });
  return { sessions, engines, connects };
}

interface PromiseWithResolvers {
  promise: Promise<void>;
  resolve: () => void;
  reject: (error: Error) => void;
}

function withResolvers(): PromiseWithResolvers {
  const waiting = {} as PromiseWithResolvers;
  waiting.promise = new Promise((resolve, reject) => Object.assign(waiting, { resolve, reject }));
  return waiting;
}

test('callers that connect at once share one engine', async () => {
  const { sessions, engines, connects } = session();
  const both = Promise.all([sessions.connect(), sessions.connect()]);
  await vi.waitUntil(() => connects.length === 1);
  connects[0]?.resolve();
  expect(await both).toEqual([engines[0], engines[0]]);
  expect(await sessions.connect()).toBe(engines[0]);
  expect(engines[0]?.connect).toHaveBeenCalledTimes(1);
});

test('a connection that cannot be made is given up, and the next call makes another', async () => {
  const { sessions, engines, connects } = session();
  const outcome = sessions.connect().catch((error: unknown) => error);
  for (const attempt of [0, 1]) {
    await vi.waitUntil(() => connects.length === attempt + 1);
    connects[attempt]?.reject(new KafkaJSError('down'));
  }
  expect(await outcome).toMatchObject({ name: 'KafkaJSNumberOfRetriesExceeded', retryCount: 1 });
  expect(engines[0]?.disconnect).toHaveBeenCalledTimes(1);

  const again = sessions.connect();
  await vi.waitUntil(() => connects.length === 3);
  connects[2]?.resolve();
  expect(await again).toBe(engines[1]);
});

test('disconnecting ends a connect that is under way, and its engine once', async () => {
  const { sessions, engines, connects } = session();
  const outcome = sessions.connect().catch((error: unknown) => error);
  await vi.waitUntil(() => connects.length === 1);
  await sessions.disconnect();
  connects[0]?.reject(new KafkaJSError('closed'));
  expect(await outcome).toMatchObject({ message: 'The admin is disconnected' });
  expect(engines[0]?.disconnect).toHaveBeenCalledTimes(1);
});

test('waits double, each longer or shorter by the random part, up to the longest', async () => {
  // The middle of the random range is the plain doubling.
  const middle = await waits(0.5, { initialRetryTime: 10, maxRetryTime: 50 });
  expect(middle.waited).toEqual([10, 20, 40, 50, 50, 50]);
  expect(middle.error).toMatchObject({
    name: 'KafkaJSNumberOfRetriesExceeded',
    message: 'down',
    retryCount: 5,
    retryTime: 50,
    retriable: false,
  });
  const shortest = await waits(0, { initialRetryTime: 10, retries: 2 });
  expect(shortest.waited).toEqual([8, 14, 24]);
});

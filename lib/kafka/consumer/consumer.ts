/**
 * kafkajs's consumer over the engine: when it is connected, when it runs, and what becomes of it when a run crashes.
 */
import type { ClientBase } from '../engines.js';
import { KafkaJSConnectionError, KafkaJSNotImplemented } from '../errors.js';
import { type ConsumerEventPayloads, consumerEvents } from '../events.js';
import { Instrumentation } from '../instrumentation.js';
import { NO_STATS, reportStats } from '../native.js';
import { logNotice, type Notice as CommonNotice } from '../notices.js';
import { retrying, retrySettings } from '../retry.js';
import { Sessions } from '../session.js';
import {
  checkCommits,
  checkPartitions,
  checkRun,
  checkSeek,
  checkSubscription,
  type ConsumerSettings,
  notRunning,
} from './checks.js';
import { ConsumerEngine, type Notice, type OpenConsumer } from './engine.js';
import { Runner } from './runner.js';
import { Subscription } from './subscription.js';
import type { Consumer, GroupDescription } from './types.js';

/** What a consumer is made with. */
export interface ConsumerOptions extends ClientBase {
  settings: ConsumerSettings;
  /** The addon's class. */
  Native: OpenConsumer;
  /** Asks the cluster about a group. */
  describeGroup?: (groupId: string) => Promise<GroupDescription>;
  /**
   * How long `disconnect` waits for handlers; ms, default 3,000. They are not told to hurry, and what they do is not
   * committed after it.
   */
  patience?: number;
}

const PATIENCE = 3_000;

export function createConsumer(options: ConsumerOptions): Consumer {
  const { settings, retry } = options;
  const { groupId } = settings;
  const logger = options.logger.namespace('Consumer');
  const retries = retrySettings(retry);
  const clusterRetries = retrySettings(options.clusterRetry);
  const events = new Instrumentation<ConsumerEventPayloads>('consumer', consumerEvents, logger);
  const subscription = new Subscription({ settings, retry: clusterRetries, logger });
  let runner: Runner | undefined;
  /** While a run begins, what it is ordered until it is there: kafkajs's users do not wait for `run()`. */
  let early: ((runner: Runner) => void)[] | undefined;
  let restart: NodeJS.Timeout | undefined;
  let stopping: Promise<void> | undefined;
  /** A start that is under way, or what has come of it. Its end ends the start. */
  let attempt: AbortController | undefined;
  /** How often users have ended it: what was to come of a crash before is not wanted any more. */
  let ends = 0;

  const sessions = new Sessions({
    create: async (ended) => {
      const resolved = await options.resolve();
      ended.throwIfAborted();
      const engine = new ConsumerEngine(options.Native, resolved, settings, logger);
      engine.onNotices = (notices) => {
        const connecting = sessions.connected === undefined;
        for (const it of notices) if (isCommon(it)) logNotice(logger, it, connecting);
      };
      return engine;
    },
    // As in kafkajs, the consumer's own settings are for its run, and not for the cluster.
    retry: clusterRetries,
    logger,
    disconnected,
  });

  const connect = async (): Promise<void> => {
    await sessions.connect();
    events.emit('consumer.connect');
  };

  /**
   * Ends the run, and with it the engine: the next run has another. A run that was to begin after an end that is under
   * way does not.
   */
  const stop = async (patience?: Promise<void>): Promise<void> => {
    clearTimeout(restart);
    const begun = attempt;
    const session = sessions.current;
    attempt = undefined;
    early = undefined;
    begun?.abort(disconnected());
    stopping ??= stopRun(begun !== undefined, patience).finally(() => {
      stopping = undefined;
    });
    if (patience === undefined) return stopping;
    // Who is less patient than the one who stops already goes on.
    const ended = stopping.then(() => true);
    const inTime = await Promise.race([ended, patience.then(() => false)]);
    if (!inTime) await sessions.end(session);
  };

  const stopRun = async (hasBegun: boolean, patience = forever()): Promise<void> => {
    const session = sessions.current;
    await runner?.stop(patience);
    runner = undefined;
    if (hasBegun) {
      await sessions.end(session);
      events.emit('consumer.stop');
    }
    logger.info('Stopped', { groupId });
  };

  const end = async (): Promise<void> => {
    const session = sessions.current;
    const [patience, forget] = after(options.patience ?? PATIENCE);
    await stop(patience).finally(forget);
    logger.debug('consumer has stopped, disconnecting', { groupId });
    await sessions.end(session);
    events.emit('consumer.disconnect');
  };

  const subscribe: Consumer['subscribe'] = async (given) => {
    const wanted = checkSubscription(given, attempt !== undefined);
    await subscription.add(await sessions.connect(), wanted);
  };

  const run: Consumer['run'] = async (config) => {
    const checked = checkRun(config);
    if (attempt !== undefined) {
      logger.warn('consumer#run was called, but the consumer is already running', { groupId });
      return;
    }
    const before = ends;
    const start = async (): Promise<void> => {
      logger.info('Starting', { groupId });
      clearTimeout(restart);
      const begun = new AbortController();
      const { signal } = begun;
      attempt = begun;
      const crashed = async (error: Error): Promise<void> => {
        // A crash while it stops is none any more.
        if (!signal.aborted) await crash(error, () => ends === before, start);
      };
      const orders: typeof early = [];
      early = orders;
      try {
        await stopping;
        signal.throwIfAborted();
        let engine = await sessions.connect();
        signal.throwIfAborted();
        if (engine.contradicts(subscription.topics)) {
          await sessions.disconnect();
          signal.throwIfAborted();
          engine = await sessions.connect();
        }
        await subscription.declare(engine, signal);
        signal.throwIfAborted();
        const { brokers } = engine.info;
        runner = new Runner({
          ...checked,
          engine,
          settings,
          events,
          logger: options.logger.namespace('Runner'),
          retry: retries,
          topics: [...subscription.topics.keys()],
          nodeId: brokers.length === 1 ? (brokers[0]?.nodeId ?? -1) : -1,
          onCrash: (error) => void crashed(error),
        });
        early = undefined;
        for (const give of orders) give(runner);
        events.emit('consumer.connect');
        await runner.start();
      } catch (error) {
        forget(orders);
        await crashed(error as Error);
      }
    };
    await start();
  };

  const crash = async (
    error: Error,
    isWanted: () => boolean,
    start: () => Promise<void>,
  ): Promise<void> => {
    const { retryCount, retryTime } = error as { retryCount?: number; retryTime?: number };
    logger.error(`Crash: ${error.name}: ${error.message}`, {
      ...{ groupId, retryCount, stack: error.stack },
    });
    await end();
    const mayHelp = error.name === 'KafkaJSNumberOfRetriesExceeded' || isCauseRetriable(error);
    const wanted = mayHelp && (await wantsRestart(error));
    // Meanwhile it may have been ended for good, or run again.
    const restarts = wanted && isWanted() && attempt === undefined;
    events.emit('consumer.crash', { error, groupId, restart: restarts });
    if (!restarts || !isWanted() || attempt !== undefined) return;
    const time = retryTime || retry.initialRetryTime || retries.initialRetryTime;
    logger.error(`Restarting the consumer in ${time}ms`, { retryCount, retryTime: time, groupId });
    restart = setTimeout(() => void start(), time);
  };

  const wantsRestart = async (error: Error): Promise<boolean> => {
    try {
      return retry.restartOnFailure ? await retry.restartOnFailure(error) : true;
    } catch (failure) {
      logger.error(
        'Caught error when invoking user-provided "restartOnFailure" callback. Defaulting to restarting.',
        {
          error: (failure as Error).message || failure,
          cause: error.message || error,
          groupId,
        },
      );
      return true;
    }
  };

  const running = (): Runner => {
    if (runner === undefined) throw notRunning();
    return runner;
  };

  const order = (give: (runner: Runner) => void): void => {
    if (early !== undefined) early.push(give);
    else give(running());
  };

  /** What that beginning is ordered is in vain. */
  const forget = (orders: typeof early): void => {
    if (early === orders) early = undefined;
  };

  const consumer: Consumer = {
    connect,
    disconnect: () => {
      ends += 1;
      return end();
    },
    subscribe,
    stop: () => {
      ends += 1;
      return stop();
    },
    run,
    commitOffsets: async (topicPartitions) => {
      const commits = checkCommits(topicPartitions);
      const current = running();
      await retrying(retries, () => current.commitOffsets(commits));
    },
    seek: (position) => {
      const { topic, partition, offset } = checkSeek(position);
      order((current) => current.seek(topic, Number(partition), offset));
    },
    describeGroup: async () => {
      if (options.describeGroup) return options.describeGroup(groupId);
      throw new KafkaJSNotImplemented('describeGroup is not supported by the engine yet');
    },
    pause: (topicPartitions = []) => {
      checkPartitions('pause', topicPartitions);
      order((current) => current.pause(topicPartitions));
    },
    paused: () => runner?.paused() ?? [],
    resume: (topicPartitions = []) => {
      checkPartitions('resume', topicPartitions);
      order((current) => current.resume(topicPartitions));
    },
    on: events.on,
    events: consumerEvents,
    logger: () => logger,
  };
  reportStats(consumer, () => sessions.engine?.stats() ?? { ...NO_STATS });
  return consumer;
}

function disconnected(): Error {
  return new KafkaJSConnectionError('Closed connection');
}

function isCauseRetriable(error: Error): boolean {
  let cause: unknown = error;
  while ((cause as { cause?: unknown }).cause) cause = (cause as { cause?: unknown }).cause;
  return (cause as { retriable?: boolean }).retriable === true;
}

/** Before a run, there are no partitions to hear of. */
function isCommon(notice: Notice): notice is CommonNotice {
  return notice.type === 'log' || notice.type === 'error' || notice.type === 'dropped';
}

/** A promise that nothing settles. */
function forever(): Promise<void> {
  return new Promise(() => {});
}

/** What resolves after so many milliseconds, and what makes that unnecessary. */
function after(time: number): [Promise<void>, () => void] {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, time).unref();
  });
  return [passed, () => clearTimeout(timer)];
}

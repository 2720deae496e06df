/** Which topics a consumer reads, and from where: those that were named, and those that matched when it was asked. */
import type { Logger } from '../logger.js';
import { fromNativeError } from '../native-errors.js';
import { type RetrySettings, retrying } from '../retry.js';
import type { ConsumerSettings } from './checks.js';
import type { ConsumerEngine } from './engine.js';

export class Subscription {
  /** Whether each topic begins at its beginning. */
  readonly topics = new Map<string, boolean>();
  readonly #settings: ConsumerSettings;
  readonly #retry: RetrySettings;
  readonly #logger: Logger;

  constructor(options: { settings: ConsumerSettings; retry: RetrySettings; logger: Logger }) {
    this.#settings = options.settings;
    this.#retry = options.retry;
    this.#logger = options.logger;
  }

  /** Adds topics that the cluster knows; if it does not come to know one, none is added. */
  async add(
    engine: ConsumerEngine,
    { topics, fromBeginning }: { topics: (string | RegExp)[]; fromBeginning: boolean },
  ): Promise<void> {
    const names = topics.filter((it) => typeof it === 'string');
    const patterns = topics.filter((it) => typeof it !== 'string');
    if (patterns.length > 0) names.push(...(await this.#matching(engine, patterns)));
    const wanted = new Map(names.map((name) => [name, fromBeginning]));
    await this.#declare(engine, wanted);
    for (const [name, beginning] of wanted) this.topics.set(name, beginning);
  }

  /** Tells an engine of all topics, and waits until the cluster knows them. */
  async declare(engine: ConsumerEngine, signal: AbortSignal): Promise<void> {
    await this.#declare(engine, this.topics, signal);
  }

  async #matching(engine: ConsumerEngine, patterns: RegExp[]): Promise<string[]> {
    const cluster = await retrying(this.#retry, () => engine.metadata());
    const all = cluster.topics.map(({ name }) => name);
    return patterns.flatMap((topicRegExp) => {
      const matchedTopics = all.filter((name) => matches(topicRegExp, name));
      this.#logger.debug('Subscription based on RegExp', {
        ...{ groupId: this.#settings.groupId, topicRegExp: String(topicRegExp), matchedTopics },
      });
      return matchedTopics;
    });
  }

  /** The cluster may create topics for that. */
  async #declare(
    engine: ConsumerEngine,
    wanted: Map<string, boolean>,
    signal?: AbortSignal,
  ): Promise<void> {
    if (wanted.size === 0) return;
    const missing = await retrying(
      this.#retry,
      async ({ retryCount }) => {
        const cluster = await engine.declare(wanted);
        for (const { name, error } of cluster.topics) {
          if (error === null) continue;
          const failure = fromNativeError(error, { topic: name });
          if (!isMissing(failure)) throw failure;
          // One that is being created comes; another is told as it is, as by kafkajs.
          const comes = this.#settings.allowAutoTopicCreation && retryCount < this.#retry.retries;
          if (!comes) return failure;
          throw failure;
        }
        return undefined;
      },
      signal,
    );
    if (missing) throw missing;
  }
}

function isMissing(error: Error): boolean {
  return (error as { type?: string }).type === 'UNKNOWN_TOPIC_OR_PARTITION';
}

/** Each name is looked at by itself, whatever the flags. */
function matches(pattern: RegExp, name: string): boolean {
  pattern.lastIndex = 0;
  return pattern.test(name);
}

/**
 * The native consumer. One lives from `connect` to the end of a run: what a topic begins with, and membership
 * in the group, cannot be changed in it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { EngineConfig, ResolvedConfig } from '../config.js';
import { areEmbedded } from '../embedded.js';
import type { Logger } from '../logger.js';
import type { EngineStats, NativeError } from '../native.js';
import { type ErrorContext, kafkaErrorOf, translatedKafka } from '../native-errors.js';
import type { Notice as CommonNotice } from '../notices.js';
import type { Connectable } from '../session.js';
import { Tokens } from '../tokens.js';
import type { PartitionMetadata } from '../types.js';
import type { ConsumerSettings } from './checks.js';

const LONGEST = 0x7fff_ffff;
/** The longest times that the engine is given, in milliseconds. */
const AT_KAFKA = { sessionTimeout: LONGEST, heartbeatInterval: LONGEST };
/** Its groups take `sessionTimeout` less a second for each change of their members, and at least till a heartbeat. */
const AT_EMBEDDED = { sessionTimeout: 2_000, heartbeatInterval: 500 };

/** The addon's class. Everything crosses as JSON but the batches. */
export interface NativeConsumer {
  take(): Buffer | null;
  topics(): string[];
  takeNotices(): string[];
  stats(): string;
  setToken(json: string): void;
  command(json: string): void;
  request(json: string): Promise<string>;
}

/** Makes the addon's class. The two functions are called when there is something to take. */
export type OpenConsumer = new (
  config: string,
  onNotice: () => void,
  onBatch: () => void,
) => NativeConsumer;

/** What the engine tells by itself. */
export type Notice =
  | CommonNotice
  | {
      type: 'assigned';
      assignment: number;
      partitions: AssignedPartition[];
      memberId: string;
      generation: number;
    }
  | { type: 'revoked'; assignment: number; partitions: AssignedPartition[]; lost: boolean }
  | { type: 'partition'; topic: string; partition: number; error: NativeError };

export interface AssignedPartition {
  topic: string;
  partition: number;
}

export interface ClusterInfo {
  clusterId: string | null;
  controller: number | null;
  brokers: { nodeId: number; host: string; port: number }[];
  topics: { name: string; error: NativeError | null; partitions: PartitionMetadata[] }[];
}

/** Where to commit. */
export interface Place {
  topic: string;
  partition: number;
  offset: string;
  metadata?: string | null;
}

/** What is paused of a topic. */
export interface PauseRule {
  topic: string;
  all: boolean;
  paused: number[];
  resumed: number[];
}

/** A partition that is paused or resumed; going on at `offset`, or where its first batch began. */
export interface PauseChange {
  topic: string;
  partition: number;
  epoch: number;
  offset: string | null;
}

/** How long `disconnect` waits for the engine to leave the group. */
const CLOSING = 1_500;

/** The native consumer, in the terms of TypeScript. */
export class ConsumerEngine implements Connectable {
  readonly #native: NativeConsumer;
  readonly #config: EngineConfig;
  readonly #tokens: Tokens | undefined;
  readonly #declared = new Map<string, boolean>();
  #topics: string[] = [];
  #info: ClusterInfo | undefined;
  #closing: Promise<void> | undefined;
  onNotices: (notices: Notice[]) => void = () => {};
  onBatch: () => void = () => {};

  constructor(
    Native: OpenConsumer,
    { config, oauthBearerProvider: provider }: ResolvedConfig,
    settings: ConsumerSettings,
    logger: Logger,
  ) {
    this.#config = config;
    try {
      this.#native = new Native(
        JSON.stringify(nativeConfig(config, settings)),
        () => this.#deliverNotices(),
        () => this.onBatch(),
      );
    } catch (thrown) {
      throw kafkaErrorOf(thrown);
    }
    const set = (token: string): void => this.#native.setToken(token);
    this.#tokens = provider && new Tokens({ provider, set, logger });
  }

  /** What the cluster has told of itself, once it is reached. */
  get info(): ClusterInfo {
    return this.#info as ClusterInfo;
  }

  async login(): Promise<void> {
    await this.#tokens?.begin();
  }

  async connect(): Promise<void> {
    const { sasl, connectionTimeout, requestTimeout } = this.#config;
    const timeout = connectionTimeout + requestTimeout;
    const context = sasl ? { mechanism: sasl.mechanism } : {};
    this.#info = await this.#request({ type: 'connect', timeout }, context);
  }

  /** All topics of the cluster. */
  metadata(): Promise<ClusterInfo> {
    return this.#request({ type: 'metadata', topics: null, timeout: this.#config.requestTimeout });
  }

  /** Says where topics begin, and gives what the cluster says of them. */
  declare(topics: Map<string, boolean>): Promise<ClusterInfo> {
    for (const [topic, fromBeginning] of topics) {
      if (!this.#declared.has(topic)) this.#declared.set(topic, fromBeginning);
    }
    const list = Array.from(topics, ([topic, fromBeginning]) => ({ topic, fromBeginning }));
    return this.#request({ type: 'declare', topics: list, timeout: this.#config.requestTimeout });
  }

  /** Whether another beginning was declared for one of these topics, which needs another engine. */
  contradicts(topics: Map<string, boolean>): boolean {
    return Array.from(topics).some(
      ([topic, fromBeginning]) => (this.#declared.get(topic) ?? fromBeginning) !== fromBeginning,
    );
  }

  /** Joins the group. */
  async subscribe(topics: string[]): Promise<void> {
    await this.#request({ type: 'subscribe', topics });
  }

  /** Commits, if this assignment still holds. */
  async commit(assignment: number, offsets: Place[]): Promise<void> {
    await this.#request({ type: 'commit', assignment, offsets });
  }

  seek(topic: string, partition: number, offset: string, epoch: number): void {
    this.#command({ type: 'seek', topic, partition, offset, epoch });
  }

  pauses(rules: PauseRule[], changes: PauseChange[]): void {
    this.#command({ type: 'pauses', rules, changes });
  }

  /** What was to be done before the partitions of this assignment go, is done. */
  release(assignment: number): void {
    this.#command({ type: 'release', assignment });
  }

  /** The next batch, if there is one; `onBatch` is called when there is again. */
  take(): Buffer | null {
    const batch = this.#native.take();
    // Which assignment it is of was told before it was made, and may still be on its way by the other door.
    if (batch !== null) this.#deliverNotices();
    return batch;
  }

  /** The name of a batch's topic. */
  topic(number: number): string {
    if (number >= this.#topics.length) this.#topics = this.#native.topics();
    return this.#topics[number] ?? '';
  }

  stats(): EngineStats {
    return JSON.parse(this.#native.stats());
  }

  /** Leaves the group and ends. It resolves in any case, and in time. */
  async disconnect(): Promise<void> {
    this.#tokens?.end();
    await Promise.race([this.#close(), delay(CLOSING, undefined, { ref: false })]);
  }

  #close(): Promise<void> {
    this.#closing ??= this.#request({ type: 'close' }).then(
      () => {},
      () => {},
    );
    return this.#closing;
  }

  #deliverNotices(): void {
    const notices = this.#native.takeNotices();
    if (notices.length > 0) this.onNotices(notices.map((notice) => JSON.parse(notice)));
  }

  // Nothing of the engine's gets out as it is: users know kafkajs's errors.

  async #request<T>(request: object, context?: ErrorContext): Promise<T> {
    const json = JSON.stringify(request);
    return JSON.parse(await translatedKafka(() => this.#native.request(json), context));
  }

  #command(command: object): void {
    try {
      this.#native.command(JSON.stringify(command));
    } catch (thrown) {
      throw kafkaErrorOf(thrown);
    }
  }
}

function nativeConfig(client: EngineConfig, settings: ConsumerSettings): object {
  const most = areEmbedded(client.brokers) ? AT_EMBEDDED : AT_KAFKA;
  return {
    client,
    groupId: settings.groupId,
    groupInstanceId: settings.groupInstanceId ?? null,
    sessionTimeout: Math.min(whole(settings.sessionTimeout), most.sessionTimeout),
    heartbeatInterval: Math.min(whole(settings.heartbeatInterval), most.heartbeatInterval),
    rebalanceTimeout: whole(settings.rebalanceTimeout),
    minBytes: whole(settings.minBytes),
    maxWaitTime: whole(settings.maxWaitTimeInMs),
    maxBytes: whole(settings.maxBytes),
    maxBytesPerPartition: whole(settings.maxBytesPerPartition),
    readUncommitted: settings.readUncommitted,
    rackId: settings.rackId,
  };
}

/** What the engine takes for a number: kafkajs would send anything. */
function whole(value: number): number {
  return Math.min(Math.max(Math.round(Number(value)) || 0, 0), LONGEST);
}

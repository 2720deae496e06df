/**
 * The engine of an admin, for one connection: requests as JSON, their failures as kafkajs's errors.
 */
import { NativeKafkaAdmin } from '../../native.js';
import type { EngineConfig, ResolvedConfig } from '../config.js';
import type { Logger } from '../logger.js';
import { KafkaJSConnectionError } from '../errors.js';
import { type ErrorContext, kafkaErrorOf, translatedKafka } from '../native-errors.js';
import type { NativeError } from '../native.js';
import { logNotice } from '../notices.js';
import { type RetrySettings, retrying } from '../retry.js';
import type { Connectable } from '../session.js';
import { Tokens } from '../tokens.js';
import type { PartitionMetadata } from '../types.js';
import { askEmbedded, isEmbedded } from './embedded.js';
import type { IResourceConfigEntry, ReplicaAssignment } from './types.js';

/** What became of one topic or group of a request. */
export interface Outcome {
  name: string;
  error: NativeError | null;
}

export interface DescribedTopic {
  name: string;
  error: NativeError | null;
  partitions: PartitionMetadata[];
}

export interface DescribedCluster {
  clusterId: string | null;
  controller: number | null;
  brokers: { nodeId: number; host: string; port: number }[];
}

/** A position, in decimal; -1 for none. */
export interface Position {
  topic: string;
  partition: number;
  offset: string;
  metadata: string | null;
  error: NativeError | null;
}

/** A group. What its members sent is bytes. */
export interface DescribedGroup {
  errorCode: number;
  groupId: string;
  state: string;
  protocolType: string;
  protocol: string;
  members: {
    memberId: string;
    clientId: string;
    clientHost: string;
    memberMetadata: number[];
    memberAssignment: number[];
  }[];
}

/** The requests (the core's `AdminRequest`), and what each is answered with. */
export interface AdminRequests {
  createTopics: [
    {
      topics: {
        topic: string;
        numPartitions: number;
        replicationFactor: number;
        replicaAssignment: ReplicaAssignment[];
        configEntries: IResourceConfigEntry[];
      }[];
      validateOnly: boolean;
      timeout: number;
    },
    Outcome[],
  ];
  deleteTopics: [{ topics: string[]; timeout: number }, Outcome[]];
  listTopics: [object, string[]];
  describeTopics: [{ topics: string[] }, DescribedTopic[]];
  describeAllTopics: [object, DescribedTopic[]];
  describeCluster: [object, DescribedCluster];
  /** A time is milliseconds since 1970, -1 for the end or -2 for the beginning. */
  listOffsets: [
    { partitions: { topic: string; partition: number; timestamp: number }[] },
    Position[],
  ];
  listGroupOffsets: [
    { groupId: string; partitions: { topic: string; partition: number }[] | null },
    Position[],
  ];
  alterGroupOffsets: [
    { groupId: string; partitions: { topic: string; partition: number; offset: string }[] },
    Position[],
  ];
  listGroups: [object, DescribedGroup[]];
  describeGroups: [{ groupIds: string[] }, DescribedGroup[]];
  deleteGroups: [{ groupIds: string[] }, Outcome[]];
}

/** Makes one of these requests. */
export type Ask = <K extends keyof AdminRequests>(
  type: K,
  request: AdminRequests[K][0],
) => Promise<AdminRequests[K][1]>;

/** One native client. */
export class AdminEngine implements Connectable {
  readonly #native: NativeKafkaAdmin;
  readonly #config: EngineConfig;
  readonly #context: ErrorContext;
  readonly #tokens: Tokens | undefined;
  readonly #retry: RetrySettings;
  readonly #ended = new AbortController();
  #connected = false;

  constructor(
    { config, oauthBearerProvider }: ResolvedConfig,
    { logger, retry }: { logger: Logger; retry: RetrySettings },
  ) {
    this.#config = config;
    this.#retry = retry;
    this.#context = config.sasl ? { mechanism: config.sasl.mechanism } : {};
    const onNotices = (): void => {
      for (const notice of this.#native.takeNotices()) {
        logNotice(logger, JSON.parse(notice), !this.#connected);
      }
    };
    try {
      this.#native = new NativeKafkaAdmin(JSON.stringify(config), onNotices);
    } catch (thrown) {
      throw kafkaErrorOf(thrown);
    }
    this.#tokens =
      oauthBearerProvider &&
      new Tokens({
        provider: oauthBearerProvider,
        set: (token) => this.#native.setToken(token),
        logger,
      });
  }

  async login(): Promise<void> {
    await this.#tokens?.begin();
  }

  async connect(): Promise<void> {
    const connected = await this.#reach();
    this.#connected = true;
    if (isEmbedded(JSON.parse(connected))) this.ask = askEmbedded(this.#ask);
  }

  /** One attempt to reach a broker. */
  #reach(): Promise<string> {
    const { connectionTimeout } = this.#config;
    return translatedKafka(() => this.#native.connect(connectionTimeout), this.#context);
  }

  readonly #ask: Ask = async (type, request) => {
    // Before anything is sent it is tried again, as in kafkajs; behind that it is not known what became of it.
    if (!this.#native.isConnected()) {
      await retrying(this.#retry, () => this.#reach(), this.#ended.signal);
    }
    const json = JSON.stringify({ type, ...request });
    const { requestTimeout } = this.#config;
    return JSON.parse(
      await translatedKafka(() => this.#native.request(json, requestTimeout), this.#context),
    );
  };

  /** Makes a request. */
  ask: Ask = this.#ask;

  async disconnect(): Promise<void> {
    this.#tokens?.end();
    this.#ended.abort(new KafkaJSConnectionError('Closed connection'));
    await translatedKafka(() => this.#native.close());
  }
}

// The way of events through Kafka: `publish` sends one to a topic, a consumer reads it there and hands it
// on. It is the Kafka at KAFKA_BROKERS, or one inside this process when that is not set.

import { randomUUID } from 'node:crypto';
import { EmbeddedKafka, KafkaClient, logLevel } from '../../index.js';

const TOPIC = 'messaging-demo-events';
const PARTITIONS = 3;
const REQUEST_TIMEOUT = 5000;

export class KafkaEvents {
  /** Which demo an event is of: several may use one Kafka. */
  instance = randomUUID();
  #embedded = null;
  #producer;
  #open = false;
  #consumed = 0;
  /** Partition to the number of events that are there and were not handled yet. */
  #lags = new Map();
  /** Kind of event to where the last one of it stood. */
  #last = new Map();

  /** Connects, and hands each event to `handle` from then on. */
  static async open(handle) {
    const events = new KafkaEvents();
    try {
      await events.#connect();
      await events.#consume(handle);
    } catch (error) {
      await events.close();
      throw error;
    }
    return events;
  }

  /**
   * Resolves when Kafka has the event, with its place there. Events of one key stay in order.
   *
   * @param event { kind, userId?, topic?, payload }: for a user, or for the subscribers of a topic of the
   * WebSocketManager
   */
  async publish(event) {
    const { userId, topic } = event;
    const [{ partition, baseOffset }] = await this.#producer.send({
      topic: TOPIC,
      messages: [
        {
          key: userId === undefined ? `topic ${topic}` : `user ${userId}`,
          value: JSON.stringify(event),
          headers: { instance: this.instance },
        },
      ],
    });
    return { topic: TOPIC, partition, offset: baseOffset };
  }

  /** A line about which Kafka it is. */
  get description() {
    const where = this.#embedded
      ? `inside this process, at ${this.#embedded.brokers}`
      : `at ${process.env.KAFKA_BROKERS}`;
    return `Kafka: ${where}, topic ${TOPIC}`;
  }

  /** What the page shows of it. */
  figures() {
    return {
      embedded: this.#embedded !== null,
      topic: TOPIC,
      consumed: this.#consumed,
      lag: [...this.#lags.values()].reduce((sum, lag) => sum + lag, 0),
      last: [...this.#last].map(([kind, place]) => ({ kind, ...place })),
    };
  }

  async close() {
    this.#open = false;
    await KafkaClient.disconnect();
    await this.#embedded?.close();
  }

  async #connect() {
    const brokers = process.env.KAFKA_BROKERS;
    const options = {
      requestTimeout: REQUEST_TIMEOUT,
      retry: { retries: 3, maxRetryTime: 2000 },
      logLevel: logLevel.ERROR,
      logCreator: () => (entry) => this.#log(entry),
    };
    if (brokers) {
      KafkaClient.configure(options);
    } else {
      const topics = [{ topic: TOPIC, numPartitions: PARTITIONS }];
      this.#embedded = await EmbeddedKafka.start({ topics });
      const here = { brokers: this.#embedded.brokers, ssl: false, sasl: undefined };
      KafkaClient.configure({ ...options, ...here });
    }
    try {
      this.#producer = await KafkaClient.getProducer();
    } catch (error) {
      throw new Error(`no Kafka can be used at KAFKA_BROKERS=${brokers}: ${error.message}`);
    }
  }

  async #consume(handle) {
    // Every demo has to see all events, since the users are each at one of them. So each has a group of its
    // own, which leaves nothing behind as it commits nothing.
    const consumer = await KafkaClient.createConsumer(`messaging-demo-${this.instance}`);
    const { END_BATCH_PROCESS, GROUP_JOIN, CRASH } = consumer.events;
    consumer.on(END_BATCH_PROCESS, ({ payload }) => {
      this.#lags.set(payload.partition, Math.max(0, Number(payload.offsetLag)));
    });
    const joined = new Promise((resolve, reject) => {
      consumer.on(GROUP_JOIN, resolve);
      consumer.on(CRASH, ({ payload }) => {
        if (!payload.restart) reject(payload.error);
      });
    });
    // The embedded one is empty. Elsewhere there may be the events of days.
    const subscription = { topics: [TOPIC], fromBeginning: this.#embedded !== null };
    try {
      await consumer.subscribe(subscription);
    } catch {
      // Brokers that do not create topics by themselves may do so when they are asked to.
      await createTopic();
      await consumer.subscribe(subscription);
    }
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ topic, partition, message }) => {
        this.#consumed++;
        const event = eventIn(message);
        if (event === null) {
          console.warn(`Warning: no event at ${topic}, partition ${partition}, ${message.offset}`);
          return;
        }
        const place = { partition, offset: message.offset };
        this.#last.set(event.kind, place);
        const own = String(message.headers.instance) === this.instance;
        handle(event, { place: { topic, ...place }, own });
      },
    });
    await joined;
    this.#open = true;
  }

  /** What goes wrong while it connects is told at its end, once; and what ends is no fault. */
  #log({ log }) {
    // The engine's lines begin with the thread that wrote them.
    const message = log.message.replace(/^\[thrd:[^\]]*\]: /, '');
    if (this.#open) console.error(`Kafka: ${message}`);
  }
}

async function createTopic() {
  const admin = KafkaClient.getInstance().admin();
  try {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] });
  } finally {
    await admin.disconnect();
  }
}

/** The event, or null: others may write to the topic too. */
function eventIn({ value }) {
  let event;
  try {
    event = JSON.parse(value);
  } catch {
    return null;
  }
  const { kind, userId, topic } = Object(event);
  const known =
    typeof kind === 'string' && (typeof userId === 'string' || typeof topic === 'string');
  return known ? event : null;
}

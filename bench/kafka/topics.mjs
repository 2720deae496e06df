// The topics of the benchmark: made, filled, and read back, by kafkajs whoever is measured.
import kafkajs from 'kafkajs';
import { isWhole, numberOf, makeValue } from './values.mjs';

const { Kafka, logLevel } = kafkajs;

export const PARTITIONS = 3;
// Batches as producers make them.
const PER_SEND = 500;
const PATIENCE = 120_000;

export class Topics {
  #kafka;
  #admin;

  constructor(brokers) {
    this.#kafka = new Kafka({ clientId: 'bench-topics', brokers, logLevel: logLevel.ERROR });
    this.#admin = this.#kafka.admin();
  }

  async create(topic) {
    await this.#admin.connect();
    // Gone soon after it is deleted, so that the disk does not fill.
    const configEntries = [{ name: 'file.delete.delay.ms', value: '1000' }];
    const topics = [{ topic, numPartitions: PARTITIONS, configEntries }];
    await this.#admin.createTopics({ topics, waitForLeaders: true });
  }

  /** Each partition gets messages that are numbered from 0. */
  async fill(topic, size, messages) {
    const producer = this.#kafka.producer({
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    const each = messages / PARTITIONS;
    for (let from = 0; from < each; from += PER_SEND) {
      const numbers = Array.from({ length: Math.min(PER_SEND, each - from) }, (_, i) => from + i);
      const values = numbers.map((number) => makeValue(number, size));
      const to = (partition) => values.map((value) => ({ partition, value }));
      const partitions = Array.from({ length: PARTITIONS }, (_, partition) => to(partition));
      await producer.send({ topic, messages: partitions.flat() });
    }
    await producer.disconnect();
  }

  /** How many messages a topic has. */
  async count(topic) {
    const offsets = await this.#admin.fetchTopicOffsets(topic);
    return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  }

  /** Reads all of a topic, which should have the numbers from 0 up to `sent`, each once and whole. */
  async readBack(topic, size, sent) {
    const seen = new Uint8Array(sent);
    const faults = { lost: 0, repeated: 0, broken: 0 };
    let left = await this.count(topic);
    const consumer = this.#kafka.consumer({ groupId: `${topic}-read-back` });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await new Promise((resolve, reject) => {
      const late = () => reject(new Error('reading back took too long'));
      const timer = setTimeout(late, PATIENCE);
      const eachBatch = async ({ batch: { messages } }) => {
        for (const { value } of messages) {
          const number = numberOf(value);
          if (!isWhole(value, size) || number >= sent) faults.broken += 1;
          else if (seen[number]++ > 0) faults.repeated += 1;
        }
        left -= messages.length;
        if (left > 0) return;
        clearTimeout(timer);
        resolve();
      };
      if (left > 0) consumer.run({ eachBatch });
      else resolve();
    });
    await consumer.disconnect();
    faults.lost = seen.reduce((sum, times) => sum + (times === 0 ? 1 : 0), 0);
    return faults;
  }

  async remove(topic) {
    await this.#admin.deleteTopics({ topics: [topic] });
  }

  async close() {
    await this.#admin.disconnect();
  }
}

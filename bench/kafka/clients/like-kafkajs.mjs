// What kafkajs, and those with its API, are asked to do.

/**
 * @param kafka an instance of the client's class `Kafka`
 * @param {{ producer?: object, consumer: (group: string) => object, subscribe?: object }} settings
 */
export function likeKafkajs(kafka, settings) {
  return {
    async producer() {
      const producer = kafka.producer(settings.producer);
      await producer.connect();
      return {
        prepare: (topic, values) => ({ topic, messages: values.map((value) => ({ value })) }),
        send: (prepared) => producer.send(prepared),
        close: () => producer.disconnect(),
      };
    },

    async consume({ topic, group, each, take }) {
      const consumer = kafka.consumer(settings.consumer(group));
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], ...settings.subscribe });
      await consumer.run(each === 'message' ? { eachMessage } : { eachBatch });
      return { close: () => consumer.disconnect() };

      async function eachMessage({ partition, message }) {
        take(partition, message.value);
      }

      async function eachBatch({ batch: { partition, messages } }) {
        for (const message of messages) take(partition, message.value);
      }
    },
  };
}

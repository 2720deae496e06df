// It hands out messages by a stream: one after another by `for await`, or as fast as they come by its event, which
// is what it has instead of batches.
import { Consumer, Producer } from '@platformatic/kafka';

export function open(brokers) {
  const base = { clientId: 'bench', bootstrapBrokers: brokers };
  return {
    async producer() {
      const producer = new Producer({ ...base, acks: -1 });
      return {
        prepare: (topic, values) => ({ messages: values.map((value) => ({ topic, value })) }),
        send: (prepared) => producer.send(prepared),
        close: () => producer.close(),
      };
    },

    async consume({ topic, group, each, take }) {
      const consumer = new Consumer({ ...base, groupId: group });
      const stream = await consumer.consume({ topics: [topic], mode: 'earliest' });
      const read = async () => {
        for await (const { partition, value } of stream) take(partition, value);
      };
      if (each === 'message') read();
      else stream.on('data', ({ partition, value }) => take(partition, value));
      return { close: () => consumer.close(true) };
    },
  };
}

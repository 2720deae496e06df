/**
 * An admin at an `EmbeddedKafka`, which is librdkafka's mock cluster: it names a controller that it does not have,
 * so whatever the engine asks of the controller waits for ever, and some requests it does not know at all. What it
 * can be asked otherwise is; the rest is refused at once.
 */
import { KafkaJSNotImplemented } from '../errors.js';
import type { AdminRequests, Ask, DescribedCluster, DescribedTopic } from './engine.js';

/** What it is asked and does not serve. */
const NOT_SERVED: Partial<Record<keyof AdminRequests, string>> = {
  createTopics: 'topics cannot be created by requests, EmbeddedKafka.createTopic() does it',
  deleteTopics: 'topics cannot be deleted',
  listGroups: 'groups cannot be listed',
  describeGroups: 'groups cannot be described, which setOffsets() and resetOffsets() need too',
  deleteGroups: 'groups cannot be deleted',
};

/** Whether this is one: librdkafka names them so. Ids of Kafka's own have 22 characters. */
export function isEmbedded({ clusterId }: DescribedCluster): boolean {
  return clusterId?.startsWith('mockCluster') === true;
}

/** Asks one, `ask` being what asks any other. */
export function askEmbedded(ask: Ask): Ask {
  return async (type, request) => {
    const reason = NOT_SERVED[type];
    if (reason !== undefined)
      throw new KafkaJSNotImplemented(`Not served by EmbeddedKafka: ${reason}`);
    if (type !== 'describeTopics') return ask(type, request);
    // Asking for one by itself would create it.
    const all = await ask('describeAllTopics', {});
    const { topics } = request as AdminRequests['describeTopics'][0];
    return topics.map((name) => all.find((it) => it.name === name) ?? unknown(name)) as never;
  };
}

function unknown(name: string): DescribedTopic {
  return { name, error: { code: 3, name: '_UNKNOWN_TOPIC', message: '' }, partitions: [] };
}

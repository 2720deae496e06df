// Events through Kafka: what arrived here, where the last of each kind stand, and the field to publish one.

import { byId, element, matchChildren } from './dom.js';
import { count } from './format.js';

const MAX_EVENTS = 5;

const placeOf = ({ partition, offset }) => `partition ${partition}, offset ${offset}`;

export class KafkaPanel {
  /** @param publish(to, text): promise of the event's place */
  constructor(publish) {
    byId('event-form').onsubmit = async (event) => {
      event.preventDefault();
      const text = byId('event-text').value.trim();
      if (text === '') return;
      const status = byId('event-status');
      try {
        const place = await publish(byId('event-to').value.trim(), text);
        byId('event-text').value = '';
        status.textContent = `Written to ${placeOf(place)}`;
      } catch (error) {
        status.textContent = `${error.message}.`;
      }
    };
  }

  showFigures({ embedded, topic, consumed, lag, last }) {
    byId('kafka-where').textContent = embedded ? 'embedded' : 'KAFKA_BROKERS';
    byId('kafka-topic').textContent = `Topic ${topic}`;
    byId('kafka-consumed').textContent = count(consumed);
    byId('kafka-lag').textContent = count(lag);
    matchChildren(byId('kafka-last'), last, {
      key: ({ kind }) => kind,
      create: ({ kind }) => {
        const cells = [element('td'), element('td')];
        return element('tr', {}, element('th', { scope: 'row' }, kind), ...cells);
      },
      update: ({ cells }, { partition, offset }) => {
        cells[1].textContent = partition;
        cells[2].textContent = offset;
      },
    });
  }

  /** One that arrived, newest first. */
  showEvent({ from, text, place }) {
    const list = byId('events');
    const item = element('li', {}, element('span', {}, `${from}: ${text}`));
    item.append(element('small', {}, placeOf(place)));
    list.prepend(item);
    if (list.children.length > MAX_EVENTS) list.lastElementChild.remove();
  }

  clear() {
    byId('events').replaceChildren();
    byId('event-status').textContent = '';
  }
}

// Hands events of Kafka on to the pages: to one user, or to the subscribers of a topic.

/** These tell of one server, and are not for the pages of another. */
const FIGURES = new Set(['metrics', 'stats']);

export function relayTo(manager) {
  return ({ kind, userId, topic, payload }, { place, own }) => {
    if (FIGURES.has(kind)) {
      if (own) manager.broadcastToTopic(topic, { type: kind, payload });
      return;
    }
    // Whatever else is in the topic is not for browsers.
    if (kind !== 'notification') return;
    const { from, text } = Object(payload);
    const message = { type: kind, payload: { from, text, place } };
    if (userId === undefined) manager.broadcastToTopic(topic, message);
    else manager.sendToUser(userId, message);
  };
}

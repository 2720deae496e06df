// Publishes each second, through Kafka, the machine's figures for topic `metrics` and getStats() for topic
// `stats`; and at once, what only this server knows: how far it has read Kafka, and who is in which room. It keeps the
// last minute of chart points for pages that come later.

const INTERVAL = 1000;
const HISTORY_LENGTH = 60;

export function startPublishing(manager, machine, server, rooms, events) {
  const history = [];
  let publishing = false;
  let stopped = false;

  /** Figures are of no use later: while Kafka does not take them they are left out. */
  const publish = async (...figures) => {
    if (publishing) return;
    publishing = true;
    try {
      await Promise.all(
        figures.map(([topic, payload]) => events.publish({ kind: topic, topic, payload })),
      );
    } catch (error) {
      if (!stopped) console.error(`Error: figures are not published: ${error.message}`);
    } finally {
      publishing = false;
    }
  };

  const tell = () => {
    let metrics;
    try {
      metrics = machine.sample();
    } catch (error) {
      // Such as while clients use up the descriptors, by which Linux tells of its processors and of memory.
      console.error(`Error: figures are not measured: ${error.message}`);
      return;
    }
    const stats = server.sample();
    history.push({
      cpu: metrics.cpu.percent,
      delay: metrics.eventLoop.delay.p99,
      messagesIn: stats.rates.messagesIn,
      messagesOut: stats.rates.messagesOut,
    });
    if (history.length > HISTORY_LENGTH) history.shift();

    publish(['metrics', metrics], ['stats', stats]);
  };

  const timer = setInterval(() => {
    tell();
    manager.broadcastToTopic('events', { type: 'kafka', payload: events.figures() });
    rooms.check();
  }, INTERVAL);

  return {
    /** The chart points of the last minute, oldest first. */
    history: () => history,
    stop: () => {
      stopped = true;
      clearInterval(timer);
    },
  };
}

// Publishes each second: the machine's figures on topic `metrics`, getStats() on topic `stats`, and
// who is in which room. It keeps the last minute of chart points for pages that come later.

const INTERVAL = 1000;
const HISTORY_LENGTH = 60;

export function startPublishing(manager, machine, server, rooms) {
  const history = [];

  const timer = setInterval(() => {
    const metrics = machine.sample();
    const stats = server.sample();
    history.push({
      cpu: metrics.cpu.percent,
      delay: metrics.eventLoop.delay.p99,
      messagesIn: stats.rates.messagesIn,
      messagesOut: stats.rates.messagesOut,
    });
    if (history.length > HISTORY_LENGTH) history.shift();

    manager.broadcastToTopic('metrics', { type: 'metrics', payload: metrics });
    manager.broadcastToTopic('stats', { type: 'stats', payload: stats });
    rooms.check();
  }, INTERVAL);

  return {
    /** The chart points of the last minute, oldest first. */
    history: () => history,
    stop: () => clearInterval(timer),
  };
}

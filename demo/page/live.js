// The live figures: this machine's from topic `metrics`, the manager's getStats() from topic `stats`.

import { byId, element } from './dom.js';
import { bytes, count, milliseconds, percent, plural, rate } from './format.js';
import { Sparkline } from './sparkline.js';

const MAX_POINTS = 60;

const sum = (numbers) => Object.values(numbers).reduce((total, number) => total + number, 0);
const newest = (values) => values.at(-1) ?? 0;
const highest = (values) => Math.max(0, ...values);

/** Label, test id, and how the figure is read from the stats. */
const TILES = [
  ['Connections', 'stats-connections', (stats) => count(stats.connections)],
  ['Users', 'stats-users', (stats) => count(stats.users)],
  ['Rooms', 'stats-rooms', (stats) => count(stats.rooms)],
  ['Topics', 'stats-topics', (stats) => count(stats.topics)],
  ['Messages in', 'stats-messages-in', (stats) => count(stats.messagesIn)],
  ['Messages out', 'stats-messages-out', (stats) => count(stats.messagesOut)],
  ['Received', 'stats-bytes-in', (stats) => bytes(stats.bytesIn)],
  ['Sent', 'stats-bytes-out', (stats) => bytes(stats.bytesOut)],
  ['Queued', 'stats-queued', (stats) => bytes(stats.queuedBytes)],
  ['Dropped', 'stats-dropped', (stats) => count(sum(stats.drops))],
  ['Slow clients', 'stats-slow', (stats) => count(stats.slowConsumers)],
  ['Refused', 'stats-refused', (stats) => count(sum(stats.refusals))],
];

export class LivePanel {
  #points = { cpu: [], delay: [], messagesIn: [], messagesOut: [] };
  #cpuChart = new Sparkline(byId('cpu-chart'), {
    series: ['first'],
    top: 100,
    label: ([cpu]) =>
      `CPU in the last minute: now ${percent(newest(cpu))} %, at most ${percent(highest(cpu))} %`,
  });
  #delayChart = new Sparkline(byId('loop-chart'), {
    series: ['first'],
    height: 32,
    label: ([delay]) =>
      `Event loop delay in the last minute: now ${milliseconds(newest(delay))} ms, at most ${milliseconds(highest(delay))} ms`,
  });
  #rateChart = new Sparkline(byId('rate-chart'), {
    series: ['first', 'second'],
    lowestTop: 5,
    label: ([sent, received]) =>
      `Messages a second in the last minute: now ${rate(newest(sent))} out and ${rate(newest(received))} in, at most ${rate(highest(sent))} out`,
  });
  #tiles = TILES.map(([label, testid, read]) => {
    const value = element('dd', { 'data-testid': testid }, '–');
    byId('stats').append(element('div', {}, element('dt', {}, label), value));
    return { value, read };
  });

  constructor() {
    this.#draw();
  }

  /** The service's last minute, so that the charts do not begin empty. */
  setHistory(points) {
    for (const [name, values] of Object.entries(this.#points)) {
      values.splice(0, values.length, ...points.map((point) => point[name]));
    }
    this.#draw();
  }

  showMetrics({ cpu, memory, eventLoop }) {
    const memoryPercent = (memory.usedBytes / memory.totalBytes) * 100;
    byId('cpu').textContent = percent(cpu.percent);
    byId('cpu-info').textContent = `${plural(cpu.cores, 'core')}, load ${cpu.load.toFixed(2)}`;
    byId('memory').textContent = percent(memoryPercent);
    const meter = byId('memory-meter');
    meter.setAttribute('aria-valuenow', memoryPercent.toFixed(0));
    meter.firstElementChild.style.width = `${memoryPercent}%`;
    const used = `${bytes(memory.usedBytes)} of ${bytes(memory.totalBytes)}`;
    byId('memory-info').textContent = `${used}, demo ${bytes(memory.processBytes)}`;
    byId('loop').textContent = milliseconds(eventLoop.delay.p99);
    const busy = percent(eventLoop.utilization * 100);
    const worst = milliseconds(eventLoop.delay.max);
    byId('loop-info').textContent = `p99, worst ${worst} ms, ${busy} % busy`;
    this.#push({ cpu: cpu.percent, delay: eventLoop.delay.p99 });
  }

  showStats(stats) {
    byId('rate-out').textContent = rate(stats.rates.messagesOut);
    byId('rate-in').textContent = rate(stats.rates.messagesIn);
    for (const { value, read } of this.#tiles) value.textContent = read(stats);
    this.#push({ messagesIn: stats.rates.messagesIn, messagesOut: stats.rates.messagesOut });
  }

  #push(values) {
    for (const [name, value] of Object.entries(values)) {
      this.#points[name].push(value);
      if (this.#points[name].length > MAX_POINTS) this.#points[name].shift();
    }
    this.#draw();
  }

  #draw() {
    this.#cpuChart.draw([this.#points.cpu], ' %');
    this.#delayChart.draw([this.#points.delay], ' ms');
    this.#rateChart.draw([this.#points.messagesOut, this.#points.messagesIn], '/s');
  }
}

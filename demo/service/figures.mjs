// What is measured each second: this machine's CPU and memory, this process's event loop, and the
// manager's own counters with their rates.

import os from 'node:os';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

/** The delay histogram samples with a timer of this period, in ms, and records the whole wait. */
const DELAY_RESOLUTION = 10;

const round = (value, digits) => Number(value.toFixed(digits));

function cpuTimes() {
  let busy = 0;
  let total = 0;
  for (const { times } of os.cpus()) {
    const all = times.user + times.nice + times.sys + times.idle + times.irq;
    busy += all - times.idle;
    total += all;
  }
  return { busy, total };
}

export class MachineFigures {
  #cpu = cpuTimes();
  #utilization = performance.eventLoopUtilization();
  #delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION });

  constructor() {
    this.#delay.enable();
  }

  /** The figures since the last call. */
  sample() {
    const cpu = cpuTimes();
    const total = cpu.total - this.#cpu.total;
    const percent = total > 0 ? ((cpu.busy - this.#cpu.busy) / total) * 100 : 0;
    this.#cpu = cpu;

    const utilization = performance.eventLoopUtilization();
    const { utilization: share } = performance.eventLoopUtilization(utilization, this.#utilization);
    this.#utilization = utilization;

    const totalBytes = os.totalmem();
    const usedBytes = totalBytes - os.freemem();
    const { rss, heapUsed } = process.memoryUsage();
    return {
      cpu: { percent: round(percent, 1), cores: os.availableParallelism(), load: os.loadavg()[0] },
      memory: { totalBytes, usedBytes, processBytes: rss, heapBytes: heapUsed },
      eventLoop: { utilization: round(share, 4), delay: this.#delaySinceLast() },
    };
  }

  /** The timer's own period is taken off, so that 0 is an event loop that is always free, in ms. */
  #delaySinceLast() {
    const beyond = (nanoseconds) =>
      round(Math.max(0, (nanoseconds || 0) / 1e6 - DELAY_RESOLUTION), 2);
    const { mean, max } = this.#delay;
    const delay = {
      mean: beyond(mean),
      p99: beyond(this.#delay.percentile(99)),
      max: beyond(max),
    };
    this.#delay.reset();
    return delay;
  }

  stop() {
    this.#delay.disable();
  }
}

const COUNTERS = ['messagesIn', 'messagesOut', 'bytesIn', 'bytesOut'];

export class ServerFigures {
  #manager;
  #last;
  #at = performance.now();

  constructor(manager) {
    this.#manager = manager;
    this.#last = manager.getStats();
  }

  /** getStats() as it is, and beside it how much a second each counter grew since the last call. */
  sample() {
    const stats = this.#manager.getStats();
    const now = performance.now();
    const seconds = Math.max((now - this.#at) / 1000, 0.001);
    const rates = {};
    for (const name of COUNTERS) {
      rates[name] = round((stats[name] - this.#last[name]) / seconds, 1);
    }
    this.#last = stats;
    this.#at = now;
    return { ...stats, rates };
  }
}

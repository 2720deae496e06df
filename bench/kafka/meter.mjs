// What a client's process used between two moments.
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Begins to measure; what it returns ends it, and tells. */
export function startMeter() {
  // It sees a delay as what a timer of 1 ms is late, and that millisecond.
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpu = process.cpuUsage();
  const start = performance.now();
  return (units) => {
    const wallMs = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    delay.disable();
    return {
      units,
      wallMs,
      /** Seconds per million messages are microseconds per message. All threads are in it. */
      cpuS: (user + system) / units,
      delayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - 1),
      delayMaxMs: Math.max(0, delay.max / 1e6 - 1),
      /** The most that it ever had. */
      rssMiB: process.resourceUsage().maxRSS / 1024,
    };
  };
}

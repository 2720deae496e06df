/**
 * Figures of the Node process, which `getStats()` reports beside the engine's own.
 */
import { performance } from 'node:perf_hooks';

/** Figures of the whole Node process. */
export interface ProcessStats {
  /** Resident memory in bytes. The last known, or 0, while the process has no file descriptor left to read it by. */
  rss: number;
  /** Bytes of the JavaScript heap in use; otherwise as `rss`. */
  heapUsed: number;
  /** CPU time of all threads since the process started, in microseconds. */
  cpu: { user: number; system: number };
  /** Seconds since the process started. */
  uptime: number;
  /**
   * How busy the JavaScript thread was since its start: milliseconds idle and active, and their ratio.
   * `performance.eventLoopUtilization(later, earlier)` gives the figure of the time between two of them.
   */
  eventLoopUtilization: { idle: number; active: number; utilization: number };
}

let lastMemory = { rss: 0, heapUsed: 0 };

/** The process's figures at this moment. Never throws: metrics are read by timers, where that ends the process. */
export function processStats(): ProcessStats {
  const { idle, active, utilization } = performance.eventLoopUtilization();
  return {
    ...memory(),
    cpu: process.cpuUsage(),
    uptime: process.uptime(),
    eventLoopUtilization: { idle, active, utilization },
  };
}

function memory(): { rss: number; heapUsed: number } {
  try {
    const { rss, heapUsed } = process.memoryUsage();
    lastMemory = { rss, heapUsed };
  } catch {
    // Linux tells of it by a file, /proc/self/stat, and clients can use up the descriptors.
  }
  return lastMemory;
}

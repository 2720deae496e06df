/**
 * Figures of the Node process, which `getStats()` reports beside the engine's own.
 */
import { performance } from 'node:perf_hooks';

/** Figures of the whole Node process. */
export interface ProcessStats {
  /** Resident memory in bytes. */
  rss: number;
  /** Bytes of the JavaScript heap in use. */
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

/** The process's figures at this moment. */
export function processStats(): ProcessStats {
  const { rss, heapUsed } = process.memoryUsage();
  const { idle, active, utilization } = performance.eventLoopUtilization();
  return {
    rss,
    heapUsed,
    cpu: process.cpuUsage(),
    uptime: process.uptime(),
    eventLoopUtilization: { idle, active, utilization },
  };
}

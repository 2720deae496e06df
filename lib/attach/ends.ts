/**
 * The ends of streams whose peer may not read, or may be no socket at all.
 */
import type { Duplex } from 'node:stream';

// Taken once: a host's test may replace the global ones by clocks that stand still.
const { setTimeout, clearTimeout } = globalThis;

/** Destroys a stream as soon as all is written, or when the time is up. */
export function endWithin(stream: Duplex, milliseconds: number): void {
  if (stream.destroyed) return;
  const destroy = () => stream.destroy();
  const late = setTimeout(destroy, milliseconds);
  stream.once('close', () => clearTimeout(late));
  if (stream.writableFinished) {
    destroy();
    return;
  }
  stream.once('finish', destroy);
  // It may have been ended before; then 'finish' is still to come.
  if (!stream.writableEnded) stream.end();
}

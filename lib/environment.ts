/**
 * The environment variables that options fall through to.
 */
import type { WebSocketConfig } from './types.js';

/** The configurations that are complete as they are. Here and no option, so that no user depends on it. */
const complete = new WeakSet<object>();

/** A copy of the configuration whose manager takes nothing from the environment. */
export function withoutEnvironment(config: WebSocketConfig): WebSocketConfig {
  const copy = { ...config };
  complete.add(copy);
  return copy;
}

/** The variables that count for this configuration: those whose names begin with `WS_`. */
export function environmentOf(config: WebSocketConfig): Record<string, string> {
  if (complete.has(config)) return {};
  const entries = Object.entries(process.env).filter(([name]) => name.startsWith('WS_'));
  return Object.fromEntries(entries) as Record<string, string>;
}

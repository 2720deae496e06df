/**
 * Whether a value is to be waited for. By what it can do: `instanceof Promise` fails for promises of other realms
 * and of libraries.
 */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

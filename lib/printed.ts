/**
 * What `console.log` shows of what clients send. Logs are no place for what a client proves itself by.
 */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** The header fields that may carry a token. */
const SECRETS = ['authorization', 'cookie', 'proxy-authorization', 'sec-websocket-protocol'];

export const HIDDEN = '<hidden>';

/** A request without the parts that may carry a token. */
export function withoutSecrets<
  Request extends { url: string; headers: Readonly<Record<string, string>> },
>(request: Request): Request {
  const headers = { ...request.headers };
  for (const name of SECRETS) if (name in headers) headers[name] = HIDDEN;
  return { ...request, url: request.url.replace(/\?.+/s, `?${HIDDEN}`), headers };
}

/** Has `shown` printed in the place of `value`, which is as it was in every other way. */
export function printedAs<Value extends object>(value: Value, shown: () => unknown): Value {
  return Object.defineProperty(value, INSPECT, { value: shown, configurable: true });
}

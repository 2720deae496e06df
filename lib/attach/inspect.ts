/**
 * What can only be told of a server by looking at it: `instanceof` fails across realms, and frameworks bring
 * servers of their own.
 */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export function isHttpServer(value: unknown): value is Server {
  if (typeof value !== 'object' || value === null) return false;
  const server = value as Record<string, unknown>;
  const methods = ['on', 'off', 'emit', 'listenerCount', 'listen', 'address'];
  // What a server of net or dgram does not have.
  return methods.every((name) => typeof server[name] === 'function') && 'headersTimeout' in server;
}

export function isSecure(server: Server): boolean {
  return 'setSecureContext' in server;
}

/**
 * Whether it has listened and was closed. Node tells that nowhere, but a closed server no longer checks the
 * times of its connections; a server that has not listened yet has no such check.
 */
export function wasClosed(server: Server): boolean {
  if (server.listening) return false;
  const checks = Object.getOwnPropertySymbols(server).find(
    ({ description }) => description === 'http.server.connectionsCheckingInterval',
  );
  const timer = checks && (server as unknown as Record<symbol, { _destroyed?: boolean }>)[checks];
  return timer?._destroyed === true;
}

/** Where it listens; null if it does not. */
export function addressOf(server: Server): AddressInfo | null {
  const address = server.address();
  // A Unix domain socket has a path in the place of all three.
  return typeof address === 'string' ? { address, family: 'Unix', port: 0 } : address;
}

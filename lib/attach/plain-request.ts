/**
 * Requests that ask for another protocol than ours, as `Upgrade: h2c` of curl and of Java's HttpClient. To a
 * server without any listener for upgrades they are plain requests; with ours, a Node that does not ask first hands them
 * over as upgrades, so they are given back.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { whenAnswered } from './earlier-responses.js';

/** What asks for the other protocol; without it the request is a plain one. */
const ASKS = /^(upgrade|http2-settings)$/i;

/** Milliseconds for the answers to earlier requests: what Node gives a request by default. */
const EARLIER_TIMEOUT = 300_000;

export function wantsWebSocket(upgrade: string | null | undefined): boolean {
  return upgrade?.split(',').some((token) => token.trim().toLowerCase() === 'websocket') ?? false;
}

/**
 * Lets the server read the request again, as one of a connection that has only begun, which Node allows for; as soon as
 * the requests before it are answered, since they would never make room for it.
 */
export function serveAsPlain(
  server: Server,
  request: IncomingMessage,
  socket: Duplex & { encrypted?: boolean },
  head: Buffer,
): void {
  // Nobody else listens until then. The end of a socket is no fault of anybody here.
  const ignore = () => {};
  socket.on('error', ignore);
  whenAnswered(socket, EARLIER_TIMEOUT, () => {
    socket.off('error', ignore);
    if (!socket.destroyed) giveBack(server, request, socket, head);
  });
}

function giveBack(
  server: Server,
  request: IncomingMessage,
  socket: Duplex & { encrypted?: boolean },
  head: Buffer,
): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  const { rawHeaders } = request;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!ASKS.test(rawHeaders[i] as string)) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit(socket.encrypted === true ? 'secureConnection' : 'connection', socket);
}

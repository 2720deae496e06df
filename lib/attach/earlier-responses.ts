/**
 * Upgrades that a client has sent without waiting for the answers to its earlier requests. Their turn comes
 * when those are answered (RFC 9112, section 9.3.2); Node emits them at once.
 */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

// Taken once: a host's test may replace the global ones by clocks that stand still.
const { setTimeout, clearTimeout } = globalThis;

/**
 * Calls back when the earlier requests of a connection are answered, which may be at once. A socket on which
 * that does not happen in time is destroyed.
 */
export function whenAnswered(socket: Duplex, milliseconds: number, call: () => void): void {
  if (isAnswered(socket) || socket.destroyed) {
    call();
    return;
  }
  const late = setTimeout(() => socket.destroy(), milliseconds);
  const stop = () => clearTimeout(late);
  socket.once('close', stop);
  const look = () => {
    if (isAnswered(socket)) {
      socket.off('close', stop);
      stop();
      call();
      return;
    }
    const response = responseOf(socket);
    // By its 'close' the server has put the response to the next request in its place.
    if (response !== undefined) response.once('close', look);
    // Behind a response that was the last one, the socket ends.
    else if (!socket.writableEnded) socket.write('', (error) => error || look());
  };
  look();
}

function isAnswered(socket: Duplex): boolean {
  return responseOf(socket) === undefined && socket.writableLength === 0 && !socket.writableEnded;
}

/** The response that an http server is giving on a socket. It is not documented. */
function responseOf(socket: Duplex): ServerResponse | undefined {
  // Bun begins no request before the one before it is answered.
  if ('Bun' in globalThis) return undefined;
  return (socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;
}

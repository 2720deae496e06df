/**
 * The events of a manager: their types for listeners, and the numbers under which the engine sends them.
 */
import type { AddressInfo } from 'node:net';
import type {
  WebSocketConnection,
  WebSocketError,
  WebSocketMessage,
  WebSocketRequest,
  WebSocketWarning,
} from './types.js';

/**
 * The events of a `WebSocketManager` and what their listeners are given.
 *
 * An event that nobody listens to never reaches the JavaScript thread. Several events may be emitted in
 * one turn of the event loop.
 */
export interface WebSocketManagerEvents<In extends WebSocketMessage = WebSocketMessage> {
  /** The manager accepts connections. */
  listening: [address: AddressInfo];
  /** A client's handshake is complete. */
  connection: [connection: WebSocketConnection, request: WebSocketRequest];
  /**
   * A client sent a message whose type the protocol does not own. Without a listener the client is
   * answered with the `error` "Unknown message type", and so it always is for a type that is missing,
   * empty or no string.
   */
  message: [message: In, connection: WebSocketConnection];
  /** A client sent a binary frame that is not a JSON message. */
  binary: [data: Buffer, connection: WebSocketConnection];
  /** A client sent a frame under `protocol: 'raw'`: a string for text, a Buffer for binary. */
  data: [data: string | Buffer, connection: WebSocketConnection];
  /** A client logged in; `connection.userId` says as whom. */
  authenticated: [connection: WebSocketConnection];
  /** A connection ended. Code 1006 means that it ended without a close frame (RFC 6455, section 7.1.5). */
  disconnect: [connection: WebSocketConnection, code: number, reason: string];
  /**
   * The server itself failed: the port is taken, or a connection could not be accepted. For the port it is,
   * as in Node, an uncaught exception when nobody listens and nobody called `ready()`; anything later, and keys of
   * `jwt` that could not be fetched or used, is then a `warning`.
   */
  error: [error: WebSocketError];
  /** A fault of one message, listener or connection. It is never thrown. */
  warning: [warning: WebSocketWarning];
  /** Node's own: a listener is about to be added. */
  newListener: [event: string | symbol, listener: (...args: unknown[]) => void];
  /** Node's own: a listener was removed. */
  removeListener: [event: string | symbol, listener: (...args: unknown[]) => void];
}

/** Kinds of the events that the engine sends in batches; `native.takeEvents()` gives their layout. */
export const EventKind = {
  Introduce: 0,
  Connection: 1,
  Message: 2,
  Binary: 3,
  Data: 4,
  Authenticated: 5,
  Disconnect: 6,
  Error: 7,
  Warning: 8,
  Socket: 9,
  Decision: 10,
  Origin: 12,
  KeySet: 13,
} as const;

const CROSSING_WITH_LISTENER = [
  ['connection', 1 << EventKind.Connection],
  ['message', 1 << EventKind.Message],
  ['binary', 1 << EventKind.Binary],
  ['data', 1 << EventKind.Data],
  ['authenticated', 1 << EventKind.Authenticated],
  ['disconnect', 1 << EventKind.Disconnect],
  ['warning', 1 << EventKind.Warning],
] as const;

/** Errors always cross: without a listener they are warnings, which the logger has too. */
const CROSSING_ALWAYS = 1 << EventKind.Error;

/** What a logger wants to hear of beside the errors; single connections only if it has `debug`. */
export function loggerMask(debug: boolean): number {
  const connections =
    (1 << EventKind.Connection) | (1 << EventKind.Authenticated) | (1 << EventKind.Disconnect);
  return (1 << EventKind.Warning) | (debug ? connections : 0);
}

/** The kinds of events that have to cross, one bit each, for the listeners that `isHeard` tells of. */
export function listenerMask(isHeard: (event: string) => boolean): number {
  let mask = CROSSING_ALWAYS;
  for (const [event, bit] of CROSSING_WITH_LISTENER) {
    if (isHeard(event)) mask |= bit;
  }
  return mask;
}

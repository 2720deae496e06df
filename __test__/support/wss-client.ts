/**
 * Clients of `ws` over TLS.
 */
import { on, once } from 'node:events';
import type { WebSocketManager } from '@libs/messaging';
import { onTestFinished } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { portOf } from './test-manager.js';

/** One that has shaken hands. It ends with the test. */
export async function openWss(manager: WebSocketManager, options: ClientOptions) {
  const socket = new WebSocket(`wss://localhost:${portOf(manager)}/ws`, {
    // The tests' managers listen there alone.
    lookup: (_, { all }, callback) =>
      all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4),
    ...options,
  });
  onTestFinished(() => {
    // Its end is no matter of the test any more.
    socket.on('error', () => {});
    socket.terminate();
  });
  await once(socket, 'open');
  return socket;
}

/** The client's next message that is JSON of this type; those before it are passed over. */
export async function nextOf(client: WebSocket, type: string): Promise<Record<string, unknown>> {
  for await (const [data] of on(client, 'message')) {
    const message = JSON.parse(String(data));
    if (message.type === type) return message;
  }
  throw new Error('unreachable');
}

/** What the client was told instead of a connection, in lower case. */
export async function refusalOf(manager: WebSocketManager, options: ClientOptions) {
  try {
    await openWss(manager, options);
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return `${code} ${message}`.toLowerCase().replaceAll('_', ' ');
  }
  throw new Error('the client was not refused');
}

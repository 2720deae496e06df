/**
 * The managers and clients that the tests of the wire begin with.
 */
import type { WebSocketConfig, WebSocketManager, WebSocketWarning } from '@libs/messaging';
import { connectClient, type TestClient, type TestClientOptions } from '@libs/messaging/testing';
import { openManager } from './test-manager.js';

/** A manager with two shards on any machine, so that what is sent to many crosses from one to the other. */
export function startManager(config?: WebSocketConfig): Promise<WebSocketManager> {
  return openManager({ shards: 2, ...config });
}

/** Several clients, connected one after the other, so that their order is known. */
export async function connectClients(
  manager: WebSocketManager,
  count: number,
  options?: TestClientOptions,
): Promise<TestClient[]> {
  const clients: TestClient[] = [];
  for (let i = 0; i < count; i += 1) clients.push(await connectClient(manager, options));
  return clients;
}

/** The warnings that a manager raises from now on. */
export function warningsOf(manager: WebSocketManager): WebSocketWarning[] {
  const warnings: WebSocketWarning[] = [];
  manager.on('warning', (warning) => warnings.push(warning));
  return warnings;
}

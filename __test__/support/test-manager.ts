/**
 * Managers that end with the test that made them, so that no test has to clean up or can forget it.
 */
import { WebSocketManager, type WebSocketConfig } from '@libs/messaging';
import { createTestManager } from '@libs/messaging/testing';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** A manager that accepts connections on a free port of 127.0.0.1. */
export async function openManager(config?: WebSocketConfig): Promise<WebSocketManager> {
  return endAfterTest(await createTestManager(config));
}

/** A manager as its constructor returns it: bound, in the tick before it accepts connections. */
export function newManager(config?: WebSocketConfig): WebSocketManager {
  return endAfterTest(new WebSocketManager({ port: 0, host: '127.0.0.1', ...config }));
}

export function endAfterTest<Manager extends WebSocketManager>(manager: Manager): Manager {
  onTestFinished(() => manager.shutdown({ timeout: 0 }));
  return manager;
}

export function portOf(manager: WebSocketManager): number {
  const address = manager.address();
  if (address === null) throw new Error('the manager has no port');
  return address.port;
}

/** The next event of this name, as the list of what its listeners are given. */
export function nextEvent<Arguments extends unknown[] = unknown[]>(
  manager: WebSocketManager,
  event: Parameters<WebSocketManager['once']>[0],
): Promise<Arguments> {
  return new Promise((resolve) => {
    manager.once(event, (...args: unknown[]) => resolve(args as Arguments));
  });
}

/** A payload of which a few fill the buffers of any socket. */
export const MEGABYTE = 'x'.repeat(1_000_000);

/**
 * Broadcasts to clients that do not read, until frames have to wait for them in the manager, behind those
 * that the system's own buffers took. Returns how many it sent; each has its number in the payload.
 */
export async function queueUp(
  manager: WebSocketManager,
  enough = () => manager.getStats().queuedBytes > 1_500_000,
): Promise<number> {
  let number = 0;
  while (!enough()) {
    manager.broadcast({ type: 'filler', payload: { number, filler: MEGABYTE } });
    number += 1;
    await nextTurn();
  }
  return number;
}

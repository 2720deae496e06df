/**
 * The broker that the suites of a run share, for `useBroker()` in `kafka-broker.ts`. It lives in vitest's main
 * process and starts when a suite asks for it: a run without such a suite has none.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { TestProject } from 'vitest/node';
import { startBroker } from '../../scripts/kafka/broker.mjs';

declare module 'vitest' {
  interface ProvidedContext {
    /** The port of 127.0.0.1 at which a suite gets the broker's address, as one JSON value. */
    sharedBroker: number;
  }
}

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  let broker: ReturnType<typeof startBroker> | undefined;

  async function answer(socket: Socket) {
    socket.on('error', () => {});
    broker ??= startBroker();
    try {
      socket.end(JSON.stringify({ address: await broker }));
    } catch (failure) {
      socket.end(JSON.stringify({ failure: String(failure) }));
    }
  }

  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  provide('sharedBroker', (server.address() as AddressInfo).port);

  return async () => {
    server.close();
    const started = await broker?.catch(() => undefined);
    await started?.stop();
  };
}

/**
 * A way to a server on which answers can be lost: what the server has done, and nobody hears of.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface LossyLink {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  /** Says where it leads, `host:port`, before anybody connects. */
  leadTo(address: string): void;
  /** From now on answers are lost. Resolves with the first that is. */
  loseAnswers(): Promise<void>;
  /** Ends all connections, and lets answers through again. */
  cut(): void;
}

/** Opens one. It ends with the test. */
export async function openLossyLink(): Promise<LossyLink> {
  const sockets = new Set<Socket>();
  let target: { host: string; port: number } | undefined;
  let lost: (() => void) | undefined;

  const server = createServer((client) => {
    if (!target) return client.destroy();
    const remote = connect(target);
    for (const [here, there] of [
      [client, remote],
      [remote, client],
    ] as const) {
      sockets.add(here);
      here.on('error', () => {});
      here.on('close', () => {
        sockets.delete(here);
        there.destroy();
      });
    }
    client.pipe(remote);
    remote.on('data', (answer) => {
      if (lost) lost();
      else client.write(answer);
    });
    return undefined;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const cut = (): void => {
    lost = undefined;
    for (const socket of sockets) socket.destroy();
  };
  onTestFinished(() => {
    server.close();
    cut();
  });
  return {
    port: (server.address() as AddressInfo).port,
    leadTo: (address) => {
      const [host = '', port] = address.split(':');
      target = { host, port: Number(port) };
    },
    loseAnswers: () =>
      new Promise((resolve) => {
        lost = resolve;
      }),
    cut,
  };
}

/**
 * A service in a process of its own, to be attacked: its memory is then its own too, and a healthy client
 * sees whether it still serves others.
 */
import { on } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { WebSocketConfig, WebSocketMessage, WebSocketStats } from '@libs/messaging';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { startNode } from './node-process.js';

/** What it tells of itself. */
interface Report {
  rss: number;
  stats: WebSocketStats;
  /** Codes with which connections ended, and how often. */
  ends: Record<string, number>;
  /** How many messages of which length it heard. */
  heard: Record<string, number>;
}

const service = (config: WebSocketConfig) => `
  import { WebSocketManager } from '@libs/messaging';
  const manager = new WebSocketManager({ port: 0, host: '127.0.0.1', ...${JSON.stringify(config)} });
  const ends = {};
  const heard = {};
  const count = (table, key) => { table[key] = (table[key] ?? 0) + 1; };
  manager.on('disconnect', (connection, code) => count(ends, code));
  manager.on('message', (message, connection) => {
    if (message.type === 'report') {
      globalThis.gc();
      const payload = { rss: process.memoryUsage.rss(), stats: manager.getStats(), ends, heard };
      manager.sendToConnection(connection.id, { ...message, payload });
    } else if (message.type === 'send') {
      manager.broadcast({ type: 'noise', payload: 'x'.repeat(message.payload) });
    } else {
      count(heard, message.payload.length);
    }
  });
  console.log('port', (await manager.ready()).port);
`;

/** The service under attack. */
export class Victim {
  readonly #port: number;
  readonly #healthy: WebSocket;
  readonly #messages: AsyncIterator<[Buffer]>;

  static async start(config: WebSocketConfig = {}): Promise<Victim> {
    const { printed } = startNode(service(config), { flags: ['--expose-gc'] });
    const [, port] = await printed(/port (\d+)\n/);
    const victim = new Victim(Number(port));
    await victim.#next('connection');
    return victim;
  }

  private constructor(port: number) {
    this.#port = port;
    this.#healthy = new WebSocket(`ws://127.0.0.1:${port}/ws`);
    this.#messages = on(this.#healthy, 'message') as AsyncIterator<[Buffer]>;
    onTestFinished(() => this.#healthy.terminate());
  }

  /** Where clients connect, in the form of a manager's. */
  address(): AddressInfo {
    return { address: '127.0.0.1', family: 'IPv4', port: this.#port };
  }

  /** What it tells of itself, which shows as well that the healthy client is served. */
  async report(): Promise<Report> {
    this.#ask('report', null);
    return (await this.#next('report')).payload;
  }

  /** Reports until one fits. The attack has no other end that could be waited for. */
  async reportWhen(fits: (report: Report) => boolean): Promise<Report> {
    for (;;) {
      const report = await this.report();
      if (fits(report)) return report;
    }
  }

  /** Lets it broadcast so many bytes; resolves when the healthy client has them. */
  async broadcast(length: number): Promise<void> {
    this.#ask('send', length);
    await this.#next('noise');
  }

  #ask(type: string, payload: unknown): void {
    this.#healthy.send(JSON.stringify({ type, payload }));
  }

  async #next(type: string): Promise<WebSocketMessage> {
    const { value } = await this.#messages.next();
    const message = JSON.parse(String(value[0]));
    if (message.type !== type) throw new Error(`not a ${type}: ${JSON.stringify(message)}`);
    return message;
  }
}

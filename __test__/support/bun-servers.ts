/**
 * Servers that run on Bun, in processes of their own: a script is asked over http to do what a test wants
 * done in it, and prints what is to be seen.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'vitest';
import { WebSocket } from 'ws';
import { type ProcessEnd, startBun } from './node-process.js';

export interface BunServer {
  port: number;
  address(): AddressInfo;
  /** The URL of a path, for clients of WebSockets. */
  url(path: string): string;
  /** The text that a path is answered with; a GET of `/close` and the like is what scripts act upon. */
  get(path: string): Promise<string>;
  /** Resolves as soon as the pattern was printed. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  end: Promise<ProcessEnd>;
}

/** A function of scripts: a manager that gives back what it is sent, and prints what happens. */
const ATTACH = `
  function attach(server, path, config) {
    const manager = WebSocketManager.fromHttpServer(server, {
      // An echo of all that came in one turn of the loop makes nobody a slow consumer.
      path, protocol: 'raw', maxPayload: 1_000_000, maxBufferedAmount: 200_000_000, ...config,
    });
    manager.on('data', (data, { socket }) => socket.send(data));
    manager.on('warning', ({ code }) => console.log('warning', code));
    manager.on('disconnect', (connection, code, reason) => console.log('left', code, reason));
    return manager;
  }
  function codeOf(call) {
    try {
      call();
    } catch ({ name, code, message }) {
      return [name, code, message].join(' ');
    }
  }
`;

/** The start of a script that has the package from the beginning. */
export const PRELUDE = `import { WebSocketManager } from '@libs/messaging';${ATTACH}`;

/** The start of one that does something before it loads the package. */
export const latePrelude = (before: string) =>
  `${before}; const { WebSocketManager } = await import('@libs/messaging');${ATTACH}`;

/** Starts a script that prints `port <number>` once it listens. */
export async function bunServer(script: string): Promise<BunServer> {
  const { printed, end } = startBun(script);
  const port = Number((await printed(/^port (\d+)$/m))[1]);
  return {
    port,
    address: () => ({ address: '127.0.0.1', family: 'IPv4', port }),
    url: (path) => `ws://127.0.0.1:${port}${path}`,
    // Without keep-alive, which would hold up the end of a server.
    get: async (path) => {
      const url = `http://127.0.0.1:${port}${path}`;
      return (await fetch(url, { headers: { Connection: 'close' } })).text();
    },
    printed,
    end,
  };
}

/** Lengths on both sides of each form in which a frame gives them, and of what one read or write takes. */
const LENGTHS = [0, 1, 125, 126, 127, 4096, 65_535, 65_536, 300_000];

/** Frames of these lengths, each different, texts and bytes by turns. */
function frames(rounds: number): (string | Buffer)[] {
  return Array.from({ length: rounds * LENGTHS.length }, (_, i) => {
    const length = LENGTHS[i % LENGTHS.length] as number;
    // A byte order mark is part of a text like any other character.
    const text = `\ufeff${i} \u00e9 `.repeat(1 + length / 5).slice(0, length);
    return i % 2 === 0 ? text : Buffer.from(text);
  });
}

/** Sends many frames in one go to an echo, and expects each of them back, whole and in order. */
export async function exchange(url: string, rounds = 12): Promise<void> {
  const socket = new WebSocket(url, { rejectUnauthorized: false });
  const sent = frames(rounds);
  let next = 0;
  let wrong: number | undefined;
  socket.on('open', () => {
    for (const frame of sent) socket.send(frame);
  });
  socket.on('message', (data, isBinary) => {
    const frame = sent[next] as string | Buffer;
    const same = Buffer.from(frame).equals(data as Buffer) && Buffer.isBuffer(frame) === isBinary;
    if (!same) wrong ??= next;
    next += 1;
    if (next === sent.length) socket.close(4000);
  });
  const [code] = await once(socket, 'close');
  expect({ wrong, received: next, code }).toEqual({ received: sent.length, code: 4000 });
}

/** Connects, and waits for the end of the connection. */
export function closing(url: string) {
  const socket = new WebSocket(url, { rejectUnauthorized: false });
  return {
    opened: once(socket, 'open'),
    ended: once(socket, 'close').then(([code, reason]) => ({ code, reason: String(reason) })),
  };
}

/** The status with which a handshake is refused. */
export async function refused(url: string): Promise<number | undefined> {
  const socket = new WebSocket(url, { rejectUnauthorized: false });
  const [, response] = await once(socket, 'unexpected-response');
  socket.on('error', () => {});
  socket.terminate();
  return (response as IncomingMessage).statusCode;
}

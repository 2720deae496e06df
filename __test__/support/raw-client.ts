/**
 * A client over a plain TCP socket, which sends whatever bytes a test wants and shows every frame of the
 * server as it came. It answers nothing by itself: no ping, no close frame.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { WebSocketManager } from '@libs/messaging';
import { type Frame, Opcode, takeFrame, text } from './frames.js';

/** A response to a handshake. */
export interface HttpResponse {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
}

/** The header fields of a good handshake (RFC 6455, section 4.1). */
export const HANDSHAKE = {
  Host: 'localhost',
  Upgrade: 'websocket',
  Connection: 'Upgrade',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version': '13',
};

/** A request's head. A header that is undefined is left out; one with several values comes several times. */
export function request(
  headers: Record<string, string | string[] | undefined> = {},
  line = 'GET /ws HTTP/1.1',
): string {
  const fields = Object.entries({ ...HANDSHAKE, ...headers }).flatMap(([name, value]) =>
    [value].flat().flatMap((one) => (one === undefined ? [] : [`${name}: ${one}`])),
  );
  return [line, ...fields, '', ''].join('\r\n');
}

/** One TCP connection to a manager. It is destroyed at the test's end. */
export class RawClient {
  /** Resolves when the server has ended the connection, properly or by a reset. */
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #isEnded = false;
  #changed: () => void = () => {};

  /** Connects, and sends nothing yet. */
  static async connect(manager: Pick<WebSocketManager, 'address'>): Promise<RawClient> {
    const address = manager.address();
    if (address === null) throw new Error('the manager does not listen');
    const socket = connect({ host: address.address, port: address.port, noDelay: true });
    const client = new RawClient(socket);
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return client;
  }

  /** Connects and completes the handshake; what follows are frames. */
  static async open(manager: Pick<WebSocketManager, 'address'>): Promise<RawClient> {
    const client = await RawClient.connect(manager);
    client.write(request());
    const { status } = await client.response();
    if (status !== 101) throw new Error(`the handshake was refused with ${status}`);
    return client;
  }

  /** The same under `protocol: 'messaging'`, with the server's greeting taken. */
  static async greeted(manager: Pick<WebSocketManager, 'address'>): Promise<RawClient> {
    const client = await RawClient.open(manager);
    client.id = (await client.message()).payload.connectionId;
    return client;
  }

  /** The connection's id at the server, once `greeted`. */
  id = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#changed();
    });
    // A reset ends a connection as well as a FIN does; 'close' follows.
    socket.on('error', () => {});
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.#isEnded = true;
        this.#changed();
        resolve();
      };
      socket.once('end', end).once('close', end);
    });
  }

  /** The local port, by which the server knows this client. */
  get port(): number | undefined {
    return this.#socket.localPort;
  }

  write(...parts: (string | Uint8Array)[]): void {
    this.#socket.write(Buffer.concat(parts.map((part) => Buffer.from(part))));
  }

  /** Sends a message, as it is or as JSON, and takes the text of the next one that comes back. */
  async ask(message: unknown): Promise<string> {
    this.write(text(message));
    return await this.text();
  }

  /** Stops to read: what the server sends fills the buffers of the network, then the server's own. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Ends this side of the connection, without a close frame. */
  end(): void {
    this.#socket.end();
  }

  /** Ends the connection without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Takes the response to a handshake. */
  async response(): Promise<HttpResponse> {
    return await this.#take('response', (bytes) => takeResponse(bytes));
  }

  /** Takes the next frame of any kind. */
  async frame(): Promise<Frame> {
    return await this.#take('frame', (bytes) => {
      const taken = takeFrame(bytes);
      return taken && { value: taken.frame, length: taken.length };
    });
  }

  /** Takes the next frame, which is a whole text message, and returns its text. */
  async text(): Promise<string> {
    const { opcode, fin, payload } = await this.frame();
    if (opcode === Opcode.text && fin) return payload.toString();
    throw new Error(`a text frame was expected, not one of opcode ${opcode}: ${payload}`);
  }

  /** Takes the next frame, which is a JSON message. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever keys it expects.
  async message(): Promise<any> {
    return JSON.parse(await this.text());
  }

  /** Takes frames up to the close frame and returns its code and reason; code 1005 if it has none. */
  async closing(): Promise<{ code: number; reason: string }> {
    for (;;) {
      const { opcode, payload } = await this.frame();
      if (opcode !== Opcode.close) continue;
      const code = payload.length < 2 ? 1005 : payload.readUInt16BE();
      return { code, reason: payload.subarray(2).toString() };
    }
  }

  async #take<T>(
    what: string,
    parse: (bytes: Buffer) => { value: T; length: number } | undefined,
  ): Promise<T> {
    for (;;) {
      const parsed = parse(this.#bytes);
      if (parsed !== undefined) {
        this.#bytes = this.#bytes.subarray(parsed.length);
        return parsed.value;
      }
      if (this.#isEnded) {
        throw new Error(
          `no ${what}: the connection ended behind ${JSON.stringify(`${this.#bytes}`)}`,
        );
      }
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

function takeResponse(bytes: Buffer): { value: HttpResponse; length: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [line = '', ...fields] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers: Record<string, string> = {};
  for (const field of fields) {
    const colon = field.indexOf(':');
    headers[field.slice(0, colon).toLowerCase()] = field.slice(colon + 1).trim();
  }
  const length = end + 4 + Number(headers['content-length'] ?? 0);
  if (bytes.length < length) return undefined;
  const body = bytes.subarray(end + 4, length).toString();
  return { value: { status: Number(line.split(' ')[1]), headers, body }, length };
}

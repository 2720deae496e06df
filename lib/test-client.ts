/**
 * The test kit's client, over the package `ws`: Node has no WebSocket of its own before version 22, and
 * that one sends no header fields.
 */
import type { RawData, WebSocket } from 'ws';
import { codedError } from './errors.js';
import { Mailbox } from './test-mailbox.js';
import type { TestClient, TestClosing, TestMessage } from './testing.js';

const DEFAULT_TIMEOUT = 2000;

type Login = Parameters<TestClient['authenticate']>[0];

/** One connected client. */
export class SocketClient implements TestClient {
  readonly closed: Promise<TestClosing>;
  readonly #socket: WebSocket;
  readonly #mailbox = new Mailbox();
  #connectionId = '';
  #questions = 0;

  /** Connects, and resolves when the server has greeted the client. */
  static async connect(
    url: string,
    headers: Record<string, string>,
    timeout: number,
  ): Promise<SocketClient> {
    // A certificate of a test is its own, and seldom for this address.
    const options = { headers, rejectUnauthorized: false };
    const client = new SocketClient(new (loadWs().WebSocket)(url, options));
    try {
      const isGreeting = ({ type }: TestMessage) => type === 'connection';
      const greeting = await client.#mailbox.take('greeting', isGreeting, timeout);
      client.#connectionId = greeting.payload.connectionId;
    } catch (error) {
      client.#socket.terminate();
      throw error;
    }
    return client;
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data, isBinary) => this.#mailbox.deliver(read(data, isBinary)));
    // ws tells of a failed handshake here, and of its end by 'close' after that.
    socket.on('error', ({ message }) => {
      const what = this.#connectionId === '' ? 'cannot connect' : 'the client failed';
      this.#mailbox.end(`${what}: ${message}`);
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, bytes) => {
        const reason = bytes.toString();
        this.#mailbox.end(`the connection was closed with ${code} "${reason}"`);
        resolve({ code, reason });
      });
    });
  }

  get connectionId(): string {
    return this.#connectionId;
  }

  get pending(): TestMessage[] {
    return this.#mailbox.pending;
  }

  next(type?: string, options?: { timeout?: number | undefined }): Promise<TestMessage> {
    const what = type === undefined ? 'message' : `message of type "${type}"`;
    const wanted = (message: TestMessage) => type === undefined || message.type === type;
    return this.#mailbox.take(what, wanted, options?.timeout ?? DEFAULT_TIMEOUT);
  }

  send(message: object | string | Uint8Array): void {
    const isFrame = typeof message === 'string' || ArrayBuffer.isView(message);
    this.#socket.send(isFrame ? message : JSON.stringify(message));
  }

  authenticate(login: Login, timeout = DEFAULT_TIMEOUT): Promise<TestMessage> {
    return this.#ask('authenticate', login, timeout);
  }

  join(room: string): Promise<TestMessage> {
    return this.#ask('join_room', { room });
  }

  leave(room: string): Promise<TestMessage> {
    return this.#ask('leave_room', { room });
  }

  subscribe(topic: string): Promise<TestMessage> {
    return this.#ask('subscribe', { topic });
  }

  unsubscribe(topic: string): Promise<TestMessage> {
    return this.#ask('unsubscribe', { topic });
  }

  async settled(): Promise<void> {
    const pong = new Promise<void>((resolve) => this.#socket.once('pong', () => resolve()));
    this.#socket.ping();
    const { code } = (await Promise.race([pong, this.closed])) ?? {};
    if (code !== undefined) {
      throw codedError('ERR_CONNECTION_CLOSED', `the connection was closed with ${code}`);
    }
  }

  close(code = 1000, reason?: string): Promise<TestClosing> {
    this.#socket.close(code, reason);
    return this.closed;
  }

  /** Sends a message of the protocol and takes its answer, which the server marks with the same id. */
  async #ask(type: string, payload: object, timeout = DEFAULT_TIMEOUT): Promise<TestMessage> {
    this.#questions += 1;
    const id = `test_${this.#questions}`;
    this.send({ type, payload, id });
    const what = `answer to "${type}"`;
    const answer = await this.#mailbox.take(what, (message) => message.id === id, timeout);
    if (answer.type !== 'error') return answer;
    const { code = 'ERR_REFUSED', message } = answer.payload;
    throw codedError(code, `"${type}" was refused: ${message}`);
  }
}

/** A frame as a message; what is no message keeps its content under a type that none has. */
function read(data: RawData, isBinary: boolean): TestMessage {
  // ws gives one Buffer for each message unless it is told otherwise.
  const bytes = data as Buffer;
  try {
    const message: unknown = JSON.parse(bytes.toString());
    if (typeof (message as { type?: unknown } | null)?.type === 'string') {
      return message as TestMessage;
    }
  } catch {
    // Not JSON: a frame of the service's own.
  }
  return isBinary
    ? { type: '#binary', payload: bytes }
    : { type: '#text', payload: bytes.toString() };
}

function loadWs(): typeof import('ws') {
  try {
    return require('ws');
  } catch (cause) {
    const advice = 'npm install --save-dev ws';
    throw codedError(
      'ERR_MISSING_DEPENDENCY',
      `connectClient needs the package ws: ${advice}`,
      cause,
    );
  }
}

/**
 * The connections that services see: thin objects over the engine's handles. What changes while a
 * connection lives is read from the engine when it is asked for, so nothing has to be kept in step.
 */
import { isAnyArrayBuffer } from 'node:util/types';
import { kindOf, requireClose } from './arguments.js';
import { clientCertificate } from './client-certificate.js';
import { translated } from './errors.js';
import type { NativeConnection } from './native.js';
import { withoutSecrets } from './printed.js';
import type {
  WebSocketClientCertificate,
  WebSocketConnection,
  WebSocketRequest,
  WebSocketSocket,
  WebSocketWarning,
} from './types.js';

/** Tells the manager of a connection's fault. */
type Warn = (warning: WebSocketWarning) => void;

/** One client's connection. */
export class Connection implements WebSocketConnection {
  readonly id: string;
  data?: unknown;
  readonly #native: NativeConnection;
  readonly #warn: Warn;
  #socket: Socket | undefined;

  constructor(native: NativeConnection, warn: Warn) {
    this.id = native.id;
    this.#native = native;
    this.#warn = warn;
  }

  get userId(): string | undefined {
    return this.#native.userId ?? undefined;
  }

  get sessionId(): string | undefined {
    return this.#native.sessionId ?? undefined;
  }

  // biome-ignore lint/suspicious/noExplicitAny: only the service knows what it has claimed.
  get claims(): any {
    const { claims } = this.#native;
    return claims === null ? undefined : JSON.parse(claims);
  }

  get socket(): WebSocketSocket {
    // Most connections are only ever sent messages, for which no socket object is needed.
    this.#socket ??= new Socket(this.id, this.#native, this.#warn);
    return this.#socket;
  }

  get subscriptions(): Set<string> {
    return new Set(this.#native.subscriptions());
  }

  get rooms(): Set<string> {
    return new Set(this.#native.rooms());
  }

  get lastHeartbeat(): Date {
    return new Date(this.#native.lastHeartbeat);
  }
}

class Socket implements WebSocketSocket {
  readonly #id: string;
  readonly #native: NativeConnection;
  readonly #warn: Warn;

  constructor(id: string, native: NativeConnection, warn: Warn) {
    this.#id = id;
    this.#native = native;
    this.#warn = warn;
  }

  get readyState(): number {
    return this.#native.readyState;
  }

  send(data: string | ArrayBuffer | ArrayBufferView): boolean {
    if (typeof data === 'string') return this.#native.sendText(data);
    const bytes = bytesOf(data);
    if (bytes !== undefined) return this.#native.sendBinary(bytes);
    this.#warn({
      code: 'ERR_INVALID_MESSAGE',
      message: `socket.send: a frame must be a string or bytes, got ${kindOf(data)}`,
      connectionId: this.#id,
    });
    return false;
  }

  close(code = 1000, reason = ''): void {
    requireClose(code, reason);
    translated(() => this.#native.close(code, reason));
  }
}

/** The bytes of any kind of buffer, without a copy. By inspection: `instanceof` fails across realms. */
function bytesOf(data: unknown): Buffer | undefined {
  if (Buffer.isBuffer(data)) return data;
  if (ArrayBuffer.isView(data)) {
    return Buffer.from(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  }
  return isAnyArrayBuffer(data) ? Buffer.from(data as ArrayBuffer) : undefined;
}

/** The request of a handshake; its header fields are put in order only for those who read them. */
export class HandshakeRequest implements WebSocketRequest {
  readonly url: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #fields: readonly (string | number)[];
  readonly #certificate: Buffer | undefined;
  #headers: Record<string, string> | undefined;
  #clientCertificate: WebSocketClientCertificate | undefined;

  /**
   * @param fields Address, port and the client's certificate (DER in base64, or empty), then names and values of the
   * header fields by turns.
   * @param certificate The client's certificate where the host's server has it.
   */
  constructor(url: string, fields: readonly (string | number)[], certificate?: Buffer) {
    this.url = url;
    this.remoteAddress = String(fields[0]);
    this.remotePort = Number(fields[1]);
    this.#fields = fields;
    this.#certificate = fields[2] ? Buffer.from(String(fields[2]), 'base64') : certificate;
  }

  get headers(): Record<string, string> {
    this.#headers ??= joinFields(this.#fields);
    return this.#headers;
  }

  get clientCertificate(): WebSocketClientCertificate | undefined {
    if (this.#certificate === undefined) return undefined;
    this.#clientCertificate ??= clientCertificate(this.#certificate);
    return this.#clientCertificate;
  }

  toJSON(): WebSocketRequest {
    const { url, headers, remoteAddress, remotePort } = this;
    return { url, headers, remoteAddress, remotePort };
  }

  /** For `console.log`, which else shows no getters. */
  [Symbol.for('nodejs.util.inspect.custom')](): WebSocketRequest {
    return withoutSecrets(this.toJSON());
  }
}

function joinFields(fields: readonly (string | number)[]): Record<string, string> {
  // No prototype: a client chooses the names, and `__proto__` is a valid one.
  const headers: Record<string, string> = Object.create(null);
  for (let i = 3; i + 1 < fields.length; i += 2) {
    const name = String(fields[i]);
    const value = String(fields[i + 1]);
    const earlier = headers[name];
    // RFC 6265, section 5.4, separates the pairs of a Cookie field by semicolons.
    const separator = name === 'cookie' ? '; ' : ', ';
    headers[name] = earlier === undefined ? value : earlier + separator + value;
  }
  return headers;
}

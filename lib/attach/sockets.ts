/**
 * The sockets of an http server that a manager has taken over. Where a socket shows its descriptor, the
 * engine reads and writes it itself; the JavaScript object stays, untouched, so that the server goes on
 * counting the connection. Else (TLS, other runtimes) the bytes go through here, or the messages.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { certificateOn } from '../client-certificate.js';
import type { NativeBridge, NativeLimits, NativeManager, NativeRequest } from '../native.js';
import type { OriginRules } from '../origins.js';
import { whenAnswered } from './earlier-responses.js';
import { endWithin } from './ends.js';
import { MessagePeer } from './message-peer.js';
import { type Attached, Signal } from './signals.js';

// Taken once: a host's test may replace the global ones by clocks that stand still.
const { setInterval, clearInterval, setImmediate } = globalThis;

const NEVER = 2 ** 31 - 1;

/** A socket's handle, where libuv has the socket. None of it is documented, so each part is looked for. */
interface Handle {
  fd?: unknown;
  readStart?(): void;
  readStop?(): void;
}

/** One manager's sockets. */
export class AttachedSockets {
  /** The manager's `maxPayload`, for servers that read messages themselves. */
  readonly maxPayload: number;
  readonly #native: NativeManager;
  readonly #limits: NativeLimits;
  readonly #origins: OriginRules | undefined;
  readonly #attached = new Map<number, Attached>();
  /** Sockets whose earlier requests are still to be answered. */
  readonly #waiting = new Set<Socket>();
  /** Sockets that are not read keep no process alive, though their clients are connected. */
  #alive: NodeJS.Timeout | undefined;
  /** Bytes were pushed into bridges since the engine was last told. */
  #pushed = false;
  readonly #rouse = () => {
    this.#pushed = false;
    this.#native.rouse();
  };

  constructor(native: NativeManager, origins?: OriginRules) {
    this.#native = native;
    this.#origins = origins;
    this.#limits = native.limits();
    this.maxPayload = this.#limits.maxPayload;
  }

  /** Takes over the socket of an upgrade, as soon as all requests before it are answered. */
  take(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    const socket = duplex as Socket;
    // The end of a socket is no fault of anybody here; 'close' follows.
    socket.on('error', () => {});
    socket.pause();
    const bytes = undecoded(socket, head);
    stopReading(socket);
    const left = () => this.#waiting.delete(socket);
    this.#waiting.add(socket);
    socket.once('close', left);
    // To the client the waiting is a part of the handshake.
    whenAnswered(socket, this.#limits.handshakeTimeout, () => {
      socket.off('close', left);
      left();
      this.#handOver(request, socket, bytes);
    });
  }

  /** Ends the sockets that were not handed over yet. */
  detach(): void {
    for (const socket of this.#waiting) socket.destroy();
  }

  /** What the engine answers to a request: the bytes of a response. If they refuse it, that is counted. */
  judge(request: NativeRequest, address: string | null = null, port = 0): Buffer {
    return this.#native.judge(address, port, request);
  }

  /** Asks the rules of origins, for a server that has to answer at once. */
  judgeOrigin(request: NativeRequest, address: string | null, port: number): void {
    const { url, rawHeaders } = request;
    const peer = [address ?? '', String(port)];
    const allowed = this.#origins?.judgeAtOnce(url, rawHeaders, peer);
    if (allowed !== undefined) request.originAllowed = allowed;
  }

  /** Takes over the upgrade of a client whose messages its server reads and writes. */
  join(request: NativeRequest, address: string | null, port: number): MessagePeer {
    const bridge = this.#native.attachBridge(address, port, request, Buffer.alloc(0));
    const peer = new MessagePeer(bridge, () => this.#announce());
    this.#remember(bridge.serial, peer);
    return peer;
  }

  /** Does what the engine asks for. */
  signal(serial: number, signal: number): void {
    const attached = this.#attached.get(serial);
    if (signal === Signal.Release) this.#forget(serial);
    attached?.signal(signal);
  }

  /** The certificate of a connection's client, if its server has one. */
  certificateOf(serial: number): Buffer | undefined {
    return this.#attached.get(serial)?.certificate;
  }

  #handOver(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (socket.destroyed) return;
    // It is the server's, for connections on which no request comes.
    socket.setTimeout?.(0);
    const rest = Buffer.concat([head, ...(readAll(socket) as Buffer[])]);
    // If the stream was full, it has begun to read again.
    stopReading(socket);
    const about = requestOf(request);
    if (!this.#giveDescriptor(socket, about, rest)) this.#bridge(request, socket, about, rest);
  }

  #giveDescriptor(socket: Socket, about: NativeRequest, rest: Buffer): boolean {
    const descriptor = descriptorOf(socket);
    if (descriptor === undefined) return false;
    let serial: number;
    try {
      serial = this.#native.attach(descriptor, about, rest);
    } catch {
      // Not a socket that the engine can serve. The stream itself does not know that it was stopped.
      handleOf(socket)?.readStart?.();
      return false;
    }
    // It asks for nothing else: the engine does the rest itself.
    this.#remember(serial, { signal: () => socket.destroy() });
    socket.once('close', () => {
      // The host has destroyed it: the engine has a descriptor of its own, and does not see that.
      if (this.#forget(serial)) this.#native.abandon(serial);
    });
    return true;
  }

  #bridge(request: IncomingMessage, socket: Socket, about: NativeRequest, rest: Buffer): void {
    // Of a request with a body, Node since 26 gives a stream that is not the socket.
    const { remoteAddress = null, remotePort = 0 } = request.socket ?? socket;
    let bridge: NativeBridge;
    try {
      bridge = this.#native.attachBridge(remoteAddress, remotePort, about, rest);
    } catch {
      // The manager is closed: there is nobody to answer.
      socket.destroy();
      return;
    }
    const { serial } = bridge;
    const { closeTimeout } = this.#limits;
    this.#remember(serial, {
      certificate: certificateOn(socket),
      signal: (signal) => {
        try {
          signalBridged(socket, bridge, signal, closeTimeout);
        } catch (thrown) {
          // It is none of Node's, and has faults of its own: its connection ends here.
          socket.destroy();
          throw thrown;
        }
      },
    });
    socket.setNoDelay?.(true);
    socket.on('data', (bytes: Buffer) => {
      if (!bridge.push(bytes)) socket.pause();
      this.#announce();
    });
    socket.once('end', () => bridge.end());
    socket.once('close', () => {
      this.#forget(serial);
      bridge.abandon();
    });
    socket.resume();
  }

  /** Lets the engine read what was pushed: once for all bridges of this turn of the event loop. */
  #announce(): void {
    if (!this.#pushed) setImmediate(this.#rouse);
    this.#pushed = true;
  }

  #remember(serial: number, attached: Attached): void {
    this.#attached.set(serial, attached);
    this.#alive ??= setInterval(() => {}, NEVER);
  }

  #forget(serial: number): boolean {
    const known = this.#attached.delete(serial);
    if (this.#attached.size === 0 && this.#alive !== undefined) {
      clearInterval(this.#alive);
      this.#alive = undefined;
    }
    return known;
  }
}

/** What the engine is told of a request. */
export function requestOf(request: IncomingMessage): NativeRequest {
  // A host may emit upgrades of its own making.
  const { method = '', url = '', httpVersion = '1.1', rawHeaders = [] } = request;
  return { method, url, httpVersion, rawHeaders };
}

function signalBridged(
  socket: Socket,
  bridge: NativeBridge,
  signal: number,
  closeTimeout: number,
): void {
  switch (signal) {
    case Signal.Output:
      write(socket, bridge);
      break;
    case Signal.Resume:
      socket.resume();
      break;
    case Signal.Finish:
      socket.end();
      break;
    default:
      write(socket, bridge);
      // A peer that does not read must not keep it for ever.
      if (bridge.givenUp) socket.destroy();
      else endWithin(socket, closeTimeout);
  }
}

function write(socket: Socket, bridge: NativeBridge): void {
  const bytes = bridge.take();
  if (bytes.length > 0) socket.write(bytes, () => bridge.written(bytes.length));
}

/** Makes a stream give bytes, whatever its host has set, and returns those that it has decoded already. */
function undecoded(socket: Socket, head: Buffer): Buffer {
  const encoding = socket.readableEncoding ?? null;
  if (encoding === null) return head;
  const read = readAll(socket) as string[];
  const state = (socket as { _readableState?: { decoder: unknown; encoding: unknown } })
    ._readableState;
  if (state !== undefined) Object.assign(state, { decoder: null, encoding: null });
  return Buffer.concat([head, Buffer.from(read.join(''), encoding)]);
}

/** All that a stream holds. Since Node 26 one call gives one chunk. */
function readAll(socket: Socket): (Buffer | string)[] {
  const chunks: (Buffer | string)[] = [];
  while (socket.readableLength > 0) {
    const chunk: Buffer | string | null = socket.read();
    if (chunk === null) break;
    chunks.push(chunk);
  }
  return chunks;
}

/** Bytes that libuv would still read belong to the engine. */
function stopReading(socket: Socket): void {
  if (descriptorOf(socket) !== undefined) handleOf(socket)?.readStop?.();
}

/** The descriptor of a socket whose bytes are those of the connection. */
function descriptorOf(socket: Socket & { encrypted?: boolean }): number | undefined {
  if (socket.encrypted === true || process.platform === 'win32' || 'Bun' in globalThis) {
    return undefined;
  }
  const descriptor = handleOf(socket)?.fd;
  return Number.isInteger(descriptor) && (descriptor as number) >= 0
    ? (descriptor as number)
    : undefined;
}

function handleOf(socket: Socket): Handle | undefined {
  return (socket as unknown as { _handle?: Handle | null })._handle ?? undefined;
}

/**
 * The sockets of an http server that a manager has taken over. Where a socket shows its descriptor, the
 * engine reads and writes it itself; the JavaScript object stays, untouched, so that the server goes on
 * counting the connection. Else (TLS, other runtimes) the bytes go through here, or the messages.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { NativeBridge, NativeManager, NativeRequest } from '../native.js';
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
  readonly #attached = new Map<number, Attached>();
  /** Sockets that are not read keep no process alive, though their clients are connected. */
  #alive: NodeJS.Timeout | undefined;
  /** Bytes were pushed into bridges since the engine was last told. */
  #pushed = false;
  readonly #rouse = () => {
    this.#pushed = false;
    this.#native.rouse();
  };

  constructor(native: NativeManager, maxPayload: number) {
    this.#native = native;
    this.maxPayload = maxPayload;
  }

  /** Takes over the socket of an upgrade, as soon as what was written to it before is sent. */
  take(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    const socket = duplex as Socket;
    // The end of a socket is no fault of anybody here; 'close' follows.
    socket.on('error', () => {});
    socket.setTimeout?.(0);
    socket.pause();
    // Bytes that libuv would still read belong to the engine.
    if (descriptorOf(socket) !== undefined) handleOf(socket)?.readStop?.();
    if (socket.writableLength === 0) {
      this.#handOver(request, socket, head);
      return;
    }
    // A response to an earlier request on this connection is still on its way.
    socket.write('', (error) => {
      if (!error) this.#handOver(request, socket, head);
    });
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

  #handOver(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (socket.destroyed) return;
    const read: Buffer | null = socket.readableLength > 0 ? socket.read() : null;
    const rest = read === null ? head : Buffer.concat([head, read]);
    const about: NativeRequest = {
      method: request.method ?? '',
      url: request.url ?? '',
      httpVersion: request.httpVersion,
      rawHeaders: request.rawHeaders,
    };
    if (!this.#giveDescriptor(socket, about, rest)) this.#bridge(socket, about, rest);
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

  #bridge(socket: Socket, about: NativeRequest, rest: Buffer): void {
    const { remoteAddress = null, remotePort = 0 } = socket;
    const bridge = this.#native.attachBridge(remoteAddress, remotePort, about, rest);
    const { serial } = bridge;
    this.#remember(serial, { signal: (signal) => signalBridged(socket, bridge, signal) });
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

function signalBridged(socket: Socket, bridge: NativeBridge, signal: number): void {
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
      socket.destroySoon();
  }
}

function write(socket: Socket, bridge: NativeBridge): void {
  const bytes = bridge.take();
  if (bytes.length > 0) socket.write(bytes, () => bridge.written(bytes.length));
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

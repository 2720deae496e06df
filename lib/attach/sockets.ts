/**
 * The sockets of an http server that a manager has taken over. Where a socket shows its descriptor, the
 * engine reads and writes it itself; the JavaScript object stays, untouched, so that the server goes on
 * counting the connection. Else (TLS, other runtimes) the bytes go through here.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { NativeBridge, NativeManager, NativeRequest } from '../native.js';

// Taken once: a host's test may replace the global ones by clocks that stand still.
const { setInterval, clearInterval, setImmediate } = globalThis;

/** What the engine asks for; `core/src/ws/bridge.rs` has the same numbers. */
export const Signal = { Output: 0, Resume: 1, Finish: 2, Release: 3 } as const;

const NEVER = 2 ** 31 - 1;

/** One socket, as far as this side has to do with it. */
interface Attached {
  readonly socket: Socket;
  readonly bridge: NativeBridge | undefined;
}

/** A socket's handle, where libuv has the socket. None of it is documented, so each part is looked for. */
interface Handle {
  fd?: unknown;
  readStart?(): void;
  readStop?(): void;
}

/** One manager's sockets. */
export class AttachedSockets {
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

  constructor(native: NativeManager) {
    this.#native = native;
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

  /** Does what the engine asks for. */
  signal(serial: number, signal: number): void {
    const attached = this.#attached.get(serial);
    if (attached === undefined) return;
    const { socket, bridge } = attached;
    switch (signal) {
      case Signal.Output:
        if (bridge !== undefined) write(socket, bridge);
        break;
      case Signal.Resume:
        socket.resume();
        break;
      case Signal.Finish:
        socket.end();
        break;
      default:
        this.#forget(serial);
        if (bridge === undefined) {
          socket.destroy();
          break;
        }
        write(socket, bridge);
        socket.destroySoon();
    }
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
    this.#remember(serial, { socket, bridge: undefined });
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
    this.#remember(serial, { socket, bridge });
    socket.setNoDelay?.(true);
    socket.on('data', (bytes: Buffer) => {
      if (!bridge.push(bytes)) socket.pause();
      // Once for all sockets that were readable in this turn of the event loop.
      if (!this.#pushed) setImmediate(this.#rouse);
      this.#pushed = true;
    });
    socket.once('end', () => bridge.end());
    socket.once('close', () => {
      this.#forget(serial);
      bridge.abandon();
    });
    socket.resume();
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

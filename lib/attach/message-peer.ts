/**
 * A client whose socket a server of the host's keeps, and which is handed over message by message: Bun's
 * `ServerWebSocket`. The engine speaks frames over a bridge as with any other socket, so all that it does
 * stays the same; here they become calls of Bun's, and Bun's events become frames.
 */
import type { NativeBridge } from '../native.js';
import {
  clientFrame,
  closePayload,
  type Frame,
  FrameReader,
  Opcode,
  readClose,
} from './frame-codec.js';
import { type HandshakeAnswer, NO_ANSWER, readAnswer } from './handshake-answer.js';
import { type Attached, Signal } from './signals.js';

/** The part of Bun's class that is used. */
export interface ServerWebSocket {
  data: unknown;
  binaryType: string;
  /** Each returns the number of bytes, -1 if they wait in Bun, or 0 if they were dropped. */
  send(data: string | Uint8Array): number;
  ping(data: Uint8Array): number;
  close(code?: number, reason?: string): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  getBufferedAmount(): number;
}

/** The connection ended without a Close frame. */
const ABNORMAL = 1006;

/** It is the `data` of its `ServerWebSocket`, whose events it is told. */
export class MessagePeer implements Attached {
  /** What the engine says to the handshake. */
  readonly answer: Promise<HandshakeAnswer>;
  readonly #bridge: NativeBridge;
  /** Lets the engine read what was pushed. */
  readonly #announce: () => void;
  readonly #reader = new FrameReader();
  #settle: (answer: HandshakeAnswer) => void = () => {};
  /** The engine's output until its answer is whole. */
  #head: Buffer | undefined = Buffer.alloc(0);
  #socket: ServerWebSocket | undefined;
  /** What was sent still waits in Bun, for a client that reads slowly. */
  #waits = false;
  /** Bytes that the engine takes to be under way. */
  #owed = 0;
  #paused = false;
  #closed = false;
  #released = false;

  constructor(bridge: NativeBridge, announce: () => void) {
    this.#bridge = bridge;
    this.#announce = announce;
    this.answer = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** The client is gone before it was connected. */
  abandon(): void {
    this.#closed = true;
    this.#bridge.abandon();
  }

  open(socket: ServerWebSocket): void {
    this.#socket = socket;
    socket.binaryType = 'nodebuffer';
    this.#flush();
    if (this.#released) this.#terminate();
  }

  message(_socket: ServerWebSocket, data: string | Uint8Array): void {
    this.#push(clientFrame(typeof data === 'string' ? Opcode.Text : Opcode.Binary, data));
  }

  /** Bun answers it; to the engine it is a sign of life. */
  ping(_socket: ServerWebSocket, data: string | Uint8Array = ''): void {
    this.#push(clientFrame(Opcode.Ping, data));
  }

  pong(_socket: ServerWebSocket, data: string | Uint8Array = ''): void {
    this.#push(clientFrame(Opcode.Pong, data));
  }

  drain(socket: ServerWebSocket): void {
    if (socket.getBufferedAmount() > 0) return;
    this.#waits = false;
    this.#flush();
  }

  /** Also when it is the engine that closes: Bun does not tell whether the client has answered. */
  close(_socket: ServerWebSocket, code: number, reason: string): void {
    this.#closed = true;
    if (code === ABNORMAL) {
      this.#bridge.abandon();
      return;
    }
    this.#push(clientFrame(Opcode.Close, closePayload(code, reason)));
    this.#bridge.end();
    // Nothing can be sent any more, and the engine waits until it is rid of what it has.
    this.#waits = false;
    this.#flush();
  }

  signal(signal: number): void {
    if (signal === Signal.Resume) {
      this.#pause(false);
    } else if (signal === Signal.Output) {
      this.#flush();
    } else if (signal === Signal.Release) {
      this.#released = true;
      this.#flush();
      this.#settle(NO_ANSWER);
      if (this.#socket !== undefined) this.#terminate();
    }
    // The end of a stream is its Close frame, which has been sent by then.
  }

  /** Bun still hands over what it has read when it is paused: there may be room again for that. */
  #push(frame: Buffer): void {
    const paused = !this.#bridge.push(frame);
    this.#announce();
    if (paused !== this.#paused) this.#pause(paused);
  }

  #pause(paused: boolean): void {
    this.#paused = paused;
    if (this.#closed) return;
    if (paused) this.#socket?.pause();
    else this.#socket?.resume();
  }

  /** Hands on what the engine has written, as far as Bun gets rid of it. */
  #flush(): void {
    // The credit of what is not taken stops the engine.
    if (this.#waits || (this.#head === undefined && this.#socket === undefined)) return;
    this.#take();
    while (!this.#waits && this.#socket !== undefined) {
      const frame = this.#reader.next();
      if (frame === undefined) break;
      if (!this.#closed) this.#send(this.#socket, frame);
    }
    if (this.#waits) return;
    // That of a message which is not whole yet is given back, or its rest would never come.
    this.#bridge.written(this.#owed);
    this.#owed = 0;
  }

  #take(): void {
    const bytes = this.#bridge.take();
    this.#owed += bytes.length;
    if (this.#head === undefined) {
      this.#reader.push(bytes);
      return;
    }
    this.#head = Buffer.concat([this.#head, bytes]);
    const read = readAnswer(this.#head);
    if (read === undefined) return;
    this.#head = undefined;
    this.#reader.push(read.rest);
    this.#settle(read.answer);
  }

  #send(socket: ServerWebSocket, { opcode, payload }: Frame): void {
    if (opcode === Opcode.Close) {
      const { code, reason } = readClose(payload);
      socket.close(code, reason);
      return;
    }
    // Bun answers pings itself.
    if (opcode === Opcode.Pong) return;
    const sent = sendAs(opcode, socket, payload);
    if (sent < 0) this.#waits = true;
    // Dropped, since more waits than the host's `backpressureLimit`: the rest must not follow a gap.
    if (sent === 0 && payload.length > 0) this.#terminate();
  }

  #terminate(): void {
    if (!this.#closed) this.#socket?.terminate();
  }
}

function sendAs(opcode: number, socket: ServerWebSocket, payload: Buffer): number {
  if (opcode === Opcode.Text) return socket.send(payload.toString());
  return opcode === Opcode.Ping ? socket.ping(payload) : socket.send(payload);
}

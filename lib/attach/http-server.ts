/**
 * One http server and the managers that are attached to it: each gets the upgrades of its own path, and all
 * others go where they went before.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { whenAnswered } from './earlier-responses.js';
import { endWithin } from './ends.js';
import { serveAsPlain, wantsWebSocket } from './plain-request.js';
import { Routes } from './routes.js';
import { type AttachedSockets, requestOf } from './sockets.js';

type ShouldUpgrade = (this: Server, request: IncomingMessage) => boolean;

/** A newer Node (24.9) asks this first, which is an option of `createServer()`; by default, whether anybody listens. */
type AsksFirst = Server & { shouldUpgradeCallback?: ShouldUpgrade | undefined };

type Emit = (this: Server, event: string | symbol, ...args: unknown[]) => boolean;

const NOT_FOUND = 'Not Found\n';

/** Milliseconds that it may take until that can be written, and then to write it. */
const REFUSAL_TIMEOUT = 5000;

/** The points of this process's servers. */
const points = new WeakMap<Server, AttachPoint>();

/**
 * A server's upgrades, by path.
 *
 * Listeners for `upgrade` see every path, and most answer those that are not theirs, which would end up in
 * the stream of our client. So ours are taken before any listener is called, whenever it was added; and what
 * nobody owns is answered only where there is no other listener.
 */
export class AttachPoint {
  readonly #server: AsksFirst;
  readonly #routes = new Routes('server');
  readonly #before: Emit;
  readonly #emit: Emit;
  readonly #asked: ShouldUpgrade | undefined;
  readonly #isUpgrade: ShouldUpgrade | undefined;

  static of(server: Server): AttachPoint {
    let point = points.get(server);
    if (point === undefined) {
      point = new AttachPoint(server);
      points.set(server, point);
    }
    return point;
  }

  private constructor(server: Server) {
    this.#server = server;
    this.#before = server.emit as Emit;
    const point = this;
    this.#emit = function emit(event, ...args) {
      if (event === 'upgrade') {
        const [request, socket, head] = args as [IncomingMessage, Duplex, Buffer];
        if (point.#take(request, socket, head)) return true;
      }
      return point.#before.call(this, event, ...args);
    };
    server.emit = this.#emit;
    // Without any listener Node does not emit the event at all.
    server.on('upgrade', ignore);
    this.#asked = this.#server.shouldUpgradeCallback;
    if (this.#asked === undefined) return;
    this.#isUpgrade = (request) => this.#shouldUpgrade(request);
    this.#server.shouldUpgradeCallback = this.#isUpgrade;
  }

  /** @throws Error `ERR_PATH_IN_USE` if another manager has this path. */
  add(path: string, sockets: AttachedSockets): void {
    this.#routes.add(path, sockets);
  }

  /** Gives a path free. Without any, the server is as it was before. */
  remove(path: string): void {
    this.#routes.remove(path);
    if (!this.#routes.empty) return;
    this.#server.off('upgrade', ignore);
    points.delete(this.#server);
    // Somebody who wrapped it since then still calls it; then it hands everything on.
    if (this.#server.emit === this.#emit) this.#server.emit = this.#before;
    if (this.#isUpgrade !== undefined && this.#server.shouldUpgradeCallback === this.#isUpgrade) {
      this.#server.shouldUpgradeCallback = this.#asked;
    }
  }

  /** What is ours is one, whatever the host says. What asks for another protocol is none to us: see {@link serveAsPlain}. */
  #shouldUpgrade(request: IncomingMessage): boolean {
    const ours = wantsWebSocket(request.headers.upgrade);
    if (ours && this.#routes.find(request.url ?? '') !== undefined) return true;
    return this.#asked?.call(this.#server, request) === true && (ours || this.#hasOthers());
  }

  #hasOthers(): boolean {
    return this.#server.listenerCount('upgrade') > 1;
  }

  #take(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const ours = wantsWebSocket(request.headers.upgrade);
    const sockets = ours ? this.#routes.find(request.url ?? '') : undefined;
    if (sockets !== undefined) {
      sockets.take(request, socket, head);
      return true;
    }
    if (this.#hasOthers() || this.#routes.empty) return false;
    if (!ours && !('Bun' in globalThis)) {
      serveAsPlain(this.#server, request, socket, head);
      return true;
    }
    // For its being counted; one of them does.
    this.#routes.first?.judge(requestOf(request));
    refuse(socket);
    return true;
  }
}

function ignore(): void {}

/** Nobody else looks after this socket: it ends also for a client that goes on sending, or never reads. */
function refuse(socket: Duplex): void {
  socket.on('error', ignore);
  whenAnswered(socket, REFUSAL_TIMEOUT, () => {
    socket.write(
      'HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Type: text/plain\r\n' +
        `Content-Length: ${NOT_FOUND.length}\r\n\r\n${NOT_FOUND}`,
    );
    endWithin(socket, REFUSAL_TIMEOUT);
    socket.resume();
  });
}

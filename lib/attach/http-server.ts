/**
 * One http server and the managers that are attached to it: each gets the upgrades of its own path, and all
 * others go where they went before.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { Routes } from './routes.js';
import type { AttachedSockets } from './sockets.js';

type Emit = (this: Server, event: string | symbol, ...args: unknown[]) => boolean;

const NOT_FOUND = 'Not Found\n';

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
  readonly #server: Server;
  readonly #routes = new Routes('server');
  readonly #before: Emit;
  readonly #emit: Emit;

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
  }

  #take(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const sockets = this.#routes.find(request.url ?? '');
    if (sockets !== undefined) {
      sockets.take(request, socket, head);
      return true;
    }
    const others = this.#server.listenerCount('upgrade') > 1;
    if (others || this.#routes.empty) return false;
    refuse(socket);
    return true;
  }
}

function ignore(): void {}

function refuse(socket: Duplex): void {
  socket.on('error', ignore);
  socket.end(
    'HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Type: text/plain\r\n' +
      `Content-Length: ${NOT_FOUND.length}\r\n\r\n${NOT_FOUND}`,
  );
}

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

type Upgrade = [request: IncomingMessage, socket: Duplex, head: Buffer];

/** Tells the listeners of other copies of this package, which a process may have, from those of others. */
const OWNS = Symbol.for('@libs/messaging.owns');

interface Listener {
  (...upgrade: Upgrade): void;
  /** Whether a request's target is one of its paths. */
  [OWNS](url: string): boolean;
}

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
  readonly #overrides: (() => void)[];
  readonly #listener: Listener;

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
    this.#overrides = [
      override<Emit>(server, 'emit', (before) => {
        const point = this;
        return function emit(event, ...args) {
          if (event === 'upgrade' && point.#take(...(args as Upgrade))) return true;
          return before().call(this, event, ...args);
        };
      }),
    ];
    // Without any listener Node does not emit the event at all. And a second server may emit it by what it has taken
    // from this one before: Fastify's, for the other addresses of a name.
    this.#listener = Object.assign((...upgrade: Upgrade) => void this.#take(...upgrade), {
      [OWNS]: (url: string) => this.#routes.find(url) !== undefined,
    });
    server.on('upgrade', this.#listener);
    if (this.#server.shouldUpgradeCallback === undefined) return;
    this.#overrides.push(
      override<ShouldUpgrade>(
        server,
        'shouldUpgradeCallback',
        (before) => (request) => this.#shouldUpgrade(request, before()),
      ),
    );
  }

  /** @throws Error `ERR_PATH_IN_USE` if another manager has this path. */
  add(path: string, sockets: AttachedSockets): void {
    if (this.#isElsewhere(path)) throw this.#routes.inUse(path);
    this.#routes.add(path, sockets);
  }

  /** Gives a path free. Without any, the server is as it was before. */
  remove(path: string): void {
    this.#routes.remove(path);
    if (!this.#routes.empty) return;
    this.#server.off('upgrade', this.#listener);
    points.delete(this.#server);
    for (const restore of this.#overrides) restore();
  }

  #isElsewhere(url: string): boolean {
    return this.#server
      .listeners('upgrade')
      .some((it) => it !== this.#listener && (it as Partial<Listener>)[OWNS]?.(url));
  }

  /** What is ours is one, whatever the host says. What asks for another protocol is none to us: see {@link serveAsPlain}. */
  #shouldUpgrade(request: IncomingMessage, before: ShouldUpgrade): boolean {
    const ours = wantsWebSocket(request.headers.upgrade);
    if (ours && this.#routes.find(request.url ?? '') !== undefined) return true;
    return before.call(this.#server, request) && (ours || othersAt(this.#server) > 0);
  }

  #take(request: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const ours = wantsWebSocket(request.headers.upgrade);
    const { url = '' } = request;
    const sockets = ours ? this.#routes.find(url) : undefined;
    if (sockets !== undefined) {
      sockets.take(request, socket, head);
      return true;
    }
    if (othersAt(this.#server) > 0 || this.#routes.empty || this.#isElsewhere(url)) return false;
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

/** How many listen for a server's upgrades who are none of ours, nor of another copy of this package. */
export function othersAt(server: Server): number {
  return server.listeners('upgrade').filter((it) => !(OWNS in it)).length;
}

function ignore(): void {}

/**
 * Puts a method of ours over one of an object, of its own or of its prototype. Returns the way back, which leaves what
 * somebody has put over ours; that one still calls it.
 */
function override<Method>(object: object, key: string, make: (before: () => Method) => Method) {
  const own = Object.getOwnPropertyDescriptor(object, key);
  // A prototype may be patched later, by tracers for one.
  const before = () => own?.value ?? Object.getPrototypeOf(object)[key];
  const ours = make(before);
  Object.defineProperty(object, key, { value: ours, writable: true, configurable: true });
  return () => {
    if (Reflect.get(object, key) !== ours) return;
    Reflect.deleteProperty(object, key);
    if (own !== undefined) Object.defineProperty(object, key, own);
  };
}

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

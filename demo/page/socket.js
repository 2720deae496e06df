// One WebSocket that comes back by itself: it asks /config.json for the address before each try,
// waits longer after each failure, and answers requests by the message's `id`.
//
// Events: 'open' for each new connection, 'change' when `state` or `latency` changed, and 'message'
// with what the server sent on its own in `detail`.

const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;
const REQUEST_TIMEOUT = 10_000;
const PROBE_INTERVAL = 5_000;
const UNREACHABLE = 'The server does not answer';

export class Socket extends EventTarget {
  /** 'connecting', 'online' or 'waiting'. */
  state = 'connecting';
  /** When the next try begins, in ms since epoch; only while waiting. */
  retryAt = 0;
  /** Round trip of the last heartbeat in ms; null until there is one. */
  latency = null;
  /** Why there is no connection; empty while there is one, and before the first. */
  reason = '';

  #socket = null;
  #attempt = 0;
  /** Counts the tries, so that an overtaken one notices that it is. */
  #try = 0;
  #retryTimer = 0;
  #requests = new Map();
  #nextId = 1;

  constructor() {
    super();
    window.addEventListener('online', () => this.retryNow());
    setInterval(() => this.#probe(), PROBE_INTERVAL);
    this.#connect();
  }

  /** Ends the wait for the next try. */
  retryNow() {
    if (this.state === 'waiting') this.#connect();
  }

  /** Leaves the server and comes back at once as somebody new. */
  restart() {
    this.#attempt = 0;
    this.reason = '';
    this.#drop();
    this.#connect();
  }

  /** Resolves with the answer; rejects with what the server said, or when the connection ends. */
  request(type, payload = {}) {
    if (this.state !== 'online') return Promise.reject(new Error('Not connected'));
    const id = `r${this.#nextId++}`;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#requests.delete(id);
        reject(new Error('The server did not answer'));
      }, REQUEST_TIMEOUT);
      this.#requests.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ type, payload, id }));
    });
  }

  async #connect() {
    clearTimeout(this.#retryTimer);
    const current = ++this.#try;
    this.#setState('connecting');
    try {
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT);
      const response = await fetch('/config.json', { cache: 'no-store', signal });
      if (!response.ok) throw new Error(`config.json: ${response.status}`);
      const { url } = await response.json();
      if (current === this.#try) this.#listenTo(new WebSocket(url));
    } catch {
      if (current === this.#try) this.#wait(UNREACHABLE);
    }
  }

  #listenTo(socket) {
    this.#socket = socket;
    socket.onopen = () => {
      this.#attempt = 0;
      this.reason = '';
      this.#setState('online');
      this.dispatchEvent(new Event('open'));
      this.#probe();
    };
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code, reason }) => {
      const said = reason || (code === 1001 ? 'The server stopped' : 'The connection was lost');
      this.#drop();
      this.#wait(said);
    };
  }

  #receive(message) {
    const request = this.#requests.get(message.id);
    if (!request) {
      this.dispatchEvent(new CustomEvent('message', { detail: message }));
      return;
    }
    this.#requests.delete(message.id);
    clearTimeout(request.timer);
    if (message.type === 'error') request.reject(new Error(message.payload.message));
    else request.resolve(message);
  }

  /** Waits half of the delay and up to the whole of it, so that many pages do not come at once. */
  #wait(reason) {
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#attempt++);
    const wait = delay * (0.5 + Math.random() / 2);
    this.reason = reason;
    this.retryAt = Date.now() + wait;
    this.#retryTimer = setTimeout(() => this.#connect(), wait);
    this.#setState('waiting');
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.latency = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    for (const { reject, timer } of this.#requests.values()) {
      clearTimeout(timer);
      reject(new Error('The connection was lost'));
    }
    this.#requests.clear();
  }

  /** Measures the round trip; a server that does not answer in time counts as lost. */
  async #probe() {
    if (this.state !== 'online') return;
    const socket = this.#socket;
    const start = performance.now();
    try {
      await this.request('heartbeat');
      this.latency = performance.now() - start;
      this.dispatchEvent(new Event('change'));
    } catch {
      if (this.#socket !== socket) return;
      this.#drop();
      this.#wait(UNREACHABLE);
    }
  }

  #setState(state) {
    this.state = state;
    this.dispatchEvent(new Event('change'));
  }
}

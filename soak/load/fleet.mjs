// All clients: keeps as many connected as were asked for, lets them act at a bounded rate, and lets
// some leave in every way there is, who then come back.
import { setTimeout as delay } from 'node:timers/promises';
import { act, begin, look, Places, settle } from './actions.mjs';
import { Client } from './client.mjs';

const TICK = 20;
/** Handshakes that are under way at once: the kernel queues only so many. */
const MOST_CONNECTING = 64;

/** What clients offer: mostly what browsers do, some a smaller window, some nothing. */
const DEFLATE = [
  [70, {}],
  [80, { serverMaxWindowBits: 12 }],
  [85, { serverMaxWindowBits: 9 }],
  [100, false],
];

const WAYS_TO_LEAVE = {
  close: 40,
  without: 10,
  terminate: 20,
  silent: 10,
  deaf: 5,
  quit: 10,
  overdo: 5,
};

export class Fleet {
  #load;
  #config;
  #places;
  #free = [];
  #clients = new Set();
  #open = [];
  #connecting = 0;
  #owed = { act: 0, leave: 0, connect: 0, knock: 0 };
  #timer;
  #last;
  #isLeaving = false;

  constructor(load, config) {
    this.#load = load;
    this.#config = config;
    this.#places = new Places(config);
    for (let i = 0; i < config.connections; i += 1) this.#free.push(placeOf(i, config));
  }

  get size() {
    return this.#clients.size;
  }

  get openClients() {
    return this.#open;
  }

  isReserved(stream) {
    return this.#places.isReserved(stream);
  }

  /** Connects all, who do nothing else yet. */
  async connect() {
    this.#last = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK);
    await this.#until('all clients are connected', 120, () => {
      return this.#open.length >= this.#config.connections * 0.98;
    });
  }

  /** From now on they act, and leave. */
  start() {
    this.#isLeaving = true;
  }

  /** Stops acting and coming back, and waits until nobody is neither here nor gone. */
  async calm() {
    clearInterval(this.#timer);
    await this.#until('every client is answered', 30, () => {
      // What does not answer any more would only have to be waited for.
      for (const client of this.#clients) if (client.state === 'silent') client.terminate();
      return this.#open.length === this.#clients.size && this.#open.every((one) => one.isQuiet);
    });
  }

  /** Every client asks how far its streams are; by that nothing may be missing. */
  async look() {
    for (const client of this.#open) look(client);
    await this.#until('every client has all', 30, () => this.#open.every((one) => one.isQuiet));
  }

  /** What the server has to say of itself, by what the clients know. */
  model() {
    const streams = this.#open.flatMap(({ windows }) => windows.names);
    const count = (letter) => new Set(streams.filter((name) => name[0] === letter)).size;
    return {
      connections: this.#open.length,
      users: count('u'),
      rooms: count('r'),
      topics: count('t'),
    };
  }

  async leave() {
    for (const client of [...this.#open]) this.#remove(client).close(1000);
    await this.#until('every client has left', 60, () => this.#clients.size === 0);
  }

  /** Gives everything up. */
  end() {
    clearInterval(this.#timer);
    for (const client of this.#clients) client.terminate();
  }

  #tick() {
    const now = performance.now();
    const seconds = Math.min((now - this.#last) / 1000, 0.1);
    this.#last = now;
    const due = (what, rate, each) => {
      this.#owed[what] += rate * seconds;
      for (; this.#owed[what] >= 1; this.#owed[what] -= 1) each();
    };
    const { actions, leaves, handshakes } = this.#config;
    due('connect', handshakes, () => this.#add());
    if (!this.#isLeaving) return;
    due('act', actions, () => {
      const client = this.#load.random.pick(this.#open);
      // Some things are sent together.
      const count = this.#load.random.chance(0.1) ? 4 : 1;
      for (let i = 0; client && i < count; i += 1) act(client, this.#load.random, this.#places);
    });
    due('leave', leaves, () => this.#letGo());
    due('knock', 0.5, () => this.#knock());
  }

  #add() {
    if (this.#free.length === 0 || this.#connecting >= MOST_CONNECTING) return;
    const [place] = this.#free.splice(this.#load.random.below(this.#free.length), 1);
    this.#connecting += 1;
    let isConnecting = true;
    const connected = () => {
      if (isConnecting) this.#connecting -= 1;
      isConnecting = false;
    };
    const { random, tally } = this.#load;
    const client = new Client(this.#load, place, {
      greeted: (one) => {
        connected();
        begin(one, { random, tally, place, lease: this.#config.lease });
      },
      ready: () => {
        client.index = this.#open.push(client) - 1;
        settle(client, random, this.#places);
      },
      closed: () => {
        connected();
        this.#remove(client);
        this.#clients.delete(client);
        place.lastSession = this.#load.revoked.has(client.session) ? client.session : undefined;
        this.#free.push(place);
      },
    });
    this.#clients.add(client);
  }

  /** Not a client that acts any more. */
  #remove(client) {
    const { index } = client;
    if (index === undefined) return client;
    const last = this.#open.pop();
    if (last !== client) {
      this.#open[index] = last;
      last.index = index;
    }
    client.index = undefined;
    return client;
  }

  #letGo() {
    const client = this.#load.random.pick(this.#open);
    if (client === undefined || client.isSteady) return;
    this.#remove(client);
    const way = this.#load.random.weighted(WAYS_TO_LEAVE);
    this.#load.tally.add(`left: ${way}`);
    switch (way) {
      case 'close':
        // Until here it must have had everything.
        return look(client, () => client.close(4000));
      case 'without':
        return client.close();
      case 'terminate':
        return client.terminate();
      case 'quit':
        return client.quit();
      case 'overdo':
        return client.overdo();
    }
    // The service asks such a client nothing any more, since it would not be answered.
    client.say('silence', {}, () => {
      client.fallSilent(way === 'deaf');
      setTimeout(() => this.#judgeSilence(client), 5 * this.#config.heartbeatInterval).unref();
      return true;
    });
  }

  /** A client whose network is gone has to be noticed. One that does not read cannot see that it was. */
  #judgeSilence(client) {
    if (client.state !== 'silent') return;
    if (!client.isDeaf) client.fault('half-open', 'is still there after 5 intervals');
    client.terminate();
  }

  /** A request for what is not there. */
  #knock() {
    this.#load.tally.add('knocks');
    fetch(this.#load.url.replace('ws:', 'http:').replace('/ws', '/nowhere')).then(
      ({ status, body }) => {
        if (status !== 404) this.#load.faults.add('answer to a wrong path', String(status));
        return body?.cancel();
      },
      (error) => this.#load.faults.add('answer to a wrong path', error.message),
    );
  }

  async #until(what, seconds, isTrue) {
    const end = performance.now() + seconds * 1000;
    while (!isTrue()) {
      if (performance.now() > end) {
        throw new Error(`waited ${seconds} s in vain until ${what}: ${this.#state()}`);
      }
      await delay(50);
    }
  }

  #state() {
    const states = {};
    for (const { state, isQuiet } of this.#clients) {
      const name = isQuiet ? state : `${state}, not answered`;
      states[name] = (states[name] ?? 0) + 1;
    }
    return JSON.stringify(states);
  }
}

function placeOf(index, { users }) {
  const isSteady = index % 10 === 0;
  const [, deflate] = DEFLATE.find(([share]) => (index * 37) % 100 < share);
  // Most users have two connections.
  const user = isSteady ? `steady-${index}` : `guest-${index % users}`;
  // A tenth are clients of `ws`, which is somebody else's idea of a client.
  return { user, isSteady, isLight: index % 10 !== 3, deflate, lastSession: undefined };
}

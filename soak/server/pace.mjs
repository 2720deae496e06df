// What the service does of its own accord, at fixed rates: it sends to all kinds of receivers, asks
// clients, and puts users out.

const TICK = 50;
/** Seconds that are made up for after the thread was busy; more would be a burst. */
const MOST_BEHIND = 0.25;
/** How long answers are awaited: a client that several hooks let wait in a row is not heard for their time. */
const PATIENCE = { answer: 25_000, refuse: 25_000, ignore: 2000 };

export class Pace {
  #manager;
  #streams;
  #service;
  #random;
  #tally;
  #faults;
  #config;
  #owed = {};
  #asking = new Set();
  #timer;
  #last;

  constructor({ manager, streams, service, random, tally, faults, config }) {
    this.#manager = manager;
    this.#streams = streams;
    this.#service = service;
    this.#random = random;
    this.#tally = tally;
    this.#faults = faults;
    this.#config = config;
  }

  start() {
    this.#last = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK);
  }

  /** Resolves when nothing more will be sent. */
  async stop() {
    clearInterval(this.#timer);
    await Promise.all(this.#asking);
  }

  #tick() {
    const now = performance.now();
    const seconds = Math.min((now - this.#last) / 1000, MOST_BEHIND);
    this.#last = now;
    for (const [kind, rate] of Object.entries(this.#config.rates)) {
      let owed = (this.#owed[kind] ?? 0) + rate * seconds;
      for (; owed >= 1; owed -= 1) this.#carryOut(kind);
      this.#owed[kind] = owed;
    }
  }

  #carryOut(kind) {
    const { rooms, topics, users } = this.#config;
    switch (kind) {
      case 'all':
        return this.#streams.send('all');
      case 'topics':
        return this.#streams.send(`t:topic-${this.#random.below(topics)}`);
      case 'rooms':
        return this.#streams.send(`r:room-${this.#random.below(rooms)}`);
      case 'users':
        return this.#streams.send(`u:guest-${this.#random.below(users)}`);
    }
    const connection = this.#random.pick(this.#service.open);
    if (connection === undefined) return;
    if (kind === 'direct') this.#service.tell(connection, 'hello', {});
    else if (kind === 'asks') this.#ask(connection);
    else this.#putOut(kind, connection);
  }

  #ask(connection) {
    const mode = this.#random.weighted({ answer: 90, refuse: 7, ignore: 3 });
    const asking = this.#answerOf(connection, mode).finally(() => this.#asking.delete(asking));
    this.#asking.add(asking);
  }

  async #answerOf({ id, data }, mode) {
    const x = this.#random.below(1_000_000);
    this.#tally.add('sent to one');
    data.told += 1;
    try {
      const payload = { mode, x, d: data.told };
      const answer = await this.#manager.request(
        id,
        { type: 'ask', payload },
        { timeout: PATIENCE[mode] },
      );
      const expected = { answer: 'answer', refuse: 'error' }[mode];
      if (answer.type !== expected || answer.payload !== x) {
        const got = JSON.stringify(answer);
        this.#faults.add('answer to a request', `${id}, asked for ${mode} ${x}: ${got}`);
      }
      this.#tally.add(`requests: ${mode}`);
    } catch ({ code }) {
      this.#tally.add(`requests: ${code}`);
      const isRight =
        code === 'ERR_CONNECTION_CLOSED' || (mode === 'ignore' && code === 'ERR_REQUEST_TIMEOUT');
      if (!isRight) this.#faults.add('request', `${id}, asked for ${mode} ${x}: ${code}`);
    }
  }

  /** Ends all connections of a user, or a session. Those that do not count steadily are let be. */
  #putOut(kind, { userId, sessionId }) {
    if (userId === undefined || userId.startsWith('steady')) return;
    for (const id of this.#manager.getUserConnections(userId)) {
      const connection = this.#manager.getConnection(id);
      const isMeant = kind === 'disconnectUser' || connection?.sessionId === sessionId;
      if (connection && isMeant) this.#service.bye(connection);
    }
    const count =
      kind === 'disconnectUser'
        ? this.#manager.disconnectUser(userId, 4401, 'put out')
        : this.#manager.revokeSession(sessionId);
    this.#tally.add(`${kind}: connections`, count);
  }
}

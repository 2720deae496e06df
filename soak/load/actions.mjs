// What clients do: one thing at a time, chosen by chance.

/** A client with so many memberships rather leaves than joins. */
const ENOUGH = 4;
/** More than `limits.burst`. */
const FLOOD = 230;

/** How often each of them is done, where it can be. */
const WEIGHTS = {
  join_room: 12,
  leave_room: 6,
  subscribe: 9,
  unsubscribe: 5,
  enter: 8,
  exit: 6,
  chat: 10,
  echo: 12,
  echoAsBinary: 3,
  binary: 6,
  heartbeat: 6,
  ping: 4,
  where: 8,
  claim: 3,
  malformed: 2,
  nameless: 1,
};

/**
 * The groups that there are: the first tenth of the rooms is for steady clients alone, so that each message
 * to these can be accounted for.
 */
export class Places {
  #rooms;
  #topics;
  #reserved;

  constructor({ rooms, topics }) {
    this.#rooms = rooms;
    this.#topics = topics;
    this.#reserved = Math.ceil(rooms / 10);
  }

  isReserved(stream) {
    return stream.startsWith('r:') && Number(stream.slice('r:room-'.length)) < this.#reserved;
  }

  pick(kind, client, random) {
    if (kind === 't') return `topic-${random.below(this.#topics)}`;
    const isAmongThem = client.isSteady && random.chance(0.5);
    if (isAmongThem) return `room-${random.below(this.#reserved)}`;
    return `room-${this.#reserved + random.below(this.#rooms - this.#reserved)}`;
  }
}

/** A client has connected: it logs in, some of them with what is refused first. */
export function begin(client, { random, tally, place, lease }) {
  if (random.chance(0.02)) {
    client.ask('join_room', { room: 'room-1' }, ({ payload }) => payload.code === 'AUTH_REQUIRED');
  }
  const options = {};
  if (!place.isSteady && random.chance(0.05)) options.lease = lease;
  // The token counts, and not what else is claimed.
  if (random.chance(0.05)) options.claim = 'somebody-else';
  // What was revoked is tried again.
  if (place.lastSession !== undefined) options.session = place.lastSession;
  if (!random.chance(0.01)) return client.logIn(options);

  let left = FLOOD;
  for (let i = 0; i < FLOOD; i += 1) {
    client.ask('heartbeat', undefined, ({ type, payload }) => {
      left -= 1;
      // Time for the right to send to come back.
      if (left === 0) setTimeout(() => client.logIn(options), 2000);
      if (payload.code === 'RATE_LIMITED') tally.add('RATE_LIMITED');
      return type === 'heartbeat' ? payload === 'pong' : payload.code === 'RATE_LIMITED';
    });
  }
}

/** A client has logged in: it goes to its first places, in one go. */
export function settle(client, random, places) {
  for (const action of ['join_room', 'join_room', 'subscribe', 'subscribe', 'enter']) {
    act(client, random, places, action);
  }
}

/** Does one thing, if it can be done now. */
export function act(client, random, places, action = random.weighted(WEIGHTS)) {
  const groups = client.windows.names.filter((name) => /^[rt]:/.test(name));
  const mine = groups.filter((name) => !client.busy.has(name));
  const goes = groups.length < ENOUGH;
  const kind = action === 'subscribe' ? 't' : action === 'join_room' ? 'r' : random.pick('rt');
  const name = places.pick(kind, client, random);
  const isFree = !client.busy.has(`${kind}:${name}`);
  const from = (letter) => random.pick(mine.filter((stream) => stream[0] === letter));
  switch (action) {
    case 'join_room':
      if (goes && isFree) client.askFor('join_room', name, 'joined_room');
      break;
    case 'subscribe':
      if (goes && isFree) client.askFor('subscribe', name, 'subscribed');
      break;
    case 'leave_room':
      leave(client, from('r'), 'leave_room', 'room', 'left_room');
      break;
    case 'unsubscribe':
      leave(client, from('t'), 'unsubscribe', 'topic', 'unsubscribed');
      break;
    case 'enter':
      if (goes && isFree) move(client, 'enter', `${kind}:${name}`);
      break;
    case 'exit':
      if (mine.length > 0) move(client, 'exit', random.pick(mine));
      break;
    case 'chat': {
      const s = from('r');
      if (s !== undefined) client.say('chat', { s }, ({ count }) => count >= 0);
      break;
    }
    case 'echo':
      client.echo(false);
      break;
    case 'echoAsBinary':
      client.echo(true);
      break;
    case 'binary':
      client.sayBinary(Buffer.alloc(1 + random.below(3000), random.below(256)));
      break;
    case 'heartbeat':
      client.ask(
        'heartbeat',
        {},
        ({ type, payload }) => type === 'heartbeat' && payload === 'pong',
      );
      break;
    case 'ping':
      client.ping();
      break;
    case 'where':
      look(client);
      break;
    case 'claim':
      // Again, with another session. A steady client does not risk to be put out for it.
      if (!client.isSteady) client.logIn();
      break;
    case 'malformed':
      client.askWrongly('{"type":', ({ payload }) => payload.code === 'INVALID_FORMAT');
      break;
    case 'nameless':
      client.askWrongly('{"payload":1}', ({ payload }) => payload.code === 'UNKNOWN_TYPE');
      break;
  }
}

/** Has the service tell how far the client's streams are. */
export function look(client, then = () => {}) {
  client.say('where', { streams: client.windows.names }, ({ at }) => {
    client.windows.mark(at);
    then();
    return true;
  });
}

function leave(client, stream, action, key, answer) {
  if (stream === undefined) return;
  const name = stream.slice(2);
  client.busy.add(stream);
  client.ask(action, { [key]: name }, ({ type, payload }) => {
    client.busy.delete(stream);
    client.windows.close(stream);
    return type === answer && payload[key] === name && payload.status === 'success';
  });
}

/** By the service, which knows exactly between which messages it was. */
function move(client, type, stream) {
  client.busy.add(stream);
  client.say(type, { s: stream }, ({ s, at }) => {
    client.busy.delete(stream);
    if (type === 'enter') {
      client.windows.open(stream, at);
    } else {
      client.windows.mark({ [stream]: at });
      client.windows.close(stream);
    }
    return s === stream;
  });
}

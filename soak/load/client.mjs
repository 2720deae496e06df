// One connection: keeps what it has asked for in two lines, the engine's answers and the service's, and
// expects each line's answers in order. What the client does is told to it by fleet.mjs and actions.mjs.
import { WebSocket } from 'ws';
import { filler } from '../shared/filler.mjs';
import {
  isAllowed,
  isUnanswered,
  loginQuestion,
  outcome,
  placeQuestion,
  tokenOf,
} from '../shared/outcomes.mjs';
import { LightSocket } from './light-socket.mjs';
import { Windows } from './windows.mjs';

const MAX_AUTH_FAILURES = 3;

export class Client {
  /** `new`, `open`, `silent` (no answer to anything any more), `leaving`, `closed`. */
  state = 'new';
  windows = new Windows((kind, detail) => this.fault(kind, detail));
  /** What is being joined or left, which is not asked for twice at once. */
  busy = new Set();
  user;
  /** Silent, and not reading either. */
  isDeaf = false;
  #load;
  #place;
  #listener;
  #socket;
  #id;
  #engine = [];
  #service = [];
  #pings = [];
  #sent = 0;
  #asked = 0;
  #told = 0;
  #ids = 0;
  #failures = 0;
  #session;
  #lease = 0;
  #cause;

  /**
   * @param {object} load what all clients share: `url`, `seed`, `random`, `faults`, `tally`, `received`,
   * `revoked`
   * @param {object} place who it is to be: `user`, `isSteady`, `deflate`
   * @param {{ greeted(client: Client): void, ready(): void, closed(): void }} listener
   */
  constructor(load, place, listener) {
    this.#load = load;
    this.#place = place;
    this.#listener = listener;
    // Pings are answered here, so that a client can stop to do so.
    const options = { perMessageDeflate: place.deflate, autoPong: false };
    const Socket = place.isLight ? LightSocket : WebSocket;
    this.#socket = new Socket(load.url, options);
    this.#socket.on('open', () => load.tally.add('opened'));
    this.#socket.on('message', (data, isBinary) => this.#hear(data, isBinary));
    this.#socket.on('ping', (data) => {
      if (this.state !== 'silent') this.#socket.pong(data);
    });
    this.#socket.on('pong', (data) => {
      const expected = this.#pings.shift();
      if (String(data) !== expected) this.fault('pong', `${data} instead of ${expected}`);
    });
    this.#socket.on('error', (error) => {
      // Who leaves may find the connection broken.
      if (this.state === 'new' || this.state === 'open') this.fault('client error', error.message);
    });
    this.#socket.on('close', (code, reason) => {
      this.#judgeEnd(code, String(reason));
      this.state = 'closed';
      listener.closed();
    });
  }

  get session() {
    return this.#session;
  }

  get isSteady() {
    return this.#place.isSteady;
  }

  /** Whether nothing that it has asked for is still to be answered. */
  get isQuiet() {
    return this.#engine.length + this.#service.length + this.#pings.length === 0;
  }

  fault(kind, detail) {
    this.#load.faults.add(kind, `${this.#id} (${this.user ?? 'guest'}): ${detail}`);
  }

  // What it sends.

  /** A message of the protocol: `expect` says whether the answer is right, and does what follows. */
  ask(type, payload, expect, asBinary = false) {
    this.#ids += 1;
    const id = `q${this.#ids}`;
    this.#engine.push({ id, expect });
    this.#write(JSON.stringify({ type, payload, id }), asBinary);
  }

  /** Bytes that the engine answers with an error without an id. */
  askWrongly(text, expect) {
    this.#engine.push({ id: undefined, expect });
    this.#write(text);
  }

  /** A message to the service, which answers by the same type. `expect` as above, if there is an answer. */
  say(type, payload, expect, asBinary = false) {
    this.#sent += 1;
    const n = this.#sent;
    if (expect !== undefined) this.#service.push({ n, type, expect });
    this.#write(JSON.stringify({ type, payload: { ...payload, n } }), asBinary);
  }

  /** A message whose content the service has to get whole, and to send back. */
  echo(asBinary) {
    const f = filler(`c:${this.#id}`, this.#sent + 1);
    this.say('echo', { f }, (payload) => payload.f === f, asBinary);
  }

  /** The same as bytes that are no JSON. */
  sayBinary(content) {
    this.#sent += 1;
    const bytes = Buffer.concat([Buffer.alloc(4), content]);
    bytes.writeUInt32BE(this.#sent);
    this.#service.push({ n: this.#sent, type: 'binary', expect: (data) => bytes.equals(data) });
    this.#write(bytes, true);
  }

  ping() {
    this.#ids += 1;
    this.#pings.push(String(this.#ids));
    this.#socket.ping(String(this.#ids));
    this.#load.tally.add('sent by clients');
  }

  /** Asks to be let in somewhere; the hook decides. */
  askFor(action, name, answer) {
    const question = placeQuestion(this.#id, action, name, this.#asked);
    this.#asked += 1;
    const may = isAllowed(outcome(this.#load.seed, question));
    const key = action === 'subscribe' ? 'topic' : 'room';
    const stream = `${key[0]}:${name}`;
    this.busy.add(stream);
    this.ask(action, { [key]: name }, ({ type, payload }) => {
      this.busy.delete(stream);
      if (!may) {
        this.#load.tally.add('FORBIDDEN');
        return payload.code === 'FORBIDDEN' && payload.type === action;
      }
      if (type !== answer || payload[key] !== name) return false;
      this.windows.open(stream);
      return payload.status === 'success';
    });
  }

  /** Logs in, and after a failure again. `claim` is the user whom it claims to be. */
  logIn({ claim = this.#place.user, lease = 0, session = this.#newSession() } = {}) {
    const { user } = this.#place;
    const nonce = this.#load.random.below(2 ** 31);
    const token = tokenOf({ user, session, lease, nonce });
    const result = outcome(this.#load.seed, loginQuestion(token));
    const isGood = isAllowed(result) && !this.#load.revoked.has(session);
    const payload = { userId: claim, sessionId: 'claimed', token };
    this.ask('authenticate', payload, (answer) => {
      if (isGood) return this.#logged(answer, { user, session, lease });
      this.#load.tally.add('AUTH_FAILED');
      if (!isUnanswered(result)) this.#failures += 1;
      // Who has not been let in yet tries again; who has been keeps what it was.
      if (this.#failures >= MAX_AUTH_FAILURES) this.#cause = 'Authentication failed';
      else if (this.state === 'new') this.logIn({ lease });
      return answer.payload.code === 'AUTH_FAILED' && answer.payload.type === 'authenticate';
    });
  }

  #newSession() {
    return `s${this.#load.random.below(2 ** 31)}-${this.#id}`;
  }

  #logged({ type, payload }, { user, session, lease }) {
    if (type !== 'authenticated') return false;
    const isFirst = this.state === 'new';
    this.user = user;
    this.#session = session;
    this.#lease = lease;
    this.windows.open('all');
    this.windows.open(`u:${user}`);
    this.#load.tally.add('logged in');
    if (isFirst) {
      this.state = 'open';
      this.#listener.ready();
    }
    return payload.userId === user && payload.sessionId === session;
  }

  #write(data, binary = false) {
    this.#load.tally.add('sent by clients');
    this.#socket.send(data, { binary });
  }

  // How it leaves.

  /** @param {string} [code] none: a close frame without a code */
  close(code) {
    this.state = 'leaving';
    this.#socket.close(code);
  }

  /** Asks the service to close the connection. */
  quit() {
    this.say('quit', {});
    this.state = 'leaving';
    this.#cause = 'as it asked';
  }

  terminate() {
    this.state = 'leaving';
    this.#socket.terminate();
  }

  /** Sends what is longer than the server takes. */
  overdo() {
    this.state = 'leaving';
    this.#cause = 1009;
    this.#write('x'.repeat(20_000));
  }

  /** As if the network were gone: it answers nothing, and does not read either if that is wished. */
  fallSilent(isDeaf) {
    this.state = 'silent';
    this.isDeaf = isDeaf;
    if (isDeaf) this.#socket.pause();
  }

  /** Every end has to be one that the client has caused or was told of. */
  #judgeEnd(code, reason) {
    const cause = this.#cause;
    this.#load.tally.add(`closed ${code} ${reason}`.trim());
    if (reason === 'Session revoked') this.#load.revoked.add(this.#session);
    const isPutOut = reason === 'put out' || reason === 'Session revoked';
    if (isPutOut && code === 4401 && !this.isSteady) return;
    if (cause === 'as it asked' && code === 4100) return;
    if (cause === 1009 && code === 1009) return;
    if (cause === 'Authentication failed' && code === 4401 && reason === cause) return;
    if (this.state === 'silent' && (code === 1006 || reason === 'Heartbeat timeout')) return;
    if (this.#lease > 0 && code === 4401 && reason === 'Token expired') return;
    if (this.state === 'leaving' && cause === undefined) return;
    this.fault('end of a connection', `${code} ${reason} while ${this.state}`);
  }

  // What it hears.

  #hear(data, isBinary) {
    this.#load.tally.add('received');
    if (isBinary) {
      this.#direct('binary', { d: data.readUInt32BE(0), n: data.readUInt32BE(4), data });
      return;
    }
    const message = JSON.parse(String(data));
    const { type, payload } = message;
    switch (type) {
      case 'news':
        this.#load.received.set(payload.s, (this.#load.received.get(payload.s) ?? 0) + 1);
        this.windows.receive(payload.s, payload.n, payload.f);
        break;
      case 'connection':
        this.#id = payload.connectionId;
        this.#listener.greeted(this);
        break;
      case 'token_expiring':
        this.#load.tally.add('token_expiring');
        if (this.#lease === 0) this.fault('token_expiring', 'its identity has no end');
        // Some let their identity end.
        if (this.state === 'open' && this.#load.random.chance(0.7)) this.logIn();
        break;
      case 'ask':
      case 'hello':
      case 'bye':
      case 'echo':
      case 'chat':
      case 'where':
      case 'enter':
      case 'exit':
      case 'silence':
        this.#direct(type, payload, message);
        break;
      default:
        this.#answered(message);
    }
  }

  /** An answer of the engine: it belongs to the first of the questions that are open. */
  #answered(message) {
    const question = this.#engine.shift();
    if (question === undefined || question.id !== message.id) {
      this.fault('answer', `${JSON.stringify(message)} for ${JSON.stringify(question)}`);
    } else if (!question.expect(message)) {
      this.fault('wrong answer', JSON.stringify(message));
    }
  }

  /** A message of the service to this client alone. */
  #direct(type, payload, message) {
    this.#told += 1;
    if (payload.d !== this.#told) {
      this.fault('to one client', `${type} is number ${payload.d} instead of ${this.#told}`);
      this.#told = payload.d;
    }
    if (type === 'bye') {
      this.windows.mark(payload.at);
    } else if (type === 'ask') {
      this.#reply(payload, message.id);
    } else if (type !== 'hello') {
      const question = this.#service.shift();
      const isNext = question?.n === payload.n && question.type === type;
      const answer = type === 'binary' ? payload.data.subarray(4) : payload;
      if (!isNext || !question.expect(answer)) {
        this.fault('answer of the service', `${type} ${payload.n} for ${JSON.stringify(question)}`);
      }
    }
  }

  #reply({ mode, x }, id) {
    if (mode === 'ignore' || this.#socket.readyState !== WebSocket.OPEN) return;
    const type = mode === 'answer' ? 'answer' : 'error';
    this.#write(JSON.stringify({ type, payload: x, id }));
  }
}

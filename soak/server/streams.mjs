// What the service sends to many: each room, topic and user, and all, is a stream whose messages are
// numbered from 1 without a gap.
import { filler } from '../shared/filler.mjs';

export class Streams {
  #manager;
  #tally;
  #sabotage;
  #last = new Map();
  #receivers = new Map();
  #kept;
  #sends = 0;

  constructor(manager, tally, sabotage) {
    this.#manager = manager;
    this.#tally = tally;
    this.#sabotage = sabotage;
  }

  /** The number of the last message that was sent. */
  at(stream) {
    return this.#last.get(stream) ?? 0;
  }

  marks(streams) {
    return Object.fromEntries(streams.map((stream) => [stream, this.at(stream)]));
  }

  /** How many receivers the sends of each stream have counted. */
  receivers() {
    return Object.fromEntries(this.#receivers);
  }

  /** Sends a stream's next message; returns how many receivers the manager has counted. */
  send(stream) {
    const n = this.at(stream) + 1;
    this.#last.set(stream, n);
    const message = { type: 'news', payload: { s: stream, n, f: filler(stream, n) } };
    const count = this.#sabotage ? this.#spoiled(stream, message) : this.#deliver(stream, message);
    this.#receivers.set(stream, (this.#receivers.get(stream) ?? 0) + count);
    this.#tally.add(`sent to ${KINDS[stream[0]]}`);
    this.#tally.add('receivers counted', count);
    return count;
  }

  #deliver(stream, message) {
    const name = stream.slice(2);
    switch (stream[0]) {
      case 'r':
        return this.#manager.sendToRoom(name, message);
      case 't':
        return this.#manager.broadcastToTopic(name, message);
      case 'u':
        return this.#manager.sendToUser(name, message);
      default:
        return this.#manager.broadcast(message);
    }
  }

  /** Does what must not be, now and then: it shows that the soak would see it. */
  #spoiled(stream, message) {
    this.#sends += 1;
    const isDue = stream[0] === 'r' && this.#sends % 20 === 0;
    switch (isDue && this.#sabotage) {
      case 'drop': {
        // All members get it but one.
        const [, ...others] = this.#manager.getRoomMembers(stream.slice(2));
        for (const id of others) this.#manager.sendToConnection(id, message);
        return others.length + 1;
      }
      case 'double':
        this.#deliver(stream, message);
        break;
      case 'stray':
        this.#manager.broadcast(message);
        return this.#manager.getRoomMembers(stream.slice(2)).length;
      case 'content':
        message.payload.f += '.';
        break;
      case 'swap':
        this.#kept = [stream, message];
        return this.#manager.getRoomMembers(stream.slice(2)).length;
    }
    const count = this.#deliver(stream, message);
    if (this.#kept?.[0] === stream) {
      this.#deliver(...this.#kept);
      this.#kept = undefined;
    }
    return count;
  }
}

const KINDS = { r: 'rooms', t: 'topics', u: 'users', a: 'all' };

// What the service does for its clients. A client numbers what it sends to the service, and the service
// numbers what it sends to one client: neither may have a gap, a double or another order.
import { openSync } from 'node:fs';
import { filler } from '../shared/filler.mjs';

export class Service {
  /** Connections that are logged in and hear, in no order. */
  open = [];
  #manager;
  #streams;
  #tally;
  #faults;
  #sabotage;
  #kept = [];
  #sends = 0;

  constructor({ manager, streams, tally, faults, sabotage }) {
    this.#manager = manager;
    this.#streams = streams;
    this.#tally = tally;
    this.#faults = faults;
    this.#sabotage = sabotage;
    manager.on('connection', (connection) => this.#meet(connection));
    manager.on('authenticated', ({ data }) => this.#enlist(data));
    manager.on('disconnect', (connection, code) => this.#part(connection, code));
    manager.on('message', (message, connection) => this.#hear(message, connection));
    manager.on('binary', (data, connection) => this.#hearBinary(data, connection));
  }

  /**
   * Sends a message to one client, by one of the ways that there are.
   * @returns {boolean} whether the connection was open
   */
  tell({ id, data, socket }, type, payload) {
    this.#tally.add('sent to one');
    data.told += 1;
    const message = { type, payload: { ...payload, d: data.told } };
    this.#sends += 1;
    if (this.#sabotage === 'reply' && this.#sends % 500 === 0) return true;
    if (data.told % 2 === 0) return socket.send(JSON.stringify(message));
    return this.#manager.sendToConnection(id, message);
  }

  /** Tells a client how far its streams are, so that it can look whether it has all of them. */
  bye(connection) {
    const groups = [...connection.rooms].map((room) => `r:${room}`);
    for (const topic of connection.subscriptions) groups.push(`t:${topic}`);
    const at = this.#streams.marks(['all', `u:${connection.userId}`, ...groups]);
    return this.tell(connection, 'bye', { at });
  }

  /** Does not ask this one any more. */
  #dismiss(data) {
    if (data.place < 0) return;
    const last = this.open.pop();
    if (last.data !== data) {
      this.open[data.place] = last;
      last.data.place = data.place;
    }
    data.place = -1;
  }

  #meet(connection) {
    this.#tally.add('connections');
    connection.data = { connection, heard: 0, told: 0, asked: 0, place: -1, silent: false };
  }

  #enlist(data) {
    this.#tally.add('logins');
    if (data.place >= 0 || data.silent) return;
    data.place = this.open.length;
    this.open.push(data.connection);
  }

  #part({ id, data }, code) {
    this.#tally.add('disconnects');
    this.#tally.add(`disconnect ${code}`);
    data.silent = true;
    this.#dismiss(data);
    if (this.#sabotage === 'descriptor') this.#kept.push(openSync('/dev/null', 'r'));
    if (this.#sabotage === 'memory') this.#kept.push(Buffer.alloc(256 * 1024, id));
  }

  /** Checks that this is a client's next message. */
  #count({ id, data }, n) {
    this.#tally.add('heard');
    if (this.#sabotage === 'inbound' && n % 5 === 4) return false;
    data.heard += 1;
    if (n === data.heard) return true;
    this.#faults.add('message to the service', `${id}: number ${n} instead of ${data.heard}`);
    data.heard = n;
    return true;
  }

  #hear({ type, payload }, connection) {
    if (!this.#count(connection, payload.n)) return;
    const { n } = payload;
    switch (type) {
      case 'echo':
        if (payload.f !== filler(`c:${connection.id}`, n)) {
          this.#faults.add('content to the service', `${connection.id}: message ${n}`);
        }
        this.tell(connection, 'echo', { n, f: payload.f });
        break;
      case 'chat':
        // Who says something in a room gets it as well, if it is there.
        this.tell(connection, 'chat', { n, count: this.#streams.send(payload.s) });
        break;
      case 'where':
        this.tell(connection, 'where', { n, at: this.#streams.marks(payload.streams) });
        break;
      case 'enter':
      case 'exit':
        this.#move(type, connection, payload);
        break;
      case 'silence':
        connection.data.silent = true;
        this.#dismiss(connection.data);
        this.tell(connection, 'silence', { n });
        break;
      case 'quit':
        this.bye(connection);
        this.#manager.disconnect(connection.id, 4100, 'as it asked');
        break;
      default:
        this.#faults.add('message of an unknown type', type);
    }
  }

  /** The service's own change of membership, which it knows the place of among the numbers. */
  #move(type, connection, { n, s }) {
    const { id } = connection;
    const name = s.slice(2);
    const [enter, exit] = s[0] === 'r' ? ['joinRoom', 'leaveRoom'] : ['subscribe', 'unsubscribe'];
    if (type === 'enter') this.#manager[enter](id, name);
    else if (this.#sabotage !== 'exit') this.#manager[exit](id, name);
    this.tell(connection, type, { n, s, at: this.#streams.at(s) });
  }

  /** A binary frame is its number and its content, and is sent back behind the number of what it answers. */
  #hearBinary(bytes, connection) {
    if (!this.#count(connection, bytes.readUInt32BE(0))) return;
    const { data, socket } = connection;
    this.#tally.add('sent to one');
    data.told += 1;
    const head = Buffer.alloc(4);
    head.writeUInt32BE(data.told);
    socket.send(Buffer.concat([head, bytes]));
  }
}

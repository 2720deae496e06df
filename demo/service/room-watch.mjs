// Knows who is in which room. Clients join and leave by the protocol itself, which needs no help
// from the service; so this compares the manager's rooms with what it saw last, tells a room who
// came and went, and publishes the list of rooms on topic `rooms` when it changed.

const MAX_ROOMS = 100;
const MAX_USERS = 50;
const MAX_ROOM_NAME = 40;

export class RoomWatch {
  #manager;
  #rooms = new Map();
  #published = '[]';
  #soon = null;

  constructor(manager) {
    this.#manager = manager;
  }

  /** Compares and tells; returns the list that the page shows. */
  check() {
    const before = this.#rooms;
    this.#rooms = this.#read();
    for (const [room, { users }] of this.#rooms) {
      const known = before.get(room)?.users ?? new Set();
      this.#tell(room, 'joined', users, known);
      this.#tell(room, 'left', known, users);
    }

    const list = this.#list();
    const text = JSON.stringify(list);
    if (text !== this.#published) {
      this.#published = text;
      this.#manager.broadcastToTopic('rooms', { type: 'rooms', payload: { rooms: list } });
    }
    return list;
  }

  /** Checks after this turn's events, once for all that ask: a thousand may leave together. */
  checkSoon() {
    this.#soon ??= setImmediate(() => {
      this.#soon = null;
      this.check();
    });
  }

  #read() {
    const rooms = new Map();
    for (const room of this.#manager.getActiveRooms()) {
      if (room.length > MAX_ROOM_NAME) continue;
      const members = this.#manager.getRoomMembers(room);
      const users = members.map((id) => this.#manager.getConnection(id)?.userId).filter(Boolean);
      rooms.set(room, { members: members.length, users: new Set(users) });
    }
    return rooms;
  }

  /** A user in two tabs is one user: the room hears of the first to come and the last to go. */
  #tell(room, action, users, others) {
    for (const userId of users) {
      if (others.has(userId)) continue;
      this.#manager.sendToRoom(room, { type: 'room_event', payload: { room, userId, action } });
    }
  }

  #list() {
    return [...this.#rooms]
      .map(([room, { members, users }]) => ({
        room,
        members,
        users: [...users].sort((a, b) => a.localeCompare(b)).slice(0, MAX_USERS),
      }))
      .sort((a, b) => b.members - a.members || a.room.localeCompare(b.room))
      .slice(0, MAX_ROOMS);
  }
}

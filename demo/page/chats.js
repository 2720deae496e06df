// What this page knows of rooms, conversations and their messages: a model without any element.
// It tells of each change with 'change', and of a new message in the open conversation with 'message'.

const MAX_MESSAGES = 500;

export const roomKey = (room) => `room:${room}`;
export const directKey = (user) => `direct:${user}`;

export class Chats extends EventTarget {
  me = '';
  /** The service's list: { room, members, users }. */
  rooms = [];
  /** Key to { key, kind, name, messages, unread, draft }; the rooms here are those joined. */
  conversations = new Map();
  active = null;

  get current() {
    return this.conversations.get(this.active) ?? null;
  }

  joinedRooms() {
    return this.#ofKind('room').map(({ name }) => name);
  }

  directs() {
    return this.#ofKind('direct');
  }

  /** Users in any room that this page sees, without oneself. */
  knownUsers() {
    const users = new Set(this.rooms.flatMap((room) => room.users));
    users.delete(this.me);
    return [...users].sort();
  }

  unread() {
    return [...this.conversations.values()].reduce((sum, { unread }) => sum + unread, 0);
  }

  setRooms(rooms) {
    this.rooms = rooms;
    this.#changed();
  }

  /** Makes the conversation when there is none yet, and returns it. */
  ensure(kind, name) {
    const key = `${kind}:${name}`;
    if (!this.conversations.has(key)) {
      this.conversations.set(key, { key, kind, name, messages: [], unread: 0, draft: '' });
      this.#changed();
    }
    return this.conversations.get(key);
  }

  select(key) {
    this.active = key;
    if (this.current) this.current.unread = 0;
    this.#changed();
  }

  remove(key) {
    this.conversations.delete(key);
    if (this.active === key) this.select(this.conversations.keys().next().value ?? null);
    else this.#changed();
  }

  /** Adds { from, text, at } or { note, at }; a note does not count as unread. */
  add(conversation, message) {
    conversation.messages.push(message);
    if (conversation.messages.length > MAX_MESSAGES) conversation.messages.shift();
    if (conversation.key === this.active) {
      this.dispatchEvent(new CustomEvent('message', { detail: message }));
    } else if (message.from && message.from !== this.me) {
      conversation.unread++;
    }
    this.#changed();
  }

  /** Takes what the server sent on its own; false when it is none of this model's business. */
  receive({ type, payload, timestamp: at }) {
    switch (type) {
      case 'rooms':
        this.setRooms(payload.rooms);
        return true;
      case 'chat': {
        const room = this.conversations.get(roomKey(payload.room));
        if (room) this.add(room, { from: payload.from, text: payload.text, at });
        return true;
      }
      case 'room_event': {
        const room = this.conversations.get(roomKey(payload.room));
        const who = payload.userId === this.me ? 'You' : payload.userId;
        if (room) this.add(room, { note: `${who} ${payload.action}`, at });
        return true;
      }
      case 'direct': {
        const direct = this.ensure('direct', payload.from);
        this.add(direct, { from: payload.from, text: payload.text, at });
        return true;
      }
      default:
        return false;
    }
  }

  clear() {
    this.rooms = [];
    this.conversations.clear();
    this.select(null);
  }

  #ofKind(kind) {
    return [...this.conversations.values()].filter((conversation) => conversation.kind === kind);
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

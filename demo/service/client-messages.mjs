// Answers the messages that the protocol leaves to the service: `chat` to a room, `direct` to a
// user, `publish` to Kafka, `list_rooms` and `history`. Whatever is wrong with one gets an `error` that names it, and
// every answer carries the message's `id` back, so that the page knows what it belongs to.

import { MAX_NAME, MAX_TEXT, Refusal, text } from './fields.mjs';
import { notify } from './notifications.mjs';

const MAX_ROOM = 256;
const MAX_ID = 64;
const POLICY_VIOLATION = 1008;

/** A message's type as an answer repeats it; a client may have put any name there. */
const shown = (type) => type.slice(0, MAX_NAME);

function userOf(connection) {
  if (connection.userId) return connection.userId;
  throw new Refusal('NOT_LOGGED_IN', 'Log in first');
}

export function answerClients(manager, rooms, publisher, events) {
  const handlers = {
    chat(payload, connection) {
      const from = userOf(connection);
      const room = text(payload, 'room', MAX_ROOM);
      const body = text(payload, 'text', MAX_TEXT);
      if (!manager.getRoomMembers(room).includes(connection.id)) {
        throw new Refusal('NOT_A_MEMBER', 'Join the room before you write to it');
      }
      const message = { type: 'chat', payload: { room, from, text: body } };
      return { type: 'chat_sent', payload: { room, receivers: manager.sendToRoom(room, message) } };
    },

    direct(payload, connection) {
      const from = userOf(connection);
      const to = text(payload, 'to', MAX_NAME);
      const body = text(payload, 'text', MAX_TEXT);
      const message = { type: 'direct', payload: { from, to, text: body } };
      const receivers = manager.sendToUser(to, message);
      return { type: 'direct_sent', payload: { to, online: receivers > 0, receivers } };
    },

    async publish(payload, connection) {
      return { type: 'published', payload: await notify(events, userOf(connection), payload) };
    },

    list_rooms() {
      return { type: 'rooms', payload: { rooms: rooms.check() } };
    },

    history() {
      return { type: 'history', payload: { points: publisher.history() } };
    },
  };

  const answer = ({ type, payload }, connection) => {
    if (Object.hasOwn(handlers, type)) return handlers[type](payload, connection);
    throw new Refusal('UNKNOWN_TYPE', `Unknown message type: ${shown(type)}`);
  };

  manager.on('message', async (message, connection) => {
    const { id, type } = message;
    const echo = typeof id === 'string' && Buffer.byteLength(id) <= MAX_ID ? { id } : {};
    let reply;
    try {
      reply = await answer(message, connection);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { code, message: reason } = error;
      reply = { type: 'error', payload: { message: reason, code, type: shown(type) } };
    }
    manager.sendToConnection(connection.id, { ...reply, ...echo });
  });

  // The protocol takes any userId; this service shows them to others, so it asks for short ones.
  manager.on('authenticated', (connection) => {
    if (connection.userId.trim().length > 0 && connection.userId.length <= MAX_NAME) return;
    const reason = `user names have 1 to ${MAX_NAME} characters`;
    manager.disconnect(connection.id, POLICY_VIOLATION, reason);
  });

  // Rooms need not wait for the next second to hear of those who leave with their connection.
  manager.on('disconnect', () => rooms.checkSoon());
}

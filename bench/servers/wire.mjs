// What the contestants written in JavaScript share: the protocol's answers, so that each does the
// same work for a client's message.

export const MAX_PAYLOAD = 16 * 1024;

export const now = () => new Date().toISOString();

export function connectionId() {
  return `conn_${Date.now()}_${Math.random().toString(36).slice(2, 11).padEnd(9, '0')}`;
}

export function welcome(id) {
  const payload = { connectionId: id, message: 'Connected successfully' };
  return { type: 'connection', payload };
}

/**
 * Handles one text message of a client. `members` knows how this contestant keeps its lists.
 * @param {string | Buffer} text
 * @param {{ subscribe(topic: string): void, join(room: string): void }} members
 * @returns {object} the answer, still without a timestamp
 */
export function answer(text, members) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    return { type: 'error', payload: { message: 'Invalid message format' } };
  }
  const { type, payload } = message;
  switch (type) {
    case 'heartbeat':
      return { type: 'heartbeat', payload: 'pong' };
    case 'subscribe':
      members.subscribe(payload.topic);
      return { type: 'subscribed', payload: { topic: payload.topic, status: 'success' } };
    case 'join_room':
      members.join(payload.room);
      return { type: 'joined_room', payload: { room: payload.room, status: 'success' } };
    default:
      return { type: 'error', payload: { message: `Unknown message type: ${type}` } };
  }
}

// Notifications: events that people enter, on the page or by `POST /events`. They go to Kafka, and from there to
// the pages of one user, or to all.

import { MAX_NAME, MAX_TEXT, Refusal, text } from './fields.mjs';

/**
 * Resolves with where Kafka has it: { topic, partition, offset }.
 *
 * @param input what was entered: { to?, text }
 */
export async function notify(events, from, input) {
  const payload = { from, text: text(input, 'text', MAX_TEXT) };
  const receiver =
    input.to === undefined || input.to === ''
      ? { topic: 'events' }
      : { userId: text(input, 'to', MAX_NAME) };
  try {
    return await events.publish({ kind: 'notification', ...receiver, payload });
  } catch (error) {
    throw new Refusal('NOT_PUBLISHED', `Kafka did not take it: ${error.message}`);
  }
}

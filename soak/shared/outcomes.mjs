// What the service's hooks answer. They fail at random, but by the seed and the question: so a client can
// tell what it has to be answered, and a yes that should have been a no is seen.
import { hash } from './random.mjs';

/** In a thousand. The rest is allowed at once. */
const SHARES = [
  ['later', 40], // yes, after a while
  ['deny', 15],
  ['throw', 12],
  ['reject', 12],
  ['wrong', 8], // something that is no answer
  ['late', 5], // yes, when its time is over
  ['hang', 5], // nothing at all
];

const ALLOWED = new Set(['allow', 'later']);
const UNANSWERED = new Set(['late', 'hang']);

export function outcome(seed, question) {
  let left = hash(question, seed) % 1000;
  for (const [name, share] of SHARES) {
    left -= share;
    if (left < 0) return name;
  }
  return 'allow';
}

export const isAllowed = (name) => ALLOWED.has(name);

/** Whether the hook does not answer in time, which is not counted against the client. */
export const isUnanswered = (name) => UNANSWERED.has(name);

/** Whether the manager has to warn that the hook failed. */
export const isFailure = (name) => name === 'throw' || name === 'reject' || name === 'wrong';

/** The question that a login is: its token holds all that the hook knows. */
export const loginQuestion = (token) => `authenticate ${token}`;

/** The question that a client's join or subscription is; `count` is how many it has asked before. */
export const placeQuestion = (connectionId, action, name, count) =>
  `${action} ${name} ${connectionId} ${count}`;

/** A token says who is who. `lease` is how many milliseconds the identity has, 0 for no end. */
export const tokenOf = ({ user, session, lease, nonce }) => [user, session, lease, nonce].join('|');

export function identityIn(token) {
  const [userId, sessionId, lease] = token.split('|');
  return { userId, sessionId, lease: Number(lease) };
}

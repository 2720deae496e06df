// The service's hooks, which fail as shared/outcomes.mjs says.
import {
  identityIn,
  isAllowed,
  isFailure,
  isUnanswered,
  loginQuestion,
  outcome,
  placeQuestion,
} from '../shared/outcomes.mjs';

/**
 * @param {number} seed
 * @param {number} timeout the hooks' deadline in milliseconds
 * @param {import('../shared/faults.mjs').Tally} tally
 * @param {string} [sabotage] `allow`: what is to be denied is allowed
 */
export function hooks(seed, timeout, tally, sabotage) {
  const answer = (hook, question, yes, no) => {
    let kind = outcome(seed, question);
    tally.add(`${hook} ${kind}`);
    if (isFailure(kind)) tally.add('hooks failed');
    if (isUnanswered(kind)) tally.add('hooks out of time');
    if (sabotage === 'allow' && kind === 'deny') kind = 'allow';
    switch (kind) {
      case 'later':
        return new Promise((resolve) => setTimeout(resolve, 20, yes()));
      case 'deny':
        return no;
      case 'throw':
        throw new Error('a hook that throws');
      case 'reject':
        return Promise.reject(new Error('a hook that rejects'));
      case 'wrong':
        return 'what is no answer';
      case 'late':
        return new Promise((resolve) => setTimeout(resolve, timeout + 500, yes()));
      case 'hang':
        return new Promise(() => {});
    }
    if (!isAllowed(kind)) throw new Error(`no such outcome: ${kind}`);
    return yes();
  };

  return {
    authenticate: ({ token }) =>
      answer(
        'authenticate',
        loginQuestion(token),
        () => {
          const { userId, sessionId, lease } = identityIn(token);
          const expiresAt = lease > 0 ? Date.now() + lease : undefined;
          return { userId, sessionId, expiresAt, claims: { token } };
        },
        null,
      ),
    authorize: ({ connection, action, name }) => {
      const count = connection.data.asked++;
      const question = placeQuestion(connection.id, action, name, count);
      return answer('authorize', question, () => true, false);
    },
  };
}

// What is compared when everything is still, and when everybody has left.

/** All clients are connected and answered: the server must see what they know. */
export function checkCalm(faults, { report, model, received, isReserved }) {
  const { stats, listed, receivers } = report;
  for (const [name, count] of Object.entries(model)) {
    if (stats[name] !== count) faults.add('getStats()', `${name}: ${stats[name]}, not ${count}`);
  }
  for (const [name, count] of Object.entries(listed)) {
    if (model[name] !== count) faults.add('listing', `${name}: ${count}, not ${model[name]}`);
  }
  // Nobody has left these rooms but by word, so whoever a send counted is there to have received it. This sees
  // also what is lost right behind the confirmation of a membership.
  for (const [stream, count] of Object.entries(receivers)) {
    if (!isReserved(stream)) continue;
    const got = received.get(stream) ?? 0;
    if (got !== count) faults.add('receivers', `${stream}: ${count} counted, ${got} received`);
  }
}

/** Everybody has left. */
export function checkEnd(faults, { report, tally, descriptors }) {
  const { stats, listed, counts } = report;
  for (const name of ['connections', 'users', 'rooms', 'topics', 'queuedBytes']) {
    if (stats[name] !== 0) faults.add('left behind', `${name}: ${stats[name]}`);
  }
  for (const [name, count] of Object.entries(listed)) {
    if (count !== 0) faults.add('left behind', `listed ${name}: ${count}`);
  }
  // By default nobody reads so slowly, and no budget is used up.
  for (const [name, count] of [
    ['slowConsumers', stats.slowConsumers],
    ['drops.slowConsumer', stats.drops.slowConsumer],
    ['drops.overloaded', stats.drops.overloaded],
  ]) {
    if (count !== 0) faults.add('dropped', `${name}: ${count}`);
  }
  const same = (what, one, other) => {
    if (one !== other) faults.add('count', `${what}: ${one}, not ${other}`);
  };
  const opened = tally.get('opened');
  same('getStats().totalConnections', stats.totalConnections, opened);
  same('connection events', counts.connections ?? 0, opened);
  same('disconnect events', counts.disconnects ?? 0, opened);
  const count = (...reasons) =>
    reasons.reduce((sum, reason) => sum + (stats.refusals[reason] ?? 0), 0);
  const over = count('message_rate', 'byte_rate', 'user_message_rate');
  same('refusals for a rate', over, tally.get('RATE_LIMITED'));
  same('refusals for a path', count('not_found'), tally.get('knocks'));
  same('warnings of failed hooks', counts['warning ERR_HOOK'] ?? 0, counts['hooks failed'] ?? 0);
  const late = counts['hooks out of time'] ?? 0;
  same('warnings of hooks out of time', counts['warning ERR_HOOK_TIMEOUT'] ?? 0, late);
  // Who has left by force may not have heard the answer.
  const answers = tally.get('AUTH_FAILED') + tally.get('FORBIDDEN');
  const denied = count('auth_failed', 'forbidden', 'hook_timeout');
  if (denied < answers) {
    faults.add('count', `refusals of logins, rooms and topics: ${denied}, but ${answers} answers`);
  }
  if (descriptors.end !== descriptors.start) {
    faults.add('descriptors', `${descriptors.end} at the end, ${descriptors.start} at the start`);
  }
}

// From the suite's index.json to verdicts, and from these to what is wrong. Nothing here reads or writes.

/** The parts of the suite. Their numbers of cases are known, so that none is left out in silence. */
export const PARTS = [
  {
    id: 'core',
    title: 'Core',
    cases: 301,
    sections: {
      1: 'Framing',
      2: 'Pings and pongs',
      3: 'Reserved bits',
      4: 'Opcodes',
      5: 'Fragmentation',
      6: 'UTF-8 handling',
      7: 'Close handling',
      9: 'Limits and performance',
      10: 'Miscellaneous',
    },
  },
  {
    id: 'deflate',
    title: 'permessage-deflate',
    cases: 216,
    sections: { 12: 'Different payloads', 13: 'Different parameters' },
  },
].map((part) => ({ ...part, patterns: Object.keys(part.sections).map((number) => `${number}.*`) }));

/** The verdicts that a server may have. Of two that meet, the later one counts; any other is worse. */
const ALLOWED = ['OK', 'INFORMATIONAL', 'NON-STRICT'];

/**
 * One verdict for each case: the worse one of what the server did and how it closed, and the worst of all
 * the times that it was played.
 *
 * @param {...object} indexes what index.json holds: agents, of which each has cases
 * @returns {Map<string, string>} in the order of the cases' numbers
 */
export function verdictsOf(...indexes) {
  const verdicts = new Map();
  for (const agent of indexes.flatMap((index) => Object.values(index))) {
    for (const [id, { behavior, behaviorClose }] of Object.entries(agent)) {
      verdicts.set(id, [verdicts.get(id) ?? 'OK', behavior, behaviorClose].reduce(worse));
    }
  }
  return new Map([...verdicts].sort(([one], [other]) => compareCases(one, other)));
}

function worse(one, other) {
  return badness(other) > badness(one) ? other : one;
}

function badness(verdict) {
  const place = ALLOWED.indexOf(verdict);
  return place === -1 ? ALLOWED.length : place;
}

/** Compares the numbers of two cases: 9.8.6 is before 10.1.1. */
export function compareCases(one, other) {
  return one.localeCompare(other, 'en', { numeric: true });
}

/** The section of a case: '12' of '12.1.3'. */
export function sectionOf(id) {
  return id.split('.', 1)[0];
}

/** The cases of a part that are listed as not strict, each with its reason. */
export function listedIn(part, { reasons, cases }) {
  return Object.entries(cases)
    .filter(([id]) => part.sections[sectionOf(id)] !== undefined)
    .map(([id, name]) => ({ id, ...reasons[name] }));
}

/** What is wrong with the verdicts of a whole part, one line for each. */
export function problemsOf(part, verdicts, nonStrict) {
  const lines = wrongVerdicts(verdicts, nonStrict);
  if (verdicts.size !== part.cases) {
    lines.push(`${part.title}: ${verdicts.size} cases were played, and there are ${part.cases}`);
  }
  for (const id of verdicts.keys()) {
    if (part.sections[sectionOf(id)] === undefined) lines.push(`${id}: not a case of this part`);
  }
  for (const { id } of listedIn(part, nonStrict)) {
    const verdict = verdicts.get(id) ?? 'not played';
    if (verdict !== 'NON-STRICT') lines.push(`${id}: listed as NON-STRICT, and it is ${verdict}`);
  }
  return lines;
}

/** The verdicts that no server may have, and those that are not strict without being listed. */
export function wrongVerdicts(verdicts, { cases }) {
  return [...verdicts]
    .filter(([id, verdict]) => !ALLOWED.includes(verdict) || isUnlisted(id, verdict, cases))
    .map(([id, verdict]) =>
      verdict === 'NON-STRICT' ? `${id}: NON-STRICT, and not listed` : `${id}: ${verdict}`,
    );
}

function isUnlisted(id, verdict, cases) {
  return verdict === 'NON-STRICT' && cases[id] === undefined;
}

/** What is wrong with the list itself: it is written by hand. */
export function listProblems({ reasons, cases }) {
  const lines = [];
  for (const [id, name] of Object.entries(cases)) {
    if (!reasons[name]?.text) lines.push(`${id}: the list has no reason "${name}"`);
    if (!PARTS.some(({ sections }) => sections[sectionOf(id)])) lines.push(`${id}: in no part`);
  }
  for (const name of Object.keys(reasons)) {
    if (!Object.values(cases).includes(name)) lines.push(`the reason "${name}" is nobody's`);
  }
  return lines;
}

/** The numbers of verdicts by section, each with its sum; all that is not allowed counts as failed. */
export function countsOf(part, verdicts) {
  return Object.entries(part.sections).map(([number, title]) => {
    const counts = { number, title, cases: 0 };
    for (const name of COUNTED) counts[name] = 0;
    for (const [id, verdict] of verdicts) {
      if (sectionOf(id) !== number) continue;
      counts.cases += 1;
      counts[COUNTED.includes(verdict) ? verdict : 'FAILED'] += 1;
    }
    return counts;
  });
}

/** The verdicts that have a column of their own. */
export const COUNTED = [...ALLOWED, 'FAILED', 'UNIMPLEMENTED'];

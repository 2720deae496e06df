// The verdicts as docs/conformance.md. It has a chapter for each part, so that a run of one part alone can be
// compared with its own.

import { COUNTED, compareCases, countsOf, listedIn } from './report.mjs';

/**
 * The whole document.
 *
 * @param {{ package: string, suite: string, autobahn: string }} versions
 * @param {Map<string, string>} chapters by the titles of their parts, those that were played
 * @param {string} existing the document as it is, from which the other chapters are taken
 */
export function conformanceDocument(parts, versions, chapters, existing) {
  const kept = chaptersOf(existing);
  const texts = parts.map(({ title }) => chapters.get(title) ?? kept.get(title) ?? '');
  return `${[introduction(versions), ...texts.filter(Boolean)].join('\n\n')}\n`;
}

function introduction(versions) {
  return `# Protocol conformance

<!-- Made from the report of the suite: npm run conformance -- --write -->

The Autobahn testsuite plays its cases as a client against an echo server that is made with this package.
\`npm run conformance\` does it again and fails when this document tells otherwise, see
[conformance/README.md](../conformance/README.md).

| | Version |
| --- | --- |
| autobahntestsuite | ${versions.suite}, with autobahn ${versions.autobahn} |
| @libs/messaging | ${versions.package} |

A case is judged twice, by what the server does and by how it closes, and counts once, by the worse of the two.
INFORMATIONAL is what the suite calls a case for which it has no right or wrong. FAILED has all other faults too,
such as UNCLEAN and WRONG CODE.`;
}

/** The chapter of a part: its table, and the cases that are not strict with their reasons. */
export function chapterOf(part, verdicts, nonStrict) {
  const rows = countsOf(part, verdicts);
  const sum = { number: '', title: 'All', cases: 0 };
  for (const name of ['cases', ...COUNTED]) {
    sum[name] = rows.reduce((total, row) => total + row[name], 0);
  }
  const cells = ({ number, title, cases, ...counts }) => [
    number,
    title,
    cases,
    ...COUNTED.map((name) => counts[name]),
  ];
  const head = ['Section', 'About', 'Cases', ...COUNTED];
  const align = ['---', '---', ...head.slice(2).map(() => '--:')];
  return `## ${part.title}

${table([head, align, ...[...rows, sum].map(cells)])}

${notStrict(part, verdicts, nonStrict)}`;
}

function notStrict(part, verdicts, nonStrict) {
  const seen = [...verdicts].filter(([, verdict]) => verdict === 'NON-STRICT').map(([id]) => id);
  if (seen.length === 0) return 'No case is NON-STRICT.';
  const groups = new Map();
  const reasons = new Map(listedIn(part, nonStrict).map(({ id, text }) => [id, text]));
  for (const id of seen.sort(compareCases)) {
    const reason = reasons.get(id) ?? 'none is stated';
    groups.set(reason, [...(groups.get(reason) ?? []), id]);
  }
  const rows = [...groups].map(([reason, ids]) => [ids.join(', '), reason]);
  return table([['NON-STRICT', 'Why'], ['---', '---'], ...rows]);
}

/** The chapters of a document, by their titles. */
function chaptersOf(text) {
  const chapters = text.trimEnd().split(/\n+(?=## )/);
  return new Map(chapters.slice(1).map((one) => [/^## (.*)/.exec(one)[1], one]));
}

function table(rows) {
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

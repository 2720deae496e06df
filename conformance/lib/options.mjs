// The command line of `npm run conformance`.

import { parseArgs } from 'node:util';
import { PARTS } from './report.mjs';

export const USAGE = `npm run conformance [-- options]

  --only core|deflate   one part of the suite; without it both are run
  --write               write docs/conformance.md from this run, instead of comparing it
  --cases LIST          these cases alone, such as 7.1.*,12.1.1: their verdicts are judged, and neither
                        their number nor the document
  --limit MINUTES       time for the whole run, default 40
  --help

CONFORMANCE_PYTHON names the CPython 2.7 to use.`;

/** The options, or an error whose message says what is wrong with them. */
export function parseOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      write: { type: 'boolean', default: false },
      cases: { type: 'string' },
      limit: { type: 'string', default: '40' },
      help: { type: 'boolean', default: false },
    },
  });
  const { only, write, cases, help } = values;
  const minutes = Number(values.limit);
  if (!(minutes > 0)) throw new Error('--limit: minutes, more than 0');
  const parts = PARTS.filter(({ id }) => only === undefined || id === only);
  if (parts.length === 0) {
    throw new Error(`--only: one of ${PARTS.map(({ id }) => id).join(', ')}`);
  }
  if (cases === undefined) return { parts, write, minutes, help };
  if (write || only !== undefined) throw new Error('--cases goes without --write and --only');
  const patterns = cases.split(',').filter((pattern) => pattern !== '');
  if (patterns.length === 0 || !patterns.every((pattern) => /^[\d.]+\*?$/.test(pattern))) {
    throw new Error('--cases: numbers of cases such as 7.1.*,12.1.1');
  }
  return { parts: [{ id: 'cases', title: 'Cases', patterns }], selected: true, minutes, help };
}

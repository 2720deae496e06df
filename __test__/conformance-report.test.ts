/**
 * How `npm run conformance` judges what the suite reports: the suite itself is not run here.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chapterOf, conformanceDocument } from '../conformance/lib/document.mjs';
import { parseOptions } from '../conformance/lib/options.mjs';
import {
  countsOf,
  listedIn,
  listProblems,
  PARTS,
  problemsOf,
  verdictsOf,
  wrongVerdicts,
} from '../conformance/lib/report.mjs';
import { PACKAGE_ROOT } from './support/node-process.js';

const PART = { id: 'some', title: 'Some', cases: 2, sections: { 3: 'Bits', 10: 'Rest' } };
const LIST = { reasons: { slow: { text: 'It is slow.' } }, cases: { '3.2': 'slow' } };
const NO_LIST = { reasons: {}, cases: {} };

/** An index.json with one agent; a verdict is `behavior` or `behavior/behaviorClose`. */
function index(cases: Record<string, string>, agent = 'server') {
  const results = Object.entries(cases).map(([id, verdict]) => {
    const [behavior, behaviorClose = 'OK'] = verdict.split('/');
    return [id, { behavior, behaviorClose, duration: 1, remoteCloseCode: 1000, reportfile: 'x' }];
  });
  return { [agent]: Object.fromEntries(results) };
}

describe('a verdict', () => {
  test.each([
    ['OK/OK', 'OK'],
    ['INFORMATIONAL/OK', 'INFORMATIONAL'],
    ['OK/INFORMATIONAL', 'INFORMATIONAL'],
    ['NON-STRICT/INFORMATIONAL', 'NON-STRICT'],
    ['INFORMATIONAL/NON-STRICT', 'NON-STRICT'],
    ['NON-STRICT/FAILED', 'FAILED'],
    ['FAILED/OK', 'FAILED'],
    ['OK/UNCLEAN', 'UNCLEAN'],
    ['OK/WRONG CODE', 'WRONG CODE'],
    ['UNIMPLEMENTED/OK', 'UNIMPLEMENTED'],
    ['a word of a later suite/OK', 'a word of a later suite'],
  ])('%s counts as %s', (given, verdict) => {
    expect(verdictsOf(index({ '3.1': given })).get('3.1')).toBe(verdict);
  });

  test('is the worst of all the times that a case was played', () => {
    const twice = { ...index({ '3.1': 'OK' }, 'a'), ...index({ '3.1': 'NON-STRICT' }, 'b') };
    expect(verdictsOf(twice).get('3.1')).toBe('NON-STRICT');
    expect(verdictsOf(index({ '3.1': 'OK/UNCLEAN' }), twice).get('3.1')).toBe('UNCLEAN');
    expect(verdictsOf(twice, index({ '3.1': 'OK/UNCLEAN' })).get('3.1')).toBe('UNCLEAN');
  });

  test('comes in the order of the numbers of the cases', () => {
    const verdicts = verdictsOf(index({ '10.1': 'OK', '3.10': 'OK', '3.9': 'OK', '3.9.1': 'OK' }));
    expect([...verdicts.keys()]).toEqual(['3.9', '3.9.1', '3.10', '10.1']);
  });
});

describe('problems', () => {
  const problems = (cases: Record<string, string>, list: typeof LIST | typeof NO_LIST = NO_LIST) =>
    problemsOf(PART, verdictsOf(index(cases)), list);

  test('are none where all is right', () => {
    expect(problems({ '3.1': 'OK', '10.1': 'INFORMATIONAL' })).toEqual([]);
    expect(problems({ '3.1': 'OK', '3.2': 'NON-STRICT' }, LIST)).toEqual([]);
  });

  test.each(['FAILED', 'OK/UNCLEAN', 'UNIMPLEMENTED', 'OK/WRONG CODE', 'OK/FAILED BY CLIENT'])(
    'are verdicts such as %s',
    (verdict) => {
      const word = verdict.replace('OK/', '');
      expect(problems({ '3.1': verdict, '10.1': 'OK' })).toEqual([`3.1: ${word}`]);
      // No entry of the list excuses them.
      expect(problems({ '3.1': 'OK', '3.2': verdict }, LIST)).toContain(`3.2: ${word}`);
    },
  );

  test('are a case that is not strict and not listed, and one that is listed and strict', () => {
    const unlisted = ['3.1: NON-STRICT, and not listed'];
    expect(problems({ '3.1': 'NON-STRICT', '10.1': 'OK' })).toEqual(unlisted);
    const stale = ['3.2: listed as NON-STRICT, and it is OK'];
    expect(problems({ '3.1': 'OK', '3.2': 'OK' }, LIST)).toEqual(stale);
    const gone = ['3.2: listed as NON-STRICT, and it is not played'];
    expect(problems({ '3.1': 'OK', '10.1': 'OK' }, LIST)).toEqual(gone);
  });

  test('are too few cases, too many, and those of another part', () => {
    const few = ['Some: 1 cases were played, and there are 2'];
    expect(problems({ '3.1': 'OK' })).toEqual(few);
    const many = ['Some: 3 cases were played, and there are 2'];
    expect(problems({ '3.1': 'OK', '3.2': 'OK', '3.3': 'OK' })).toEqual(many);
    expect(problems({})).toEqual(['Some: 0 cases were played, and there are 2']);
    expect(problems({ '3.1': 'OK', '4.1': 'OK' })).toEqual(['4.1: not a case of this part']);
  });

  test('of cases that were chosen are those of their verdicts alone', () => {
    const verdicts = verdictsOf(
      index({ '3.2': 'NON-STRICT', '3.3': 'NON-STRICT', '5.1': 'FAILED' }),
    );
    expect(wrongVerdicts(verdicts, LIST)).toEqual([
      '3.3: NON-STRICT, and not listed',
      '5.1: FAILED',
    ]);
  });
});

describe('the list of cases that are not strict', () => {
  test('has a reason for every case, a case for every reason, and cases of the suite', () => {
    const list = {
      reasons: { empty: { text: '' }, idle: { text: 'Nobody.' } },
      cases: { '3.1': 'empty', '3.2': 'lost', '8.1': 'empty' },
    };
    expect(listProblems(list)).toEqual([
      '3.1: the list has no reason "empty"',
      '3.2: the list has no reason "lost"',
      '8.1: the list has no reason "empty"',
      '8.1: in no part',
      'the reason "idle" is nobody\'s',
    ]);
  });

  test('is right in the repository', () => {
    const file = join(PACKAGE_ROOT, 'conformance/non-strict.json');
    const list = JSON.parse(readFileSync(file, 'utf8'));
    expect(listProblems(list)).toEqual([]);
    const listed = PARTS.flatMap((part) => listedIn(part, list));
    expect(listed).toHaveLength(Object.keys(list.cases).length);
  });
});

describe('the document', () => {
  const verdicts = verdictsOf(
    index({ '3.1': 'OK', '3.2': 'NON-STRICT', '3.3': 'OK/UNCLEAN', '3.4': 'FAILED' }),
    index({ '3.5': 'UNIMPLEMENTED', '3.6': 'INFORMATIONAL', '10.1': 'OK' }),
  );
  const versions = { package: '1.2.3', suite: '25.10.1', autobahn: '0.10.9' };
  const [core, deflate] = PARTS as [(typeof PARTS)[0], (typeof PARTS)[0]];
  const whole = conformanceDocument(
    PARTS,
    versions,
    new Map([
      [core.title, chapterOf(core, verdicts, LIST)],
      [deflate.title, chapterOf(deflate, verdictsOf(index({ '12.1.1': 'OK' })), LIST)],
    ]),
    '',
  );

  test('counts by section, and what is not allowed as failed', () => {
    const [bits, rest] = countsOf(PART, verdicts);
    const [none, counted] = [{ INFORMATIONAL: 0, 'NON-STRICT': 0, FAILED: 0, UNIMPLEMENTED: 0 }, 1];
    expect(rest).toEqual({ number: '10', title: 'Rest', cases: 1, OK: 1, ...none });
    expect(bits).toMatchObject({ cases: 6, OK: 1, 'NON-STRICT': 1, FAILED: 2 });
    expect(bits).toMatchObject({ INFORMATIONAL: counted, UNIMPLEMENTED: counted });
  });

  test('has a row for each section, their sum, and the reasons', () => {
    const lines = chapterOf(PART, verdicts, LIST).split('\n');
    expect(lines).toContain('| 3 | Bits | 6 | 1 | 1 | 1 | 2 | 1 |');
    expect(lines).toContain('| 10 | Rest | 1 | 1 | 0 | 0 | 0 | 0 |');
    expect(lines).toContain('|  | All | 7 | 2 | 1 | 1 | 2 | 1 |');
    expect(lines).toContain('| 3.2 | It is slow. |');
    expect(chapterOf(PART, verdicts, NO_LIST)).toContain('| 3.2 | none is stated |');
    expect(chapterOf(PART, verdictsOf(), LIST)).toMatch(/No case is NON-STRICT\.$/);
  });

  test('has the versions, and is the same when it is made again', () => {
    for (const version of Object.values(versions)) expect(whole).toContain(version);
    expect(conformanceDocument(PARTS, versions, new Map(), whole)).toBe(whole);
    expect(whole).toMatch(/[^\n]\n$/);
  });

  test('of a run of one part keeps the chapter of the other', () => {
    const worse = verdictsOf(index({ '12.1.1': 'FAILED' }));
    const chapters = new Map([[deflate.title, chapterOf(deflate, worse, LIST)]]);
    const changed = conformanceDocument(PARTS, versions, chapters, whole);
    expect(changed).not.toBe(whole);
    expect(changed).toContain(chapterOf(core, verdicts, LIST));
    expect(changed).toContain(chapterOf(deflate, worse, LIST));
    expect(changed.match(/^## .*/gm)).toEqual(['## Core', '## permessage-deflate']);
  });
});

describe('the options', () => {
  test('choose both parts, one, or cases', () => {
    const ids = (...args: string[]) => parseOptions(args).parts.map(({ id }) => id);
    expect(ids()).toEqual(['core', 'deflate']);
    expect(ids('--only', 'deflate')).toEqual(['deflate']);
    expect(parseOptions(['--cases', '7.1.*,9.1.1']).parts[0]?.patterns).toEqual(['7.1.*', '9.1.1']);
  });

  test('cover the sections of the suite, and nothing else', () => {
    const patterns = parseOptions([]).parts.flatMap((part) => part.patterns);
    const sections = [1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13];
    expect(patterns).toEqual(sections.map((number) => `${number}.*`));
    expect(parseOptions([]).parts.map(({ cases }) => cases)).toEqual([301, 216]);
  });

  test.each([
    ['--only', 'some'],
    ['--limit', '0'],
    ['--limit', 'long'],
    ['--cases', 'core'],
    ['--cases', ','],
    ['--cases', '7.1.*', '--write'],
    ['--unknown'],
  ])('are refused: %s %s %s', (...args) => {
    expect(() => parseOptions(args.filter(Boolean))).toThrow();
  });
});

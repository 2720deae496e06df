// `npm run conformance`: plays the Autobahn testsuite against the echo host, judges every case, and compares
// docs/conformance.md with what it saw. README.md beside this file tells more.

import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { limitTime } from './lib/children.mjs';
import { chapterOf, conformanceDocument } from './lib/document.mjs';
import { startHost } from './lib/host.mjs';
import { parseOptions, USAGE } from './lib/options.mjs';
import { progress } from './lib/progress.mjs';
import { findPython2, findPython3 } from './lib/python.mjs';
import * as report from './lib/report.mjs';
import { installSuite, playCases } from './lib/suite.mjs';

const ROOT = join(import.meta.dirname, '..');
const DOCUMENT = join(ROOT, 'docs', 'conformance.md');

const nonStrict = JSON.parse(readFileSync(join(import.meta.dirname, 'non-strict.json'), 'utf8'));

/** The Python that has the suite, or what the machine lacks for it. */
async function suitePython() {
  const python2 = findPython2();
  if (!python2) return { missing: 'CPython 2.7 (pyenv install 2.7.18, or CONFORMANCE_PYTHON)' };
  const python3 = findPython3();
  if (!python3) return { missing: 'a Python 3.7 or later with venv (on Debian python3-venv)' };
  console.log('\n== The suite (the first time it is installed, which takes a minute)');
  return { python: await installSuite(python2, python3) };
}

/** Plays one part on a fresh host, and those of its cases that are a race more often. */
async function play(python, part) {
  console.log(`\n== ${part.title}`);
  const host = await startHost();
  try {
    const order = { id: part.id, url: host.url, patterns: part.patterns, onCase: progress() };
    const { index, versions } = await playCases(python, order);
    const indexes = [index];
    for (const { id, repeat } of part.sections ? report.listedIn(part, nonStrict) : []) {
      if (repeat === undefined) continue;
      const again = { id: `${part.id}-${id}`, patterns: [id], times: repeat };
      indexes.push((await playCases(python, { ...order, ...again, onCase: () => {} })).index);
    }
    if (!host.isRunning()) throw new Error('The echo host has ended before the suite');
    return { part, versions, verdicts: report.verdictsOf(...indexes) };
  } finally {
    await host.stop();
  }
}

/** Writes the document, or says that it is not what was seen. */
function compareDocument(played, write) {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const existing = readOrEmpty(DOCUMENT);
  const chapters = new Map(
    played.map(({ part, verdicts }) => [part.title, chapterOf(part, verdicts, nonStrict)]),
  );
  const versions = { package: version, ...played[0].versions };
  const text = conformanceDocument(report.PARTS, versions, chapters, existing);
  if (text === existing) return [];
  const name = relative(ROOT, DOCUMENT);
  if (!write) return [`${name} is stale: npm run conformance -- --write, and commit it`];
  writeFileSync(DOCUMENT, text);
  console.log(`\n${name} is written.`);
  return [];
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
  } catch {
    return '';
  }
}

async function main() {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) return console.log(USAGE);
  limitTime(options.minutes);
  const { python, missing } = await suitePython();
  if (missing !== undefined) {
    if (process.env.TEST_REQUIRE === 'all') {
      throw new Error(`${missing} is missing, and TEST_REQUIRE is "all"`);
    }
    return console.log(`conformance: skipped, nothing was tested: ${missing} is missing`);
  }

  const problems = options.selected ? [] : report.listProblems(nonStrict);
  const played = [];
  for (const part of options.parts) {
    const result = await play(python, part);
    played.push(result);
    const { verdicts } = result;
    if (options.selected) {
      for (const [id, verdict] of verdicts) console.log(`  ${id}: ${verdict}`);
      problems.push(...report.wrongVerdicts(verdicts, nonStrict));
    } else {
      console.log(chapterOf(part, verdicts, nonStrict));
      problems.push(...report.problemsOf(part, verdicts, nonStrict));
    }
  }
  if (!options.selected) problems.push(...compareDocument(played, options.write));

  console.log('');
  for (const problem of problems) console.log(`wrong: ${problem}`);
  const cases = played.reduce((sum, { verdicts }) => sum + verdicts.size, 0);
  if (cases === 0) problems.push('no case was played');
  console.log(`conformance: ${cases} cases played, ${problems.length} problems`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

main().catch((error) => {
  console.error(`conformance: ${error.message}`);
  process.exit(1);
});

// `npm test`: every test there is. `npm run test:quick`: the core's unit tests, and what in `__test__`
// is neither slow nor in a browser nor on a broker of Kafka. Both install and build first. The last line is the sum.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { otherNodes } from './other-nodes.mjs';
import { heading, packageTool, run } from './run.mjs';
import { prepare } from './prepare.mjs';
import { cargoResult, checkResult, reportResult, summary } from './test-results.mjs';
import { hostTriple } from './toolchain.mjs';

const quick = process.argv.includes('--quick');
await prepare();

const reports = mkdtempSync(join(tmpdir(), 'messaging-test-'));
const results = [];

if (quick) {
  // With the workspace's features, as the whole run has them, or all dependencies are built twice.
  await cargo('core', ['--workspace', '--lib']);
  await vitest(['--exclude', '**/*.{slow,browser,broker}.test.ts']);
} else {
  await cargo('cargo', ['--workspace', '--no-fail-fast']);
  await vitest([]);
  for (const node of await otherNodes()) await onOtherNode(node);
  await jest();
  await check('types nodenext', typeCheck('nodenext'));
  await check('types bundler', typeCheck('bundler'));
  await check('types drift', [process.execPath, 'scripts/check-types-drift.mjs']);
}
rmSync(reports, { recursive: true });

heading('Summary');
const { lines, ok } = summary(results);
console.log(lines.join('\n'));
process.exitCode = ok ? 0 : 1;

async function cargo(name, args) {
  heading(`cargo test (${name})`);
  let output = '';
  const code = await run(['cargo', 'test', '--target', hostTriple(), ...args], {
    onStdout: (text) => {
      output += text;
    },
  });
  results.push([name, cargoResult(output, code)]);
}

async function vitest(args, name = 'vitest', node = process.execPath) {
  heading(name);
  const report = join(reports, `${name}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const [, program] = packageTool('vitest');
  const code = await run([node, program, 'run', ...reporters, ...args]);
  results.push([name, reportResult(report, code)]);
}

async function onOtherNode({ version, tests, program, reason }) {
  const name = `Node ${version}`;
  if (program !== undefined) {
    await vitest(tests, name, program);
    return;
  }
  const failed = process.env.TEST_REQUIRE === 'all' ? 1 : 0;
  results.push([name, { passed: 0, failed, skipped: [`all of it (${reason})`] }]);
}

async function jest() {
  heading('jest');
  const report = join(reports, 'jest.json');
  const code = await run([...packageTool('jest'), '--json', `--outputFile=${report}`]);
  results.push(['jest', reportResult(report, code)]);
}

async function check(name, command) {
  heading(name);
  results.push([name, checkResult(await run(command))]);
}

function typeCheck(resolution) {
  return [
    ...packageTool('typescript', 'tsc'),
    '--project',
    `__test__/types/tsconfig.${resolution}.json`,
  ];
}

/**
 * The package as it is installed: what `npm pack` gives, in a project of its own. And what users are told of
 * an installation in which something is missing.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PACKAGE_ROOT, runNode } from './support/node-process.js';

const folder = mkdtempSync(join(tmpdir(), 'messaging-packed-'));
const project = join(folder, 'project');
const installed = join(project, 'node_modules', '@libs', 'messaging');

beforeAll(() => {
  // What is built already is packed: `prepack` would build it again.
  const [tarball] = JSON.parse(
    npm(['pack', '--ignore-scripts', '--json', '--pack-destination', folder], PACKAGE_ROOT),
  );
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true }');
  npm(['install', '--offline', '--no-audit', join(folder, tarball.filename)], project);
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

/** Runs npm and returns what it prints. */
function npm(args: string[], cwd: string): string {
  // Through a shell, because npm is a script on Windows. No argument has a space in it but paths.
  const quoted = args.map((arg) => `"${arg}"`).join(' ');
  const options = { cwd, encoding: 'utf8', shell: true } as const;
  const { status, stdout, stderr } = spawnSync(`npm ${quoted}`, options);
  if (status !== 0) throw new Error(`npm ${quoted} failed: ${stdout}${stderr}`);
  return stdout;
}

/** How each kind of module loads a name of a package. */
const LOADERS = {
  module: (name: string, path: string) => `import { ${name} } from '${path}';`,
  commonjs: (name: string, path: string) => `const { ${name} } = require('${path}');`,
};
const KINDS = ['module', 'commonjs'] as const;

/** The error that loading fails with: the parts of what Node prints of it. */
async function failure(type: (typeof KINDS)[number], name: string, path: string) {
  const { code, errors } = await runNode(LOADERS[type](name, path), { type, folder: project });
  return {
    exit: code,
    message: /^Error: (.*?)(?: \{)?$/m.exec(errors)?.[1],
    code: /^ {2}code: '(.*)'/m.exec(errors)?.[1],
    hasCause: errors.includes('[cause]: '),
  };
}

test('it holds what it needs and nothing else', () => {
  const holds = readdirSync(installed).sort();
  expect(holds.filter((name) => /^messaging\..+\.node$/.test(name))).not.toEqual([]);
  expect(holds.filter((name) => !name.endsWith('.node'))).toEqual([
    'LICENSE',
    'README.md',
    'dist',
    'index.d.ts',
    'index.js',
    'native.js',
    'not-built.js',
    'package.json',
    'testing.d.ts',
    'testing.js',
  ]);
});

test.for(KINDS)('it is loaded and serves: %s', async (type) => {
  const { code, output, errors } = await runNode(
    `${LOADERS[type]('WebSocketManager', '@libs/messaging')}
     ${LOADERS[type]('createTestManager', '@libs/messaging/testing')}
     createTestManager().then(async (manager) => {
       console.log(manager instanceof WebSocketManager, manager.getConnectionCount());
       await manager.shutdown();
     });`,
    { type, folder: project },
  );
  expect({ code, output, errors }).toEqual({ code: 0, output: 'true 0\n', errors: '' });
});

describe('without the binary of this platform', () => {
  beforeAll(() => {
    for (const name of readdirSync(installed)) {
      if (name.endsWith('.node')) rmSync(join(installed, name));
    }
  });

  test.for(KINDS)('the error says what is missing and what to do: %s', async (type) => {
    expect(await failure(type, 'WebSocketManager', '@libs/messaging')).toEqual({
      exit: 1,
      message: expect.stringMatching(
        `for ${process.platform} ${process.arch} is missing.*npm run build:release`,
      ),
      code: 'ERR_NATIVE_MISSING',
      hasCause: true,
    });
  });
});

describe('without dist/, as in a clone that was not built', () => {
  beforeAll(() => renameSync(join(installed, 'dist'), join(folder, 'dist')));

  test.for(
    KINDS.flatMap((type) => [
      [type, 'WebSocketManager', '@libs/messaging'] as const,
      [type, 'createTestManager', '@libs/messaging/testing'] as const,
    ]),
  )('the error says how to build it: %s, %s', async ([type, name, path]) => {
    expect(await failure(type, name, path)).toEqual({
      exit: 1,
      message: expect.stringMatching(/is not built: run `npm run build:release` in .*messaging$/),
      code: 'ERR_NOT_BUILT',
      hasCause: true,
    });
  });
});

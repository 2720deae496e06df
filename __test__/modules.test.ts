/**
 * How the package is loaded: by name, as an ECMAScript module and by `require`, each in a process of its own
 * because the test runner has a loader of its own.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PACKAGE_ROOT, runNode } from './support/node-process.js';

test('ECMAScript modules import the class by its name', async () => {
  const { code, output, errors } = await runNode(`
    import { WebSocketManager } from '@libs/messaging';
    const manager = new WebSocketManager({ port: 0 });
    console.log(typeof manager.address().port);
    manager.close();
  `);
  expect({ code, output, errors }).toEqual({ code: 0, output: 'number\n', errors: '' });
});

test('CommonJS modules require it', async () => {
  const { code, output, errors } = await runNode(
    `
    const { WebSocketManager } = require('@libs/messaging');
    const manager = new WebSocketManager({ port: 0 });
    console.log(typeof manager.address().port);
    manager.close();
    `,
    { type: 'commonjs' },
  );
  expect({ code, output, errors }).toEqual({ code: 0, output: 'number\n', errors: '' });
});

test('both get the same classes, also in one process', async () => {
  const { code, output } = await runNode(`
    import * as imported from '@libs/messaging';
    import { createRequire } from 'node:module';
    const required = createRequire(process.cwd() + '/')('@libs/messaging');
    const names = Object.keys(required);
    console.log(names.length > 40, names.every((name) => imported[name] === required[name]));
    console.log(names.sort().join());
  `);
  const [same, names] = output.trim().split('\n');
  expect({ code, same }).toEqual({ code: 0, same: 'true true' });

  // The names that Node reads in a clone that was not built.
  const entry = readFileSync(join(PACKAGE_ROOT, 'index.js'), 'utf8');
  const written = [...entry.matchAll(/^exports\.(\w+) = undefined;$/gm)].map(([, name]) => name);
  expect(written.sort().join()).toBe(names);
});

test.for(['module', 'commonjs'] as const)(
  'the test kit has a path of its own: %s',
  async (type) => {
    const load =
      type === 'module'
        ? `import { createTestManager, connectClient, flush } from '@libs/messaging/testing';`
        : `const { createTestManager, connectClient, flush } = require('@libs/messaging/testing');`;
    const { code, output, errors } = await runNode(
      `${load}
    (async () => {
      const manager = await createTestManager();
      const client = await connectClient(manager, { userId: 'ann' });
      manager.sendToUser('ann', { type: 'news', payload: 1 });
      await flush(manager);
      console.log((await client.next('news')).payload);
      await client.close();
      await manager.shutdown();
    })();`,
      { type },
    );
    expect({ code, output, errors }).toEqual({ code: 0, output: '1\n', errors: '' });
  },
);

test('the manager of the test kit is the class of the package', async () => {
  const { output } = await runNode(`
    import { WebSocketManager } from '@libs/messaging';
    import { createTestManager } from '@libs/messaging/testing';
    const manager = await createTestManager();
    console.log(manager instanceof WebSocketManager);
    manager.close();
  `);
  expect(output).toBe('true\n');
});

test('nothing else of the package can be imported', async () => {
  const { code, output } = await runNode(`
    for (const path of ['native.js', 'dist/index.js', 'dist/manager.js']) {
      await import('@libs/messaging/' + path).catch(({ code }) => console.log(code));
    }
  `);
  expect({ code, lines: output.trim().split('\n') }).toEqual({
    code: 0,
    lines: Array(3).fill('ERR_PACKAGE_PATH_NOT_EXPORTED'),
  });
});

test('the class needs `new`, as classes do', async () => {
  const { output } = await runNode(`
    import { WebSocketManager } from '@libs/messaging';
    try { WebSocketManager({ port: 0 }); } catch (error) { console.log(error.name); }
  `);
  expect(output).toBe('TypeError\n');
});

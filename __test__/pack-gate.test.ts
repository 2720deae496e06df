/**
 * The look at binaries before they are published (`npm run pack:linux`) sees what would not run elsewhere.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { inspect } from '../scripts/pack/gate.mjs';
import { needs } from './support/tools.ts';

const report = process.report.getReport() as { header: { glibcVersionRuntime?: string } };

beforeEach((context) => needs(context, 'Linux with glibc', report.header.glibcVersionRuntime));

/** A library of this machine's compiler. */
function compiled(code: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'messaging-gate-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [source, library] = [join(folder, 'code.c'), join(folder, 'code.so')];
  writeFileSync(source, code);
  execFileSync('cc', ['-shared', '-fPIC', '-nostartfiles', '-o', library, source]);
  return library;
}

test('what Node gives and what every glibc has is fine', async () => {
  const library = compiled(`
    #include <string.h>
    void napi_get_undefined(void);
    int f(const char *text) { napi_get_undefined(); return (int) strlen(text); }
  `);
  expect(await inspect(library, { libc: 'glibc' })).toEqual({
    glibc: expect.stringMatching(/^2\.\d+/),
    faults: [],
  });
});

test.each([
  ['of a newer glibc', 'memfd_create', 'it asks for glibc 2.27'],
  ['that nobody has', 'rd_nowhere', 'the symbol rd_nowhere is undefined'],
])('a function %s is a fault', async (_what, name, fault) => {
  const library = compiled(`
    #include <string.h>
    int ${name}();
    int f(const char *text) { return ${name}() + (int) strlen(text); }
  `);
  expect((await inspect(library, { libc: 'glibc' })).faults).toEqual([fault]);
});

test('for musl, glibc is a fault', async () => {
  const library = compiled('#include <string.h>\nint f(const char *t) { return (int) strlen(t); }');
  expect((await inspect(library, { libc: 'musl' })).faults).toContainEqual(
    expect.stringContaining('it asks for glibc'),
  );
});

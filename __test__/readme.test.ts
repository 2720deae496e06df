/**
 * The README tells the truth: its examples run as they are written, in a folder where the package is
 * installed, and its tables are those of the code.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type WebSocketConfig, WebSocketManager } from '@libs/messaging';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { PACKAGE_ROOT } from './support/node-process.js';
import { newManager, portOf } from './support/test-manager.js';

const README = readFileSync(join(PACKAGE_ROOT, 'README.md'), 'utf8');

interface Example {
  language: 'js' | 'ts';
  /** By what it is run. */
  kind: 'node' | 'bun' | 'service' | 'client' | 'vitest' | 'jest';
  code: string;
  /** What it prints, as the block behind it says. */
  output: string;
  line: number;
}

const FENCES = /^```(js|ts) runnable(?:=(\w+))?\n(.*?)^```$(?:\n+```text\n(.*?)^```$)?/gms;
const EXAMPLES = [...README.matchAll(FENCES)].map(
  ({ 1: language, 2: kind = 'node', 3: code, 4: output = '', index }) =>
    ({ language, kind, code, output, line: README.slice(0, index).split('\n').length }) as Example,
);
/** Those that need files of the reader's, and so cannot run here. */
const PROGRAMS = [...README.matchAll(/^```ts\n(.*?)^```$/gms)].map(({ 1: code = '', index }) => ({
  code,
  line: README.slice(0, index).split('\n').length,
}));
const ofKind = (kind: Example['kind']) => EXAMPLES.filter((example) => example.kind === kind);

/** A folder of a service, which has the package and the tools in its node_modules. */
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'messaging-readme-'));
  const modules = join(folder, 'node_modules');
  const installed = join(modules, '@libs', 'messaging');
  mkdirSync(installed, { recursive: true });
  // A copy, because runners treat a link to sources of one's own otherwise than a package.
  const { files } = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8'));
  const addon = '/messaging.*.node';
  const paths = files.filter((path: string) => path !== addon);
  const addons = readdirSync(PACKAGE_ROOT).filter((name) => name.endsWith('.node'));
  for (const path of ['package.json', ...addons, ...paths]) {
    const name = path.replace(/^\/|\/\*\*.*$/g, '');
    cpSync(join(PACKAGE_ROOT, name), join(installed, name), { recursive: true });
  }
  for (const name of ['ws', 'vitest', '@types/node', 'elysia', '@elysiajs/node']) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(PACKAGE_ROOT, 'node_modules', name), join(modules, name), 'junction');
  }
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Starts Node, or another program, in the folder, as from a terminal and not from a test. */
function start(
  args: string[],
  env: Record<string, string> = {},
  program = process.execPath,
): ChildProcessByStdio<null, Readable, Readable> {
  const own = Object.entries(process.env).filter(([name]) => !/^(VITEST|JEST|NODE_ENV)/.test(name));
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...Object.fromEntries(own), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

/** Runs Node to its end. */
async function run(...args: string[]) {
  return await ending(start(args));
}

async function ending(child: ReturnType<typeof start>) {
  const ended = once(child, 'close');
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: (await ended)[0], output, errors };
}

function write(name: string, code: string): string {
  writeFileSync(join(folder, name), code);
  return name;
}

const tool = (...path: string[]) => join(PACKAGE_ROOT, 'node_modules', ...path);

describe('examples', () => {
  test('there are some of every kind', () => {
    const kinds = ['node', 'bun', 'service', 'client', 'vitest', 'jest'];
    expect(new Set(EXAMPLES.map(({ kind }) => kind))).toEqual(new Set(kinds));
    expect(EXAMPLES.length).toBe(README.match(/^```.* runnable/gm)?.length);
  });

  /** What is written for a port of its own gets a free one, since this machine may use it. */
  async function writeExample({ line, code }: Example): Promise<string> {
    const free = newManager();
    const port = String(portOf(free));
    await free.shutdown();
    return write(`line-${line}.mjs`, code.replaceAll('3000', port));
  }

  test.for(ofKind('node').filter(({ language }) => language === 'js'))(
    'line $line runs',
    async (example) => {
      const end = await run(await writeExample(example));
      expect(end).toEqual({ code: 0, output: example.output, errors: '' });
    },
  );

  test.for(ofKind('bun'))('line $line runs on Bun', async (example) => {
    const bun = start([await writeExample(example)], {}, tool('.bin', 'bun'));
    expect(await ending(bun)).toEqual({ code: 0, output: example.output, errors: '' });
  });

  async function compile(source: string): Promise<void> {
    const options = '--strict --target es2022 --lib es2023 --module nodenext --types node';
    const args = [...options.split(' '), '--skipLibCheck', source];
    const compiled = await run(tool('typescript', 'bin', 'tsc'), ...args);
    expect(compiled).toEqual({ code: 0, output: '', errors: '' });
  }

  test('there are programs that are only compiled', () => {
    expect(PROGRAMS).not.toEqual([]);
  });

  test.for(PROGRAMS)('line $line compiles', async ({ line, code }) => {
    await compile(write(`line-${line}.mts`, code));
  });

  test.for(EXAMPLES.filter(({ language }) => language === 'ts'))(
    'line $line compiles and runs',
    async ({ line, code, output }) => {
      await compile(write(`line-${line}.mts`, code));
      const end = await run(`line-${line}.mjs`);
      expect(end).toEqual({ code: 0, output, errors: '' });
    },
  );

  test('the quick start: the client meets the service', async () => {
    const [service, client] = [ofKind('service')[0], ofKind('client')[0]] as [Example, Example];
    // Port 8080 may be taken on this machine; all else is as it is written.
    const free = newManager();
    const port = String(portOf(free));
    free.close();
    const server = start([write('service.mjs', service.code)], { WS_PORT: port });
    expect(String(await once(server.stdout, 'data'))).toBe(`Listening on port ${port}\n`);

    // Node 20 has no WebSocket of its own.
    const code = `import { WebSocket } from 'ws';\n${client.code.replace('8080', port)}`;
    const browser = start([write('client.mjs', code)]);
    expect(String(await once(browser.stdout, 'data'))).toBe(client.output);

    const ends = [once(server, 'close'), once(browser, 'close')];
    server.kill('SIGTERM');
    expect(await Promise.all(ends)).toEqual([
      [0, null],
      [0, null],
    ]);
  });

  test.for(ofKind('vitest'))('line $line runs in vitest', async ({ code }) => {
    const file = write('service.test.mjs', code);
    const end = await run(tool('vitest', 'vitest.mjs'), 'run', file);
    expect(end, end.errors).toMatchObject({ code: 0, output: expect.stringMatching(/1 passed/) });
  });

  test.for(ofKind('jest'))('line $line runs in jest', async ({ code }) => {
    const file = write('service.test.cjs', code);
    const config = { testMatch: ['**/*.test.cjs'], testEnvironment: 'node', transform: {} };
    const args = ['--rootDir', folder, '--config', JSON.stringify(config), '--runInBand', file];
    const end = await run(tool('jest', 'bin', 'jest.js'), ...args);
    // Jest prints its report to the error output.
    expect(end, end.output).toMatchObject({
      code: 0,
      errors: expect.stringMatching(/1 passed, 1 total/),
    });
    expect(end.errors).not.toContain('did not exit');
  });
});

describe('the table of options', () => {
  const sections = README.split(/^## /m).filter((part) => /^(Options|Limits)/.test(part));
  const rows = [...sections.join('').matchAll(/^\| `([\w.]+)` \|(.*)\|$/gm)].map(
    ({ 1: option, 2: rest = '' }) => {
      const [variable = '', , , limits = ''] = rest.replaceAll('`', '').split('|');
      return { option: option as string, variable: variable.trim(), limits: limits.trim() };
    },
  );
  const known = rows.filter(({ option }) => option !== 'logger');

  test('has the options of the core with their variables, in its order', () => {
    const source = readFileSync(join(PACKAGE_ROOT, 'core/src/ws/config/setting.rs'), 'utf8');
    const list = [...source.matchAll(/^ {4}\w+, "([\w.]+)", "(\w*)";$/gm)];
    expect(list).not.toHaveLength(0);
    // What has no variable of its own says where else to look. The parts of `tls` and `jwt` have theirs,
    // and those of `authorize` stand in its row.
    const single = known.filter(({ option }) => option !== 'tls' && option !== 'jwt');
    const shown = single.map(({ option, variable }) => [
      option,
      /^WS_\w+$/.test(variable) ? variable : '',
    ]);
    const core = list.filter(([, option]) => !option?.startsWith('authorize.'));
    expect(shown).toEqual(core.map(([, option, variable]) => [option, variable]));
  });

  test.for(known)('$option: $limits', ({ option, limits }) => {
    // What is no value of any option is refused by telling the limits.
    const nested = (config: unknown, name: string) => ({ [name]: config });
    const config = option.split('.').reduceRight<unknown>(nested, -1) as WebSocketConfig;
    const told = limits.replace(/[.*]/g, '\\$&');
    expect(() => new WebSocketManager(config)).toThrow(
      new RegExp(`^${option}: must be (an integer from )?${told}(, or false)?, got `),
    );
  });
});

test('the table of the parts of `tls` has those of the core, with their variables', () => {
  const source = readFileSync(join(PACKAGE_ROOT, 'core/src/ws/tls/settings.rs'), 'utf8');
  const parts = [...source.matchAll(/`tls\.(\w+)`, `(WS_TLS_\w+)`/g)];
  expect(parts).toHaveLength(6);
  const rows = [...README.matchAll(/^\| `(\w+)` \| `(WS_TLS_\w+)` \|/gm)];
  expect(rows.map((row) => row.slice(1))).toEqual(parts.map((part) => part.slice(1)));
});

test('the table of the members of `jwt` has those of the core, with their variables', () => {
  const settings = readFileSync(join(PACKAGE_ROOT, 'core/src/jwt/settings.rs'), 'utf8');
  const members = [...settings.matchAll(/^ {4}\w+, "([\w.]+)", "jwt\.\1", "(WS_JW\w+)";$/gm)];
  expect(members).toHaveLength(11);
  const rows = [...README.matchAll(/^\| `([\w.]+)` \| `(WS_JW\w+)` \|/gm)];
  expect(rows.map((row) => row.slice(1))).toEqual(members.map((member) => member.slice(1)));
});

test('the table of refusals has all reasons of getStats(), in their order', () => {
  // One that verifies tokens has those of tokens too.
  const manager = newManager({ jwt: { secret: 'x'.repeat(32) } });
  const section = README.split(/^### /m).find((part) => part.startsWith('Refusals\n')) ?? '';
  const rows = [...section.matchAll(/^\| `(\w+)` \|/gm)].map((row) => row[1]);
  expect(rows).toEqual(Object.keys(manager.getStats().refusals));
});

/** Strings that look like codes to the test below, and do not leave the package. */
const INNER = new Set([
  // An engine's error, which `native-errors.ts` turns into one of kafkajs's.
  'KAFKA',
  // Facilities of librdkafka's log.
  'FAIL',
  'SSLCERTVRFY',
  // A kind of key (RFC 7518).
  'EC',
]);

test('every code that the package gives is in the tables of errors', () => {
  const files = ['lib', 'src', 'core/src'].flatMap((path) =>
    readdirSync(join(PACKAGE_ROOT, path), { recursive: true, encoding: 'utf8' })
      .filter((name) => /(?<!\btests)\.(ts|rs)$/.test(name))
      .map((name) => readFileSync(join(PACKAGE_ROOT, path, name), 'utf8')),
  );
  files.push(readFileSync(join(PACKAGE_ROOT, 'not-built.js'), 'utf8'));
  // Unit tests are at the end of a file, with codes of their own.
  const sources = files.map((file) => file.split('#[cfg(test)]\nmod tests {')[0]).join('\n');
  const given = sources.match(
    /(?<=["'])(ERR_[A-Z_]+|E(?!RROR\b)[A-Z]+)(?=["'])|(?<=: &str = ")[A-Z_]+(?=")/g,
  );
  const section = README.split(/^## /m).find((part) => part.startsWith('Errors')) ?? '';
  const told = section.match(/^\| `.*?` \|/gm)?.flatMap((cell) => cell.match(/[A-Z_]+/g) ?? []);
  expect(new Set(told)).toEqual(new Set(given?.filter((code) => !INNER.has(code))));
  expect([...INNER].filter((code) => !given?.includes(code))).toEqual([]);
});

/**
 * Each name that kafkajs's types export is exported here too, a value where it is one there, and stands for the
 * same: what is of our type fits where theirs is asked for, and the other way round.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const THEIRS = createRequire(import.meta.url).resolve('kafkajs/types/index.d.ts');
const OURS = join(ROOT, 'index.d.ts');

/** Where theirs do not fit where ours are asked for, and why. */
const EXCEPTIONS: Record<string, string> = {
  Kafka: 'it has private fields, which no other class can have',
  KafkaJSDeleteTopicRecordsError:
    "its `partitions` are not in kafkajs's types, though its errors have them",
};

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  skipLibCheck: true,
  types: ['node'],
  noEmit: true,
};

/** A program of both declarations, and of a file that need not exist. */
function programOf(text = ''): { program: ts.Program; file: ts.SourceFile } {
  const name = join(ROOT, '__test__', 'of-both.mts');
  const host = ts.createCompilerHost(OPTIONS);
  const { getSourceFile, fileExists } = host;
  host.getSourceFile = (path, version, ...more) =>
    path === name
      ? ts.createSourceFile(path, text, version)
      : getSourceFile.call(host, path, version, ...more);
  host.fileExists = (path) => path === name || fileExists.call(host, path);
  const program = ts.createProgram([THEIRS, OURS, name], OPTIONS, host);
  return { program, file: program.getSourceFile(name) as ts.SourceFile };
}

interface Exported {
  isValue: boolean;
  /** `<unknown>` where a type wants one to be named. */
  parameters: string;
  isClass: boolean;
}

function exportsOf(program: ts.Program, path: string): Map<string, Exported> {
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(path) as ts.SourceFile);
  const of = (found: ts.Symbol): Exported => {
    const aliased = (found.flags & ts.SymbolFlags.Alias) !== 0;
    const symbol = aliased ? checker.getAliasedSymbol(found) : found;
    const declared = symbol.declarations?.find(
      (it) => ts.isTypeAliasDeclaration(it) || ts.isInterfaceDeclaration(it),
    );
    const count = declared?.typeParameters?.length ?? 0;
    return {
      isValue: (symbol.flags & ts.SymbolFlags.Value) !== 0,
      isClass: (symbol.flags & ts.SymbolFlags.Class) !== 0,
      parameters: count === 0 ? '' : `<${Array(count).fill('any').join(', ')}>`,
    };
  };
  const symbols = checker.getExportsOfModule(module as ts.Symbol);
  return new Map(symbols.map((symbol) => [symbol.name, of(symbol)]));
}

const { program } = programOf();
const theirs = exportsOf(program, THEIRS);
const ours = exportsOf(program, OURS);
const names = [...theirs.keys()];

test('every name is there, and a value where it is one', () => {
  expect(names.length).toBeGreaterThan(150);
  expect(names.filter((name) => !ours.has(name))).toEqual([]);
  const values = names.filter((name) => theirs.get(name)?.isValue);
  expect(values.filter((name) => !ours.get(name)?.isValue)).toEqual([]);
});

test('types fit where those of the same name are asked for', { timeout: 60_000 }, () => {
  const lines = [
    `import type * as Theirs from '${THEIRS.replace('.d.ts', '.js')}';`,
    `import type * as Ours from '${OURS.replace('.d.ts', '.js')}';`,
  ];
  const first = lines.length;
  const checked = names.filter((name) => {
    const of = theirs.get(name) as Exported;
    return !of.isValue || of.isClass || /^[A-Z]\w*Types$|^ConfigSource$|^logLevel$/.test(name);
  });
  for (const name of checked) {
    const { parameters } = theirs.get(name) as Exported;
    const [their, our] = [`Theirs.${name}${parameters}`, `Ours.${name}${parameters}`];
    lines.push(`export const theirs_${name} = (ours: ${our}): ${their} => ours;`);
    lines.push(`export const ours_${name} = (theirs: ${their}): ${our} => theirs;`);
  }
  const { program, file } = programOf(lines.join('\n'));
  const faults = program.getSemanticDiagnostics(file).map(({ start, messageText }) => {
    const line = file.getLineAndCharacterOfPosition(start ?? 0).line - first;
    const text = ts.flattenDiagnosticMessageText(messageText, '\n');
    return { ours: line % 2 === 0, name: checked[line >> 1] ?? '', text };
  });
  const known = (fault: (typeof faults)[number]) => !fault.ours && fault.name in EXCEPTIONS;
  expect(faults.filter((it) => !known(it))).toEqual([]);
  expect(faults.filter(known).map(({ name }) => name)).toEqual(Object.keys(EXCEPTIONS));
});

test('constants fit as well', { timeout: 60_000 }, () => {
  const constants = ['Partitioners', 'PartitionAssigners', 'AssignerProtocol', 'CompressionCodecs'];
  const lines = constants.map(
    (name) => `export const ${name}: typeof Theirs.${name} = Ours.${name};`,
  );
  const { program, file } = programOf(
    [
      `import type * as Theirs from '${THEIRS.replace('.d.ts', '.js')}';`,
      `import * as Ours from '${OURS.replace('.d.ts', '.js')}';`,
      ...lines,
    ].join('\n'),
  );
  expect(
    program
      .getSemanticDiagnostics(file)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
  ).toEqual([]);
});

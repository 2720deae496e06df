// `npm run types`: writes index.d.ts and testing.d.ts from lib/. They are committed, so that a change of
// what users see is a change that reviewers see.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateDtsBundle } from 'dts-bundle-generator';
import { root } from './run.mjs';

const HEADER = '// Generated from lib/ by `npm run types`. Do not edit.\n\n';

// Also where a project names no types of its own, Node's EventEmitter and Buffer have to be known.
const NODE_TYPES = '/// <reference types="node" />\n\n';

/** The declaration files as lib/ and its compiled form in dist/ give them: name and text. */
export function generateTypes() {
  const [index] = generateDtsBundle(
    [
      {
        filePath: join(root, 'lib/index.ts'),
        output: { noBanner: true, exportReferencedTypes: false },
      },
    ],
    { preferredConfigPath: join(root, 'tsconfig.json') },
  );
  // The test kit's file imports nothing but './index.js', which beside index.d.ts means the same.
  const testing = readFileSync(join(root, 'dist/testing.d.ts'), 'utf8');
  return { 'index.d.ts': HEADER + NODE_TYPES + index, 'testing.d.ts': HEADER + testing };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of Object.entries(generateTypes())) writeFileSync(join(root, name), text);
}

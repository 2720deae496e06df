// The libraries that verify tokens, and whether they are there.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { buildProgram } from '../lib/loadgen.mjs';

const MODULES = path.resolve(import.meta.dirname, '../../node_modules');
const PACKAGE = 'messaging-verifier';

const rust = (id, title, library) => {
  return { id, title, library, isInstalled: () => true, command: () => [buildProgram(PACKAGE)] };
};

const npm = (name, title, algorithms) => {
  const file = path.join(import.meta.dirname, 'clients', `${name}.mjs`);
  const command = () => [process.execPath, file];
  const isInstalled = () => existsSync(path.join(MODULES, name));
  return { id: name, title, library: name, algorithms, isInstalled, command };
};

/** The first is compared with the others. `algorithms` are those that it has, by default all. */
export const VERIFIERS = [
  rust('messaging', '@libs/messaging', 'messaging'),
  npm('jose', 'npm jose'),
  npm('jsonwebtoken', 'npm jsonwebtoken', ['HS256', 'RS256', 'ES256']),
  rust('rust-jsonwebtoken', "Rust's jsonwebtoken", 'jsonwebtoken'),
];

/**
 * The option `jwt` and its variables where they cannot be: each throws when the manager is made, with a stable code and
 * the name at the start of the message, and shows nothing of a key.
 */
import type { WebSocketConfig } from '@libs/messaging';
import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { newManager } from './support/test-manager.js';
import { newIssuer, SECRET } from './support/tokens.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const [ec, rsa] = [await newIssuer('ES256', 'k1'), await newIssuer('RS256')];
const pem = { type: 'pkcs8', format: 'pem' } as const;
const privateKey = String(generateKeyPairSync('ed25519').privateKey.export(pem));
const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;

function complaint(config: WebSocketConfig): string {
  try {
    newManager(config);
  } catch (error) {
    const { code, message, name } = error as Error & { code: string };
    expect(name).toBe(code === 'ERR_INVALID_OPTION_TYPE' ? 'TypeError' : 'RangeError');
    return `${code} ${message}`;
  }
  return 'nothing was thrown';
}

const holdingItself: Record<string, unknown> = {};
holdingItself.keys = holdingItself;

test.for<[unknown, string]>([
  [true, 'TYPE jwt: must be an object, got type boolean'],
  ['secret', 'TYPE jwt: must be an object, got type string'],
  [5, 'TYPE jwt: must be an object, got type number'],
  [[], 'TYPE jwt: must be an object, got type array'],
  [() => null, 'TYPE jwt: must be an object, got type function'],
  [{ secret: SECRET, issuers: 'us' }, 'TYPE jwt: must be an object of secret, publicKey,'],
  [{}, 'RANGE jwt: nothing to verify tokens by'],
  [{ secret: '' }, 'RANGE jwt: nothing to verify tokens by'],
  [{ secret: 5 }, 'TYPE jwt.secret: must be a string or a Uint8Array, got type number'],
  [{ secret: new Uint16Array(64) }, 'TYPE jwt.secret: must be a string or a Uint8Array, got type'],
  [{ secret: 'x'.repeat(31) }, 'RANGE jwt.secret: must have at least 32 bytes'],
  [{ secret: rsa.pem }, 'RANGE jwt.secret: this is a key in PEM'],
  [{ secret: Buffer.from(rsa.pem) }, 'RANGE jwt.secret: this is a key in PEM'],
  [{ secret: SECRET, publicKey: rsa.pem }, 'RANGE jwt.publicKey: jwt.secret is given as well'],
  [{ publicKey: {} }, 'TYPE jwt.publicKey: must be a public key in PEM'],
  [{ publicKey: '/nowhere.pem' }, 'RANGE jwt.publicKey: must be a public key in PEM'],
  [{ publicKey: '/dev/zero' }, 'RANGE jwt.publicKey: must be a public key in PEM'],
  [{ publicKey: privateKey }, 'RANGE jwt.publicKey: this is a private key'],
  [
    { publicKey: String(small.export({ type: 'spki', format: 'pem' })) },
    'RANGE jwt.publicKey: an RSA key must have from 2048 to 8192 bits, this one has 1024',
  ],
  [{ jwks: 5 }, 'TYPE jwt.jwks: must be a JSON Web Key Set'],
  [{ jwks: ['https://a/keys'] }, 'TYPE jwt.jwks: must be a JSON Web Key Set'],
  [{ jwks: holdingItself }, 'TYPE jwt.jwks: must be a JSON Web Key Set'],
  [
    { jwks: {} },
    'RANGE jwt.jwks: must be a JSON Web Key Set, the path of a file with one, or { uri,',
  ],
  [{ jwks: { keys: 5 } }, 'RANGE jwt.jwks: not a JSON Web Key Set'],
  [{ jwks: { keys: [] } }, 'RANGE jwt.jwks: the key set has no key'],
  [
    { jwks: { keys: [ec.jwk, ec.jwk] } },
    'RANGE jwt.jwks: the key set has no key that a token could mean',
  ],
  [{ jwks: { uri: 5 } }, 'RANGE jwt.jwks: uri must be a string'],
  [{ jwks: { uri: 'ftp://issuer/keys' } }, 'RANGE jwt.jwks: must be a URL'],
  [{ jwks: { uri: 'http://issuer/keys' } }, 'RANGE jwt.jwks: must be a URL that begins with https'],
  [{ jwks: { uri: 'https://a:b@issuer/' } }, 'RANGE jwt.jwks: must have no user and password'],
  [{ jwks: { uri: 'https://a', cooldown: -1 } }, 'RANGE jwt.jwks.cooldown: must be an integer'],
  [{ jwks: { uri: 'https://a', cacheMaxAge: 0.5 } }, 'RANGE jwt.jwks.cacheMaxAge: must be an'],
  [{ jwks: { uri: 'https://a', cacheMaxAge: '5' } }, 'TYPE jwt.jwks.cacheMaxAge: must be an'],
  // For these JSON has no word.
  [
    { jwks: { uri: 'https://a', cooldown: Infinity } },
    'RANGE jwt.jwks.cooldown: must be an integer from 1 to 2147483647, got Infinity',
  ],
  [{ jwks: { uri: 'https://a', cacheMaxAge: -Infinity } }, 'RANGE jwt.jwks.cacheMaxAge: must be'],
  [{ jwks: { uri: 'https://a', cooldown: () => 5 } }, 'TYPE jwt.jwks.cooldown: must be an'],
  [{ secret: SECRET, algorithms: 'none' }, 'RANGE jwt.algorithms: none is never accepted'],
  [{ secret: SECRET, algorithms: ['RS256'] }, 'RANGE jwt.algorithms: RS256 does not fit the key'],
  [{ publicKey: ec.pem, algorithms: ['HS256'] }, 'RANGE jwt.algorithms: HS256 does not fit'],
  [{ jwks: { keys: [ec.jwk] }, algorithms: 'HS256' }, 'RANGE jwt.algorithms: HS256 does not fit'],
  [{ secret: SECRET, algorithms: [] }, 'RANGE jwt.algorithms: must not be empty'],
  [{ secret: SECRET, algorithms: [5] }, 'TYPE jwt.algorithms: must be names of algorithms'],
  [{ secret: SECRET, issuer: {} }, 'TYPE jwt.issuer: must be an issuer'],
  [{ secret: SECRET, audience: ['a', ''] }, 'RANGE jwt.audience: must not be empty'],
  [{ secret: SECRET, clockTolerance: 3601 }, 'RANGE jwt.clockTolerance: must be an integer'],
  [{ secret: SECRET, clockTolerance: '5' }, 'TYPE jwt.clockTolerance: must be an integer'],
  [{ secret: SECRET, userClaim: 5 }, "TYPE jwt.userClaim: must be a claim's name"],
  [{ secret: SECRET, sessionClaim: true }, "TYPE jwt.sessionClaim: must be a claim's name"],
])('%o: %s', ([jwt, expected]) => {
  const said = complaint({ jwt } as WebSocketConfig);
  expect(said.replace('ERR_INVALID_OPTION_', '').slice(0, expected.length)).toBe(expected);
  for (const key of [SECRET, 'xxxxx', privateKey.slice(30, 60), 'a:b@']) {
    expect(said).not.toContain(key);
  }
});

test.for([
  [{ WS_JWT_SECRET: 'short-secret' }, 'WS_JWT_SECRET: must have at least 32 bytes'],
  [{ WS_JWT_SECRET: SECRET, WS_JWKS_URL: 'https://a' }, 'WS_JWKS_URL: WS_JWT_SECRET is given'],
  [{ WS_JWT_PUBLIC_KEY: '/nowhere.pem' }, 'WS_JWT_PUBLIC_KEY: must be a public key'],
  [{ WS_JWKS_URL: 'http://issuer/keys' }, 'WS_JWKS_URL: must be a URL that begins with https'],
  [{ WS_JWT_ISSUER: 'us' }, 'WS_JWT_ISSUER: nothing to verify tokens by'],
  [{ WS_JWT_SECRET: SECRET, WS_JWT_ALGORITHMS: 'ES256' }, 'WS_JWT_ALGORITHMS: ES256 does not fit'],
  [{ WS_JWT_SECRET: SECRET, WS_JWT_AUDIENCE: 'a,' }, 'WS_JWT_AUDIENCE: must not be empty'],
  [{ WS_JWT_SECRET: SECRET, WS_JWT_CLOCK_TOLERANCE: 'x' }, 'WS_JWT_CLOCK_TOLERANCE: must be'],
  [
    { WS_JWKS_URL: 'https://a', WS_JWT_JWKS_CACHE_MAX_AGE: '1h' },
    'WS_JWT_JWKS_CACHE_MAX_AGE: must',
  ],
  [{ WS_JWKS_URL: 'https://a', WS_JWT_JWKS_COOLDOWN: '-1' }, 'WS_JWT_JWKS_COOLDOWN: must be'],
  [{ WS_JWT_JWKS_COOLDOWN: '1000' }, 'WS_JWT_JWKS_COOLDOWN: nothing to verify tokens by'],
] as [Record<string, string>, string][])('%o: %s', ([variables, expected]) => {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const said = complaint({});
  expect(said.slice(0, expected.length + 16)).toBe(`ERR_INVALID_ENV ${expected}`);
  expect(said).not.toContain('short-secret');
});

describe('beside the hook `authenticate`', () => {
  const authenticate = () => null;
  const rule = 'must not stand beside the option authenticate: one of them verifies';

  test('the option is refused', () => {
    const said = complaint({ authenticate, jwt: { secret: SECRET } });
    expect(said).toBe(`ERR_INVALID_OPTION_RANGE jwt: ${rule}`);
  });

  test('the variables are refused', () => {
    vi.stubEnv('WS_JWT_SECRET', SECRET);
    expect(complaint({ authenticate })).toBe(`ERR_INVALID_ENV WS_JWT_SECRET: ${rule}`);
  });
});

test.for([undefined, null])('%s is no option', (jwt) => {
  expect(() => newManager({ jwt })).not.toThrow();
});

test('an option may be inherited, and come from getters', () => {
  class Settings {
    get secret() {
      return SECRET;
    }
  }
  expect(() => newManager({ jwt: new Settings() })).not.toThrow();
});

/**
 * Options that are plain objects: a member that there is not is refused, since it would be a limit or a protection
 * that nobody gets. Options that there are not are let be (`options-invalid.test.ts`).
 */
import type { WebSocketConfig, WebSocketTls } from '@libs/messaging';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { Certificates } from './support/certificates.js';
import { newManager } from './support/test-manager.js';
import { newIssuer, SECRET } from './support/tokens.js';

const issuer = await newIssuer('ES256', 'k1');
const certificates = new Certificates();
const { cert, key } = certificates.signed('server', certificates.authority('ca'));

test.for<[object, string, string]>([
  [{ limits: { mesagesPerSecond: 5 } }, 'limits', 'mesagesPerSecond'],
  [{ limits: { perIP: true } }, 'limits', 'perIP'],
  [{ limits: { perIp: { connection: 5 } } }, 'limits.perIp', 'connection'],
  [{ authorize: { joinRoom: ['a'] } }, 'authorize', 'joinRoom'],
  [{ jwt: { secret: SECRET, audiance: 'chat' } }, 'jwt', 'audiance'],
  [{ jwt: { jwks: { uri: 'https://a/keys', coolDown: 5 } } }, 'jwt.jwks', 'coolDown'],
  [{ jwt: { jwks: { url: 'https://a/keys' } } }, 'jwt.jwks', 'url'],
  [{ jwt: { jwks: { uri: 'https://a/keys', keys: [] } } }, 'jwt.jwks', 'keys'],
  [{ tls: { cert, key, requestCerts: true } }, 'tls', 'requestCerts'],
  // Node's own options of TLS are no exception: without a word, a service would think it had them.
  [{ tls: { cert, key, ciphers: 'ECDHE-RSA-AES256-GCM-SHA384' } }, 'tls', 'ciphers'],
  [{ limits: Object.assign(Object.create(null), { burts: 5 }) }, 'limits', 'burts'],
  [{ limits: runInNewContext('({ burts: 5 })') }, 'limits', 'burts'],
  // It is no module's: that is an object.
  [{ limits: { default: 5 } }, 'limits', 'default'],
])('%o: refused by name', ([config, path, member]) => {
  const problem = expect.objectContaining({
    name: 'TypeError',
    code: 'ERR_INVALID_OPTION_TYPE',
    message: expect.stringMatching(
      new RegExp(`^${path}: must be an object of [\\w, ]+, got "${member}"$`),
    ),
  });
  expect(() => newManager(config as WebSocketConfig)).toThrow(problem);
});

/** An object as `import * as` gives it of a JSON file, on Node and from a compiler to CommonJS. */
const compiled = (members: object) => ({ __esModule: true, default: members, ...members });
const imported = (members: object) => import(`data:text/javascript,${exportsOf(members)}`);
const exportsOf = (members: object) =>
  Object.entries({ ...members, 'module.exports': members })
    .map(
      ([name, value], i) => `const m${i} = ${JSON.stringify(value)}; export { m${i} as '${name}' }`,
    )
    .concat(`export default ${JSON.stringify(members)}`)
    .join(';');

class Limits {
  _rooms = 5;
  get rooms() {
    return this._rooms;
  }
}

class KeyStore {
  _keys = [issuer.jwk];
  toJSON() {
    return { keys: this._keys };
  }
}

const { jwk } = issuer;
test.for<[string, object]>([
  [
    'a member that is undefined',
    { limits: { burts: undefined }, tls: { cert, key, ciphers: undefined } },
  ],
  ['a module of limits', { limits: await imported({ rooms: 5 }) }],
  ['a compiled module of limits', { limits: compiled({ rooms: 5 }) }],
  ['a class of limits', { limits: new Limits() }],
  [
    'a key set that has what its issuer likes',
    { jwt: { jwks: { keys: [{ ...jwk, shade: 'red' }], issuer: 'a' } } },
  ],
  ['a key set without a URI', { jwt: { jwks: { keys: [jwk], uri: undefined } } }],
  [
    'a URI without a key set',
    { jwt: { jwks: { keys: undefined, uri: 'https://a.invalid/keys' } } },
  ],
  ['a module of a key set', { jwt: { jwks: await imported({ keys: [jwk] }) } }],
  ['a class that stands for a key set', { jwt: { jwks: new KeyStore() } }],
  [
    'an object that stands for a key set',
    { jwt: { jwks: { _keys: [], toJSON: () => ({ keys: [jwk] }) } } },
  ],
  ['a certificate that does not show its key', { tls: { cert, key, toJSON: () => ({ cert }) } }],
])('%s is no misspelling', ([, config]) => {
  expect(() => newManager(config as WebSocketConfig)).not.toThrow();
});

describe('setSecureContext', () => {
  const refused = (message: RegExp) =>
    expect.objectContaining({
      name: 'TypeError',
      code: 'ERR_INVALID_OPTION_TYPE',
      message: expect.stringMatching(message),
    });

  test('refuses a part that there is not', () => {
    const manager = newManager({ tls: { cert, key } });
    const misspelt = { certificate: cert, key } as WebSocketTls;
    expect(() => manager.setSecureContext(misspelt)).toThrow(
      refused(/^tls: must be an object of .*, got "certificate"$/),
    );
  });

  test.for([undefined, null, {}, { cert: '' }])('refuses to replace nothing by %o', (tls) => {
    const manager = newManager({ tls: { cert, key } });
    expect(() => manager.setSecureContext(tls)).toThrow(
      refused(/^tls: nothing to replace anything by: give cert and key/),
    );
  });
});

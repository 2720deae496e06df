/**
 * Options that are objects: a member that there is not is refused, since it would be a limit or a protection that
 * nobody gets. Options that there are not are let be (`options-invalid.test.ts`).
 */
import type { WebSocketConfig, WebSocketTls } from '@libs/messaging';
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
  // Also one that is of no use yet.
  [{ limits: { burts: undefined } }, 'limits', 'burts'],
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

test('a key set may have whatever its issuer likes', () => {
  const jwks = { keys: [{ ...issuer.jwk, shade: 'red' }], issuer: 'https://a' };
  expect(() => newManager({ jwt: { jwks } })).not.toThrow();
});

test('members of classes are their own affair', () => {
  class Limits {
    get rooms() {
      return 5;
    }
  }
  expect(() => newManager({ limits: new Limits() })).not.toThrow();
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

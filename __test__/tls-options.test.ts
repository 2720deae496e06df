/**
 * The option `tls` and its environment: what is taken, and how each thing that cannot be is refused. No error
 * shows anything of a key.
 */
import { WebSocketManager, type WebSocketTls } from '@libs/messaging';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Certificates, PASSPHRASE } from './support/certificates.js';
import { httpServer } from './support/http-servers.js';
import { newManager, nextEvent } from './support/test-manager.js';
import { openWss } from './support/wss-client.js';

const certificates = new Certificates();
const ca = certificates.authority('ca');
const server = certificates.signed('server', ca);
const rsa = certificates.signed('rsa', ca, 'server', 'rsa');
const other = certificates.signed('other', ca);
const between = certificates.signed('between', ca, 'authority');
const leaf = certificates.signed('leaf', between);
const { cert, key } = server;

const ENCRYPTED = certificates.keyAs(server, 'pkcs8 -topk8 -v2 aes-256-cbc');
const GARBLED = key.replace(/\n(.{20})/, '\n!!!!$1');

afterEach(() => {
  vi.unstubAllEnvs();
});

const withTls = (tls: unknown) => newManager({ tls: tls as WebSocketTls });

/** What making a manager throws. Nothing of any key may be in it. */
function errorOf(make: () => unknown): { name: string; code: string; message: string } {
  try {
    make();
  } catch (error) {
    const { name, code, message, stack } = error as Error & { code: string };
    for (const secret of [key, ENCRYPTED, GARBLED, rsa.key, other.key]) {
      for (const line of secret.split('\n').slice(1, 3)) expect(stack).not.toContain(line);
    }
    expect(stack).not.toContain(PASSPHRASE);
    return { name, code, message };
  }
  throw new Error('nothing was thrown');
}

describe('what is taken', () => {
  const forms: [string, WebSocketTls][] = [
    ['strings', { cert, key }],
    ['Buffers', { cert: Buffer.from(cert), key: Buffer.from(key) }],
    ['an RSA key', { cert: rsa.cert, key: rsa.key }],
    ['an RSA key as PKCS#1', { cert: rsa.cert, key: certificates.keyAs(rsa, 'rsa -traditional') }],
    [
      'a key as SEC 1, behind its parameters',
      { cert, key: certificates.keyAs(server, 'ec -param_enc named_curve') },
    ],
    // The client knows the authority of the second one only.
    ['a chain', { cert: leaf.cert + between.cert, key: leaf.key }],
    ['certificate and key in one text', { cert: key + cert, key: cert + key }],
    ['an encrypted key (PKCS#8)', { cert, key: ENCRYPTED, passphrase: PASSPHRASE }],
    [
      'an encrypted key of old',
      {
        cert,
        key: certificates.keyAs(server, 'ec -aes128'),
        passphrase: PASSPHRASE,
      },
    ],
    [
      'an encrypted key with 3DES',
      {
        cert,
        key: certificates.keyAs(server, 'pkcs8 -topk8 -v2 des3 -v2prf hmacWithSHA1'),
        passphrase: PASSPHRASE,
      },
    ],
    ['a passphrase for a key that needs none', { cert, key, passphrase: 'unused' }],
    [
      'nothing for what may be missing',
      {
        ...{ cert, key, passphrase: '', minVersion: undefined, requestCert: undefined },
        ca: undefined,
      },
    ],
  ];

  test.for(forms)('%s', async ([, tls]) => {
    const manager = withTls(tls);
    await manager.ready();
    await openWss(manager, { ca: ca.cert });
    expect(manager.getConnectionCount()).toBe(1);
  });

  test.for([
    ['an expired certificate', certificates.expired(server), 'ERR_TLS_EXPIRED', 'has expired'],
    ['one of the future', certificates.future(server), 'ERR_TLS_NOT_YET_VALID', 'is not valid yet'],
  ] as const)('%s, with a warning', async ([, cert, code, what]) => {
    // Whose users are verified: else that would be the first warning.
    const manager = newManager({ tls: { cert, key }, authenticate: () => null });
    const [warning] = await nextEvent(manager, 'warning');
    expect(warning).toEqual({ code, message: `tls.cert: the certificate ${what}` });
    await openWss(manager, { rejectUnauthorized: false });
  });
});

const TYPE = ['TypeError', 'ERR_INVALID_OPTION_TYPE'] as const;
const RANGE = ['RangeError', 'ERR_INVALID_OPTION_RANGE'] as const;

describe('what is not', () => {
  const bad: [string, unknown, string, string, string][] = [
    ['no object', true, ...TYPE, 'tls'],
    ['a string', cert, ...TYPE, 'tls'],
    ['a list', [], ...TYPE, 'tls'],
    ['nothing in it', {}, ...TYPE, 'tls.cert'],
    ['no key', { cert }, ...TYPE, 'tls.key'],
    ['no certificate', { key }, ...TYPE, 'tls.cert'],
    ['a certificate that is a number', { cert: 5, key }, ...TYPE, 'tls.cert'],
    ['a list of certificates', { cert: [cert], key }, ...TYPE, 'tls.cert'],
    ['a key that is an object', { cert, key: {} }, ...TYPE, 'tls.key'],
    ['a passphrase that is a number', { cert, key, passphrase: 5 }, ...TYPE, 'tls.passphrase'],
    ['minVersion as a number', { cert, key, minVersion: 1.2 }, ...TYPE, 'tls.minVersion'],
    ['an older minVersion', { cert, key, minVersion: 'TLSv1.1' }, ...RANGE, 'tls.minVersion'],
    ['requestCert as a string', { cert, key, requestCert: 'yes' }, ...TYPE, 'tls.requestCert'],
    ['requestCert without ca', { cert, key, requestCert: true }, ...TYPE, 'tls.ca'],
    ['ca with what is no text', { cert, key, ca: [ca.cert, 5] }, ...TYPE, 'tls.ca'],
    ['a key of another', { cert, key: other.key }, 'Error', 'ERR_TLS_KEY_MISMATCH', 'tls.key'],
    ['a key of another kind', { cert, key: rsa.key }, 'Error', 'ERR_TLS_KEY_MISMATCH', 'tls.key'],
    ['no PEM for a certificate', { cert: 'x', key }, 'Error', 'ERR_TLS_CERTIFICATE', 'tls.cert'],
    ['a key for a certificate', { cert: key, key }, 'Error', 'ERR_TLS_CERTIFICATE', 'tls.cert'],
    [
      'a garbled certificate',
      { cert: cert.replace(/\n.{30}/, '\n'), key },
      ...(['Error', 'ERR_TLS_CERTIFICATE', 'tls.cert'] as const),
    ],
    ['no PEM for a key', { cert, key: 'x' }, 'Error', 'ERR_TLS_KEY', 'tls.key'],
    ['a certificate for a key', { cert, key: cert }, 'Error', 'ERR_TLS_KEY', 'tls.key'],
    ['a garbled key', { cert, key: GARBLED }, 'Error', 'ERR_TLS_KEY', 'tls.key'],
    ['no passphrase', { cert, key: ENCRYPTED }, 'Error', 'ERR_TLS_PASSPHRASE', 'tls.key'],
    [
      'a wrong passphrase',
      { cert, key: ENCRYPTED, passphrase: 'wrong' },
      ...(['Error', 'ERR_TLS_PASSPHRASE', 'tls.key'] as const),
    ],
    [
      'an endless passphrase',
      { cert, key: ENCRYPTED, passphrase: 'x'.repeat(100_000) },
      ...(['Error', 'ERR_TLS_PASSPHRASE', 'tls.key'] as const),
    ],
    ['no PEM for an authority', { cert, key, ca: 'x' }, 'Error', 'ERR_TLS_CA', 'tls.ca'],
    ['keys for authorities', { cert, key, ca: [key, key] }, 'Error', 'ERR_TLS_CA', 'tls.ca'],
  ];

  test.for(bad)('%s', ([, tls, name, code, path]) => {
    const error = errorOf(() => withTls(tls));
    expect(error).toMatchObject({ name, code });
    expect(error.message).toMatch(new RegExp(`^${path.replace('.', '\\.')}: `));
  });

  test("with a server of the host's own", async () => {
    const http = await httpServer();
    const tls = { cert, key };
    const error = errorOf(() => WebSocketManager.fromHttpServer(http, { tls }));
    expect(error).toMatchObject({ name: 'Error', code: 'ERR_TLS_ATTACHED' });
    // Nothing of the attempt has stayed.
    WebSocketManager.fromHttpServer(http).close();
  });
});

describe('the environment', () => {
  /** Sets variables whose names begin with `WS_TLS_`. */
  function stub(variables: Record<string, string>) {
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(`WS_TLS_${name}`, value);
  }
  const PATHS = { CERT: server.certPath, KEY: server.keyPath };

  test('has the paths of certificate and key', async () => {
    stub(PATHS);
    const manager = newManager();
    await manager.ready();
    await openWss(manager, { ca: ca.cert });
  });

  test('has all the rest too', async () => {
    const client = certificates.signed('client', ca, 'client');
    stub({
      ...{ CERT: server.certPath, KEY: certificates.write('encrypted.key', ENCRYPTED) },
      ...{ PASSPHRASE, CA: ca.certPath, REQUEST_CERT: 'true', MIN_VERSION: 'TLSv1.3' },
    });
    const manager = newManager();
    await manager.ready();
    const own = { cert: client.cert, key: client.key };
    await expect(openWss(manager, { ca: ca.cert })).rejects.toThrow();
    const old = { ca: ca.cert, ...own, maxVersion: 'TLSv1.2' } as const;
    await expect(openWss(manager, old)).rejects.toThrow();
    await openWss(manager, { ca: ca.cert, ...own });
  });

  test.for([
    ['1', true],
    ['TRUE', true],
    ['0', false],
    ['False', false],
  ] as const)('asks for certificates of clients by %s: %s', async ([value, asked]) => {
    stub({ ...PATHS, CA: ca.certPath, REQUEST_CERT: value });
    const manager = newManager();
    await manager.ready();
    const opened = openWss(manager, { ca: ca.cert });
    if (asked) await expect(opened).rejects.toThrow();
    else await opened;
  });

  test('comes behind the option, part by part', async () => {
    stub({ CERT: '/nowhere', KEY: '/nowhere', MIN_VERSION: 'TLSv1.3' });
    const manager = withTls({ cert, key });
    await manager.ready();
    await expect(openWss(manager, { ca: ca.cert, maxVersion: 'TLSv1.2' })).rejects.toThrow();
    await openWss(manager, { ca: ca.cert });
  });

  test('means plain ws:// where its variables are empty', () => {
    stub({ CERT: '', KEY: '', CA: '', PASSPHRASE: '', MIN_VERSION: '', REQUEST_CERT: '' });
    expect(() => newManager()).not.toThrow();
  });

  test("does not count for a server of the host's own", async () => {
    stub({ CERT: '/nowhere' });
    WebSocketManager.fromHttpServer(await httpServer()).close();
  });

  const bad: [string, Record<string, string>, string][] = [
    ['a certificate alone', { CERT: server.certPath }, 'WS_TLS_KEY'],
    ['a key alone', { KEY: server.keyPath }, 'WS_TLS_CERT'],
    // Who asks for certificates of clients must not get a server without any protection.
    ['certificates of clients alone', { REQUEST_CERT: 'true' }, 'WS_TLS_CERT'],
    ['a file that is not there', { ...PATHS, KEY: '/nowhere/key.pem' }, 'WS_TLS_KEY'],
    ['a folder', { ...PATHS, CERT: '/' }, 'WS_TLS_CERT'],
    ['the key in the place of its path', { ...PATHS, KEY: key }, 'WS_TLS_KEY'],
    ['yes for true', { ...PATHS, CA: ca.certPath, REQUEST_CERT: 'yes' }, 'WS_TLS_REQUEST_CERT'],
    ['an unknown version', { ...PATHS, MIN_VERSION: '1.3' }, 'WS_TLS_MIN_VERSION'],
    [
      'certificates of clients without authorities',
      { ...PATHS, REQUEST_CERT: 'true' },
      'WS_TLS_CA',
    ],
  ];

  test.for(bad)('%s: ERR_INVALID_ENV', ([, variables, name]) => {
    stub(variables);
    const error = errorOf(() => newManager());
    expect(error).toMatchObject({ name: 'RangeError', code: 'ERR_INVALID_ENV' });
    expect(error.message).toMatch(new RegExp(`^${name}: must be `));
  });

  test('a file with the wrong key is told by its variable', () => {
    stub({ ...PATHS, KEY: other.keyPath });
    expect(errorOf(() => newManager())).toEqual({
      name: 'Error',
      code: 'ERR_TLS_KEY_MISMATCH',
      message: 'WS_TLS_KEY: the private key does not match the certificate of WS_TLS_CERT',
    });
  });
});

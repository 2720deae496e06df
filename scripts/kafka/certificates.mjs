// The certificates of a broker in tests: an authority, the broker's, a client's, and an authority that neither knows.

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const NEW_KEY = ['-newkey', 'rsa:2048', '-nodes'];
const AUTHORITY = [
  ...['-addext', 'basicConstraints=critical,CA:TRUE'],
  ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
];
const BROKER =
  'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n';
const CLIENT = 'extendedKeyUsage=clientAuth\n';

/** Makes them in `folder`, valid for a day, and returns the paths of their PEM files. */
export async function makeCertificates(folder) {
  const path = (name) => join(folder, name);
  const openssl = (...args) => promisify(execFile)('openssl', args);

  async function authority(name) {
    const files = ['-keyout', path(`${name}.key`), '-out', path(`${name}.pem`)];
    const subject = ['-days', '1', '-subj', `/CN=${name}`];
    await openssl('req', '-x509', ...NEW_KEY, ...files, ...subject, ...AUTHORITY);
  }

  async function signed(name, subject, extensions) {
    const [key, request, file] = [path(`${name}.key`), path(`${name}.csr`), path(`${name}.ext`)];
    await writeFile(file, extensions);
    await openssl('req', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', subject);
    const by = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-set_serial', `${serial++}`];
    const out = ['-days', '1', '-extfile', file, '-out', path(`${name}.pem`)];
    await openssl('x509', '-req', '-in', request, ...by, ...out);
  }

  let serial = 1;
  await Promise.all([authority('ca'), authority('other-ca')]);
  await Promise.all([
    signed('broker', '/CN=localhost', BROKER),
    signed('client', '/CN=client', CLIENT),
  ]);
  // Kafka takes the key and its certificate from one file.
  const parts = [path('broker.key'), path('broker.pem')].map((file) => readFile(file, 'utf8'));
  await writeFile(path('broker.both.pem'), (await Promise.all(parts)).join(''));
  return {
    ca: path('ca.pem'),
    otherCa: path('other-ca.pem'),
    clientCert: path('client.pem'),
    clientKey: path('client.key'),
    broker: path('broker.both.pem'),
  };
}

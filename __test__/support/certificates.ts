/**
 * Certificates for tests of TLS, made anew by openssl, since a key does not belong into a repository.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A certificate and its key in PEM, and the paths of both. */
export interface Identity {
  cert: string;
  key: string;
  certPath: string;
  keyPath: string;
}

/** What encrypted keys are encrypted with. */
export const PASSPHRASE = 'correct horse';

const EXTENSIONS = {
  server: 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n',
  client: 'extendedKeyUsage=clientAuth\n',
  authority: 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n',
};

/** A folder of certificates, which is gone after the suite. */
export class Certificates {
  readonly #folder = mkdtempSync(join(tmpdir(), 'messaging-tls-'));

  constructor() {
    afterAll(() => rmSync(this.#folder, { recursive: true }));
  }

  path(name: string): string {
    return join(this.#folder, name);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  /** An authority of its own making. */
  authority(name: string): Identity {
    this.#openssl('req -x509 -days 2', [
      ...this.#newKey(name, 'ec'),
      ...['-out', this.path(`${name}.pem`), '-subj', `/CN=${name}`],
      ...['-addext', 'basicConstraints=critical,CA:TRUE'],
      ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
    ]);
    return this.#identity(name);
  }

  /** A certificate that the authority has signed. */
  signed(
    name: string,
    by: Identity,
    use: keyof typeof EXTENSIONS = 'server',
    kind: 'ec' | 'rsa' = 'ec',
    about: { subject?: string; names?: string } = {},
  ): Identity {
    const { subject, names } = about;
    const extensions = names === undefined ? '' : `subjectAltName=${names}\n`;
    const file = this.write(`${name}.ext`, EXTENSIONS[use] + extensions);
    return this.#sign(name, by, kind, ['-extfile', file], subject);
  }

  /** A certificate of X.509 version 1, which has no extensions. */
  versionOne(name: string, by: Identity): Identity {
    return this.#sign(name, by, 'ec', []);
  }

  /** The certificate of a key that was valid in 2020. */
  expired(key: Identity): string {
    return this.#dated(key, '20200101000000Z', '20200102000000Z');
  }

  /** The certificate of a key that will be valid in 2090. */
  future(key: Identity): string {
    return this.#dated(key, '20900101000000Z', '20900102000000Z');
  }

  #dated(key: Identity, start: string, end: string): string {
    const config = '[ca]\ndefault_ca=d\n[d]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\n';
    this.write('index', '');
    this.write('ca.conf', `${config}policy=p\n[p]\ncommonName=supplied\n`);
    this.#openssl('req -new -out old.csr -subj /CN=localhost', ['-key', key.keyPath]);
    const dates = ['-startdate', start, '-enddate', end];
    this.#openssl('ca -batch -selfsign -notext -md sha256 -config ca.conf -in old.csr', [
      ...['-keyfile', key.keyPath, '-out', 'old.pem'],
      ...dates,
    ]);
    return this.read('old.pem');
  }

  /** The key in another form, as openssl writes it with these arguments. */
  keyAs(key: Identity, args: string): string {
    this.#openssl(`${args} -in ${key.keyPath} -out form.key -passout`, [`pass:${PASSPHRASE}`]);
    return this.read('form.key');
  }

  #sign(
    name: string,
    by: Identity,
    kind: 'ec' | 'rsa',
    extensions: string[],
    subject = `/CN=${name}`,
  ): Identity {
    const request = ['-out', this.path(`${name}.csr`), '-subj', subject];
    this.#openssl('req -new', [...this.#newKey(name, kind), ...request]);
    this.#openssl('x509 -req -days 2', [
      ...['-in', this.path(`${name}.csr`), '-out', this.path(`${name}.pem`)],
      ...['-CA', by.certPath, '-CAkey', by.keyPath, '-CAcreateserial'],
      ...extensions,
    ]);
    return this.#identity(name);
  }

  #newKey(name: string, kind: 'ec' | 'rsa'): string[] {
    const kinds = {
      ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
      rsa: ['-newkey', 'rsa:2048'],
    };
    return [...kinds[kind], '-nodes', '-keyout', this.path(`${name}.key`)];
  }

  #identity(name: string): Identity {
    const [certPath, keyPath] = [this.path(`${name}.pem`), this.path(`${name}.key`)];
    return { cert: this.read(`${name}.pem`), key: this.read(`${name}.key`), certPath, keyPath };
  }

  #openssl(command: string, args: string[]): void {
    const all = [...command.split(' '), ...args];
    execFileSync('openssl', all, { cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] });
  }
}

// An Apache Kafka of the tests' own: a fresh one with every kind of listener, in one process, which ends with the
// process that started it. It needs Java 17 or later and openssl, and Maven for the first time.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCertificates } from './certificates.mjs';
import { fetchJars, JARS } from './jars.mjs';
import { freePorts } from './ports.mjs';
import { LISTENERS, scramArguments, serverProperties, USERS } from './settings.mjs';

/** A machine that also compiles is slow. */
const PATIENCE = 120_000;
const READY = 'Kafka Server started';
const CLUSTER_ID = 'bWVzc2FnaW5nLXRlc3RzLg';

const JVM = ['-Xms64m', '-Xmx256m', '-XX:MaxDirectMemorySize=256m', '-XX:+UseSerialGC'];
const LOGGING = [
  ...['showDateTime=true', 'dateTimeFormat=HH:mm:ss.SSS', 'logFile=System.out'],
  // Hundreds of lines with each start.
  'log.org.apache.kafka.common.config.AbstractConfig=warn',
];
const JAVA = [
  ...JVM,
  ...LOGGING.map((setting) => `-Dorg.slf4j.simpleLogger.${setting}`),
  ...['-Djava.net.preferIPv4Stack=true', '-cp', join(JARS, '*')],
];

/**
 * Starts a broker with an empty data folder. It does not keep this process alive.
 *
 * @param {{
 *   properties?: Record<string, string | number | boolean>,
 *   jvm?: string[],
 * }} options `properties`: more lines of `server.properties`; `jvm`: more arguments of Java.
 */
export async function startBroker({ properties = {}, jvm = [] } = {}) {
  await fetchJars();
  const folder = await mkdtemp(join(tmpdir(), 'messaging-kafka-'));
  const java = new GuardedJava(folder);
  try {
    const names = [...Object.keys(LISTENERS), 'controller'];
    const [certificates, numbers] = await Promise.all([
      makeCertificates(folder),
      freePorts(names.length),
    ]);
    const ports = Object.fromEntries(names.map((name, index) => [name, numbers[index]]));
    const config = join(folder, 'server.properties');
    const data = join(folder, 'data');
    await writeFile(config, serverProperties({ ports, data, certificates, more: properties }));
    await java.finish([
      ...[...JAVA, 'kafka.tools.StorageTool', 'format', '--cluster-id', CLUSTER_ID],
      ...['--config', config, ...scramArguments()],
    ]);
    await java.serve([...JAVA, ...jvm, 'kafka.Kafka', config]);
    return new Broker(java, ports, certificates);
  } catch (failure) {
    await java.stop();
    throw failure;
  }
}

class Broker {
  #java;

  constructor(java, ports, { ca, otherCa, clientCert, clientKey }) {
    this.#java = java;
    /** `host:port` of each listener: `plaintext`, `ssl`, `saslPlaintext`, `saslSsl`, `mtls`. */
    this.brokers = Object.fromEntries(
      Object.entries(LISTENERS).map(([key, { host }]) => [key, `${host}:${ports[key]}`]),
    );
    /** `{ username, password }` by mechanism: `plain`, `scram-sha-256`, `scram-sha-512`. */
    this.users = USERS;
    /** Paths of PEM files. `otherCa` is one that the broker's certificate is not of. */
    Object.assign(this, { ca, otherCa, clientCert, clientKey });
  }

  /** The process id of Java, undefined while the broker is down. */
  get pid() {
    return this.#java.pid;
  }

  /** What the broker logged until now. */
  log() {
    return this.#java.log();
  }

  /** Ends the broker's process and resolves when it has ended. Its data and ports stay for `restart()`. */
  kill(signal = 'SIGKILL') {
    return this.#java.kill(signal);
  }

  /** Starts the broker again with its data and ports, and ends it in order before, if it runs. */
  async restart() {
    await this.#java.kill('SIGTERM');
    await this.#java.serve();
  }

  /** Ends the broker for good and removes its data. */
  stop() {
    return this.#java.stop();
  }
}

/** One Java at a time in a folder that goes with it, both in the care of `guard.mjs`. */
class GuardedJava {
  pid;
  #folder;
  #guard;
  #gone;
  #ready = Promise.resolve();
  #ended = Promise.resolve('not started');
  #service;

  constructor(folder) {
    this.#folder = folder;
    const guard = fileURLToPath(new URL('guard.mjs', import.meta.url));
    // In a group of its own: it goes on after this process until it has cleaned up.
    this.#guard = fork(guard, [folder], { detached: true, execArgv: [], stdio: 'ignore' });
    this.#gone = once(this.#guard, 'exit').then(([code]) => {
      // It ends by itself when Java has ended; but somebody may have killed it.
      if (code !== 0 && this.pid !== undefined) process.kill(this.pid, 'SIGKILL');
      this.pid = undefined;
    });
    this.#holdWhile(Promise.resolve());
  }

  /** Runs Java to its end. */
  async finish(args) {
    this.#start(args);
    const end = await this.#holdWhile(this.#ended);
    if (end !== 'exit code 0') throw await this.#failure(args, end);
  }

  /** Runs Java until it says that it serves. Without arguments: once more what it served before. */
  async serve(args = this.#service) {
    this.#service = args;
    this.#start(args);
    const ended = this.#ended.then(async (end) => Promise.reject(await this.#failure(args, end)));
    await this.#holdWhile(Promise.race([this.#ready, ended]));
  }

  /** Resolves when Java has ended. */
  async kill(signal) {
    if (this.pid === undefined) return;
    process.kill(this.pid, signal);
    await this.#holdWhile(this.#ended);
  }

  async stop() {
    if (this.#guard.connected) this.#guard.disconnect();
    await this.#holdWhile(this.#gone);
  }

  log() {
    return readFile(join(this.#folder, 'broker.log'), 'utf8').catch(() => '');
  }

  #start(args) {
    if (!this.#guard.connected) throw new Error('The broker has been stopped.');
    this.#ready = new Promise((resolve) => {
      this.#ended = new Promise((end) => {
        const listen = (message) => {
          if (message.pid) this.pid = message.pid;
          if (message.ready) resolve();
          if (!message.ended) return;
          this.pid = undefined;
          this.#guard.off('message', listen);
          end(message.ended);
        };
        this.#guard.on('message', listen);
      });
    });
    this.#guard.send({ args, ready: READY });
  }

  /** Waits with this process kept alive for it, which the guard alone does not do. */
  async #holdWhile(promise) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('The broker took too long.')), PATIENCE);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
      this.#guard.unref();
      this.#guard.channel?.unref();
    }
  }

  async #failure(args, end) {
    const log = (await this.log()).split('\n').slice(-40).join('\n');
    return new Error(`Java (${args.at(-1)}) ended with ${end}. The end of its log:\n${log}`);
  }
}

// What a broker in tests is told: one process that is broker and controller (KRaft), with every kind of listener.

/** A listener for each way to come in. All are on loopback; certificates are made for `localhost`. */
export const LISTENERS = {
  plaintext: { name: 'PLAINTEXT', protocol: 'PLAINTEXT', host: '127.0.0.1' },
  ssl: { name: 'SSL', protocol: 'SSL', host: 'localhost' },
  saslPlaintext: { name: 'SASL_PLAINTEXT', protocol: 'SASL_PLAINTEXT', host: '127.0.0.1' },
  saslSsl: { name: 'SASL_SSL', protocol: 'SASL_SSL', host: 'localhost' },
  mtls: { name: 'MTLS', protocol: 'SSL', host: 'localhost' },
};

/** Who may log in, by mechanism. A name is known to its own mechanism only. */
export const USERS = {
  plain: { username: 'plain-user', password: 'plain-secret' },
  'scram-sha-256': { username: 'scram-256-user', password: 'scram-256-secret' },
  'scram-sha-512': { username: 'scram-512-user', password: 'scram-512-secret' },
};

/** A token for `oauthbearer`, good for so many seconds. */
export function tokenOf(seconds, subject = 'token-user') {
  const now = Date.now() / 1000;
  const part = (it) => Buffer.from(JSON.stringify(it)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now, exp: now + seconds })}.`;
}

const MECHANISMS = 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER';
const LOGIN = 'org.apache.kafka.common.security';

/** The arguments by which the storage tool learns of the SCRAM users, which live in the metadata's log. */
export function scramArguments() {
  return ['scram-sha-256', 'scram-sha-512'].flatMap((mechanism) => {
    const { username, password } = USERS[mechanism];
    return ['--add-scram', `${mechanism.toUpperCase()}=[name=${username},password=${password}]`];
  });
}

/** The text of `server.properties`. `ports` has one for each listener, and `controller`; `more` comes last. */
export function serverProperties({ ports, data, certificates, more }) {
  const listeners = Object.entries(LISTENERS);
  const list = (each) => listeners.map(each).join(',');
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: `${list(([key, { name }]) => `${name}://127.0.0.1:${ports[key]}`)},CONTROLLER://127.0.0.1:${ports.controller}`,
    'advertised.listeners': list(([key, { name, host }]) => `${name}://${host}:${ports[key]}`),
    'listener.security.protocol.map': `${list(([, { name, protocol }]) => `${name}:${protocol}`)},CONTROLLER:PLAINTEXT`,
    'log.dirs': data,

    // Alone, and small.
    'num.partitions': 1,
    'default.replication.factor': 1,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 5,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 5,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'min.insync.replicas': 1,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    'log.cleaner.dedupe.buffer.size': 4_194_304,
    'log.segment.bytes': 104_857_600,
    'message.max.bytes': 10_485_760,

    // As clients of tests expect it: topics by use, groups without a wait.
    'auto.create.topics.enable': true,
    'group.initial.rebalance.delay.ms': 0,
    // A broker that was killed can be back when its controller has given up the one before.
    'broker.heartbeat.interval.ms': 500,
    'broker.session.timeout.ms': 3000,
    'group.min.session.timeout.ms': 1000,

    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
    'allow.everyone.if.no.acl.found': true,

    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': certificates.broker,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': certificates.ca,
    'listener.name.ssl.ssl.client.auth': 'none',
    'listener.name.sasl_ssl.ssl.client.auth': 'none',
    'listener.name.mtls.ssl.client.auth': 'required',
    'sasl.enabled.mechanisms': MECHANISMS,
    ...saslOf('sasl_plaintext'),
    ...saslOf('sasl_ssl'),
    ...more,
  };
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}`);
  return `${lines.join('\n')}\n`;
}

function saslOf(listener) {
  const { username, password } = USERS.plain;
  const of = `listener.name.${listener}`;
  return {
    [`${of}.sasl.enabled.mechanisms`]: MECHANISMS,
    [`${of}.plain.sasl.jaas.config`]: `${LOGIN}.plain.PlainLoginModule required user_${username}="${password}";`,
    [`${of}.scram-sha-256.sasl.jaas.config`]: `${LOGIN}.scram.ScramLoginModule required;`,
    [`${of}.scram-sha-512.sasl.jaas.config`]: `${LOGIN}.scram.ScramLoginModule required;`,
    // Takes any token that is not signed and not expired: see `tokenOf`.
    [`${of}.oauthbearer.sasl.jaas.config`]: `${LOGIN}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
  };
}

// Tokens signed by node:crypto, which is none of the contestants.
import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const TOKENS = 256;
const ISSUER = 'https://issuer.example.com/';
const AUDIENCE = 'https://api.example.com';

/** A key, tokens of different users signed with it, and some that must be refused. */
export function makeTokens(algorithm) {
  const { key, signature } = signer(algorithm);
  const token = (claims, name = algorithm) => {
    const parts = [{ alg: name, typ: 'JWT' }, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    const message = parts.join('.');
    return `${message}.${signature(Buffer.from(message)).toString('base64url')}`;
  };
  const now = Math.floor(Date.now() / 1000);
  const claims = (user) => ({
    ...{
      iss: ISSUER,
      sub: user,
      aud: [AUDIENCE, `${ISSUER}userinfo`],
      iat: now,
      exp: now + 86_400,
    },
    ...{ sid: randomBytes(16).toString('hex'), scope: 'openid profile email' },
  });
  const users = Array.from({ length: TOKENS }, (_, index) => `auth0|user-${index}`);
  const good = users.map((user) => token(claims(user)));
  const [header, payload, signed] = good[0].split('.');
  const bad = [
    token({ ...claims('late'), exp: now - 1 }),
    token({ ...claims('wrong'), iss: 'https://other.example.com/' }),
    token({ ...claims('wrong'), aud: 'other' }),
    token(claims('none'), 'none'),
    `${header}.${payload}.${good[1].split('.')[2]}`,
    `${header}.${good[1].split('.')[1]}.${signed}`,
  ];
  return { algorithm, key, issuer: ISSUER, audience: AUDIENCE, tokens: good, users, bad };
}

function signer(algorithm) {
  if (algorithm === 'HS256') {
    const key = randomBytes(32).toString('hex');
    return { key, signature: (message) => createHmac('sha256', key).update(message).digest() };
  }
  const { publicKey, privateKey } = keyPair(algorithm);
  const options = { key: privateKey, dsaEncoding: 'ieee-p1363' };
  const hash = algorithm === 'EdDSA' ? null : 'sha256';
  return {
    key: publicKey.export({ type: 'spki', format: 'pem' }),
    signature: (message) => sign(hash, message, options),
  };
}

function keyPair(algorithm) {
  if (algorithm === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return generateKeyPairSync('ed25519');
}

import { importSPKI, jwtVerify } from 'jose';
import { measure, order } from './measure.mjs';

const { algorithm, key: text, issuer, audience } = order;

// A CryptoKey: bytes would be imported again for each token.
const key =
  algorithm === 'HS256'
    ? await crypto.subtle.importKey(
        'raw',
        Buffer.from(text),
        { name: 'HMAC', hash: 'SHA-256' },
        false,
        ['verify'],
      )
    : await importSPKI(text, algorithm);

const options = { issuer, audience, algorithms: [algorithm] };
const verify = async (token) => (await jwtVerify(token, key, options)).payload;

// All at once, since WebCrypto's threads can then work on some while others are read.
await measure(verify, (tokens) => Promise.all(tokens.map(verify)));

import { createPublicKey, createSecretKey } from 'node:crypto';
import jsonwebtoken from 'jsonwebtoken';
import { measure, order } from './measure.mjs';

const { algorithm, key: text, issuer, audience } = order;

// A KeyObject: a text would be parsed again for each token.
const key = algorithm === 'HS256' ? createSecretKey(Buffer.from(text)) : createPublicKey(text);

const options = { issuer, audience, algorithms: [algorithm] };
const verify = (token) => jsonwebtoken.verify(token, key, options);

await measure(verify, (tokens) => tokens.map(verify));

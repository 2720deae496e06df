/**
 * Tokens that are refused, and as what: for `jwt.test.ts` and the table of docs/bad-input.md.
 */
import { createHmac } from 'node:crypto';
import { assemble, inSeconds, newIssuer } from './tokens.js';

/** A token that lets nobody in. */
export interface BadToken {
  /** It is refused since it … */
  given: string;
  token: unknown;
  /** The reason by which `getStats().refusals` counts it. */
  refusal: string;
}

const [issuer, stranger] = [await newIssuer('RS256'), await newIssuer('RS256')];

/** The option by which each of them is refused. */
export const STRICT = { publicKey: issuer.pem, issuer: 'us', audience: 'chat' };

const good = { sub: 'ada', iss: 'us', aud: 'chat' };
const valid = await issuer.sign(good);
const [header = '', payload = '', signature = ''] = valid.split('.');
const [, others = ''] = assemble({}, { ...good, sub: 'eve' }).split('.');

/** What whoever takes the key's text for a secret would accept. */
function confused(): string {
  const head = assemble({ alg: 'HS256', typ: 'JWT' }, good).slice(0, -1);
  return `${head}.${createHmac('sha256', issuer.pem).update(head).digest('base64url')}`;
}

const bad = (refusal: string, given: string, token: unknown): BadToken => ({
  given,
  token,
  refusal: `jwt_${refusal}`,
});

export const BAD_TOKENS: BadToken[] = [
  bad('expired', 'has expired', await issuer.sign({ ...good, exp: inSeconds(-1) })),
  bad('not_active', 'is not valid yet', await issuer.sign({ ...good, nbf: inSeconds(600) })),
  bad('issuer', 'is of another issuer', await issuer.sign({ ...good, iss: 'them' })),
  bad('issuer', 'is of no issuer', await issuer.sign({ sub: 'ada', aud: 'chat' })),
  bad('audience', 'is for another audience', await issuer.sign({ ...good, aud: ['mail'] })),
  bad('signature', 'is signed by another key', await stranger.sign(good)),
  bad('signature', 'has lost the end of its signature', valid.slice(0, -22)),
  bad('signature', 'has no signature', `${header}.${payload}.`),
  bad('signature', "has another token's signature", `${header}.${others}.${signature}`),
  bad('algorithm', 'has the algorithm `none`', assemble({ alg: 'none' }, good)),
  bad('algorithm', 'is signed with the public key as a secret of HS256', confused()),
  bad('malformed', 'ends behind its payload', `${header}.${payload}`),
  bad('malformed', 'has a megabyte, under a `maxPayload` that lets it through', 'x'.repeat(1e6)),
  bad('malformed', 'is empty', ''),
  bad('malformed', 'is missing', undefined),
  bad('malformed', 'is `null`', null),
  bad('malformed', 'is a number', 5),
  bad('malformed', 'is an object', { alg: 'none' }),
  bad('malformed', 'is a list', [valid]),
  bad('claims', 'names no user', await issuer.sign({ iss: 'us', aud: 'chat' })),
  bad('claims', 'names an object as user', await issuer.sign({ ...good, sub: {} })),
];

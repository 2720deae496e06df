/**
 * Issuers of JSON Web Tokens, as services have them: a key, its public form, and tokens that it signs.
 */
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose';

export const SECRET =
  'a-secret-of-the-tests-that-is-long-enough-for-each-of-the-three-HS-algorithms';

type Claims = Record<string, unknown>;

/** The time in seconds since 1970, so much later than now. */
export const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

/** A token by a secret. */
export function signHs(claims: Claims, alg = 'HS256', secret = SECRET): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(Buffer.from(secret));
}

export interface Issuer {
  readonly pem: string;
  readonly jwk: JWK;
  /** A token with this header beside `alg`. */
  sign(claims: Claims, header?: { kid?: string }): Promise<string>;
}

/** Someone with a key pair of their own, named `kid` in its key set. */
export async function newIssuer(alg: string, kid?: string): Promise<Issuer> {
  const { publicKey, privateKey }: { publicKey: CryptoKey; privateKey: CryptoKey } =
    await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), ...(kid === undefined ? {} : { kid }) };
  return {
    pem: await exportSPKI(publicKey),
    jwk,
    sign: (claims, header) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }), ...header })
        .sign(privateKey),
  };
}

/** Parts of a token as they are given, unsigned or signed by whatever. */
export function assemble(header: object, claims: object, signature = ''): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(claims)}.${signature}`;
}

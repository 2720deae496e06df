/**
 * The option `jwt`: how JSON Web Tokens (RFC 7519) are verified.
 */

/** An algorithm that tokens may be signed with (RFC 7518, RFC 8037). */
export type WebSocketJwtAlgorithm =
  | 'HS256'
  | 'HS384'
  | 'HS512'
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA';

/** A JSON Web Key Set (RFC 7517) that is fetched over the network. */
export interface WebSocketRemoteKeySet {
  /**
   * Where from: `https:`, or `http:` on loopback. Redirects are not followed, and what takes longer than 10 s, is larger than
   * 1 MiB, or has more than 100 keys counts as not fetched. A set without a key that fits refuses all tokens.
   */
  uri: string;
  /**
   * Milliseconds after which the set is fetched again. So long, and a fetch, a key that was withdrawn is still accepted; if
   * the fetch fails, the last good set stays in use. Environment: `WS_JWT_JWKS_CACHE_MAX_AGE`. Default: 600000 (10 minutes).
   * Limit: 2147483647.
   */
  cacheMaxAge?: number | undefined;
  /**
   * Milliseconds from one fetch to the next at least. A token whose key is not known makes for a fetch, and waits for
   * it, at most once in that time. Before the first set it is one second, and twice as long each time, up to this.
   * Environment: `WS_JWT_JWKS_COOLDOWN`. Default: 30000. Limit: 2147483647.
   */
  cooldown?: number | undefined;
}

/**
 * How the tokens of clients are verified (RFC 7519): by one of `secret`, `publicKey` and `jwks`.
 *
 * The key decides which algorithms are accepted, and never the token; `none` is no algorithm. A member that is not given
 * falls through to its environment variable, but of the variables of the three none is looked at if one of them is given
 * here. Beside the errors of all options, an unknown member, also of `jwks: { uri }`, is a TypeError
 * `ERR_INVALID_OPTION_TYPE`. No error shows anything of a key.
 */
export interface WebSocketJwt {
  /**
   * The secret of HS tokens, UTF-8 if it is a string: at least 32 bytes for HS256, 48 for HS384 and 64 for HS512 (RFC 7518,
   * section 3.2). A key or a certificate is refused, in PEM, DER, base64 or JSON, since what may be public is no secret.
   * Environment: `WS_JWT_SECRET`.
   */
  secret?: string | Uint8Array | undefined;
  /**
   * The public key in PEM, or the path of a file with one, which is read once: RSA of 2048 to 8192 bits, P-256, P-384, P-521 or
   * Ed25519. Environment: `WS_JWT_PUBLIC_KEY`.
   */
  publicKey?: string | Uint8Array | undefined;
  /**
   * A JSON Web Key Set (RFC 7517) as an object, as JSON, as the path of a file, which is read once, or fetched: by its URL
   * alone, or with times of one's own. Environment: `WS_JWKS_URL`, a URL, a path, or JSON.
   */
  jwks?: string | { keys: readonly object[] } | WebSocketRemoteKeySet | undefined;
  /**
   * The algorithms that are accepted. Environment: `WS_JWT_ALGORITHMS`, a list with commas. Default: all that fit the key; of
   * a key set, those of each key.
   */
  algorithms?: WebSocketJwtAlgorithm | readonly WebSocketJwtAlgorithm[] | undefined;
  /**
   * `iss` must be this, or one of these. Environment: `WS_JWT_ISSUER`, a list with commas. Default: it does not matter, and so
   * `false`.
   */
  issuer?: string | readonly string[] | false | undefined;
  /**
   * `aud` must be this or have it in it, or one of these. Environment: `WS_JWT_AUDIENCE`, a list with commas. Default: it
   * does not matter, and so `false`.
   */
  audience?: string | readonly string[] | false | undefined;
  /**
   * Seconds by which the issuer's clock may differ from this machine's. Environment: `WS_JWT_CLOCK_TOLERANCE`. Default: 0.
   * Limit: 3600.
   */
  clockTolerance?: number | undefined;
  /**
   * The claim that names the user, a string or a safe integer; a token without it is refused. Environment: `WS_JWT_USER_CLAIM`.
   * Default: `'sub'`.
   */
  userClaim?: string | undefined;
  /**
   * The claim that names the session, if there is one. Environment: `WS_JWT_SESSION_CLAIM`. Default: `'sid'`.
   */
  sessionClaim?: string | undefined;
}

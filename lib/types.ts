/**
 * The public data types of the WebSocket server: messages, options, connections, figures.
 * It is longer than other files, since most of it is the options' documentation, which editors show.
 */
import type { WebSocketJwt } from './jwt.js';
import type { ProcessStats } from './process-stats.js';

/**
 * One message: a JSON object in one WebSocket text frame (RFC 6455, section 5.6).
 *
 * Keys beyond these are kept, in their order. A service with messages of its own shape extends this
 * interface and gives it to `WebSocketManager<Out, In>`.
 */
export interface WebSocketMessage {
  /** What kind of message it is. The protocol owns the names that `WebSocketManager` describes. */
  type: string;
  /** The message's content: any value that JSON can hold. */
  // biome-ignore lint/suspicious/noExplicitAny: services read fields of payloads that only they know.
  payload: any;
  /**
   * When the message was made, ISO 8601 with milliseconds. A message that is sent without one, or with
   * an empty one, gets the time of the call as its last key.
   */
  timestamp?: string | undefined;
  /** The user whom the message concerns. It is passed on and never interpreted. */
  userId?: string | undefined;
  /** The session that the message concerns. It is passed on and never interpreted. */
  sessionId?: string | undefined;
}

/** Where the manager's own lines go. `console` fits, and so does a pino logger. */
export interface WebSocketLogger {
  /** One line for each connection that opens, logs in or closes. Without this method, none of them. */
  debug?(line: string): void;
  /** Listening and closing. */
  info(line: string): void;
  /** Each `warning`. */
  warn(line: string): void;
  /** Each `error`. */
  error(line: string): void;
}

/**
 * How much one client may ask for. `false` turns a limit off (`burst` is none of its own), and so do `off` and `0` in its variable. An unknown member is
 * a TypeError `ERR_INVALID_OPTION_TYPE`.
 *
 * What is over a rate or a number is answered by an `error` message with `payload.code` `RATE_LIMITED` or
 * `LIMIT_EXCEEDED`, changes nothing, and is counted in `getStats().refusals`.
 */
export interface WebSocketLimits {
  /**
   * Messages of one connection in a second, pings and pongs too. What is over it is not carried out; a
   * connection that is over it for 10 s, without a second's pause, is closed with 1008. Environment:
   * `WS_RATE_LIMIT`, `100` or with the burst `100/200`. Default: 100; off under `protocol: 'raw'`, where
   * nothing can be answered: there a message over the rate is lost. Limit: 1000000.
   */
  messagesPerSecond?: number | false | undefined;
  /** Messages that may come at once, under `messagesPerSecond`. Default: twice that. Limit: 1000000. */
  burst?: number | undefined;
  /**
   * Bytes of one connection in a second, as they come over the wire; at once, twice as many or
   * `maxPayload`. Messages that come over it are refused as by `messagesPerSecond`. Environment:
   * `WS_RATE_LIMIT_BYTES`. Default: off, since the rate of messages and `maxPayload` bound it. Limit:
   * 1099511627776.
   */
  bytesPerSecond?: number | false | undefined;
  /**
   * Topics of one connection, those included that the service subscribes it to, which is never refused.
   * Environment: `WS_MAX_SUBSCRIPTIONS`. Default: 1000. Limit: 10000000.
   */
  subscriptions?: number | false | undefined;
  /** Rooms of one connection, likewise. Environment: `WS_MAX_ROOMS`. Default: 1000. Limit: 10000000. */
  rooms?: number | false | undefined;
  /**
   * Connections that are logged in as one user. A further login is refused, and the earlier ones stay: so it needs
   * `authenticate` or `jwt`, without which a stranger can log in as somebody often enough to lock them out. Environment:
   * `WS_MAX_CONNECTIONS_PER_USER`. Default: off. Limit: 10000000.
   */
  connectionsPerUser?: number | false | undefined;
  /**
   * Messages of one user in a second over all its connections, and twice as many at once. It needs `authenticate` or `jwt`
   * too: else a stranger who logs in as somebody uses up what they may send. Environment: `WS_RATE_LIMIT_PER_USER`.
   * Default: off. Limit: 1000000.
   */
  messagesPerSecondPerUser?: number | false | undefined;
  /**
   * Handshakes of all clients in a second, and twice as many at once; others are answered with 503. What is over the
   * limits of its address takes nothing of it.
   * Environment: `WS_HANDSHAKE_RATE`. Default: off. Limit: 1000000.
   */
  handshakesPerSecond?: number | false | undefined;
  /**
   * What one address may ask for; of IPv6 the first 64 bits count. What is over it is answered with 429.
   * `true` takes its defaults. Environment: `WS_LIMIT_PER_IP`. Default: off, unless `trustProxy` or `proxyProtocol` is given:
   * behind a balancer all clients seem to have one address.
   */
  perIp?:
    | boolean
    | {
        /** Connections. Environment: `WS_MAX_CONNECTIONS_PER_IP`. Default: 200. Limit: 10000000. */
        connections?: number | false | undefined;
        /**
         * Handshakes in a second, and ten times as many at once. Environment:
         * `WS_HANDSHAKE_RATE_PER_IP`. Default: 20. Limit: 1000000.
         */
        handshakesPerSecond?: number | false | undefined;
      }
    | null
    | undefined;
}

/**
 * Which pages may connect: an origin as browsers write it (`https://example.com`, `http://localhost:3000`,
 * `null`), which is compared as a whole, all hosts below a domain (`https://*.example.com`), all (`*`), a regular
 * expression, which is taken as it stands and so has to be anchored (`/^https:\/\/(.*\.)?example\.com$/`), or a function
 * that returns true for what is allowed.
 */
export type OriginRule =
  | string
  | RegExp
  | ((origin: string, request: WebSocketRequest) => boolean | PromiseLike<boolean>);

/**
 * Options of a `WebSocketManager`.
 *
 * A value that is undefined, null, NaN, '' or 0 falls through to the environment variable named beside
 * it, and an unset or empty variable to the default; of booleans only undefined and null fall through,
 * and a variable means true only when it is `true`. The one exception is `port: 0`. `false` turns off `jwt`, `tls`,
 * `authorize`, `tokenFrom`, `origins`, `trustProxy` and each of the `limits`, whatever the environment says.
 * Other values outside the limits throw: TypeError `ERR_INVALID_OPTION_TYPE`, RangeError
 * `ERR_INVALID_OPTION_RANGE`, and RangeError `ERR_INVALID_ENV` when the environment holds the value.
 */
export interface WebSocketConfig {
  /**
   * TCP port to listen on, 0 to 65535. `port: 0` lets the system choose a free one, which `address()` tells.
   * Environment: `WS_PORT`. Default: 8080.
   */
  port?: number | undefined;
  /**
   * IP address to listen on, or `localhost`. Names are not looked up, because the socket is bound at once.
   * Environment: `WS_HOST`. Default: all addresses, IPv6 and IPv4.
   */
  host?: string | undefined;
  /**
   * Path of the handshake's request (RFC 6455, section 4.2.1); it starts with `/` and is compared without
   * the query. Other paths are answered with 404. Environment: `WS_PATH`. Default: `/ws`.
   */
  path?: string | undefined;
  /**
   * Milliseconds between two sweeps of the heartbeat. A connection that was silent for more than one
   * interval is pinged (RFC 6455, section 5.5.2), after more than two it is closed; any frame of it counts.
   * Environment: `WS_HEARTBEAT_INTERVAL`. Default: 30000. Limit: 2147483647.
   */
  heartbeatInterval?: number | undefined;
  /**
   * How many connections may be open. Each further one is closed with code 1013 and "Server overloaded".
   * Environment: `WS_MAX_CONNECTIONS`. Default: 1000. Limit: 10000000.
   */
  maxConnections?: number | undefined;
  /**
   * Whether permessage-deflate (RFC 7692) is negotiated with clients that offer it. The server then always
   * asks for `server_no_context_takeover` and `client_no_context_takeover`: a message is compressed once,
   * however many receivers it has, and a connection keeps no window. Environment: `WS_COMPRESSION`.
   * Default: true.
   */
  enableCompression?: boolean | undefined;
  /**
   * Bytes of a message from which on it is compressed, as `threshold` in `ws`; shorter ones gain little.
   * What would not get smaller is sent as it is. Environment: `WS_COMPRESSION_THRESHOLD`. Default: 1024.
   * Limit: 536870888; 1 compresses all that gets smaller by it.
   */
  compressionThreshold?: number | undefined;
  /**
   * How hard it is tried to make messages small: zlib's level, from 1, the fastest, to 9, the smallest.
   * Environment: `WS_COMPRESSION_LEVEL`. Default: 6, as in zlib. Limit: 9.
   */
  compressionLevel?: number | undefined;
  /**
   * Whether silent connections are pinged and removed, see `heartbeatInterval`.
   * Environment: `WS_HEARTBEAT`. Default: true.
   */
  enableHeartbeat?: boolean | undefined;
  /**
   * `'messaging'`: frames are the JSON messages that `WebSocketManager` describes. `'raw'`: nothing is
   * interpreted and nothing sent on connect; every frame is a `data` event, for a protocol of one's own.
   * Environment: `WS_PROTOCOL`. Default: `'messaging'`.
   */
  protocol?: 'messaging' | 'raw' | undefined;
  /**
   * Bytes of a client's message at most, over all its fragments and inflated. A larger one closes its connection with
   * 1009 (RFC 6455, section 7.4.1). Environment: `WS_MAX_PAYLOAD`. Default: 16384. Limit: 536870888,
   * the longest string of JavaScript.
   */
  maxPayload?: number | undefined;
  /**
   * Milliseconds that a client has for the whole handshake, so that one that dribbles holds no socket: a balancer's
   * header, TLS and the request together.
   * Environment: `WS_HANDSHAKE_TIMEOUT`. Default: 10000. Limit: 2147483647.
   */
  handshakeTimeout?: number | undefined;
  /**
   * Milliseconds that a client has to answer a close frame before its socket is closed without it
   * (RFC 6455, section 7.1.1). Where the service closes they count from the last byte that the client took of what was
   * queued before; where the client has brought it about, from the beginning. Environment: `WS_CLOSE_TIMEOUT`. Default: 5000. Limit: 2147483647.
   */
  closeTimeout?: number | undefined;
  /**
   * Bytes that may wait for one connection. A client that reads more slowly than it is sent to meets
   * `slowConsumer`. Environment: `WS_MAX_BUFFERED_AMOUNT`. Default: 4194304 (4 MiB). Limit: 1099511627776.
   */
  maxBufferedAmount?: number | undefined;
  /**
   * What happens to a connection over `maxBufferedAmount`. `'disconnect'`: it is closed with 1013 and can
   * resume. `'dropOldest'`: it loses what waits longest. Both are counted in `getStats()` and warned of.
   * Environment: `WS_SLOW_CONSUMER`. Default: `'disconnect'`.
   */
  slowConsumer?: 'disconnect' | 'dropOldest' | undefined;
  /**
   * Bytes of queued payloads in this manager, each counted once however many receivers it has. A send
   * over it returns 0 or false, sends nothing, and raises the `warning` `ERR_OVERLOADED`.
   * Environment: `WS_MEMORY_BUDGET`. Default: 268435456 (256 MiB). Limit: 1099511627776.
   */
  memoryBudget?: number | undefined;
  /**
   * Threads that run the sockets. Environment: `WS_SHARDS`. Default: one less than the processors, from
   * 1 to 4. Limit: 64.
   */
  shards?: number | undefined;
  /**
   * Says who a client is that sends `authenticate`, or whose handshake brought a token (`tokenFrom`). What it
   * returns, or resolves with, is what the connection becomes, whatever the client claims; null, undefined or
   * false refuses the client. So does a hook that throws or rejects, which is also a `warning` `ERR_HOOK`, and
   * one that takes longer than `hookTimeout`. Nothing else of this client is interpreted meanwhile, so the
   * order of its messages holds. Default: the client's claim is believed, unless there is `jwt`, beside which it must
   * not stand. It has no environment variable.
   */
  authenticate?:
    | ((
        login: WebSocketLogin,
      ) =>
        | WebSocketIdentity
        | null
        | undefined
        | false
        | PromiseLike<WebSocketIdentity | null | undefined | false>)
    | null
    | undefined;
  /**
   * Verifies the tokens of clients in the engine, without a call: who sends `authenticate`, or whose handshake brought a
   * token (`tokenFrom`), becomes what its token says, whatever it claims beside that, and until its token ends. Default:
   * none, unless the environment has a key: `WS_JWT_SECRET`, `WS_JWT_PUBLIC_KEY`, or `WS_JWKS_URL`. `false`: none at all.
   */
  jwt?: WebSocketJwt | false | null | undefined;
  /**
   * Says where clients may go by `subscribe` and `join_room`: a hook, of which only `true` is a yes, and which is
   * held to the same as `authenticate`; or patterns, which the engine matches without a call. What the
   * service does by itself, by `joinRoom` and `subscribe`, is not asked. Default: everywhere, and so `false`. Environment of
   * the patterns: `WS_AUTHORIZE_SUBSCRIBE`, `WS_AUTHORIZE_JOIN_ROOM`, lists with commas.
   */
  authorize?:
    | WebSocketPatterns
    | ((access: WebSocketAccess) => boolean | PromiseLike<boolean>)
    | false
    | null
    | undefined;
  /**
   * Whether a client has to authenticate before anything else: until then all but `authenticate` and `heartbeat` is
   * answered with the `error` `AUTH_REQUIRED`, and no `broadcast` reaches it. Environment: `WS_REQUIRE_AUTH`.
   * Default: false.
   */
  requireAuth?: boolean | undefined;
  /**
   * Milliseconds that a client has to authenticate under `requireAuth`, before it is closed with 4401. They run on
   * while a hook decides, but the client is not closed before it has: a login that comes after them is still good.
   * Environment: `WS_AUTH_TIMEOUT`. Default: 10000. Limit: 2147483647.
   */
  authTimeout?: number | undefined;
  /**
   * How often a client may fail to authenticate on one connection, whatever logins lie between, before it is closed
   * with 4401. Environment: `WS_MAX_AUTH_FAILURES`. Default: 3. Limit: 1000.
   */
  maxAuthFailures?: number | undefined;
  /**
   * Where the request of a handshake may carry a token, the first place first: `'header'` is
   * `Authorization: Bearer`, `'subprotocol'` is `new WebSocket(url, ['bearer', token])`, and `'cookie:NAME'` and
   * `'query:NAME'` name the cookie or parameter. A client with one is judged at once, as if it had sent
   * `authenticate`, and closed with 4401 if it is refused; one without is not judged. Without `authenticate` or `jwt` nobody
   * looks at it, with the `warning` `ERR_UNVERIFIED_TOKENS`. Environment: `WS_TOKEN_FROM`, a list with commas.
   * Default: nowhere, and so `false`.
   */
  tokenFrom?: WebSocketTokenSource | readonly WebSocketTokenSource[] | false | null | undefined;
  /**
   * Milliseconds before the end of an identity at which its client gets `token_expiring`; at most half of the
   * time that it has. Environment: `WS_TOKEN_EXPIRING_LEAD`. Default: 60000. Limit: 2147483647.
   */
  tokenExpiringLead?: number | undefined;
  /**
   * Milliseconds that `authenticate` and `authorize` have as hooks; then the answer is no, with the `warning`
   * `ERR_HOOK_TIMEOUT`. Environment: `WS_HOOK_TIMEOUT`. Default: 5000. Limit: 2147483647.
   */
  hookTimeout?: number | undefined;
  /**
   * The pages that may connect, by their `Origin` (RFC 6454), one rule or several; others are answered with
   * 403. Clients that send none are no browsers, and may connect. Environment: `WS_ORIGINS`, strings with
   * commas between. Default: all, with the `warning` `ERR_ANY_ORIGIN` if NODE_ENV is `production`. `false`, as `'*'`: all.
   */
  origins?: OriginRule | readonly OriginRule[] | false | null | undefined;
  /**
   * The proxies before the server, whose `X-Forwarded-For` tells a client's address: how many stand in a row,
   * or their addresses, CIDR blocks, `'loopback'`, `'linklocal'`, `'uniquelocal'`, several as an array. Of others the
   * header is ignored. `'0.0.0.0/0'` trusts everybody. Environment: `WS_TRUST_PROXY`, with commas between. Default: none.
   * Limit: 100 proxies.
   */
  trustProxy?: number | string | readonly string[] | false | null | undefined;
  /**
   * Whether every connection of the manager's own port begins with a header of the PROXY protocol, version 1
   * or 2, by which a balancer tells the client's address. A connection without is closed, and, if `trustProxy`
   * has addresses, any that is not of these. Environment: `WS_PROXY_PROTOCOL`. Default: false.
   */
  proxyProtocol?: boolean | undefined;
  /** How much one client may ask for. */
  limits?: WebSocketLimits | null | undefined;
  /**
   * TLS on the manager's own port, so that clients come by `wss://`. Environment: the variables of its
   * parts. Default: none, plain `ws://`. An attached manager refuses the option and does not look at the
   * variables: its server has its own TLS. `false`: none, whatever the variables say.
   */
  tls?: WebSocketTls | false | null | undefined;
  /** Where lines about the server's life go. Default: nowhere. It has no environment variable. */
  logger?: WebSocketLogger | null | undefined;
}

/**
 * A place in the request of a handshake that may carry a token, see `tokenFrom`. Any string is taken here, such as one of a
 * file of settings, and is judged by the constructor.
 */
export type WebSocketTokenSource =
  | 'header'
  | 'subprotocol'
  | `cookie:${string}`
  | `query:${string}`
  | (string & {});

/** What a client claims when it logs in. Nothing of it is verified. */
export interface WebSocketLogin {
  /** The connection's id. */
  readonly connectionId: string;
  /**
   * The user that the client claims to be, 1 to 256 bytes; a number that it sent is here in its decimal form. Undefined if
   * it names none, which it need not, and for a token of the handshake.
   */
  readonly userId: string | undefined;
  /** The session that it claims, at most 256 bytes, likewise. */
  readonly sessionId: string | undefined;
  /** Its token, from its message or its handshake; at most 8192 bytes. `console.log` of the login hides it. */
  readonly token: string | undefined;
  /** The request that opened the connection. */
  readonly request: {
    /** Path and query, as the client sent them. */
    readonly url: string;
    /** The header fields, names in lower case. */
    readonly headers: Readonly<Record<string, string>>;
    /** The client's IP address. Behind a proxy it is the proxy's, unless `trustProxy` says whom to believe. */
    readonly ip: string;
    /** The client's certificate, where TLS has asked for it: see `tls.requestCert`. */
    readonly clientCertificate?: WebSocketClientCertificate | undefined;
  };
}

/**
 * The certificate by which a client has proved who it is, signed by one of `tls.ca`; its members are those of Node's
 * `tlsSocket.getPeerCertificate()`. `new X509Certificate(raw)` of `node:crypto` knows the rest.
 */
export interface WebSocketClientCertificate {
  /** Whose it is, for example `{ O: 'us', CN: 'sensor-7' }`; what is named several times is an array. */
  readonly subject: Readonly<Record<string, string | string[] | undefined>>;
  /** Who has signed it. Of several authorities in `ca`, each may have signed for the same subject. */
  readonly issuer: Readonly<Record<string, string | string[] | undefined>>;
  /** Its other names, for example `DNS:sensor-7.example.com, URI:spiffe://example.com/sensor-7`. */
  readonly subjectaltname: string | undefined;
  /** Its number, in hexadecimal, unique to its issuer. */
  readonly serialNumber: string;
  /** Its SHA-256, as pairs of hexadecimal digits with colons between. */
  readonly fingerprint256: string;
  /** Itself, in DER. */
  readonly raw: Buffer;
}

/** Who a client is, by the word of `authenticate`. */
export interface WebSocketIdentity {
  /** The user, 1 to 256 bytes. A number counts in its decimal form, and has to be a safe integer. */
  userId: string | number;
  /** The session, at most 256 bytes. Without it the connection has none, whatever the client claims. */
  sessionId?: string | number | null | undefined;
  /**
   * When the identity ceases to hold: a Date, or milliseconds since 1970. The client gets `token_expiring` before that,
   * and is closed with 4401 then, unless it has authenticated again.
   */
  expiresAt?: Date | number | null | undefined;
  /** What else is known of the user, at most 16384 bytes as JSON: for `connection.claims` and patterns. */
  claims?: object | null | undefined;
}

/** Where a client wants to go. */
export interface WebSocketAccess {
  /** Who wants to. */
  readonly connection: WebSocketConnection;
  /** What it wants to do. */
  readonly action: 'subscribe' | 'join_room';
  /** The topic or room. */
  readonly name: string;
}

/**
 * Names that clients may go to, by action; an action without patterns is denied. `*` stands for any characters,
 * `{userId}`, `{sessionId}` and `{claims.NAME}` for what is known of the client, for example `user:{userId}:*`; of a claim
 * that is an array, any of its strings and numbers will do. What is not known matches nothing. `{claims.a.b}` is the claim
 * `a.b`, as names that are URLs have dots, and without it the `b` in the claim `a`.
 */
export interface WebSocketPatterns {
  /** Topics. */
  subscribe?: readonly string[] | undefined;
  /** Rooms. */
  join_room?: readonly string[] | undefined;
}

/**
 * TLS of a manager's own port. PEM texts are taken as Node's `https.createServer` takes them; the variables
 * are paths of PEM files. If one of the variables is set there is TLS, or an error.
 *
 * Beside the errors of all options: Error `ERR_TLS_CERTIFICATE`, `ERR_TLS_KEY`, `ERR_TLS_PASSPHRASE`,
 * `ERR_TLS_KEY_MISMATCH`, `ERR_TLS_CA`. An unknown part, also one that Node has, is a TypeError `ERR_INVALID_OPTION_TYPE`.
 * No error shows anything of a key or a passphrase. A certificate that has expired is taken, with the `warning` `ERR_TLS_EXPIRED`, and so is one that is
 * not valid yet, with `ERR_TLS_NOT_YET_VALID`.
 */
export interface WebSocketTls {
  /**
   * The certificate in PEM, and behind it those between it and its authority. Environment: `WS_TLS_CERT`.
   */
  cert?: string | Uint8Array | undefined;
  /** The certificate's private key in PEM. Environment: `WS_TLS_KEY`. */
  key?: string | Uint8Array | undefined;
  /**
   * The authorities of clients' certificates in PEM, needed for `requestCert`. Environment: `WS_TLS_CA`, one
   * file. Default: none.
   */
  ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  /** What the private key is encrypted with. Environment: `WS_TLS_PASSPHRASE`. Default: it is not. */
  passphrase?: string | undefined;
  /** The oldest version of TLS that is spoken. Environment: `WS_TLS_MIN_VERSION`. Default: `'TLSv1.2'`. */
  minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  /**
   * Whether a client must present a certificate of one of `ca`: one that does not is refused, as under Node's
   * `rejectUnauthorized`, whose default is true too. It must be one of X.509 version 3. Environment:
   * `WS_TLS_REQUEST_CERT`: `true`, `false`, `1` or `0`; anything else throws. Whose it is says `request.clientCertificate`,
   * of the event `connection` and of the hook `authenticate`. Default: false.
   */
  requestCert?: boolean | undefined;
}

/** The socket of one connection. */
export interface WebSocketSocket {
  /** The state as in browsers: 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  /**
   * Sends one frame as it is: text for a string, binary for bytes. Nothing is added, not even a timestamp.
   * Returns whether the connection was open and took it. Data of another type is refused with the
   * `warning` `ERR_INVALID_MESSAGE`.
   */
  send(data: string | ArrayBuffer | ArrayBufferView): boolean;
  /**
   * Starts the closing handshake (RFC 6455, section 7.1.2).
   *
   * @param code Status code: 1000 to 1003, 1007 to 1014, or 3000 to 4999. Default: 1000.
   * @param reason At most 123 bytes of UTF-8. Default: none.
   * @throws TypeError `ERR_INVALID_ARGUMENT` for another code or a longer reason.
   */
  close(code?: number, reason?: string): void;
}

/**
 * One client's connection, as events and `getConnection()` give it: the same object as long as the
 * connection is open. It can still be read after that, and shows the last state.
 */
export interface WebSocketConnection {
  /** The connection's name, for example `conn_1700000000000_k3j9x0a2b`. */
  readonly id: string;
  /**
   * The user that the client logged in as, once it has: by the word of `authenticate` or its token, or without both by its own.
   * It is read when it is asked for. So in a listener it may already be a later one than when what happened did.
   */
  readonly userId?: string | undefined;
  /** The session that it logged in with, if there is one, likewise. */
  readonly sessionId?: string | undefined;
  /** What `authenticate` has told of the user beside that, or all claims of its token: a copy. */
  // biome-ignore lint/suspicious/noExplicitAny: only the service knows what it has claimed.
  readonly claims?: any;
  /** The socket, for frames outside the protocol and for closing. */
  readonly socket: WebSocketSocket;
  /** The topics it is subscribed to now: a copy, so that changing the set changes nothing else. */
  readonly subscriptions: Set<string>;
  /** The rooms it is a member of now: a copy as well. */
  readonly rooms: Set<string>;
  /** When it was last heard from: bytes of any kind, also of a frame that is not whole. */
  readonly lastHeartbeat: Date;
  /** Whatever the service wants to keep with the connection. The server never reads it. */
  // biome-ignore lint/suspicious/noExplicitAny: the value is the service's own.
  data?: any;
}

/** The request that opened a connection (RFC 6455, section 4.1). */
export interface WebSocketRequest {
  /** Path and query, as the client sent them. */
  readonly url: string;
  /** The header fields, names in lower case; the values of a repeated one are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** The client's IP address. Behind a proxy it is the proxy's, unless `trustProxy` says whom to believe. */
  readonly remoteAddress: string;
  /** The client's TCP port; 0 if a proxy has told the address alone. */
  readonly remotePort: number;
  /**
   * The client's certificate, where TLS has asked for it: see `tls.requestCert`. Of an attached manager, the one that
   * its server has asked for and trusts; on Bun no server tells it. It is not part of what `console.log` and `JSON.stringify` show.
   */
  readonly clientCertificate?: WebSocketClientCertificate | undefined;
}

/** A fault of one message, listener or connection. The server goes on; it is told and never thrown. */
export interface WebSocketWarning {
  /** Stable name of the kind of fault, for example `ERR_INVALID_MESSAGE`. */
  code: string;
  /** The fault in words, which may change between versions. */
  message: string;
  /** The connection concerned, if it is one connection's fault. */
  connectionId?: string;
  /** What was thrown, if something was. */
  cause?: unknown;
}

/** An error that this package throws, rejects with or emits. */
export interface WebSocketError extends Error {
  /** Stable name of the kind of error. The message may change between versions. */
  code: string;
}

/** What `getStats()` returns. Totals count from the manager's start. */
export interface WebSocketStats {
  /** Open connections. */
  connections: number;
  /** Users with at least one open connection. */
  users: number;
  /** Rooms with at least one member. */
  rooms: number;
  /** Topics with at least one subscriber. */
  topics: number;
  /** Connections opened in total. */
  totalConnections: number;
  /** Messages received. */
  messagesIn: number;
  /** Messages handed to receivers: a broadcast counts once for each of them. */
  messagesOut: number;
  /** Bytes read from sockets. */
  bytesIn: number;
  /** Bytes written to sockets. */
  bytesOut: number;
  /** Bytes of payloads that wait now, counted against `memoryBudget`. */
  queuedBytes: number;
  /** How often a connection went over `maxBufferedAmount`. */
  slowConsumers: number;
  /** Threads that run the sockets. */
  shards: number;
  /** Messages that did not reach the network. */
  drops: {
    /** Sends refused over `memoryBudget`. */
    overloaded: number;
    /** Messages dropped because their receiver read too slowly. */
    slowConsumer: number;
    /** Receivers that a send counted and that had left when the engine carried it out. */
    departed: number;
    /** Messages that were queued for a receiver whose connection ended before they were written. */
    unwritten: number;
  };
  /**
   * Handshakes, connections and messages refused, by reason, for example `not_found`, `server_overloaded` or
   * `message_rate`, always in the same order. The README has a table of all reasons.
   */
  refusals: Record<string, number>;
  /** Figures of the process. */
  process: ProcessStats;
}

/**
 * The host's hooks that decide: who a client is, and where it may go. The engine asks, holds the client
 * meanwhile, and takes what does not come in time for a no; here an answer is put into its terms.
 */
import { kindOf } from './arguments.js';
import { type Connection, HandshakeRequest } from './connection.js';
import { codedError, translated } from './errors.js';
import type { NativeManager } from './native.js';
import { HIDDEN, printedAs, withoutSecrets } from './printed.js';
import type { Reporter } from './reporter.js';
import { reasonOf } from './text.js';
import { isThenable } from './thenable.js';
import type { WebSocketConfig, WebSocketLogin, WebSocketMessage } from './types.js';

/** Milliseconds since the epoch that are long past: who gives less gives seconds. */
const LEAST_TIME = 100_000_000_000;

type Identity = Parameters<NativeManager['identify']>[1];

/** Calls one manager's hooks. */
export class Hooks {
  readonly #native: NativeManager;
  readonly #options: WebSocketConfig;
  readonly #reporter: Pick<Reporter<WebSocketMessage>, 'warn'>;

  constructor(
    native: NativeManager,
    options: WebSocketConfig,
    reporter: Pick<Reporter<WebSocketMessage>, 'warn'>,
  ) {
    this.#native = native;
    this.#options = options;
    this.#reporter = reporter;
  }

  /**
   * Has a decision made. Never throws.
   *
   * @param about What is to be decided: an action and a name; or `authenticate`, the client's claim (user,
   * session, token), its address, its certificate, and its request (URL, then names and values of the header fields
   * by turns).
   * @param certificate The client's certificate where the host's server has it.
   */
  decide(
    connection: Connection,
    number: number,
    about: (string | null)[],
    certificate?: Buffer,
  ): void {
    const [action, name] = about;
    const hook = action === 'authenticate' ? 'authenticate' : 'authorize';
    const settle = (answer: unknown) => {
      try {
        if (hook === 'authenticate') this.#identify(number, answer);
        else this.#permit(number, answer);
      } catch (thrown) {
        fail(thrown);
      }
    };
    const fail = (cause: unknown) => {
      this.#native.decide(number, false);
      this.#reporter.warn({
        code: 'ERR_HOOK',
        message: `${hook} failed: ${reasonOf(cause)}`,
        connectionId: connection.id,
        cause,
      });
    };
    try {
      // As methods, for options that are an object of a class.
      const answer: unknown =
        hook === 'authenticate'
          ? this.#options.authenticate?.(loginOf(connection, about, certificate))
          : (this.#options as AuthorizeAsHook).authorize({
              connection,
              action: action as 'subscribe' | 'join_room',
              name: name as string,
            });
      if (isThenable(answer)) Promise.resolve(answer).then(settle, fail);
      else settle(answer);
    } catch (thrown) {
      fail(thrown);
    }
  }

  #identify(number: number, answer: unknown): void {
    if (answer === null || answer === undefined || answer === false) {
      this.#native.decide(number, false);
    } else {
      const identity = identityOf(answer);
      translated(() => this.#native.identify(number, identity));
    }
  }

  #permit(number: number, answer: unknown): void {
    if (answer !== true && answer !== false && answer !== undefined && answer !== null) {
      throw wrong('must return true or false', kindOf(answer));
    }
    this.#native.decide(number, answer === true);
  }
}

interface AuthorizeAsHook {
  authorize: Extract<WebSocketConfig['authorize'], (...args: never) => unknown>;
}

function loginOf(
  connection: Connection,
  about: (string | null)[],
  attached?: Buffer,
): WebSocketLogin {
  const [, user, session, token, ip, certificate, url, ...fields] = about;
  const peer = [ip ?? '', '', certificate ?? ''];
  const request = new HandshakeRequest(url ?? '', [...peer, ...(fields as string[])], attached);
  const opened = {
    url: request.url,
    ip: request.remoteAddress,
    // Put in order only for those who read them.
    get headers() {
      return request.headers;
    },
    get clientCertificate() {
      return request.clientCertificate;
    },
  };
  const login = {
    connectionId: connection.id,
    userId: user ?? undefined,
    sessionId: session ?? undefined,
    token: token ?? undefined,
    request: printedAs(opened, () => {
      const { url, ip, headers } = opened;
      return withoutSecrets({ url, ip, headers });
    }),
  };
  return printedAs(login, () => ({ ...login, token: login.token && HIDDEN }));
}

/** @throws TypeError for what is no identity. */
function identityOf(answer: unknown): Identity {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
    throw wrong('must return an identity or null', kindOf(answer));
  }
  const { userId, sessionId, expiresAt, claims } = answer as Record<string, unknown>;
  const identity: Identity = { userId: nameIn('userId', userId) };
  if (sessionId !== undefined && sessionId !== null) {
    identity.sessionId = nameIn('sessionId', sessionId);
  }
  if (expiresAt !== undefined && expiresAt !== null) identity.expiresAt = timeOf(expiresAt);
  if (claims !== undefined && claims !== null) {
    identity.claims = claimsOf(claims);
  }
  return identity;
}

/** The claims as JSON, which may be something else than they are themselves, as that of a Date. */
function claimsOf(claims: unknown): string {
  const json: string | undefined = JSON.stringify(claims);
  if (json?.startsWith('{')) return json;
  const got = kindOf(json === undefined ? json : JSON.parse(json));
  throw wrong('claims must be an object as JSON', got);
}

function nameIn(field: string, value: unknown): string {
  if (typeof value === 'string' && value.isWellFormed()) return value;
  // Of other numbers, two that were told apart where they came from could be one.
  if (Number.isSafeInteger(value)) return String(value);
  const got = typeof value === 'string' ? 'half a surrogate pair' : kindOf(value);
  throw wrong(`${field} must be a string or a safe integer`, got);
}

function timeOf(value: unknown): number {
  // By what it can do: `instanceof` fails across realms.
  const time = typeof value === 'number' ? value : (value as Partial<Date>)?.getTime?.();
  if (typeof time !== 'number' || !(time >= LEAST_TIME) || time === Number.POSITIVE_INFINITY) {
    throw wrong('expiresAt must be a Date or milliseconds since 1970', kindOf(value));
  }
  return time;
}

function wrong(rule: string, got: string): Error {
  return codedError('ERR_INVALID_ARGUMENT', `${rule}, got ${got}`);
}

/**
 * The rules for origins that are JavaScript's: regular expressions and functions. Strings are judged by the
 * engine, which asks for what none of them allows.
 */
import { isRegExp } from 'node:util/types';
import { isAnchored } from './anchors.js';
import { kindOf } from './arguments.js';
import { HandshakeRequest } from './connection.js';
import { codedError } from './errors.js';
import { reasonOf } from './text.js';
import { isThenable } from './thenable.js';
import type { OriginRule, WebSocketRequest, WebSocketWarning } from './types.js';

/** Pages that may wait for rules that take time; further ones are refused. As many as hooks decide about. */
const MAX_ASKED = 1024;

/** How long a rule may take, in milliseconds: `handshakeTimeout` by default, which may end the client earlier. */
const PATIENCE = 10_000;

type Rule = (origin: string, request: WebSocketRequest) => unknown;

/** The rules of one manager. Whatever is not allowed by a clear word is refused. */
export class OriginRules {
  readonly #rules: readonly Rule[];
  readonly #warn: (warning: WebSocketWarning) => void;

  /**
   * Nothing if there are none but strings.
   *
   * @throws TypeError `ERR_INVALID_OPTION_TYPE` for what is no rule at all.
   */
  static of(origins: unknown, warn: (warning: WebSocketWarning) => void): OriginRules | undefined {
    const list: unknown[] = Array.isArray(origins) ? origins : [origins];
    const rules = list.flatMap((rule) => ruleOf(rule) ?? []);
    return rules.length === 0 ? undefined : new OriginRules(rules, warn);
  }

  /** Pages that wait. A place is given back by the answer or the deadline, not by the client's leaving. */
  #asked = 0;
  /** The lack of places was told of, and has not ended since. */
  #full = false;

  private constructor(rules: readonly Rule[], warn: (warning: WebSocketWarning) => void) {
    this.#rules = rules;
    this.#warn = warn;
  }

  /** Calls `answer` with the verdict, at once if no rule takes time. */
  judge(origin: string, request: WebSocketRequest, answer: (allowed: boolean) => void): void {
    if (this.#asked >= MAX_ASKED) {
      this.#overrun();
      answer(false);
      return;
    }
    const verdicts = this.#rules.map((rule) => this.#ask(rule, origin, request));
    const later = verdicts.filter((verdict) => verdict instanceof Promise);
    if (later.length === 0 || verdicts.includes(true)) answer(verdicts.includes(true));
    else this.#wait(later, answer);
  }

  #wait(later: Promise<boolean>[], answer: (allowed: boolean) => void): void {
    this.#asked += 1;
    let waits = true;
    const settle = (allowed: boolean) => {
      if (!waits) return;
      waits = false;
      clearTimeout(deadline);
      this.#asked -= 1;
      this.#full = false;
      answer(allowed);
    };
    const deadline = setTimeout(settle, PATIENCE, false);
    // The server holds the process, not what it waits for.
    deadline.unref?.();
    // One that hangs does not refuse what another allows.
    let open = later.length;
    for (const verdict of later) {
      void verdict.then((allowed) => {
        open -= 1;
        if (allowed || open === 0) settle(allowed);
      });
    }
  }

  /** Told once for each time, since a flood of pages may have brought it about. */
  #overrun(): void {
    if (this.#full) return;
    this.#full = true;
    const message = `origins: ${MAX_ASKED} pages wait for a function's answer; further ones are refused`;
    this.#warn({ code: 'ERR_ORIGIN_RULE', message });
  }

  /** The verdict where it cannot be waited for: a rule that takes time has not allowed anything. */
  judgeAtOnce(url: string, headers: readonly string[], peer: readonly string[]): boolean {
    const at = headers.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'origin');
    const origin = headers[at + 1];
    if (at < 0 || origin === undefined) return true;
    const fields = headers.map((field, i) => (i % 2 === 0 ? field.toLowerCase() : field));
    const request = new HandshakeRequest(url, [...peer, '', ...fields]);
    const verdicts = this.#rules.map((rule) => this.#ask(rule, origin, request));
    if (!verdicts.includes(true) && verdicts.some((verdict) => verdict instanceof Promise)) {
      const message = 'origins: on a server of Bun.serve a function has to answer at once';
      this.#warn({ code: 'ERR_ORIGIN_RULE', message });
    }
    return verdicts.includes(true);
  }

  #ask(rule: Rule, origin: string, request: WebSocketRequest): boolean | Promise<boolean> {
    try {
      const said = rule(origin, request);
      if (!isThenable(said)) return said === true;
      return Promise.resolve(said).then(
        (allowed) => allowed === true,
        (thrown) => this.#failed(thrown),
      );
    } catch (thrown) {
      return this.#failed(thrown);
    }
  }

  #failed(cause: unknown): false {
    const message = `a rule of origins failed: ${reasonOf(cause)}`;
    this.#warn({ code: 'ERR_ORIGIN_RULE', message, cause });
    return false;
  }
}

/** What the host should be told of its rules, though they are none that cannot be. */
export function originNotices(origins: unknown): WebSocketWarning[] {
  const rules: unknown[] = Array.isArray(origins) ? origins : [origins];
  return rules.filter(isRegExp).flatMap((rule) => {
    if (isAnchored(rule)) return [];
    const message = `origins: ${rule} is not anchored by ^ and $, and so allows whatever has it in the middle`;
    return [{ code: 'ERR_ORIGIN_PATTERN', message }];
  });
}

function ruleOf(rule: unknown): Rule | undefined {
  if (typeof rule === 'function') return rule as Rule & OriginRule;
  // `test` would begin where a global one has stopped before.
  if (isRegExp(rule)) return (origin) => origin.search(rule) >= 0;
  if (typeof rule !== 'object' || rule === null) return undefined;
  const expected = 'origins: must be strings, regular expressions or functions';
  throw codedError('ERR_INVALID_OPTION_TYPE', `${expected}, got ${kindOf(rule)}`);
}

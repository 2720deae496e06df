/**
 * When tokens of `oauthbearer` are asked for, and which are handed on.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '../../lib/kafka/logger.js';
import { Tokens, waitOf } from '../../lib/kafka/tokens.js';
import type { OauthbearerProviderResponse } from '../../lib/kafka/types.js';
import { tokenOf } from '../../scripts/kafka/settings.mjs';
import { failureOf } from './support.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const INVALID = {
  name: 'KafkaJSSASLAuthenticationError',
  message: 'SASL OAUTHBEARER: Invalid OAuth bearer token',
  retriable: false,
};

function tokensOf(provider: () => Promise<OauthbearerProviderResponse>) {
  const asked = vi.fn(provider);
  const set = vi.fn((_: string) => {});
  const lines: string[] = [];
  const logger = createLogger(
    4,
    () =>
      ({ log }) =>
        void lines.push(log.message),
  );
  return { tokens: new Tokens({ provider: asked, set, logger }), asked, set, lines };
}

test('there is another before four fifths of the time are over', async () => {
  const { tokens, asked, set } = tokensOf(async () => ({ value: tokenOf(100) }));
  await tokens.begin();
  await vi.advanceTimersByTimeAsync(79_000);
  expect(asked).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(asked).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(80_000);
  expect(asked).toHaveBeenCalledTimes(3);
  expect(set).toHaveBeenCalledTimes(3);

  tokens.end();
  await vi.advanceTimersByTimeAsync(1_000_000);
  expect(asked).toHaveBeenCalledTimes(3);
});

test.each([
  ['says nothing of its end', 'opaque', 60_000],
  ['has dots and says nothing', 'a.b.c', 60_000],
  ['is a JSON web token without an end', `x.${btoa('{"exp":"soon"}')}.`, 60_000],
  ['has expired', tokenOf(-1), 10_000],
  ['expires at once', tokenOf(0.5), 1_000],
  ['expires in a year', tokenOf(365 * 86_400), 86_400_000],
])('one that %s', (_, token, wait) => {
  expect(waitOf(token, Date.now())).toBe(wait);
});

test('a provider that fails later is asked again, and the log has it', async () => {
  let fails = false;
  const { tokens, asked, set, lines } = tokensOf(async () => {
    if (fails) throw new Error('no token today');
    return { value: 'opaque' };
  });
  await tokens.begin();
  fails = true;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lines).toEqual(['SASL OAUTHBEARER: no new token: no token today']);
  expect(set).toHaveBeenCalledTimes(1);
  fails = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toHaveBeenCalledTimes(3);
  expect(set).toHaveBeenCalledTimes(2);
});

test('what does not fit the mechanism is not handed on', async () => {
  for (const given of [
    { value: '' },
    { value: 'a\u0001b' },
    { value: 'ä' },
    { value: 'a', extensions: { auth: 'x' } },
    { value: 'a', extensions: { 'two words': 'x' } },
    { value: 'a', extensions: { pool: '\u0001' } },
  ]) {
    const { tokens, set } = tokensOf(async () => given);
    expect(await failureOf(() => tokens.begin())).toMatchObject(INVALID);
    expect(set).not.toHaveBeenCalled();
  }
});

test('extensions go with it', async () => {
  const { tokens, set } = tokensOf(async () => ({
    value: 'a',
    extensions: { logicalCluster: 'x' },
  }));
  await tokens.begin();
  expect(JSON.parse(set.mock.calls[0]?.[0] as string)).toEqual({
    value: 'a',
    extensions: { logicalCluster: 'x' },
  });
});

test('one that comes behind the end is not handed on', async () => {
  let answer = (_: OauthbearerProviderResponse): void => {};
  const { tokens, set } = tokensOf(() => new Promise((resolve) => (answer = resolve)));
  const begun = failureOf(() => tokens.begin());
  tokens.end();
  answer({ value: 'late' });
  expect(await begun).toMatchObject({ message: 'Closed connection' });
  expect(set).not.toHaveBeenCalled();
});

/** What the soak goes by: when a stream is whole, and when memory is flat. */
import { describe, expect, test } from 'vitest';
import { judgeMemory } from '../soak/lib/memory.mjs';
import { Windows } from '../soak/load/windows.mjs';
import { filler } from '../soak/shared/filler.mjs';
import { isAllowed, outcome } from '../soak/shared/outcomes.mjs';

const STREAM = 'r:room-1';

describe('a stream', () => {
  function faultsOf(play: (windows: Windows, get: (number: number) => void) => void) {
    const faults: string[] = [];
    const windows = new Windows((kind) => faults.push(kind));
    play(windows, (number) => windows.receive(STREAM, number, filler(STREAM, number)));
    return faults;
  }

  test.for([
    ['whole, from wherever it was joined', [4, 5, 6], []],
    ['with a gap', [4, 6], ['lost']],
    ['with a double', [4, 4], ['doubled or out of order']],
    ['out of order', [4, 6, 5], ['lost', 'doubled or out of order']],
  ] as const)('%s', ([, numbers, expected]) => {
    const faults = faultsOf((windows, get) => {
      windows.open(STREAM);
      for (const number of numbers) get(number);
    });
    expect(faults).toEqual(expected);
  });

  test('is nobody’s before and after the membership', () => {
    const faults = faultsOf((windows, get) => {
      get(1);
      windows.open(STREAM);
      get(2);
      windows.close(STREAM);
      get(3);
    });
    expect(faults).toEqual(['message for somebody else', 'message for somebody else']);
  });

  test('that the service has moved the client into begins at a known number', () => {
    const faults = faultsOf((windows, get) => {
      windows.open(STREAM, 4);
      get(6);
    });
    expect(faults).toEqual(['lost']);
  });

  test('that lacks its last message is seen when the service tells how far it is', () => {
    const faults = faultsOf((windows, get) => {
      windows.open(STREAM);
      get(5);
      windows.mark({ [STREAM]: 5, 't:elsewhere': 9 });
      windows.mark({ [STREAM]: 6 });
    });
    expect(faults).toEqual(['lost']);
  });

  test('with other content', () => {
    const faults = faultsOf((windows) => {
      windows.open(STREAM);
      windows.receive(STREAM, 1, `${filler(STREAM, 1)}.`);
    });
    expect(faults).toEqual(['content']);
  });
});

describe('memory', () => {
  const MIB = 2 ** 20;
  const samples = (bytes: (part: number) => number) =>
    Array.from({ length: 300 }, (_, i) => bytes(i / 300) * MIB);

  test.for([
    ['that grows in the warm-up only', (part: number) => 60 + 40 * Math.min(1, part / 0.2), true],
    ['with a peak', (part: number) => (part > 0.95 && part < 0.96 ? 300 : 100), true],
    ['that grows steadily', (part: number) => 100 + 50 * part, false],
  ] as const)('%s', ([, bytes, isFlat]) => {
    expect(judgeMemory(samples(bytes), 10)).toMatchObject({ isJudged: true, isFlat });
  });

  test('is not judged in a run of seconds', () => {
    expect(
      judgeMemory(
        samples(() => 100),
        0.3,
      ).isJudged,
    ).toBe(false);
  });
});

test('a hook fails for one in some twenty questions, and the same ones each time', () => {
  const refused = Array.from({ length: 10_000 }, (_, i) => outcome(7, `question ${i}`));
  const failures = refused.filter((name) => !isAllowed(name));
  expect(failures.length).toBeGreaterThan(400);
  expect(failures.length).toBeLessThan(800);
  expect(outcome(7, 'question 1')).toBe(refused[1]);
});

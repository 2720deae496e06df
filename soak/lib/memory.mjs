// Whether memory stays as it is after the warm-up.

const WARM_UP = 0.2;
/** What the last fifth may be above the first one: this factor, and what a heap moves about. */
const MOST_GROWTH = 1.15;
const MARGIN = 8 * 2 ** 20;
/** In a shorter run a heap still grows to its size, so that nothing can be said. */
const LEAST_MINUTES = 3;

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/**
 * @param {number[]} samples bytes, at equal distances
 * @returns {{ first: number, last: number, isJudged: boolean, isFlat: boolean }} medians of the first and the
 * last fifth behind the warm-up
 */
export function judgeMemory(samples, minutes) {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP));
  const fifth = Math.max(1, Math.floor(warm.length / 5));
  const first = median(warm.slice(0, fifth));
  const last = median(warm.slice(-fifth));
  const isJudged = minutes >= LEAST_MINUTES;
  return { first, last, isJudged, isFlat: last <= first * MOST_GROWTH + MARGIN };
}

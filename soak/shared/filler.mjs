// The text that fills messages: stream and number tell which and how long, so that a receiver can check
// every character. It compresses about as well as JSON does.
import { hash, Random } from './random.mjs';

const LONGEST = 48 * 1024;

const TEXT = (() => {
  const random = new Random(1);
  let text = '';
  while (text.length < 2 * LONGEST) text += `${random.below(5000).toString(36)}-word `;
  return text;
})();

/** Most characters by kind of stream, its name's first letter: what goes to all is short. */
const MOST = { a: 4096, t: 16_384, u: 16_384, r: LONGEST, c: 12_288 };

/** Lengths in bands: most messages are short, some are compressed, few are compressed aside. */
const BANDS = [
  [700, 0, 200],
  [950, 1000, 4000],
  [990, 8000, 16_000],
  [1000, 33_000, LONGEST],
];

export function filler(stream, number) {
  const chance = hash(`${stream} ${number}`);
  const [, least, end] = BANDS.find(([share]) => chance % 1000 < share);
  const length = Math.min(least + ((chance >>> 10) % (end - least)), MOST[stream[0]]);
  const start = (chance >>> 4) % (TEXT.length - length);
  return TEXT.slice(start, start + length);
}

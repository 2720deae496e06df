/**
 * Whether a regular expression is bound to both ends of the text. One that is not allows also what has its text
 * somewhere in the middle: `/^https:\/\/example\.com/` matches `https://example.com.evil.net`.
 */

/** By its source: each alternative needs `^` and `$`, wherever they stand in it. */
export function isAnchored({ source }: RegExp): boolean {
  // What is escaped or in a class is no anchor, bracket or bar.
  const plain = source.replace(/\\.|\[(?:\\.|[^\]\\])*\]/gs, '_');
  return alternatives(plain).every((one) => one.includes('^') && one.includes('$'));
}

/** What the bars part that are in no group. */
function alternatives(source: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const character of source) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === '|' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts;
}

/**
 * Whether a regular expression is bound to both ends of the text. One that is not allows also what has its text
 * somewhere in the middle: `/^https:\/\/example\.com/` matches `https://example.com.evil.net`.
 */

/** What is escaped or in a class is no anchor, bracket or bar. */
const LITERAL = /\\.|\[(?:\\.|[^\]\\])*\]/gs;

/** A group without groups in it: whether it looks around, its name, its alternatives, whether it may be left out. */
const GROUP = /\((\?<?[=!])?(?:\?<[^>]*>)?([^()]*)\)([?*]|\{0+[,}])?/g;

/**
 * By its source: each alternative needs `^` and `$`, wherever they stand in it, and so does each of a group's. Anchors of
 * a group that may be left out do not count, and none of one that looks around: of such, only some are exact, as
 * `/^https:\/\/b\.com(?!.)/` is.
 */
export function isAnchored({ source }: RegExp): boolean {
  let rest = source.replace(LITERAL, '_');
  // From the inside out, each group gives way to its anchors.
  for (let before = ''; before !== rest; ) {
    before = rest;
    rest = rest.replace(GROUP, anchorsOfGroup);
  }
  return anchorsOf(rest) === '^$';
}

function anchorsOfGroup(_: string, around?: string, inside = '', optional?: string): string {
  return around === undefined && optional === undefined ? anchorsOf(inside) : '';
}

/** Those that are in every alternative. */
function anchorsOf(source: string): string {
  const alternatives = source.split('|');
  return ['^', '$'].filter((one) => alternatives.every((text) => text.includes(one))).join('');
}

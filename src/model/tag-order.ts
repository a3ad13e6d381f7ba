import { byCodeUnit } from '../primitives/order.js';

/** What can stand at one place of a tag, the oldest first: `-rc` of `1.4-rc` comes before the end of `1.4`. */
const ages = { prerelease: 0, end: 1, word: 2, number: 3 } as const;

/**
 * Compares two tags as versions: negative when `a` is older. Numbers count as numbers (`1.9` before `1.10`), a leading
 * `v` does not count, `1.4.0-rc1` comes before `1.4.0`, and words before numbers (`edge` before `1.0`).
 */
export function compareTags(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = compareParts(left[at], right[at]);
    if (difference !== 0) return difference;
  }
  return byCodeUnit(a, b);
}

const partsOf = (tag: string): string[] =>
  tag.replace(/^v(?=\d)/, '').split(/[._]|(?<=\d)(?=[^\d._])|(?<=[^\d._])(?=\d)/);

function compareParts(a: string | undefined, b: string | undefined): number {
  const kind = kindOf(a);
  if (kind !== kindOf(b)) return kind - kindOf(b);
  return kind === ages.number ? compareNumbers(a ?? '', b ?? '') : byCodeUnit(a ?? '', b ?? '');
}

function kindOf(part: string | undefined): number {
  if (part === undefined) return ages.end;
  if (/^\d+$/.test(part)) return ages.number;
  return /^-[a-z]/i.test(part) ? ages.prerelease : ages.word;
}

/** Digits of any length. */
function compareNumbers(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return left.length - right.length || byCodeUnit(left, right);
}

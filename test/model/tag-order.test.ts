import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareTags } from '../../src/model/tag-order.js';

describe('compareTags', () => {
  test.each([
    ['numbers count as numbers', ['1.9', '1.10', '2.0', '10.0']],
    ['more digits are newer', ['1', '1.4', '1.4.0', '1.4.1']],
    ['what comes before a release', ['1.4.0-alpha', '1.4.0-beta', '1.4.0-rc1', '1.4.0-rc2', '1.4.0', '1.4.0-2']],
    ['a leading v does not count', ['v1.2', '1.3', 'v1.4']],
    ['dates', ['2025-12-31', '2026-01-02', '20260102']],
    ['numbers longer than any integer', ['1', '99999999999999999999', '100000000000000000000']],
    ['words come first, as text', ['edge', 'latest', '1.0']],
    ['the same number with zeros before it', ['1.02', '1.2', '1.03']],
    ['no tag at all', ['', '1.0']],
  ])('%s', (_, oldestFirst) => {
    expect([...oldestFirst].reverse().sort(compareTags)).toEqual(oldestFirst);
  });

  test('is a total order', () => {
    const tag = fc.stringMatching(/^[0-9v._rca-]{0,6}$/);
    fc.assert(
      fc.property(tag, tag, tag, (a, b, c) => {
        const sorted = [a, b, c].sort(compareTags);
        expect(Math.sign(compareTags(a, b))).toBe(-Math.sign(compareTags(b, a)) + 0);
        expect([c, a, b].sort(compareTags)).toEqual(sorted);
        expect([b, c, a].sort(compareTags)).toEqual(sorted);
      }),
      { numRuns: 500 },
    );
  });
});

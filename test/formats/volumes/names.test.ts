import { describe, expect, test } from '@jest/globals';
import { inWords, parseVolumeName } from '../../../src/formats/volumes/names.js';

describe('names', () => {
  test.each([
    ['a.tar.zst.001', { base: 'a.tar.zst', number: 1, kind: 'volume' }],
    ['a.tar.zst-999.json', { base: 'a.tar.zst', number: 999, kind: 'checksum' }],
    ['a-001.json.002', { base: 'a-001.json', number: 2, kind: 'volume' }],
    ['a.tar.zst.000', undefined],
    ['a.tar.zst.01', undefined],
    ['a.tar.zst.1000', undefined],
    ['.001', undefined],
    ['._a.tar.zst.001', undefined],
    ['a.001.1-00000000.part', undefined],
    ['a.tar.zst-001.txt', undefined],
  ])('%s', (name, expected) => {
    expect(parseVolumeName(name)).toEqual(expected);
  });

  test.each([
    [[2], '2'],
    [[2, 4], '2 and 4'],
    [[1, 2], '1 and 2'],
    [[1, 2, 3, 5, 7, 8, 9], '1 to 3, 5 and 7 to 9'],
  ])('%j in words', (numbers, words) => {
    expect(inWords(numbers)).toBe(words);
  });
});

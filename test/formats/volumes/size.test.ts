import { describe, expect, test } from '@jest/globals';
import { inWords, parseVolumeName } from '../../../src/formats/volumes/names.js';
import { parseVolumeSize } from '../../../src/formats/volumes/size.js';

describe('parseVolumeSize', () => {
  test.each([
    ['4GiB', 4 * 2 ** 30],
    ['3.9G', 3_900_000_000],
    ['3.9GB', 3_900_000_000],
    ['700m', 700_000_000],
    ['1.5 TiB', 1.5 * 2 ** 40],
    ['1048576', 1_048_576],
    ['fat32', 4_294_967_295],
    ['FAT32', 4_294_967_295],
    ['cd', 359_850 * 2048 - 8_388_608],
    ['dvd', 4_700_372_992 - 8_388_608],
    ['bd25', 24_220_008_448 - 8_388_608],
  ])('%s is %i bytes', (text, bytes) => {
    expect(parseVolumeSize(text)).toBe(bytes);
  });

  test.each(['', 'G', '-4G', '4X', '4GGB', '1e9', 'floppy', '99999999999T', 'constructor', '__proto__'])(
    '%p is none',
    (text) => {
      expect(() => parseVolumeSize(text)).toThrow(`--volume-size ${text}: no size`);
    },
  );

  test('the smallest is 1 MiB', () => {
    expect(parseVolumeSize('1MiB')).toBe(1_048_576);
    expect(() => parseVolumeSize('1M')).toThrow('--volume-size 1M: 1000000 bytes are too few');
  });
});

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

import { describe, expect, test } from '@jest/globals';
import { readVolumeSize } from '../../src/cli/parser/volume-size.js';
import { ferry } from './helpers.js';

describe('readVolumeSize', () => {
  test.each([
    ['4GiB', 4 * 2 ** 30],
    ['3.9G', 3_900_000_000],
    ['3.9GB', 3_900_000_000],
    ['700m', 700_000_000],
    ['512Mi', 512 * 2 ** 20],
    ['1.5 TiB', 1.5 * 2 ** 40],
    ['1048576', 1_048_576],
    ['fat32', 4_294_967_295],
    ['FAT32', 4_294_967_295],
    ['cd', 359_850 * 2048 - 8_388_608],
    ['dvd', 4_700_372_992 - 8_388_608],
    ['bd25', 24_220_008_448 - 8_388_608],
  ])('%s is %i bytes', (text, bytes) => {
    expect(readVolumeSize(text)).toBe(bytes);
  });

  test.each([
    '',
    'G',
    '-4G',
    '4X',
    '4GGB',
    '1e9',
    'floppy',
    '99999999999T',
    'constructor',
    '__proto__',
    '1constructor',
  ])('%p is none', (text) => {
    expect(readVolumeSize(text)).toBeUndefined();
  });
});

describe('--volume-size', () => {
  test.each([
    ['4X', 'no size', 'Write a number with a unit (4GiB, 3.9G), or a medium: fat32, cd, dvd, bd25.'],
    ['1M', '1000000 bytes are too few', 'Choose 1048576 bytes (1 MiB) or more.'],
  ])('%s: %s', async (text, message, hint) => {
    const { status, stderr } = await ferry(['pack', 'a', '-o', 'x.tar', '--volume-size', text]);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `ferry: --volume-size ${text}: ${message}\n  hint: ${hint}\n`,
    });
  });

  test('the smallest is 1 MiB', async () => {
    const { calls } = await ferry(['pack', 'a', '-o', 'x.tar', '--volume-size', '1MiB']);
    expect(calls).toMatchObject([{ options: { volumeBytes: 1_048_576 } }]);
  });
});

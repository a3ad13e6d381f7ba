import { describe, expect, test } from '@jest/globals';
import { whyNotPortable } from '../../../src/primitives/drive/names.js';

describe('legal on FAT32, exFAT and NTFS', () => {
  test.each([
    ['release.tar.zst.001'],
    ['release.tar.zst-001.json'],
    ['kit 2026.tar'],
    ['.hidden'],
    [' leading blank'],
    ['a..b'],
    ['Ünïcode-名前'],
    ['console.txt'],
    ['com.tar'],
    ['COM10.tar'],
    ['COM1-x.tar'],
    ['anul'],
    ["+,;=[]{}~!@#$%^&()'`-_"],
    ['a'.repeat(255)],
    ['名'.repeat(255)],
  ])('%j', (name) => {
    expect(whyNotPortable(name)).toBeUndefined();
  });
});

describe('not legal on one of them', () => {
  test.each([
    ['a:b', 'a : in it'],
    ['a*', 'a * in it'],
    ['what?', 'a ? in it'],
    ['"a"', 'a " in it'],
    ['<a', 'a < in it'],
    ['a>', 'a > in it'],
    ['a|b', 'a | in it'],
    ['a\\b', 'a \\ in it'],
    ['a\nb', 'a control character (10)'],
    ['\u0000', 'a control character (0)'],
    ['a.', 'ends in a dot'],
    ['a ', 'ends in a blank'],
    ['.', 'ends in a dot'],
    ['..', 'ends in a dot'],
    ['CON', 'device'],
    ['nul.tar.zst', 'device'],
    ['Aux.001', 'device'],
    ['prn', 'device'],
    ['COM1', 'device'],
    ['com0.txt', 'device'],
    ['LPT9.tar', 'device'],
    ['COM¹', 'device'],
    ['CONIN$', 'device'],
    ['NUL .txt', 'device'],
    ['', 'is empty'],
    ['a'.repeat(256), '256 characters'],
    ['😀'.repeat(128), '256 characters'], // two UTF-16 units each
    ['kit/a', 'a / in it'],
  ])('%j: %s', (name, reason) => {
    expect(whyNotPortable(name)).toContain(reason);
  });
});

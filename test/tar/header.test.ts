import { describe, expect, test } from '@jest/globals';
import { decodeHeader, entryType, looksLikeTar } from '../../src/tar/header.js';
import { rawHeader } from '../helpers/raw-tar.js';

const base256 = (hex: string): Buffer => Buffer.from(hex.padStart(24, '0'), 'hex');
const decode = (block: Buffer): ReturnType<typeof decodeHeader> => decodeHeader(block, 'a.tar: at byte 512');
const refused = (words: string): unknown =>
  expect.objectContaining({ code: 'BAD_ARCHIVE', message: expect.stringContaining(words) });

describe('decodeHeader', () => {
  test('a ustar header', () => {
    const header = rawHeader({ name: 'blobs/x', size: 1234, flag: '0' });
    expect(decode(header)).toEqual({ name: 'blobs/x', size: 1234, flag: '0', linkName: '' });
  });

  test('a ustar prefix comes before the name', () => {
    expect(decode(rawHeader({ name: 'c', prefix: 'a/b' }))).toMatchObject({ name: 'a/b/c' });
  });

  test('GNU tar keeps times where ustar has the prefix', () => {
    expect(decode(rawHeader({ name: 'c', prefix: '14230562130', magic: 'ustar  \0' }))).toMatchObject({ name: 'c' });
  });

  test('v7 has neither magic nor prefix, and NUL for a file', () => {
    const header = rawHeader({ name: 'old', size: 5, magic: '', flag: '\0', prefix: 'not-a-prefix' });
    expect(decode(header)).toEqual({ name: 'old', size: 5, flag: '0', linkName: '' });
  });

  test('a name and a link of 100 bytes have no NUL', () => {
    const long = 'n'.repeat(100);
    expect(decode(rawHeader({ name: long, flag: '2', link: long }))).toMatchObject({ name: long, linkName: long });
  });

  test('a name in UTF-8, with either checksum', () => {
    for (const signedChecksum of [false, true])
      expect(decode(rawHeader({ name: 'größe', signedChecksum }))).toMatchObject({ name: 'größe' });
  });

  test('a block of zeros is the end', () => {
    expect(decode(Buffer.alloc(512))).toBeUndefined();
  });

  test.each<[string, Buffer | string, number]>([
    ['blanks before and after', '       123 \0', 0o123],
    ['no NUL at its end', '000000000017', 0o17],
    ['nothing at all', '\0\0\0\0\0\0\0\0\0\0\0\0', 0],
    ['the largest octal', '77777777777\0', 8 * 2 ** 30 - 1],
    ['base 256: 8 GiB', base256('800000000000000200000000'), 8 * 2 ** 30],
    ['base 256: the largest safe number', base256('80000000001fffffffffffff'), Number.MAX_SAFE_INTEGER],
  ])('size field with %s', (_, sizeField, size) => {
    expect(decode(rawHeader({ name: 'x', sizeField }))).toMatchObject({ size });
  });

  test.each<[string, Buffer | string]>([
    ['negative, base 256', base256('ffffffffffffffffffffffff')],
    ['absurd, base 256', base256('807fffffffffffffffffffff')],
    ['just over what is safe', base256('800000000020000000000000')],
    ['an unknown base', base256('810000000000000000000001')],
    ['negative, octal', '-0000000001\0'],
    ['decimal', '00000000009\0'],
    ['hexadecimal', '0x00000001f\0'],
    ['something after a NUL', '0000\x00001234\0'],
    ['text', 'hello world\0'],
  ])('a size that is %s is refused, naming the member and the place', (_, sizeField) => {
    const header = rawHeader({ name: 'layer.tar', sizeField });
    expect(() => decode(header)).toThrow(refused('a.tar: at byte 512: size of layer.tar: expected'));
  });

  test.each([0, 50, 99, 100, 124, 148, 156, 257, 345, 511])('a flipped bit in byte %i is a wrong checksum', (at) => {
    const header = rawHeader({ name: 'n'.repeat(100), size: 1234 });
    header[at] = (header[at] ?? 0) ^ 1;
    expect(() => decode(header)).toThrow(refused('a.tar: at byte 512'));
  });

  test('a name that would move the cursor is shown harmlessly', () => {
    expect(() => decode(rawHeader({ name: '\x1b[2Jx', sizeField: 'zzzzzzzzzzz\0' }))).toThrow(refused('\\x1b[2Jx'));
  });
});

describe('looksLikeTar', () => {
  test.each([
    ['a header', rawHeader({ name: 'x' }), true],
    ['a header and more', Buffer.concat([rawHeader({ name: 'x' }), Buffer.alloc(99)]).subarray(0, 512), true],
    ['zeros', Buffer.alloc(512), false],
    ['less than a block', rawHeader({ name: 'x' }).subarray(0, 511), false],
    ['text', Buffer.from('#!/bin/sh\n'.repeat(60)).subarray(0, 512), false],
  ])('%s', (_, block, is) => {
    expect(looksLikeTar(block)).toBe(is);
  });
});

test.each([
  ['0', 'x', 'file'],
  ['7', 'x', 'file'],
  ['0', 'x/', 'directory'],
  ['1', 'x', 'hardlink'],
  ['2', 'x', 'symlink'],
  ['3', 'x', 'other'],
  ['4', 'x', 'other'],
  ['5', 'x', 'directory'],
  ['6', 'x', 'other'],
  ['V', 'x', 'other'],
  ['Z', 'x/', 'other'],
])('type flag %s of %s is a %s', (flag, name, type) => {
  expect(entryType(flag, name)).toBe(type);
});

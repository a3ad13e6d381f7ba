import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { digestOf, hexOf, isDigest, parseDigest, shortDigest } from '../../src/primitives/digest.js';

const hex = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

describe('digests', () => {
  test('of text, bytes and a finished hash are the same', () => {
    expect(digestOf('')).toBe(`sha256:${hex}`);
    expect(digestOf(Buffer.alloc(0))).toBe(digestOf(createHash('sha256')));
  });

  test('have a hex part and a short form', () => {
    expect(hexOf(digestOf(''))).toBe(hex);
    expect(shortDigest(digestOf(''))).toBe('e3b0c44298fc');
  });

  test('a canonical one is parsed', () => {
    expect(parseDigest(`sha256:${hex}`, 'here')).toBe(`sha256:${hex}`);
  });

  test.each([
    ['upper case', `sha256:${hex.toUpperCase()}`],
    ['too short', `sha256:${hex.slice(1)}`],
    ['too long', `sha256:${hex}0`],
    ['a line break after it', `sha256:${hex}\n`],
    ['no algorithm', hex],
    ['a path', `sha256:../../../../etc/passwd`],
    ['a number', 7],
    ['nothing', undefined],
    ['null', null],
    ['an object', { digest: hex }],
  ])('%s is refused, naming the place', (_, text) => {
    expect(isDigest(text)).toBe(false);
    expect(() => parseDigest(text, 'index.json: digest')).toThrow(
      expect.objectContaining({
        code: 'BAD_ARCHIVE',
        message: expect.stringContaining('index.json: digest'),
      }),
    );
  });

  test('another algorithm gets a hint of its own', () => {
    expect(() => parseDigest(`sha512:${hex}${hex}`, 'x')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('Only sha256') }),
    );
  });
});

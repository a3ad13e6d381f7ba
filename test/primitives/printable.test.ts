import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { printable } from '../../src/primitives/printable.js';

describe('printable', () => {
  test.each([
    ['plain text', 'app:1.0 – Grüße 日本', 'app:1.0 – Grüße 日本'],
    ['an emoji (a surrogate pair)', 'ok 👍', 'ok 👍'],
    ['a colour', '\x1b[31mred', '\\x1b[31mred'],
    ['an 8-bit escape', '\x9b31mred', '\\x9b31mred'],
    ['a line break', 'a\r\nb', 'a\\x0d\\x0ab'],
    ['a NUL and a DEL', 'a\0b\x7f', 'a\\x00b\\x7f'],
    ['a right-to-left override', 'exe\u202egnp', 'exe\\u202egnp'],
    ['an isolate', '\u2066a\u2069', '\\u2066a\\u2069'],
    ['zero width and a byte order mark', 'a\u200bb\ufeff', 'a\\u200bb\\ufeff'],
    ['a line separator', 'a\u2028b', 'a\\u2028b'],
    ['a lone high surrogate', 'a\ud83d', 'a\\ud83d'],
    ['a lone low surrogate', '\udc4db', '\\udc4db'],
    ['nothing', undefined, '(nothing)'],
  ])('%s', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  test('is cut with an ellipsis', () => {
    expect(printable('abcdef', 3)).toBe('abc…');
    expect(printable('abc', 3)).toBe('abc');
  });

  test('a pair that is cut in half is shown as what it is', () => {
    expect(printable('ab👍', 3)).toBe('ab\\ud83d…');
  });

  test('no text brings a control character or half a pair to the terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(50), (text, max) => {
        const shown = printable(text, max);

        expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
        expect(shown).not.toMatch(/\p{Surrogate}/u);
      }),
    );
  });
});

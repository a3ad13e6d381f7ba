import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { table } from '../../src/cli/render/table.js';
import { clip, count, lengthOf, shorten, wrap } from '../../src/cli/render/text.js';
import { formatBytes, formatDuration, formatShare } from '../../src/cli/render/units.js';
import { fit, nameOf, viewOf } from '../../src/cli/render/view.js';
import { Captured, pipe, terminal } from './helpers.js';

test.each([
  [0, '0 B'],
  [1, '1 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [1234, '1.2 kB'],
  [999_949, '999.9 kB'],
  [999_950, '1.0 MB'],
  [312_400_000, '312.4 MB'],
  [4_000_000_000, '4.0 GB'],
  [1.5e12, '1.5 TB'],
  [Number.MAX_SAFE_INTEGER, '9.0 PB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test('sizes are never wider than their column', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e15 }), (bytes) => {
      expect(formatBytes(bytes)).toMatch(/^\d{1,3}(\.\d)? [kMGTP]?B$/);
    }),
  );
});

test.each([
  [-1, '0 s'],
  [0.4, '0 s'],
  [59.4, '59 s'],
  [59.6, '1 min 00 s'],
  [125, '2 min 05 s'],
  [3599.9, '1 h 00 min'],
  [11_520, '3 h 12 min'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test('shares and counts', () => {
  expect(formatShare(1, 3)).toBe('33.3 %');
  expect(formatShare(0, 0)).toBe('0.0 %');
  expect([0, 1, 2].map((n) => count(n, 'image'))).toStrictEqual(['0 images', '1 image', '2 images']);
});

/** Half a character. */
const lone = /\p{Surrogate}/u;

describe('cutting', () => {
  test('keeps both ends, or the beginning', () => {
    expect(shorten('abcdefghij', 7)).toBe('abc…hij');
    expect(shorten('abcdefghij', 10)).toBe('abcdefghij');
    expect(shorten('abc', 1)).toBe('…');
    expect(clip('abcdefghij', 7)).toBe('abcdef…');
    expect(clip('abc', 3)).toBe('abc');
  });

  test('never exceeds the width and never splits a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: 40 }), (text, width) => {
        for (const cut of [shorten(text, width), clip(text, width)]) {
          expect(lengthOf(cut)).toBeLessThanOrEqual(Math.max(width, 1));
          if (!lone.test(text)) expect(cut).not.toMatch(lone);
        }
      }),
    );
  });

  test('wrapping loses no word', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 40 }), (text, width) => {
        const lines = wrap(text, width);
        expect(lines.join(' ')).toBe(text);
        for (const line of lines) if (line.includes(' ')) expect(line.length).toBeLessThanOrEqual(width);
      }),
    );
  });

  test('happens on a terminal only', () => {
    expect(fit('abcdefghij', 5, terminal)).toBe('ab…ij');
    expect(fit('abcdefghij', 5, pipe)).toBe('abcdefghij');
  });
});

describe('table', () => {
  const columns = [
    { title: 'NAME', flexible: true },
    { title: 'SIZE', align: 'right' as const },
  ];

  test('aligns, and leaves no blanks at the end', () => {
    const rows = [{ cells: ['a', '1 B'] }, { line: 'a line of its own' }, { cells: ['long name'] }];
    expect(table(columns, rows, pipe)).toStrictEqual([
      'NAME       SIZE',
      'a           1 B',
      'a line of its own',
      'long name',
    ]);
  });

  test('gives a flexible column no less than twelve characters', () => {
    const [, row] = table(columns, [{ cells: ['x'.repeat(50), 'y'.repeat(100)] }], terminal);
    expect(row).toBe(`xxxxxx…xxxxx  ${'y'.repeat(100)}`);
  });

  test('without rows is its header', () => {
    expect(table(columns, [], pipe)).toStrictEqual(['NAME  SIZE']);
  });
});

describe('view', () => {
  test.each([
    [new Captured(), {}, { width: 80, cut: false, colour: false }],
    [new Captured({ columns: 132 }), {}, { width: 132, cut: true, colour: true }],
    [new Captured({ columns: 20 }), {}, { width: 60, cut: true, colour: true }],
    [new Captured({ columns: 80 }), { NO_COLOR: '1' }, { width: 80, cut: true, colour: false }],
    [new Captured({ columns: 80 }), { NO_COLOR: '' }, { width: 80, cut: true, colour: true }],
    [new Captured({ columns: 80 }), { TERM: 'dumb' }, { width: 80, cut: true, colour: false }],
  ])('%#', (stream, env, expected) => {
    expect(viewOf(stream, env)).toStrictEqual(expected);
  });

  test('names are shown as Docker shows them', () => {
    expect(nameOf('docker.io/library/app:1.0')).toBe('app:1.0');
    expect(nameOf('docker.io/team/app:1.0')).toBe('team/app:1.0');
    expect(nameOf('ghcr.io/team/app:1.0')).toBe('ghcr.io/team/app:1.0');
    expect(nameOf(undefined)).toBe('(no name)');
  });
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { headerLength, parseHeader } from '../../src/codecs/zstd-header.js';
import { ZstdWalker } from '../../src/codecs/zstd-walker.js';
import { type TransferError } from '../../src/primitives/errors.js';

const magic = Buffer.from('28b52ffd', 'hex');
const block = (type: number, size: number, last: boolean): Buffer => {
  const bits = (size << 3) | (type << 1) | (last ? 1 : 0);
  return Buffer.from([bits & 255, (bits >>> 8) & 255, bits >>> 16]);
};
/** A frame of one raw block, with a window byte and no sizes. */
const frame = (content: string, checksum = false): Buffer =>
  Buffer.concat([
    magic,
    Buffer.from([checksum ? 4 : 0, 0]),
    block(0, content.length, true),
    Buffer.from(content),
    Buffer.alloc(checksum ? 4 : 0, 0xcc),
  ]);
const skippable = (length: number): Buffer =>
  Buffer.concat([Buffer.from('5a2a4d18', 'hex'), Buffer.from([length, 0, 0, 0]), Buffer.alloc(length, 0xee)]);

/** What it hands out of `input` given in pieces of the sizes in turn. */
function walk(input: Buffer, sizes: readonly number[]): Buffer {
  const walker = new ZstdWalker('w');
  const out: Uint8Array[] = [];
  for (let at = 0, i = 0; at < input.byteLength; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    for (const piece of walker.pieces(input.subarray(at, at + size))) out.push(Buffer.from(piece));
    at += size;
  }
  walker.end();
  return Buffer.concat(out);
}

const problem = (input: Buffer): string => {
  try {
    walk(input, [3]);
    return 'none';
  } catch (error) {
    expect((error as TransferError).code).toBe('BAD_ARCHIVE');
    return (error as TransferError).message;
  }
};

describe('ZstdWalker', () => {
  test('hands out the data frames, byte for byte, in whatever pieces they come', () => {
    const part = fc.oneof(
      fc
        .tuple(fc.string({ maxLength: 40, unit: 'grapheme-ascii' }), fc.boolean())
        .map(([text, sum]) => frame(text, sum)),
      fc.nat(30).map(skippable),
    );
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
        (parts, sizes) => {
          const data = Buffer.concat(parts.filter((bytes) => bytes[0] === 0x28));
          expect(walk(Buffer.concat(parts), sizes).equals(data)).toBe(true);
          expect(walk(Buffer.concat([...parts, Buffer.alloc(9)]), sizes).equals(data)).toBe(true);
        },
      ),
    );
  });

  test('a piece has 16 blocks at most', () => {
    const blocks = Buffer.concat(
      Array.from({ length: 100 }, (_, i) => Buffer.concat([block(1, 9, i === 99), Buffer.from('x')])),
    );
    const walker = new ZstdWalker('w');
    const sizes = [...walker.pieces(Buffer.concat([magic, Buffer.from([0, 0]), blocks]))].map(
      (piece) => piece.byteLength,
    );
    expect(Math.max(...sizes)).toBeLessThanOrEqual(16 * 4);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(6 + 400);
  });

  test('every cut is told, except between frames', () => {
    const parts = [frame('abc'), skippable(5), frame('', true), frame('hello', true)];
    const file = Buffer.concat(parts);
    const ends = new Set<number>();
    parts.reduce((at, part) => {
      ends.add(at + part.byteLength);
      return at + part.byteLength;
    }, 0);
    for (let end = 0; end <= file.byteLength; end++) {
      expect([end, problem(file.subarray(0, end)) === 'none']).toEqual([end, ends.has(end)]);
    }
  });

  test.each([
    ['a reserved bit', Buffer.concat([magic, Buffer.from([8, 0]), block(0, 0, true)]), 'reserved bit'],
    ['a reserved block', Buffer.concat([magic, Buffer.from([0, 0]), block(3, 0, true)]), 'reserved type'],
    ['a block that is too large', Buffer.concat([magic, Buffer.from([0, 0]), block(0, 131073, true)]), '131073'],
    ['a dictionary', Buffer.concat([magic, Buffer.from([1, 0, 7]), block(0, 0, true)]), 'dictionary'],
    ['text', Buffer.from('text'), 'something else'],
    ['text behind a frame', Buffer.concat([frame('a'), Buffer.from('text')]), 'at or after byte 10'],
    ['text behind padding', Buffer.concat([frame('a'), Buffer.alloc(6), Buffer.from('text')]), 'zero padding'],
  ])('%s', (_, input, message) => {
    expect(problem(input)).toContain(message);
  });

  test('adds up what the frames say they hold', () => {
    const sized = Buffer.concat([magic, Buffer.from([0x20, 3]), block(0, 3, true), Buffer.from('abc')]);
    const walker = new ZstdWalker('w');
    for (const piece of walker.pieces(Buffer.concat([sized, sized]))) expect(piece.byteLength).toBeGreaterThan(0);
    expect([walker.frames, walker.declared]).toEqual([2, 6]);
    for (const piece of walker.pieces(frame('no size'))) expect(piece.byteLength).toBeGreaterThan(0);
    expect(walker.declared).toBeUndefined();
  });
});

describe('parseHeader', () => {
  test.each([
    ['2800', 'single segment, one byte', undefined],
    ['0000', '', { length: 6, window: 1024, contentSize: undefined, hasChecksum: false }],
    ['0468', '', { length: 6, window: 2 ** 23, contentSize: undefined, hasChecksum: true }],
    ['0001', '', { window: 1024 + 128 }],
    ['2005', '', { length: 6, window: 5, contentSize: 5 }],
    ['60ff00', '', { length: 7, window: 255 + 256, contentSize: 511 }],
    ['a000000080', '', { length: 9, contentSize: 2 ** 31 }],
    ['e00000000000000100', '', { length: 13, contentSize: 2 ** 48 }],
    ['c3ff00000000ffffffffffffff0f', '', { length: 18, dictionary: false }],
    ['0300010000' + '00', '', { length: 10, dictionary: true }],
  ])('%s', (hex, _, expected) => {
    const bytes = Buffer.concat([magic, Buffer.from(hex, 'hex'), Buffer.alloc(8)]);
    const header = parseHeader(bytes);
    if (expected === undefined) expect(header).toContain('reserved');
    else expect(header).toMatchObject(expected);
    if (typeof header !== 'string') expect(headerLength(bytes[4]!)).toBe(header.length);
  });
});

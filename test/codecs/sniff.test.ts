import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { sniffCompression } from '../../src/codecs/sniff.js';
import { sniffStream } from '../../src/codecs/decompress.js';
import { collect, dribble, run, testWith } from './helpers.js';

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

describe('sniffCompression', () => {
  test.each([
    ['gzip', '1f8b08000000000000ff'],
    ['gzip', '1f8b'],
    ['none', '1f8b07'],
    ['none', '1f'],
    ['zstd', '28b52ffd'],
    ['zstd', '28b52ffd240001000099'],
    ['zstd', '502a4d1800000000'],
    ['zstd', '5e2a4d1800000000'],
    ['zstd', '5f2a4d18'],
    ['none', '602a4d18'],
    ['none', '4f2a4d18'],
    ['none', '28b52ffc'],
    ['xz', 'fd377a585a00'],
    ['none', 'fd377a585a'],
    ['bzip2', '425a68393141592653' + '59'],
    ['bzip2', '425a6831177245385090'],
    ['bzip2', '425a6839'],
    ['none', '425a6830314159265359'],
    ['none', '425a683a314159265359'],
    ['none', ''],
  ])('%s: %s', (format, hex) => {
    expect(sniffCompression(bytes(hex))).toBe(format);
  });

  test('a tar whose first name begins like bzip2 is plain', () => {
    expect(sniffCompression(Buffer.from('BZh9-is-a-name'))).toBe('none');
  });

  test('no input makes it throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (head) => {
        expect(['none', 'gzip', 'zstd', 'xz', 'bzip2']).toContain(sniffCompression(head));
      }),
    );
  });

  for (const program of ['gzip', 'zstd', 'xz', 'bzip2'])
    testWith(program)(`what stock ${program} writes`, () => {
      expect(sniffCompression(run(program, ['-c'], Buffer.from('x')).subarray(0, 10))).toBe(program);
      expect(sniffCompression(run(program, ['-c'], Buffer.alloc(0)).subarray(0, 10))).toBe(program);
    });
});

describe('sniffStream', () => {
  test('any stream in any pieces comes out again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 12 }), async (input, size) => {
        const sniffed = await sniffStream(dribble(input, size));
        expect(sniffed.format).toBe(sniffCompression(input.subarray(0, 10)));
        expect((await collect(sniffed.bytes)).equals(input)).toBe(true);
      }),
    );
  });

  test('closing the replay closes the input', async () => {
    let closed = false;
    // eslint-disable-next-line @typescript-eslint/require-await
    const input = (async function* () {
      try {
        for (;;) yield gzipSync('x');
      } finally {
        closed = true;
      }
    })();
    const { bytes: replayed } = await sniffStream(input);
    for await (const part of replayed) if (part.byteLength > 0) break;
    expect(closed).toBe(true);
  });
});

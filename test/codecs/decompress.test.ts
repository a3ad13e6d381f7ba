import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type ByteStream } from '../../src/primitives/bytes.js';
import { isTransferError, TransferError } from '../../src/primitives/errors.js';
import { decompress, decompressAs } from '../../src/codecs/decompress.js';
import { collect, cruel, dribble, faultOf, noise, prose, run, testWith } from './helpers.js';
import { sample, type SampleName, sampleText } from './samples.js';

const good: SampleName[] = ['gzip', 'xz', 'xzCrc32', 'bzip2', 'zstd', 'zstdNoCheck'];
const programs = ['gzip', 'xz', 'bzip2', 'zstd'] as const;
const decode = (bytes: Uint8Array, size = 4096): Promise<Buffer> => collect(decompress(dribble(bytes, size), 'x.tar'));

describe.each(good)('%s', (name) => {
  test.each(cruel)('in pieces of %i', async (size) => {
    expect((await decode(sample(name), size)).toString()).toBe(sampleText);
  });

  test('several in a row are one', async () => {
    const three = Buffer.concat([sample(name), sample(name), sample(name)]);
    for (const size of cruel) expect((await decode(three, size)).toString()).toBe(sampleText.repeat(3));
  });

  test('a cut at any byte is told', async () => {
    const whole = sample(name);
    const magic = name.startsWith('xz') ? 6 : name.startsWith('zstd') ? 4 : name === 'bzip2' ? 4 : 2;
    for (let end = magic; end < whole.byteLength; end++) {
      const fault = await faultOf(decode(whole.subarray(0, end), 7));
      expect([end, fault?.code, fault?.message.startsWith('x.tar: ')]).toEqual([end, 'BAD_ARCHIVE', true]);
      expect(fault?.hint).toBeDefined();
    }
  });

  test('a cut in the second of two is told', async () => {
    const whole = sample(name);
    for (let end = 1; end < whole.byteLength; end++) {
      const fault = await faultOf(decode(Buffer.concat([whole, whole.subarray(0, end)]), 512));
      expect([end, fault?.code]).toEqual([end, 'BAD_ARCHIVE']);
    }
  });

  test('a flipped bit is told, or changes nothing', async () => {
    const whole = sample(name);
    for (let at = 10; at < whole.byteLength; at++) {
      const bad = Buffer.from(whole);
      bad[at] = (bad[at] ?? 0) ^ 0x10;
      const outcome = await decode(bad).then(
        (content) => content.toString() === sampleText,
        (error: unknown) => isTransferError(error) && ['BAD_ARCHIVE', 'UNSUPPORTED_HERE'].includes(error.code),
      );
      // Without a checksum, a wrong literal is a literal.
      if (name !== 'zstdNoCheck') expect([at, outcome]).toEqual([at, true]);
    }
  });

  test('zero padding is passed over', async () => {
    for (const length of [4, 8, 512, 10240]) {
      for (const size of cruel) {
        const padded = Buffer.concat([sample(name), Buffer.alloc(length)]);
        expect((await decode(padded, size)).toString()).toBe(sampleText);
      }
    }
  });

  test.each([
    ['text', Buffer.from('this is no archive at all')],
    ['one byte', Buffer.from('x')],
    ['zeros and text', Buffer.concat([Buffer.alloc(16), Buffer.from('text that is longer')])],
    ['many zeros and a byte', Buffer.concat([Buffer.alloc(20_000), Buffer.from('x')])],
  ])('other bytes behind it are refused: %s', async (_, garbage) => {
    for (const size of cruel) {
      const fault = await faultOf(decode(Buffer.concat([sample(name), garbage]), size));
      expect([size, fault?.code]).toEqual([size, 'BAD_ARCHIVE']);
    }
  });

  test('what the input throws comes out as it is', async () => {
    const failing = async function* (): ByteStream {
      yield* dribble(sample(name).subarray(0, 30), 10);
      throw new TransferError('IO', 'the drive was pulled');
    };
    expect(await faultOf(collect(decompress(failing(), 'x')))).toMatchObject({
      code: 'IO',
      message: 'the drive was pulled',
    });
    const native = new Error('read failed');
    const rejecting = async function* (): ByteStream {
      yield* dribble(sample(name).subarray(0, 30), 10);
      throw native;
    };
    await expect(collect(decompress(rejecting(), 'x'))).rejects.toBe(native);
  });

  test('a reader that stops early closes the input', async () => {
    let closed = false;
    const input = (async function* () {
      try {
        for (;;) yield* dribble(sample(name), 16);
      } finally {
        closed = true;
      }
    })();
    for await (const part of decompress(input, 'x')) {
      expect(part.byteLength).toBeGreaterThan(0);
      break;
    }
    expect(closed).toBe(true);
  });

  test('two files can be read in turn', async () => {
    const parts: string[] = ['', ''];
    const readers = [0, 1].map(() => decompress(dribble(Buffer.concat([sample(name), sample(name)]), 9), 'x'));
    for (let open = 2; open > 0;) {
      for (const [i, reader] of readers.entries()) {
        const next = await reader.next();
        if (next.done === true) open--;
        else parts[i] = (parts[i] ?? '') + Buffer.from(next.value).toString();
      }
      if (parts.every((text) => text.length >= 2 * sampleText.length)) break;
    }
    expect(parts).toEqual([sampleText.repeat(2), sampleText.repeat(2)]);
  });
});

describe('plain bytes', () => {
  test('pass unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 1, max: 50 }), async (bytes, size) => {
        const plain = Uint8Array.from([0x61, ...bytes]);
        expect((await decode(plain, size)).equals(plain)).toBe(true);
      }),
    );
    expect((await decode(Buffer.alloc(0))).byteLength).toBe(0);
  });
});

describe('a format that is asked for', () => {
  test.each(['gzip', 'zstd', 'xz', 'bzip2'] as const)(
    '%s refuses nothing at all, and something else',
    async (format) => {
      for (const input of [Buffer.alloc(0), Buffer.from('plain text, and some more of it'), Buffer.alloc(64)]) {
        const fault = await faultOf(collect(decompressAs(format, dribble(input, 8), 'member a.tar')));
        expect([input.byteLength, fault?.code]).toEqual([input.byteLength, 'BAD_ARCHIVE']);
        expect(fault?.message).toContain('member a.tar');
      }
    },
  );
});

describe('what xz-decompress cannot do', () => {
  test.each(['xzSha256', 'xzX86', 'xzLargeDictionary'] as const)('%s', async (name) => {
    const fault = await faultOf(decode(sample(name)));
    expect(fault).toMatchObject({ code: 'UNSUPPORTED_HERE', hint: expect.stringContaining('xz -d') as unknown });
  });
});

describe('what stock programs write', () => {
  const inputs = [prose(3_000_000), noise(1_500_000), Buffer.alloc(5_000_000), Buffer.alloc(0), Buffer.from('x')];
  for (const program of programs) {
    for (const level of ['-1', '-9']) {
      testWith(program)(`${program} ${level}`, async () => {
        for (const input of inputs) {
          const content = await decode(run(program, ['-c', level], input), 65536);
          expect(content.equals(input)).toBe(true);
        }
      });
    }
  }
});

test('damage of any kind never hangs, and is a TransferError', async () => {
  const anySample = fc.constantFrom(...good);
  await fc.assert(
    fc.asyncProperty(anySample, fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1 }), async (name, edits) => {
      const bytes = Buffer.from(sample(name));
      for (const [at, value] of edits) bytes[10 + (at % (bytes.byteLength - 10))] = value;
      // faultOf lets any other error through.
      await faultOf(decode(bytes, 50));
    }),
    { numRuns: 200 },
  );
});

test('memory stays bounded where much comes out of little', async () => {
  let size = 0;
  const { gzip } = await import('../../src/codecs/gzip.js');
  const zeros = (async function* () {
    for (let i = 0; i < 200; i++) yield await Promise.resolve(Buffer.alloc(1024 * 1024));
  })();
  let largest = 0;
  for await (const part of decompress(gzip(zeros), 'bomb')) {
    size += part.byteLength;
    largest = Math.max(largest, part.byteLength);
  }
  expect(size).toBe(200 * 1024 * 1024);
  expect(largest).toBeLessThanOrEqual(256 * 1024);
});

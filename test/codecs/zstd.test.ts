import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { frameSizeFor, zstdCodec } from '../../src/codecs/zstd.js';
import { checkFrame } from '../../src/codecs/zstd-frame.js';
import { hasNativeZstd } from '../../src/codecs/zstd-native.js';
import { unzstd } from '../../src/codecs/zstd-stream.js';
import { parseHeader } from '../../src/codecs/zstd-header.js';
import { backends, collect, cruel, dribble, faultOf, noise, prose, run, testWith } from './helpers.js';
import { sample, sampleText } from './samples.js';

const MiB = 1024 * 1024;

afterAll(async () => {
  for (const backend of backends) await (await zstdCodec(backend)).close();
});

describe('frameSizeFor', () => {
  test('is one rule for all backends, and small enough for zstd-codec', () => {
    expect([1, 3, 5, 6, 8, 9, 10, 19, 22].map((level) => frameSizeFor(level) / MiB)).toEqual([
      4, 4, 4, 2, 2, 2, 4, 4, 4,
    ]);
  });
});

describe('zstdCodec', () => {
  test('is made once', async () => {
    expect(await zstdCodec()).toBe(await zstdCodec());
    expect((await zstdCodec()).name).toMatch(hasNativeZstd ? /^node:zlib 1\./ : /^zstd-codec 0\./);
  });

  test('says what is needed for the native one', async () => {
    if (hasNativeZstd) return;
    expect(await faultOf(zstdCodec('native'))).toMatchObject({
      code: 'UNSUPPORTED_HERE',
      hint: 'Use Node.js 22.15 or later.',
    });
  });
});

describe.each(backends)('%s', (backend) => {
  const compress = async (raw: Uint8Array, level = 3): Promise<Buffer> =>
    (await zstdCodec(backend)).compressFrame(raw, level);
  const decompress = async (frame: Uint8Array, size: number): Promise<Buffer> =>
    (await zstdCodec(backend)).decompressFrame(frame, size);
  const unpack = async (bytes: Uint8Array, size = 4096): Promise<Buffer> =>
    collect(unzstd(dribble(bytes, size), 'x.zst', await zstdCodec(backend)));

  test('any bytes come back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), fc.integer({ min: 1, max: 9 }), async (raw, level) => {
        const frame = await compress(raw, level);
        expect((await decompress(frame, raw.byteLength)).equals(raw)).toBe(true);
        expect((await unpack(frame)).equals(raw)).toBe(true);
      }),
    );
  });

  test.each([1, 3, 5, 6, 9])('full frames at level %i, of text, noise and zeros', async (level) => {
    const size = frameSizeFor(level);
    for (const raw of [prose(size), noise(size), Buffer.alloc(size), noise(size - 1), prose(100_000)]) {
      const frame = await compress(raw, level);
      const header = parseHeader(frame);
      expect(header).toMatchObject({ contentSize: raw.byteLength, hasChecksum: true, dictionary: false });
      expect(checkFrame(frame, raw.byteLength)).toEqual(header);
      expect((await decompress(frame, raw.byteLength)).equals(raw)).toBe(true);
      expect((await unpack(frame, 65536)).equals(raw)).toBe(true);
    }
  });

  test('many at once give the same bytes as one by one', async () => {
    const raws = Array.from({ length: 12 }, (_, i) => Buffer.concat([noise(1000 * i, i + 1), prose(200_000)]));
    const together = await Promise.all(raws.map((raw) => compress(raw)));
    for (const [i, raw] of raws.entries())
      expect((await compress(raw)).equals(together[i] ?? Buffer.alloc(0))).toBe(true);
    const back = await Promise.all(together.map((frame, i) => decompress(frame, raws[i]?.byteLength ?? 0)));
    expect(back.every((content, i) => content.equals(raws[i] ?? Buffer.alloc(0)))).toBe(true);
  });

  testWith('zstd')('stock zstd tests and decompresses it', async () => {
    for (const raw of [Buffer.alloc(0), Buffer.from('x'), prose(300_000), noise(4 * MiB)]) {
      const frame = await compress(raw);
      run('zstd', ['-tq'], frame);
      expect(run('zstd', ['-dqc'], frame).equals(raw)).toBe(true);
    }
  });

  test('levels that it lacks', async () => {
    const { maxLevel } = await zstdCodec(backend);
    expect(maxLevel).toBe(backend === 'native' ? 22 : 9);
    for (const level of [0, -1, 1.5, 23])
      expect((await faultOf(compress(Buffer.from('x'), level)))?.code).toBe('USAGE');
    if (maxLevel === 22) return;
    const fault = await faultOf(compress(Buffer.from('x'), 19));
    expect(fault).toMatchObject({ code: 'UNSUPPORTED_HERE', hint: expect.stringContaining('22.15') as unknown });
  });

  test.each([0, 1, 500, 100_000])('frames of %i bytes that are not what they should be', async (size) => {
    const raw = prose(size);
    const frame = await compress(raw);
    const wrong: (readonly [string, Buffer, number])[] = [
      ['a byte more', frame, size + 1],
      ['cut', frame.subarray(0, -1), size],
      ['a byte behind', Buffer.concat([frame, Buffer.from('x')]), size],
      ['padding behind', Buffer.concat([frame, Buffer.alloc(8)]), size],
      ['two', Buffer.concat([frame, frame]), size],
      ['skippable', Buffer.from('502a4d180100000000', 'hex'), size],
      ['nothing', Buffer.alloc(0), size],
      ['text', Buffer.from('this is no frame at all'), size],
    ];
    for (const [what, bytes, expected] of wrong) {
      const fault = await faultOf(decompress(bytes, expected));
      expect([what, fault?.code]).toEqual([what, 'BAD_ARCHIVE']);
    }
    const bad = Buffer.from(frame);
    bad[frame.byteLength - 1] = (bad[frame.byteLength - 1] ?? 0) ^ 1;
    expect((await faultOf(decompress(bad, size)))?.code).toBe('BAD_ARCHIVE');
    expect((await faultOf(unpack(bad)))?.code).toBe('BAD_ARCHIVE');
  });

  test('a frame that says less than it holds', async () => {
    const frame = await compress(Buffer.alloc(300));
    // Frame_Content_Size of two bytes is stored less 256.
    const at = parseHeader(frame);
    expect(at).toMatchObject({ contentSize: 300 });
    const bad = Buffer.from(frame);
    bad.writeUInt16LE(10, 5);
    expect((await faultOf(decompress(bad, 266)))?.code).toBe('BAD_ARCHIVE');
    expect((await faultOf(unpack(bad)))?.code).toBe('BAD_ARCHIVE');
  });

  test('any flipped byte of a frame is told', async () => {
    const raw = prose(400);
    const frame = await compress(raw);
    for (let at = 0; at < frame.byteLength; at++) {
      const bad = Buffer.from(frame);
      bad[at] = (bad[at] ?? 0) ^ 0x21;
      const fault = await faultOf(decompress(bad, raw.byteLength));
      expect([at, ['BAD_ARCHIVE', 'UNSUPPORTED_HERE'].includes(fault?.code ?? '')]).toEqual([at, true]);
    }
  });

  test('streams: many frames, and skippable ones anywhere', async () => {
    const one = await compress(prose(200_000));
    const two = await compress(Buffer.from('short'), 1);
    const empty = await compress(Buffer.alloc(0));
    const skip = (length: number): Buffer => {
      const frame = Buffer.alloc(8 + length, 0xab);
      frame.writeUInt32LE(0x184d2a50 + (length % 16), 0);
      frame.writeUInt32LE(length, 4);
      return frame;
    };
    const file = Buffer.concat([skip(0), skip(70_000), one, skip(3), empty, two, skip(17), two, skip(9)]);
    const expected = Buffer.concat([prose(200_000), Buffer.from('shortshort')]);
    for (const size of cruel) expect((await unpack(file, size)).equals(expected)).toBe(true);
    expect((await unpack(skip(100), 7)).byteLength).toBe(0);
  });

  test('streams: small files of others', async () => {
    for (const size of cruel) expect((await unpack(sample('zstd'), size)).toString()).toBe(sampleText);
    const long = unpack(sample('zstdLong'));
    if (backend === 'native') expect((await long).toString()).toBe(sampleText);
    else
      expect(await faultOf(long)).toMatchObject({
        code: 'UNSUPPORTED_HERE',
        message: expect.stringContaining('x.zst') as unknown,
      });
  });

  testWith('zstd')('streams: what stock zstd writes', async () => {
    const raw = Buffer.concat([prose(2 * MiB), noise(MiB), Buffer.alloc(3 * MiB)]);
    for (const options of [['-1'], ['-19', '--long=23'], ['-T2', '-3'], ['--no-check', '--no-content-size', '-5']]) {
      const content = await unpack(run('zstd', ['-qc', ...options], raw), 65536);
      expect([options, content.equals(raw)]).toEqual([options, true]);
    }
  });

  test('streams: two windows of 8 MiB at the same time', async () => {
    if (backend === 'native') return;
    const header = Buffer.from('28b52ffd0068', 'hex');
    const blocks = Buffer.concat(Array.from({ length: 80 }, (_, i) => Buffer.from([i === 79 ? 3 : 2, 0, 0x10, i])));
    const file = Buffer.concat([header, blocks]);
    const both = await Promise.all([unpack(file, 9), unpack(file, 9)]);
    expect(both.map((content) => content.byteLength)).toEqual([80 * 131072, 80 * 131072]);
  });

  test('a bomb comes in pieces', async () => {
    // Blocks of one repeated byte: 4 bytes each for 128 KiB.
    const block = Buffer.from([2, 0, 0x10, 0x61]);
    const blocks = Buffer.concat(Array.from({ length: 2000 }, () => block));
    const file = Buffer.concat([Buffer.from('28b52ffd0038', 'hex'), blocks, Buffer.from([3, 0, 0x10, 0x61])]);
    let size = 0;
    let largest = 0;
    for await (const part of unzstd(dribble(file, 65536), 'bomb', await zstdCodec(backend))) {
      size += part.byteLength;
      largest = Math.max(largest, part.byteLength);
    }
    expect(size).toBe(2001 * 131072);
    expect(largest).toBeLessThanOrEqual(2 * MiB);
  });
});

test.each(backends)('%s reads what the others write', async (backend) => {
  const raw = Buffer.concat([prose(300_000), noise(1000)]);
  for (const other of backends) {
    const frame = await (await zstdCodec(other)).compressFrame(raw, 6);
    expect((await (await zstdCodec(backend)).decompressFrame(frame, raw.byteLength)).equals(raw)).toBe(true);
  }
});

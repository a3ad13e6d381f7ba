import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { wireCompressor, type WireOptions } from '../../src/codecs/wire.js';
import { looksCompressed } from '../../src/codecs/wire-entropy.js';
import { storedFrame } from '../../src/codecs/wire-stored.js';
import { checkFrame } from '../../src/codecs/zstd-frame.js';
import { hasNativeZstd } from '../../src/codecs/zstd-native.js';
import { unzstd } from '../../src/codecs/zstd-stream.js';
import { frameSizeFor, zstdCodec } from '../../src/codecs/zstd.js';
import { type ByteStream, bytesOf } from '../../src/primitives/bytes.js';
import { backends, collect, faultOf, noise, prose, run, testWith } from './helpers.js';

const MiB = 1024 * 1024;

afterAll(async () => {
  for (const backend of backends) await (await zstdCodec(backend)).close();
});

const kinds: readonly WireOptions[] = [
  ...backends.map((backend) => ({ kind: 'zstd', backend }) as const),
  { kind: 'gzip' },
  { kind: 'none' },
];

async function packed(options: WireOptions, pieces: readonly Uint8Array[]): Promise<Buffer[]> {
  const wire = await wireCompressor(options);
  const frames: Buffer[] = [];
  for await (const frame of wire.compress(bytesOf(...pieces))) frames.push(Buffer.from(frame));
  return frames;
}

async function unpacked({ kind, backend }: WireOptions, bytes: Buffer): Promise<Buffer> {
  if (kind === 'none' || bytes.byteLength === 0) return bytes;
  if (kind === 'gzip') return gunzipSync(bytes);
  return collect(unzstd(bytesOf(bytes), 'wire', await zstdCodec(backend)));
}

const text = prose(MiB);
const random = noise(MiB);

/** As the tar of a bundle comes: headers and padding around what was read in large chunks. */
const tarLike = (): Uint8Array[] => {
  const [header, padding] = [Buffer.alloc(512, 'header'), Buffer.alloc(100)];
  return [
    header,
    padding,
    prose(3000),
    header,
    text,
    random,
    prose(300_000),
    padding,
    header,
    noise(20_000),
    Buffer.alloc(1024),
  ];
};

describe.each(kinds)('$kind $backend', (options) => {
  test('any pieces come back', async () => {
    const size = fc.oneof(fc.nat(600), fc.constantFrom(256 * 1024 - 1, 256 * 1024, 300_000));
    await fc.assert(
      fc.asyncProperty(fc.array(size, { maxLength: 8 }), async (sizes) => {
        const pieces = sizes.map((bytes, i) => (i % 2 === 0 ? prose(bytes) : noise(bytes)));
        const all = Buffer.concat(await packed(options, pieces));
        expect((await unpacked(options, all)).equals(Buffer.concat(pieces))).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  test('gives the same bytes again, alone or beside others', async () => {
    const first = Buffer.concat(await packed(options, tarLike()));
    const wire = await wireCompressor(options);
    const pieces = tarLike();
    const others = [pieces, pieces.slice(4), pieces, [...pieces].reverse()];
    const got = await Promise.all(others.map((some) => collect(wire.compress(bytesOf(...some)))));
    expect([got[0]?.equals(first), got[2]?.equals(first)]).toEqual([true, true]);
    for (const [i, some] of others.entries())
      expect((await unpacked(options, got[i] ?? Buffer.alloc(0))).equals(Buffer.concat(some))).toBe(true);
  });

  test('stops early without a trace, and passes errors on', async () => {
    const wire = await wireCompressor(options);
    let open = 0;
    const source = async function* (fails: boolean): ByteStream {
      open++;
      try {
        for (let i = 0; i < 6; i++) yield await Promise.resolve(text);
        if (fails) throw new Error('the source broke');
      } finally {
        open--;
      }
    };
    for await (const frame of wire.compress(source(false))) if (frame.byteLength > 0) break;
    await expect(collect(wire.compress(source(true)))).rejects.toThrow('the source broke');
    expect(open).toBe(0);
  });
});

describe('wireCompressor', () => {
  test('a large piece is a frame, small ones are one together', async () => {
    for (const options of kinds.filter(({ kind }) => kind !== 'none')) {
      const frames = await packed(options, tarLike());
      const sizes: number[] = [];
      for (const frame of frames) sizes.push((await unpacked(options, frame)).byteLength);
      expect(sizes).toEqual([4124, MiB, MiB, 300_000, 21_636]);
    }
  });

  test.each([3, 9])('no frame is larger than the codec bears at level %i', async (level) => {
    const wire = await wireCompressor({ kind: 'zstd', level });
    const most = frameSizeFor(level);
    expect(wire.chunkBytes).toBe(most);
    const small = Array.from({ length: 11 }, () => Buffer.alloc(most / 20));
    const frames = await packed({ kind: 'zstd', level }, [Buffer.alloc(2 * most + 1), ...small, ...small]);
    const sizes: number[] = [];
    for (const frame of frames) sizes.push((await unpacked({ kind: 'zstd' }, frame)).byteLength);
    const whole = Math.floor(most / 20) * 20;
    expect(sizes).toEqual([most, most, 1, whole, whole / 10]);
  });

  test('ten receivers cost the compression of one', async () => {
    const codec = await zstdCodec();
    const spy = jest.spyOn(codec, 'compressFrame');
    try {
      const wire = await wireCompressor({ kind: 'zstd' });
      const layer = [text, text.subarray(1), text.subarray(2)];
      const got = await Promise.all(
        Array.from({ length: 10 }, (_, i) => collect(wire.compress(bytesOf(Buffer.alloc(512, i), ...layer)))),
      );
      expect(spy.mock.calls.filter(([raw]) => raw.byteLength > 512)).toHaveLength(3);
      expect(spy).toHaveBeenCalledTimes(13);
      expect(new Set(got.map(({ byteLength }) => byteLength)).size).toBeLessThanOrEqual(10);
    } finally {
      spy.mockRestore();
    }
  });

  test('reads no more than three frames ahead of a receiver that stands', async () => {
    for (const options of kinds.filter(({ kind }) => kind !== 'none')) {
      const wire = await wireCompressor(options);
      let read = 0;
      const source = async function* (): ByteStream {
        for (; read < 20; read++) yield await Promise.resolve(text.subarray(read));
      };
      const frames = wire.compress(source())[Symbol.asyncIterator]();
      await frames.next();
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(read).toBeLessThanOrEqual(3);
      await frames.return?.();
    }
  });

  test('what is compressed already is stored', async () => {
    for (const options of kinds.filter(({ kind }) => kind !== 'none')) {
      const spy = jest.spyOn(await zstdCodec(options.backend), 'compressFrame');
      const [frame] = await packed(options, [random]);
      expect(spy).not.toHaveBeenCalled();
      spy.mockRestore();
      expect(frame?.byteLength).toBeGreaterThan(MiB);
      expect(frame?.byteLength).toBeLessThan(MiB * 1.001);
    }
  });

  test('says what its output depends on', async () => {
    expect((await wireCompressor({ kind: 'none' })).id).toBe('none');
    expect((await wireCompressor({ kind: 'gzip' })).id).toMatch(/^gzip:4 zlib [0-9.]+/);
    const name = hasNativeZstd ? /^zstd:3 node:zlib 1\./ : /^zstd:3 zstd-codec 0\./;
    expect((await wireCompressor({ kind: 'zstd' })).id).toMatch(name);
  });

  test('levels that do not exist', async () => {
    for (const level of [0, 10, 1.5])
      expect(await faultOf(wireCompressor({ kind: 'gzip', level }))).toMatchObject({ code: 'USAGE' });
    expect(await faultOf(wireCompressor({ kind: 'zstd', level: 23 }))).toMatchObject({ code: 'USAGE' });
    if (hasNativeZstd) return;
    expect(await faultOf(wireCompressor({ kind: 'zstd', level: 19 }))).toMatchObject({ code: 'UNSUPPORTED_HERE' });
  });

  testWith('zstd')('stock zstd reads it', async () => {
    for (const options of kinds.filter(({ kind }) => kind === 'zstd')) {
      const all = Buffer.concat(await packed(options, tarLike()));
      expect(run('zstd', ['-dqc'], all).equals(Buffer.concat(tarLike()))).toBe(true);
    }
  });

  testWith('gzip')('stock gzip reads it', async () => {
    const all = Buffer.concat(await packed({ kind: 'gzip' }, tarLike()));
    expect(run('gzip', ['-dc'], all).equals(Buffer.concat(tarLike()))).toBe(true);
  });
});

describe('storedFrame', () => {
  test.each([1, 131_071, 131_072, 131_073, 4 * MiB])('%i bytes', async (size) => {
    const raw = noise(size);
    const frame = storedFrame(raw);
    expect(checkFrame(frame, size)).toMatchObject({ contentSize: size, hasChecksum: false });
    for (const backend of backends)
      expect((await (await zstdCodec(backend)).decompressFrame(frame, size)).equals(raw)).toBe(true);
  });
});

describe('looksCompressed', () => {
  test('goes by the contents', async () => {
    const [member] = await packed({ kind: 'gzip', level: 6 }, [noise(2 * MiB).map((byte) => byte & 0x3f)]);
    if (member === undefined) throw new Error('no member');
    expect(looksCompressed(member, 7.97)).toBe(true);
    expect(looksCompressed(noise(MiB), 7.99)).toBe(true);
    expect(looksCompressed(prose(MiB), 7.97)).toBe(false);
    expect(looksCompressed(Buffer.concat([noise(MiB), prose(200_000)]), 7.97)).toBe(false);
    expect(looksCompressed(noise(65_535), 7)).toBe(false);
  });
});

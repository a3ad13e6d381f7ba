import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { memoryAccess, type RandomAccess } from '../../src/primitives/random-access.js';
import { type TransferError } from '../../src/primitives/errors.js';
import {
  BOUNDARY,
  readSeekTable,
  seekableAccess,
  type SeekableAccess,
  seekableZstd,
} from '../../src/codecs/seekable.js';
import { unzstd } from '../../src/codecs/zstd-stream.js';
import { zstdCodec, type ZstdCodec } from '../../src/codecs/zstd.js';
import { backends, collect, dribble, faultOf, noise, prose, run, testWith } from './helpers.js';

type Piece = Uint8Array | typeof BOUNDARY;

// eslint-disable-next-line @typescript-eslint/require-await
async function* each(pieces: readonly Piece[]): AsyncGenerator<Piece> {
  yield* pieces;
}

afterAll(async () => {
  for (const backend of backends) await (await zstdCodec(backend)).close();
});

/** Counts what is read, and from where. */
function counted(access: RandomAccess): RandomAccess & { reads: number; bytes: number } {
  const counting = {
    ...access,
    reads: 0,
    bytes: 0,
    read: (offset: number, length: number) => {
      counting.reads++;
      counting.bytes += length;
      return access.read(offset, length);
    },
  };
  return counting;
}

describe.each(backends)('%s', (backend) => {
  let codec: ZstdCodec;
  const write = async (pieces: readonly Piece[], frameSize?: number, jobs?: number, level = 3): Promise<Buffer> => {
    codec = await zstdCodec(backend);
    return collect(seekableZstd(each(pieces), { level, codec, frameSize, jobs }));
  };
  const open = async (file: Buffer, label = 'a.tar.zst'): Promise<SeekableAccess> => {
    const access = memoryAccess(label, file);
    const table = await readSeekTable(access);
    if (table === undefined) throw new Error('no table');
    return seekableAccess(access, table, codec);
  };
  const faults = async (access: SeekableAccess): Promise<TransferError[]> => {
    const found: TransferError[] = [];
    for await (const fault of access.auditUntouched()) found.push(fault);
    return found;
  };

  test('frames end at each boundary and at the frame size', async () => {
    const file = await write([Buffer.alloc(25), BOUNDARY, BOUNDARY, Buffer.alloc(10), BOUNDARY, Buffer.alloc(3)], 10);
    const table = await readSeekTable(memoryAccess('x', file));
    expect([...(table?.raw ?? [])]).toEqual([0, 10, 20, 25, 35, 38]);
    expect(table?.checksums?.length).toBe(5);
    expect(table?.offsets[5]).toBe(file.byteLength - 8 - 5 * 12 - 9);
  });

  test('nothing is a table alone', async () => {
    const file = await write([BOUNDARY, Buffer.alloc(0), BOUNDARY]);
    expect(file.byteLength).toBe(17);
    const access = await open(file);
    expect([access.size, (await access.read(0, 0)).byteLength, await faults(access)]).toEqual([0, 0, []]);
  });

  test('the bytes are the same in whatever pieces and with however many jobs', async () => {
    const raw = Buffer.concat([prose(60_000), noise(30_000), Buffer.alloc(50_000)]);
    const file = await write([raw], 16_384, 1);
    for (const jobs of [2, 3, 8]) expect((await write([raw], 16_384, jobs)).equals(file)).toBe(true);
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < raw.byteLength; at += 777) pieces.push(raw.subarray(at, at + 777));
    expect((await write(pieces, 16_384)).equals(file)).toBe(true);
  });

  test('streaming readers read it', async () => {
    const raw = Buffer.concat([prose(60_000), noise(30_000)]);
    const file = await write([raw.subarray(0, 100), BOUNDARY, raw.subarray(100)], 20_000);
    for (const size of [1, 512, 65536])
      expect((await collect(unzstd(dribble(file, size), 'x', codec))).equals(raw)).toBe(true);
  });

  testWith('zstd')('stock zstd reads it', async () => {
    const raw = Buffer.concat([prose(60_000), noise(30_000)]);
    for (const file of [await write([raw, BOUNDARY, raw], 20_000), await write([])]) {
      run('zstd', ['-tq'], file);
      const content = run('zstd', ['-dqc'], file);
      expect([0, 2 * raw.byteLength]).toContain(content.byteLength);
      expect(content.equals(Buffer.concat([raw, raw]).subarray(0, content.byteLength))).toBe(true);
    }
  });

  test('any range reads as in the original', async () => {
    const raw = Buffer.concat([prose(9000), noise(4000), Buffer.alloc(7000)]);
    const pieces: readonly Piece[] = [
      raw.subarray(0, 5),
      BOUNDARY,
      raw.subarray(5, 3000),
      BOUNDARY,
      raw.subarray(3000),
    ];
    const access = await open(await write(pieces, 1000));
    expect(access.size).toBe(raw.byteLength);
    await fc.assert(
      fc.asyncProperty(fc.nat(20_000), fc.nat(20_000), async (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        expect((await access.read(from, to - from)).equals(raw.subarray(from, to))).toBe(true);
        expect((await collect(access.stream(from, to - from))).equals(raw.subarray(from, to))).toBe(true);
      }),
    );
  });

  test('a read touches its frames only', async () => {
    const file = await write([noise(1_000_000)], 100_000);
    const inner = counted(memoryAccess('x', file));
    const table = await readSeekTable(inner);
    inner.reads = inner.bytes = 0;
    const access = await seekableAccess(inner, table!, codec);
    await access.read(350_000, 100);
    expect([inner.reads, inner.bytes < 101_000]).toEqual([1, true]);
    await access.read(399_000, 1000);
    expect(inner.reads).toBe(1);
  });

  test('many tiny reads are few reads of the file, and fast', async () => {
    const pieces: Piece[] = [];
    for (let i = 0; i < 5000; i++) pieces.push(Buffer.alloc(512, `member ${String(i)}`), BOUNDARY);
    const inner = counted(memoryAccess('x', await write(pieces)));
    const access = await seekableAccess(inner, (await readSeekTable(inner))!, codec);
    await access.read(0, 512);
    const start = performance.now();
    for (let i = 0; i < 5000; i++) {
      const header = await access.read(i * 512, 512);
      expect(header[7]).toBe(String(i).charCodeAt(0));
    }
    expect(inner.reads).toBeLessThan(20);
    // 0.1 s by itself; the bound is for a machine that is busy.
    expect(performance.now() - start).toBeLessThan(3000);
  });

  test('reads beyond the end', async () => {
    const access = await open(await write([Buffer.alloc(100)]));
    for (const [offset, length] of [
      [0, 101],
      [100, 1],
      [-1, 5],
      [5000, 1],
    ] as const) {
      expect((await faultOf(access.read(offset, length)))?.code).toBe('SOURCE_CHANGED');
      expect((await faultOf(collect(access.stream(offset, length))))?.code).toBe('SOURCE_CHANGED');
    }
    expect((await access.read(100, 0)).byteLength).toBe(0);
  });

  test('a damaged frame is named, and the others still read', async () => {
    const raw = noise(50_000);
    const file = await write([raw], 10_000);
    const table = await readSeekTable(memoryAccess('x', file));
    const at = table!.offsets[2]! + 5000;
    file[at] = file[at]! ^ 1;
    const access = await open(file);
    expect((await access.read(0, 20_000)).equals(raw.subarray(0, 20_000))).toBe(true);
    const fault = await faultOf(access.read(25_000, 10));
    expect(fault?.code).toBe('BAD_ARCHIVE');
    expect(fault?.message).toContain(`a.tar.zst: frame 2 at byte ${String(table!.offsets[2])}`);
    expect((await access.read(30_000, 20_000)).equals(raw.subarray(30_000))).toBe(true);
    await expect(collect(access.stream(0, 50_000))).rejects.toMatchObject({ code: 'BAD_ARCHIVE' });
  });

  test('an audit finds all that no read has touched', async () => {
    const file = await write([noise(60_000)], 10_000);
    const table = (await readSeekTable(memoryAccess('x', file)))!;
    for (const frame of [1, 3, 5]) file[table.offsets[frame]! + 100] = file[table.offsets[frame]! + 100]! ^ 8;
    const access = await open(file);
    expect(await faults(access)).toHaveLength(3);
    expect(await faults(access)).toHaveLength(0);
    const read = await open(file);
    await read.read(0, 10_000);
    await faultOf(read.read(10_000, 1));
    expect((await faults(read)).map((fault) => /frame \d/.exec(fault.message)?.[0])).toEqual(['frame 3', 'frame 5']);
  });

  test('a fault that was met in reading ahead, but told to nobody, is left to the audit', async () => {
    const file = await write([noise(60_000)], 10_000);
    const table = (await readSeekTable(memoryAccess('x', file)))!;
    for (const frame of [1, 2]) file[table.offsets[frame]! + 100] = file[table.offsets[frame]! + 100]! ^ 8;
    const access = await open(file);
    expect((await faultOf(collect(access.stream(0, 60_000))))?.message).toContain('frame 1 ');
    expect((await faults(access)).map((fault) => /frame \d/.exec(fault.message)?.[0])).toEqual(['frame 2']);
  });

  test('the checksum of the table counts', async () => {
    const file = await write([prose(3000)], 1000);
    const bad = Buffer.from(file);
    const at = file.byteLength - 9 - 12 + 8;
    bad.writeUInt32LE((bad.readUInt32LE(at) ^ 1) >>> 0, at);
    const access = await open(bad);
    await access.read(0, 2000);
    expect((await faultOf(access.read(2000, 1)))?.message).toContain('expected checksum');
  });

  test('a byte that was changed anywhere is found', async () => {
    const file = await write([prose(700), BOUNDARY, noise(300)]);
    let told = 0;
    for (let at = 0; at < file.byteLength; at++) {
      const bad = Buffer.from(file);
      bad[at] = bad[at]! ^ 0x40;
      const found = await faultOf(
        open(bad).then(async (access) => {
          const [first] = await faults(access);
          if (first !== undefined) throw first;
          // A bit that says nothing: what is read is still right.
          expect((await access.read(0, 1000)).equals(Buffer.concat([prose(700), noise(300)]))).toBe(true);
        }),
      ).catch((error: unknown) => ({
        code: error instanceof Error && error.message === 'no table' ? 'NONE' : 'OTHER',
      }));
      expect([at, ['BAD_ARCHIVE', 'UNSUPPORTED_HERE', 'NONE', undefined].includes(found?.code)]).toEqual([at, true]);
      told += found === undefined ? 0 : 1;
    }
    expect(told).toBeGreaterThan(file.byteLength * 0.95);
  });

  test('files of others: no checksums, skippable frames, no content size, one large frame', async () => {
    codec = await zstdCodec(backend);
    const raw = prose(200_000);
    const strip = async (part: Buffer): Promise<Buffer> => {
      const frame = Buffer.from(await codec.compressFrame(part, 3));
      frame[4] = frame[4]! & ~0x04;
      return frame.subarray(0, -4);
    };
    const skip = Buffer.from('532a4d180300000061626300', 'hex').subarray(0, 11);
    const unsized = Buffer.concat([
      Buffer.from('28b52ffd0058', 'hex'),
      Buffer.from([0x29, 0, 0]),
      Buffer.from('hello'),
    ]);
    const parts: [Buffer, number][] = [
      [await strip(raw.subarray(0, 150_000)), 150_000],
      [skip, 0],
      [await strip(raw.subarray(150_000)), 50_000],
      [unsized, 5],
    ];
    const table = Buffer.alloc(8 + parts.length * 8 + 9);
    table.writeUInt32LE(0x184d2a5e, 0);
    table.writeUInt32LE(table.byteLength - 8, 4);
    parts.forEach(([frame, size], i) => {
      table.writeUInt32LE(frame.byteLength, 8 + i * 8);
      table.writeUInt32LE(size, 12 + i * 8);
    });
    table.writeUInt32LE(parts.length, table.byteLength - 9);
    table.writeUInt32LE(0x8f92eab1, table.byteLength - 4);
    const access = await open(Buffer.concat([...parts.map(([frame]) => frame), table]));
    expect(await faults(access)).toEqual([]);
    expect((await access.read(0, access.size)).equals(Buffer.concat([raw, Buffer.from('hello')]))).toBe(true);
  });

  test('a fault of the codec ends the writer, and leaves nothing unhandled', async () => {
    codec = await zstdCodec(backend);
    const broken: ZstdCodec = {
      ...codec,
      compressFrame: (raw, level) => (raw[0] === 1 ? Promise.reject(new Error('no')) : codec.compressFrame(raw, level)),
    };
    const pieces: readonly Piece[] = [Buffer.alloc(10), BOUNDARY, Buffer.alloc(10, 1), BOUNDARY, Buffer.alloc(10, 1)];
    await expect(collect(seekableZstd(each(pieces), { level: 3, codec: broken, jobs: 4 }))).rejects.toThrow('no');
  });
});

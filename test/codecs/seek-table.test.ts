import { describe, expect, test } from '@jest/globals';
import { memoryAccess } from '../../src/primitives/random-access.js';
import { readSeekTable, seekableZstd } from '../../src/codecs/seekable.js';
import { zstdCodec } from '../../src/codecs/zstd.js';
import { collect, dribble, faultOf, noise, prose } from './helpers.js';

describe('readSeekTable', () => {
  const entries = 3;
  const file = async (): Promise<Buffer> => {
    const codec = await zstdCodec();
    return collect(seekableZstd(dribble(noise(300), 300), { level: 3, codec, frameSize: 100 }));
  };
  const damaged = async (edit: (file: Buffer) => void): Promise<unknown> => {
    const bytes = await file();
    edit(bytes);
    return faultOf(readSeekTable(memoryAccess('b.zst', bytes)));
  };

  test('none', async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(16), prose(500), (await file()).subarray(0, -1)]) {
      expect(await readSeekTable(memoryAccess('x', bytes))).toBeUndefined();
    }
  });

  test.each<[string, (file: Buffer) => void]>([
    ['more frames than the file can have', (f) => f.writeUInt32LE(0xffffffff, f.byteLength - 9)],
    ['one frame too few', (f) => f.writeUInt32LE(entries - 1, f.byteLength - 9)],
    ['a reserved bit', (f) => f.writeUInt8(0x84, f.byteLength - 5)],
    ['another magic', (f) => f.writeUInt8(0, f.byteLength - 9 - entries * 12 - 8)],
    ['another length', (f) => f.writeUInt8(0, f.byteLength - 9 - entries * 12 - 4)],
    ['sums that do not fit', (f) => f.writeUInt32LE(1, f.byteLength - 9 - 12)],
  ])('%s', async (_, edit) => {
    expect(await damaged(edit)).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: expect.stringContaining('b.zst') as unknown,
    });
  });

  test('a file that lost its beginning', async () => {
    const fault = await faultOf(readSeekTable(memoryAccess('b.zst', (await file()).subarray(10))));
    expect(fault).toMatchObject({ code: 'BAD_ARCHIVE', hint: expect.any(String) as unknown });
  });

  test('frames that are too large to hold are not offered', async () => {
    const bytes = await file();
    bytes.writeUInt32LE(129 * 1024 * 1024, bytes.byteLength - 9 - 8);
    expect(await readSeekTable(memoryAccess('x', bytes))).toBeUndefined();
  });

  test('a table of too many frames', async () => {
    const size = 8 + 2_000_001 * 8 + 9;
    const bytes = Buffer.alloc(size);
    bytes.writeUInt32LE(2_000_001, size - 9);
    bytes.writeUInt32LE(0x8f92eab1, size - 4);
    expect((await faultOf(readSeekTable(memoryAccess('x', bytes))))?.code).toBe('LIMIT');
  });
});

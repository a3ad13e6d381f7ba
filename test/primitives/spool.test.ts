import { describe, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { limits } from '../../src/primitives/limits.js';
import { fileAccess, memoryAccess, type RandomAccess } from '../../src/primitives/random-access.js';
import { spool } from '../../src/primitives/spool.js';
import { collect, faultOf, noise } from '../codecs/helpers.js';
import { dribble } from '../helpers/dribble.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const large = noise(limits.spoolInMemoryBytes + 1000);

describe('spool', () => {
  test('keeps what is small in memory', async () => {
    const announced: string[] = [];
    const access = await spool(dribble(large.subarray(0, 10_000), 999), 'x', {
      folder: at('missing'),
      announce: (folder) => announced.push(folder),
    });
    expect((await access.read(5000, 5000)).equals(large.subarray(5000, 10_000))).toBe(true);
    expect(announced).toEqual([]);
    await access.close();
  });

  test('puts what is larger into a file that has no name, and says so once', async () => {
    const announced: string[] = [];
    const options = { folder: at(), announce: (folder: string) => announced.push(folder) };
    const access = await spool(dribble(large, 1_000_000), 'x', options);
    expect(announced).toEqual([at()]);
    expect(readdirSync(at())).toEqual([]);
    expect(access).toMatchObject({ label: 'x', size: large.length });
    expect((await collect(access.stream(0, large.length))).equals(large)).toBe(true);
    expect((await access.read(large.length - 10, 10)).equals(large.subarray(-10))).toBe(true);
    await access.close();
  });

  test('leaves nothing in the folder when the stream throws', async () => {
    const broken = (async function* () {
      yield* dribble(large, 1_000_000);
      throw new Error('broke off');
    })();
    await expect(spool(broken, 'x', { folder: at() })).rejects.toThrow('broke off');
    expect(readdirSync(at())).toEqual([]);
  });

  test('a folder that cannot be written is a clear error', async () => {
    const fault = await faultOf(spool(dribble(large, 1_000_000), 'x', { folder: at('missing') }));
    expect(fault).toMatchObject({
      code: 'IO',
      message: `temporary folder ${at('missing')}: no such file or folder`,
      side: 'sink',
    });
  });
});

describe.each<[string, (bytes: Buffer) => Promise<RandomAccess>]>([
  ['fileAccess', (bytes) => fileAccess(put(at('file'), bytes))],
  ['memoryAccess', (bytes) => Promise.resolve(memoryAccess('memory', bytes))],
])('%s', (name, open) => {
  test('reads any stretch, small or large, in any order', async () => {
    const bytes = noise(60_000);
    const access = await open(bytes);
    const stretches = [
      [0, 512],
      [512, 512],
      [40_000, 4096],
      [100, 4097],
      [0, 60_000],
      [59_999, 1],
      [60_000, 0],
    ] as const;
    for (const [offset, length] of stretches)
      expect((await access.read(offset, length)).equals(bytes.subarray(offset, offset + length))).toBe(true);
    expect((await collect(access.stream(3, 50_000))).equals(bytes.subarray(3, 50_003))).toBe(true);
    await access.close();
  });

  test.each([
    [90, 20],
    [0, 101],
    [200, 1],
    [0, 10_000],
  ])('bytes that are not there, %i + %i of 100, are SOURCE_CHANGED', async (offset, length) => {
    const access = await open(noise(100));
    const fault = await faultOf(access.read(offset, length));
    expect(fault).toMatchObject({
      code: 'SOURCE_CHANGED',
      message: expect.stringContaining(`byte ${String(offset + length)}`),
    });
    await access.close();
  });

  test('a stream over its end is an error too, not a short stream', async () => {
    const access = await open(noise(100));
    expect(await faultOf(collect(access.stream(0, 101)))).toMatchObject({ code: 'SOURCE_CHANGED' });
    await access.close();
    expect(name).toContain('Access');
  });
});

test('fileAccess: a file that is not there is NOT_FOUND', async () => {
  expect(await faultOf(fileAccess(at('none')))).toMatchObject({ code: 'NOT_FOUND', side: 'source' });
});

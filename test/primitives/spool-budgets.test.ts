import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { decompress } from '../../src/codecs/decompress.js';
import { openArchive } from '../../src/formats/archive/open.js';
import { exitStatusOf } from '../../src/primitives/errors.js';
import { limits } from '../../src/primitives/limits.js';
import { memoryAccess } from '../../src/primitives/random-access.js';
import { spool, type SpoolOptions } from '../../src/primitives/spool.js';
import { faultOf } from '../codecs/helpers.js';
import { useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const MiB = 1024 * 1024;
const chunk = Buffer.alloc(MiB);
const budgets: Record<string, number> = limits;

afterEach(() => {
  jest.restoreAllMocks();
});

/** `count` MiB; `before` is told how many were taken. */
// eslint-disable-next-line @typescript-eslint/require-await -- a stream is asynchronous
async function* mebibytes(count: number, before?: (taken: number) => void): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) {
    before?.(i);
    yield chunk;
  }
}

const spooled = async (count: number, options: SpoolOptions, before?: (taken: number) => void): Promise<number> => {
  const access = await spool(mebibytes(count, before), 'a.tar.zst', { folder: at(), ...options });
  await access.close();
  return access.size;
};

describe('spoolRatio', () => {
  test('more bytes for each compressed one than any archive has are LIMIT, and leave nothing', async () => {
    jest.replaceProperty(budgets, 'spoolRatioFreeBytes', 20 * MiB);
    let taken = 0;
    const fault = await faultOf(spooled(1000, { compressed: () => 1000 }, (count) => (taken = count)));
    expect(fault).toMatchObject({
      code: 'LIMIT',
      message: `a.tar.zst: expected up to 2000 bytes for each compressed one, found ${String(21 * MiB)} in 1000`,
      hint: expect.stringContaining('decompress it yourself'),
    });
    expect([taken, readdirSync(at())]).toEqual([20, []]);
  });

  test('is no matter below spoolRatioFreeBytes, for less, and where nothing is known of a compression', async () => {
    expect(await spooled(24, { compressed: () => 1 })).toBe(24 * MiB);
    jest.replaceProperty(budgets, 'spoolRatioFreeBytes', 20 * MiB);
    expect(await spooled(24, { compressed: () => 24 * MiB })).toBe(24 * MiB);
    expect(await spooled(24, { compressed: () => Math.ceil((24 * MiB) / limits.spoolRatio) })).toBe(24 * MiB);
    expect(await spooled(24, {})).toBe(24 * MiB);
  });

  test('holds for compressed files', async () => {
    jest.replaceProperty(budgets, 'spoolRatioFreeBytes', 20 * MiB);
    jest.replaceProperty(budgets, 'spoolRatio', 500);
    const access = memoryAccess('bomb.tar.gz', gzipSync(Buffer.alloc(32 * MiB)));
    expect(await faultOf(openArchive(access, decompress, { folder: at() }))).toMatchObject({
      code: 'LIMIT',
      message: expect.stringMatching(/^bomb\.tar\.gz: expected up to 500 bytes/),
    });
  });
});

describe('the reserve on the disk of the temporary file', () => {
  /** As if the disk were full: all of it is for others. */
  const fill = (): void => {
    jest.replaceProperty(budgets, 'spoolReserveBytes', Number.MAX_SAFE_INTEGER);
    jest.replaceProperty(budgets, 'spoolReserveShare', 2);
  };

  test('DISK_FULL before the first byte is written', async () => {
    fill();
    const announced: string[] = [];
    const fault = await faultOf(spooled(30, { announce: (folder) => announced.push(folder) }));
    expect(fault).toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining(`temporary folder ${at()}: no room to unpack a.tar.zst: `),
      hint: expect.stringContaining('TMPDIR'),
    });
    expect(announced).toEqual([]);
  });

  test('DISK_FULL when it fills up while it is written, and leaves nothing', async () => {
    jest.replaceProperty(budgets, 'spoolCheckBytes', 8 * MiB);
    let taken = 0;
    const work = spooled(100, {}, (count) => {
      taken = count;
      if (count === 20) fill();
    });
    expect(await faultOf(work)).toMatchObject({ code: 'DISK_FULL' });
    // 17 MiB at first, with the room that they were given, and the next step.
    expect(taken).toBeLessThan(17 + 8 + 1);
    expect(readdirSync(at())).toEqual([]);
  });
});

test('a temporary folder that does not exist is IO (exit 7), and the hint names TMPDIR', async () => {
  const fault = await faultOf(spooled(20, { folder: at('missing') }));
  expect(fault).toMatchObject({
    code: 'IO',
    message: `temporary folder ${at('missing')}: no such file or folder`,
    hint: 'Set TMPDIR to a folder that exists and can be written.',
  });
  expect(exitStatusOf.IO).toBe(7);
});

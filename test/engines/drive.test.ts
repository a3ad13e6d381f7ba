import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type PackOptions } from '../../src/commands/options.js';
import { pack } from '../../src/commands/pack.js';
import { bytesOf, type ByteStream } from '../../src/primitives/bytes.js';
import { digestOf } from '../../src/primitives/digest.js';
import { fileSystemOf } from '../../src/primitives/drive/file-system.js';
import { readBack } from '../../src/primitives/drive/read-back.js';
import { checkRoom } from '../../src/primitives/drive/room.js';
import { publishFile } from '../../src/primitives/publish.js';
import { faultOf, noise } from '../codecs/helpers.js';
import { testContext } from '../helpers/context.js';
import { dockerArchive } from '../helpers/image-archives.js';
import { layerTar, tarOf } from '../helpers/members.js';

const MiB = 1024 * 1024;
const script = resolve(import.meta.dirname, '../lab/drive');
const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', timeout: 60_000 }).trim();

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ferry-drive-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A drive that is mounted for each test; returns where. */
function useDrive(type: string, size: string): { dir: string; image: string; reader: string } {
  const drive = { dir: '', image: '', reader: '' };
  beforeEach(() => {
    drive.dir = join(folder, type);
    drive.image = `${drive.dir}.image`;
    drive.reader = run(script, 'up', type, size, drive.dir);
  });
  afterEach(() => {
    run(script, 'down', drive.dir);
  });
  return drive;
}

/** Files of the root folder that were put there. */
const filesIn = (dir: string): string[] => readdirSync(dir).filter((name) => name !== 'lost+found');

/** Pages of a file that are in memory. */
const pagesOf = (path: string): number => Number(run('fincore', '--noheadings', '--raw', '--output', 'PAGES', path));

/** Changes one byte of the file that has `marker` in it, on the drive itself. */
function changeBehindTheCache(image: string, marker: Buffer): void {
  const bytes = readFileSync(image);
  const at = bytes.indexOf(marker);
  expect(at).toBeGreaterThan(0);
  expect(bytes.indexOf(marker, at + 1)).toBe(-1);
  const handle = openSync(image, 'r+');
  writeSync(handle, Buffer.from([(bytes[at] ?? 0) ^ 1]), 0, 1, at);
}

async function* chunks(count: number, half: () => void): ByteStream {
  for (let i = 0; i < count; i++) {
    if (i === count / 2) half();
    yield await Promise.resolve(Buffer.alloc(MiB, i));
  }
}

describe.each([
  ['ext4', '64M'],
  ['fat32', '100M'],
  ['exfat', '64M'],
])('%s', (type, size) => {
  const drive = useDrive(type, size);

  /** Nothing that can be asked for reaches the drive through a FUSE program that reads an image file by itself. */
  const isHidden = (): boolean => drive.reader === 'fuse' && type === 'fat32';

  test('is known by its name and its limits', async () => {
    const system = await fileSystemOf(drive.dir);
    const name = { ext4: 'ext4', fat32: 'FAT', exfat: 'exFAT' }[type] ?? '';
    expect(system.name).toBe(drive.reader === 'fuse' ? `${name} (by FUSE)` : name);
    expect(system.free).toBeGreaterThan(40 * MiB);
    expect(system.free).toBeLessThan(110 * MiB);
    expect(system.largestFile).toBe({ ext4: 2 ** 32 * 1024, fat32: 4_294_967_295 }[type]);
  });

  test.each([
    ['with dd', true],
    ['without dd', false],
  ])('reads back from the drive what was written, and finds a byte that changed on it: %s', async (_, hasDd) => {
    const path = join(drive.dir, 'release.tar');
    const bytes = randomBytes(5 * MiB + 12_345);
    await publishFile(path, bytesOf(bytes));
    expect(digestOf(readFileSync(path))).toBe(digestOf(bytes));
    if (drive.reader === 'kernel') expect(pagesOf(path)).toBeGreaterThan(1000);
    const { PATH } = process.env;
    if (!hasDd) process.env['PATH'] = '';
    try {
      const seen: number[] = [];
      const result = await readBack(path, digestOf(bytes), { onBytes: (count) => seen.push(count) });
      const isSure = drive.reader === 'kernel' || (hasDd && !isHidden());
      expect(result).toMatchObject({ size: bytes.length, cacheMayHaveAnswered: !isSure });
      expect(seen.reduce((sum, count) => sum + count, 0)).toBe(bytes.length);

      readFileSync(path);
      changeBehindTheCache(drive.image, bytes.subarray(3 * MiB, 3 * MiB + 64));
      if (!isHidden()) expect(digestOf(readFileSync(path))).toBe(digestOf(bytes));
      const fault = await faultOf(readBack(path, digestOf(bytes)));
      if (!isSure && !isHidden()) return; // the cache may have answered, as was said
      expect(fault).toMatchObject({ code: 'IO', message: expect.stringContaining('other bytes than were written') });
      expect(fault?.message).toContain(digestOf(bytes));
    } finally {
      process.env['PATH'] = PATH;
    }
    if (hasDd && drive.reader === 'kernel') expect(pagesOf(path)).toBe(0);
  });

  test('full in the middle: DISK_FULL, the old file is as it was, no part is left', async () => {
    const path = join(drive.dir, 'release.tar');
    await publishFile(path, bytesOf(Buffer.alloc(5 * MiB, 7)));
    const fault = await faultOf(
      publishFile(
        path,
        chunks(120, () => undefined),
      ),
    );
    expect(fault).toMatchObject({ code: 'DISK_FULL', hint: expect.stringContaining('Free some space') });
    expect(fault?.message).toContain(`no space left on ${drive.dir} (`);
    expect(filesIn(drive.dir)).toEqual(['release.tar']);
    expect(readFileSync(path).equals(Buffer.alloc(5 * MiB, 7))).toBe(true);
  });

  test('what does not fit is refused beforehand, and told apart from what fits once the old file is gone', async () => {
    const path = join(drive.dir, 'release.tar');
    await publishFile(path, bytesOf(Buffer.alloc(30 * MiB)));
    const { free = 0 } = await fileSystemOf(drive.dir);
    expect(await checkRoom(path, { least: free, most: free })).toBeUndefined();
    expect(await checkRoom(path, { least: 1, most: free + 1 })).toContain('may run out');
    const tight = await faultOf(checkRoom(path, { least: free + MiB }));
    expect(tight).toMatchObject({
      code: 'DISK_FULL',
      hint: expect.stringContaining('stays until the new one is whole'),
    });
    const never = await faultOf(checkRoom(path, { least: 10 ** 9 }));
    expect(never).toMatchObject({ code: 'DISK_FULL', hint: expect.stringContaining('another place') });
  });

  test('unmounted in the middle: an error, and nothing where the drive was', async () => {
    const path = join(drive.dir, 'release.tar');
    const fault = await faultOf(
      publishFile(
        path,
        chunks(8, () => run('umount', '-l', drive.dir)),
        () => Promise.reject(new Error('looked for where it is not')),
      ),
    );
    expect(fault).toMatchObject({ code: 'IO', message: expect.stringContaining('was the drive removed') });
    expect(filesIn(drive.dir)).toEqual([]);
  });
});

describe('pack to ext4', () => {
  const drive = useDrive('ext4', '24M');
  /** An image of 12 MiB. */
  const source = (): string => join(folder, 'save.tar');
  beforeAll(async () => {
    const layer = await layerTar({ file: noise(9 * MiB).toString('base64') });
    writeFileSync(source(), await tarOf(dockerArchive([{ tags: ['app:1'], layers: [layer] }])));
  });
  const to = (output: string, options: Partial<PackOptions> = {}, context = testContext()): Promise<unknown> =>
    pack({ sources: [source()], output: join(drive.dir, output), ...options }, context);
  const volumeBytes = 4 * MiB;

  test('a folder on a drive that is read-only is not said to be missing', async () => {
    run('mount', '-o', 'remount,ro', drive.dir);
    for (const fault of [await faultOf(to('oci/')), await faultOf(to('kit', { kit: true }))]) {
      expect(fault).toMatchObject({ code: 'IO', message: expect.stringContaining('read-only') });
    }
  });

  test('--resume needs room for what is missing, and not for what is there', async () => {
    await to('r.tar', { volumeBytes });
    rmSync(join(drive.dir, 'r.tar.004'));
    await to('r.tar', { volumeBytes, resume: true });
    expect(filesIn(drive.dir)).toHaveLength(8);
    expect(await faultOf(to('r.tar', { volumeBytes }))).toMatchObject({ code: 'USAGE' });
    expect(await faultOf(to('more.tar', { volumeBytes }))).toMatchObject({ code: 'DISK_FULL' });
  });

  test.each(['r.tar', 'r.tar.zst'])(
    '--pause to %s: a medium that is full, or none, is said, and asked for again',
    async (name) => {
      const context = testContext();
      let asked = 0;
      const line = (): Promise<string> => {
        asked++;
        if (asked === 2) run('umount', drive.dir);
        if (asked === 3) run('mount', '-o', 'loop', drive.image, drive.dir);
        for (const file of filesIn(drive.dir)) rmSync(join(drive.dir, file));
        if (asked === 1) writeFileSync(join(drive.dir, 'filler'), Buffer.alloc(19 * MiB));
        return Promise.resolve('');
      };
      const ask = { line, secret: (): Promise<undefined> => Promise.resolve(undefined) };
      await to(name, { volumeBytes, pause: true }, Object.assign(context, { ask }));
      expect(context.notes()).toEqual([
        expect.stringMatching(/needs up to 4\.2 MB .*: put in another medium$/),
        `no medium is mounted at ${drive.dir}: put in another medium`,
      ]);
      run('umount', drive.dir);
      expect(readdirSync(drive.dir)).toEqual([]);
      run('mount', '-o', 'loop', drive.image, drive.dir);
    },
  );

  test('a drive that is too small: the hint says how to spread it over several', async () => {
    writeFileSync(join(drive.dir, 'filler'), Buffer.alloc(14 * MiB));
    for (const name of ['r.tar', 'r.tar.zst']) {
      const fault = await faultOf(to(name));
      expect(fault).toMatchObject({ code: 'DISK_FULL', hint: expect.stringContaining('--volume-size SIZE --pause') });
      expect(await faultOf(to('r.tar', { dryRun: true }))).toMatchObject({ code: 'DISK_FULL' });
    }
  });
});

describe('FAT32', () => {
  const drive = useDrive('fat32', '100M');

  test('no file of 5 GB: the remedy is named; volumes of it are another matter', async () => {
    const path = join(drive.dir, 'release.tar');
    const fault = await faultOf(checkRoom(path, { least: 5e9 }));
    expect(fault).toMatchObject({ code: 'DISK_FULL', hint: expect.stringContaining('--volume-size fat32') });
    expect(fault?.message).toContain('FAT');
    const volumes = await faultOf(checkRoom(path, { least: 5e9, inFilesOf: 2 ** 32 - 1 }));
    expect(volumes?.message).toContain('free');
    expect(await checkRoom(path, { least: 1, most: 5e9 })).toContain('--volume-size fat32');
  });

  test('a name that it does not take', async () => {
    const fault = await faultOf(publishFile(join(drive.dir, 'release 1:2.tar'), bytesOf(Buffer.alloc(9))));
    expect(fault).toMatchObject({ code: 'USAGE', message: expect.stringContaining('has a : in it') });
  });
});

describe('a file system without O_DIRECT', () => {
  let dir = '';
  beforeEach(() => {
    dir = join(folder, 'ram');
    mkdirSync(dir);
    run('mount', '-t', 'ramfs', 'ramfs', dir);
  });
  afterEach(() => {
    run('umount', dir);
  });

  test('is read plainly, and the result says so', async () => {
    const bytes = randomBytes(MiB + 1);
    writeFileSync(join(dir, 'a'), bytes);
    const result = await readBack(join(dir, 'a'), digestOf(bytes));
    expect(result).toEqual({ size: MiB + 1, cacheMayHaveAnswered: true, fileSystem: 'tmpfs' });
  });
});

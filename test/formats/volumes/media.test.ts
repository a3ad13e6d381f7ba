import { describe, expect, test } from '@jest/globals';
import { tmpdir } from 'node:os';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { volumeName } from '../../../src/formats/volumes/names.js';
import { type VolumeOptions, writeVolumes } from '../../../src/formats/volumes/write.js';
import { TransferError } from '../../../src/primitives/errors.js';
import { faultOf, noise } from '../../codecs/helpers.js';
import { testContext } from '../../helpers/context.js';
import { put, useTempFolder } from '../../helpers/temp-folder.js';
import { cat, factsAt, maker, split, until } from './helpers.js';

const at = useTempFolder();

const memory = statSync('/dev/shm', { throwIfNoEntry: false })?.dev;
const onOtherDrive = memory === undefined || memory === statSync(tmpdir()).dev ? (test.skip as typeof test) : test;
onOtherDrive('a drive that goes between two volumes is noticed (skipped where there is no second drive)', async () => {
  mkdirSync(at('drive'));
  symlinkSync(at('drive'), at('medium'));
  const gone = (): Promise<void> => {
    if (readdirSync(at('medium')).length === 2) {
      rmSync(at('medium'));
      symlinkSync('/dev/shm', at('medium'));
    }
    return Promise.resolve();
  };
  const fault = await faultOf(split(at('medium/a.tar.zst'), noise(150), 100, { beforeVolume: gone }));
  expect(fault).toMatchObject({ code: 'IO', message: expect.stringContaining('not on the drive any more') });
  expect(fault?.hint).toContain('Volume 1 is whole');
  expect(readdirSync('/dev/shm').filter((name) => name.startsWith('a.tar.zst'))).toEqual([]);
});

onOtherDrive('an empty mount point takes no volume: the next medium is asked for again', async () => {
  const drive = mkdtempSync('/dev/shm/ferry-test-');
  try {
    symlinkSync(drive, at('usb'));
    const context = testContext();
    let asked = 0;
    const nextMedium = (): Promise<void> => {
      rmSync(at('usb'), { force: true, recursive: true });
      rmSync(join(drive, 'a.tar.zst.001'), { force: true });
      // An empty mount point; one that is removed with the medium; a medium.
      if (++asked === 1) mkdirSync(at('usb'));
      if (asked === 3) symlinkSync(drive, at('usb'));
      return Promise.resolve();
    };
    await split(at('usb/a.tar.zst'), noise(150), 100, { emit: context.emit, nextMedium, makeFolder: true });
    expect(context.notes()).toEqual(Array(2).fill(`no medium is mounted at ${at('usb')}: put in another medium`));
    expect(readdirSync(drive)).toEqual(['a.tar.zst-001.json', 'a.tar.zst-002.json', 'a.tar.zst.002']);
  } finally {
    rmSync(drive, { recursive: true });
  }
});

describe('one medium after the other', () => {
  const bytes = noise(350);
  /** Puts another folder in the place of the medium; those that were in are kept as `medium-N`. */
  const swap = (number: number): void => {
    renameSync(at('medium'), at(`medium-${String(number)}`));
    if (existsSync(at(`medium-${String(number + 1)}`))) renameSync(at(`medium-${String(number + 1)}`), at('medium'));
    else mkdirSync(at('medium'));
  };
  const onMedia = (options: Partial<VolumeOptions> = {}): ReturnType<typeof split> =>
    split(at('medium/a.tar.zst'), bytes, 100, {
      nextMedium: (next, written) => {
        expect(existsSync(written ?? '')).toBe(true);
        expect(written).toBe(at('medium', volumeName('a.tar.zst', next - 1)));
        swap(next - 1);
        return Promise.resolve();
      },
      ...options,
    });
  const volumesOn = (medium: string): string[] => readdirSync(at(medium)).filter((name) => !name.endsWith('.json'));

  test('each gets one volume, and the checksum files of those before it', async () => {
    mkdirSync(at('medium'));
    await onMedia();
    expect(['medium-1', 'medium-2', 'medium-3', 'medium'].map(volumesOn)).toEqual([
      ['a.tar.zst.001'],
      ['a.tar.zst.002'],
      ['a.tar.zst.003'],
      ['a.tar.zst.004'],
    ]);
    expect(readdirSync(at('medium'))).toHaveLength(5);
    expect(readdirSync(at('medium-2'))).toEqual(['a.tar.zst-001.json', 'a.tar.zst-002.json', 'a.tar.zst.002']);
    mkdirSync(at('all'));
    for (const medium of ['medium-1', 'medium-2', 'medium-3', 'medium'])
      for (const name of readdirSync(at(medium))) copyFileSync(at(medium, name), at('all', name));
    expect(cat(at('all/a.tar.zst'))).toEqual(bytes);
    expect(factsAt(at('all/a.tar.zst-004.json')).count).toBe(4);
  });

  test('the same medium is not written to again: another is asked for, and what is whole is not said again', async () => {
    mkdirSync(at('medium'));
    const context = testContext();
    const asked: (readonly [number, string | undefined])[] = [];
    await onMedia({
      emit: context.emit,
      nextMedium: (next, written) => {
        asked.push([next, written]);
        if (next !== 2 || asked.length > 1) swap(next - 1);
        return Promise.resolve();
      },
    });
    expect(asked.slice(0, 3)).toEqual([
      [2, at('medium/a.tar.zst.001')],
      [2, undefined],
      [3, at('medium/a.tar.zst.002')],
    ]);
    expect(context.notes()).toEqual([`${at('medium')}: this medium has volume 1 already: put in another medium`]);
    expect(volumesOn('medium-1')).toEqual(['a.tar.zst.001']);
  });

  test('a folder is made on each medium where that is asked for', async () => {
    mkdirSync(at('medium/kit'), { recursive: true });
    const nextMedium = (next: number): Promise<void> => {
      swap(next - 1);
      return Promise.resolve();
    };
    await split(at('medium/kit/a.tar.zst'), bytes, 100, { makeFolder: true, nextMedium });
    expect(volumesOn('medium-2/kit')).toEqual(['a.tar.zst.002']);
  });

  test('interrupted while it asks, it says how to go on', async () => {
    mkdirSync(at('medium'));
    const abort = new AbortController();
    const { emit, signal, notes } = testContext(abort.signal);
    const nextMedium = (next: number): Promise<void> => {
      if (next === 3) abort.abort(new Error('Ctrl-C'));
      else swap(next - 1);
      return Promise.resolve();
    };
    await expect(onMedia({ emit, signal, nextMedium })).rejects.toThrow('Ctrl-C');
    expect(notes()).toEqual(['Volumes 1 and 2 are whole: the same call with --pause --resume goes on from there.']);
  });

  test('a medium that will not do is said, and the next asked for; in the end it is given up', async () => {
    mkdirSync(at('medium'));
    mkdirSync(at('old'));
    await split(at('old/a.tar.zst'), noise(50), 100, { made: { ...maker, level: 9 } });
    const context = testContext();
    let asked = 0;
    await onMedia({
      emit: context.emit,
      nextMedium: (next) => {
        if (++asked !== 2) swap(next - 1);
        if (asked === 1) {
          renameSync(at('medium'), at('empty'));
          renameSync(at('old'), at('medium'));
        } else if (asked === 2) {
          renameSync(at('medium'), at('old'));
          renameSync(at('empty'), at('medium'));
        }
        return Promise.resolve();
      },
    });
    expect(asked).toBe(4);
    expect(context.notes()).toEqual([
      expect.stringMatching(
        /volumes of an earlier run are there: a\.tar\.zst\.001 \(set [^:]*\): put in another medium$/,
      ),
    ]);
    expect(volumesOn('medium-2')).toEqual(['a.tar.zst.002']);
    let tries = 0;
    const room = (): Promise<void> =>
      tries === 0 ? Promise.resolve() : Promise.reject(new TransferError('DISK_FULL', 'full'));
    mkdirSync(at('full'));
    const endless = split(at('full/a.tar.zst'), bytes, 100, {
      beforeVolume: room,
      nextMedium: () => {
        tries++;
        rmSync(at('full/a.tar.zst.001'), { force: true });
        return Promise.resolve();
      },
    });
    expect(await faultOf(endless)).toMatchObject({ code: 'DISK_FULL' });
    expect(tries).toBe(10);
  });

  test.each([1, 2, 3])('goes on from medium %i, with what is on others kept', async (last) => {
    mkdirSync(at('medium'));
    const { emit, signal } = testContext();
    const nextMedium = (next: number): Promise<void> => {
      swap(next - 1);
      return Promise.resolve();
    };
    const options = { volumeBytes: 100, made: maker, emit, signal, nextMedium };
    const broken = writeVolumes(at('medium/a.tar.zst'), until(bytes, last * 100), { ...options, resume: false });
    await expect(broken).rejects.toThrow('broke off');
    expect(volumesOn('medium')).toEqual([volumeName('a.tar.zst', last)]);
    const asked: number[] = [];
    await onMedia({ resume: true, nextMedium: (next) => (asked.push(next), nextMedium(next)) });
    expect(asked).toEqual([2, 3, 4].filter((number) => number > last));
    expect(readdirSync(at('medium'))).toHaveLength(5);
    expect(['medium-1', 'medium-2', 'medium-3', 'medium'].map(volumesOn)).toEqual(
      [1, 2, 3, 4].map((number) => [volumeName('a.tar.zst', number)]),
    );
  });

  test('broken off in the middle of a medium, the same one is filled without being asked for', async () => {
    mkdirSync(at('medium'));
    const { emit, signal } = testContext();
    const nextMedium = (next: number): Promise<void> => {
      swap(next - 1);
      return Promise.resolve();
    };
    const options = { volumeBytes: 100, made: maker, emit, signal, nextMedium, resume: false };
    await expect(writeVolumes(at('medium/a.tar.zst'), until(bytes, 250), options)).rejects.toThrow('broke off');
    expect(volumesOn('medium')).toEqual([]);
    const asked: number[] = [];
    await onMedia({ resume: true, nextMedium: (next) => (asked.push(next), nextMedium(next)) });
    expect(asked).toEqual([4]);
    expect(volumesOn('medium-3')).toEqual(['a.tar.zst.003']);
  });

  test.each([
    ['kept', false],
    ['damaged and written anew', true],
  ])('a volume that does not read back goes with its checksum file: %s', async (_, isDamaged) => {
    mkdirSync(at('medium'));
    await onMedia();
    renameSync(at('medium'), at('medium-4'));
    renameSync(at('medium-2'), at('medium'));
    if (isDamaged) put(at('medium/a.tar.zst.002'), noise(100, 7));
    const readBack = (path: string): Promise<void> =>
      path === at('medium/a.tar.zst.002') ? Promise.reject(new TransferError('IO', 'other bytes')) : Promise.resolve();
    expect(await faultOf(onMedia({ resume: true, readBack }))).toMatchObject({ code: 'IO', message: 'other bytes' });
    expect(readdirSync(at('medium'))).toEqual(['a.tar.zst-001.json']);
    await onMedia({ resume: true });
    expect(['medium-1', 'medium-2', 'medium-3', 'medium'].map(volumesOn)).toEqual(
      [1, 2, 3, 4].map((number) => [volumeName('a.tar.zst', number)]),
    );
  });
});

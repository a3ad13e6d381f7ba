import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { type VolumeOptions, writeVolumes } from '../../../src/formats/volumes/write.js';
import { digestOf } from '../../../src/primitives/digest.js';
import { idOf } from '../../../src/primitives/process-id.js';
import { faultOf, noise } from '../../codecs/helpers.js';
import { testContext } from '../../helpers/context.js';
import { dribble } from '../../helpers/dribble.js';
import { put, useTempFolder } from '../../helpers/temp-folder.js';
import { cat, factsAt, maker, split, until } from './helpers.js';

const at = useTempFolder();
const target = (): string => at('a.tar.zst');
const modified = (path: string): number => statSync(path).mtimeMs;

describe('resume', () => {
  const bytes = noise(730);
  const resumed = (options: Partial<VolumeOptions> = {}): ReturnType<typeof split> =>
    split(target(), bytes, 100, { resume: true, ...options });

  test('goes on wherever it was broken off, and writes only what is missing', async () => {
    const { emit, signal } = testContext();
    await fc.assert(
      fc.asyncProperty(fc.nat(730), fc.nat(730), async (first, second) => {
        const options = { volumeBytes: 100, made: maker, emit, signal, resume: true };
        for (const end of [first, second]) {
          await expect(writeVolumes(target(), until(bytes, end), options)).rejects.toThrow('broke off');
          const whole = Math.floor(Math.max(first, end) / 100);
          expect(readdirSync(at()).filter((name) => name.endsWith('.part'))).toEqual([]);
          expect(readdirSync(at())).toHaveLength(2 * whole);
        }
        const before = readdirSync(at()).map((name) => [name, modified(at(name))]);
        await resumed();
        expect(cat(target())).toEqual(bytes);
        expect(readdirSync(at())).toHaveLength(16);
        for (const [name, time] of before) expect([name, modified(at(String(name)))]).toEqual([name, time]);
        for (const name of readdirSync(at())) rmSync(at(name));
      }),
      { numRuns: 20 },
    );
  });

  test('after an abort by the signal, the whole volumes stay and no part', async () => {
    const controller = new AbortController();
    const { emit } = testContext();
    let chunks = 0;
    const source = (async function* () {
      for await (const chunk of dribble(bytes, 50)) {
        if (++chunks === 5) controller.abort(new Error('interrupted'));
        yield chunk;
      }
    })();
    const work = writeVolumes(target(), source, {
      volumeBytes: 100,
      made: maker,
      resume: false,
      emit,
      signal: controller.signal,
    });
    await expect(work).rejects.toThrow('interrupted');
    expect(readdirSync(at())).toEqual(['a.tar.zst-001.json', 'a.tar.zst-002.json', 'a.tar.zst.001', 'a.tar.zst.002']);
  });

  test('after a kill: parts go, a volume without checksum file is written anew, and it is said', async () => {
    await split(target(), bytes, 100);
    for (const name of readdirSync(at())) if (/00[4-8]/.test(name)) rmSync(at(name));
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    put(at(`a.tar.zst.007.${idOf(gone)}.part`), 'half');
    put(at(`a.tar.zst-004.json.${idOf(gone)}.part`), '{');
    put(at('a.tar.zst.004'), 'renamed, and then the machine died');
    const context = testContext();
    await resumed({ emit: context.emit });
    expect(cat(target())).toEqual(bytes);
    expect(readdirSync(at())).toHaveLength(16);
    expect(context.notes()).toEqual([
      expect.stringMatching(/^volume 4 \(.*a\.tar\.zst\.004\) has no checksum file that is whole: writing it anew$/),
    ]);
  });

  test('is LOCKED while another process writes one of them', async () => {
    put(at(`a.tar.zst.003.${idOf(process.ppid)}.part`), 'in the making');
    expect(await faultOf(resumed())).toMatchObject({ code: 'LOCKED' });
  });

  test('damaged, cut and lost volumes are written anew, others are not', async () => {
    await split(target(), bytes, 100);
    put(at('a.tar.zst.002'), noise(100, 7));
    put(at('a.tar.zst.004'), 'short');
    rmSync(at('a.tar.zst.005'));
    put(at('a.tar.zst-006.json'), '{}');
    const third = modified(at('a.tar.zst.003'));
    const context = testContext();
    await resumed({ emit: context.emit });
    expect(cat(target())).toEqual(bytes);
    expect(modified(at('a.tar.zst.003'))).toBe(third);
    expect(context.notes().map((note) => /^volume (\d)/.exec(note)?.[1])).toEqual(['2', '4', '6']);
  });

  test('what is kept needs no room', async () => {
    await split(target(), bytes, 100);
    rmSync(at('a.tar.zst.002'));
    rmSync(at('a.tar.zst.003'));
    const placed: number[] = [];
    await split(target(), bytes, 100, {
      resume: true,
      beforeVolume: (_, bytes) => {
        placed.push(bytes);
        return Promise.resolve();
      },
    });
    expect(placed).toEqual([bytes.length - 200, bytes.length - 100]);
  });

  test('a whole set stays as it is; the end is told anew when it was not known', async () => {
    const even = bytes.subarray(0, 700);
    await split(target(), even, 100);
    const complete = readFileSync(at('a.tar.zst-007.json'));
    const { emit, signal } = testContext();
    for (const name of readdirSync(at())) rmSync(at(name));
    const options = { volumeBytes: 100, made: maker, resume: false, emit, signal };
    await expect(writeVolumes(target(), until(bytes, 700), options)).rejects.toThrow('broke off');
    expect(factsAt(at('a.tar.zst-007.json')).count).toBeUndefined();
    const seventh = modified(at('a.tar.zst.007'));
    await split(target(), even, 100, { resume: true });
    expect(readFileSync(at('a.tar.zst-007.json'))).toEqual(complete);
    expect(modified(at('a.tar.zst.007'))).toBe(seventh);
  });

  test('nothing to resume is said', async () => {
    const context = testContext();
    await resumed({ emit: context.emit });
    expect(context.notes()).toEqual([expect.stringContaining('no volume of an earlier run is there')]);
  });

  test.each<[string, Partial<typeof maker>, number, string]>([
    ['ferry', { ferry: '0.5.0' }, 100, 'ferry 0.4.0 (not 0.5.0)'],
    ['codec', { codec: 'zstd-codec 0.1.5' }, 100, 'codec zstd 1.5.6 (not zstd-codec 0.1.5)'],
    ['level', { level: 19 }, 100, 'level 3 (not 19)'],
    ['format', { format: 'tar.gz' }, 100, 'format tar.zst (not tar.gz)'],
    ['contents', { bundle: digestOf('others') }, 100, 'contents sha256:'],
    ['volume size', {}, 200, 'volume size 100 (not 200)'],
  ])('another %s is refused by name', async (_, other, size, words) => {
    await split(target(), bytes, 100);
    const fault = await faultOf(split(target(), bytes, size, { resume: true, made: { ...maker, ...other } }));
    expect(fault).toMatchObject({ code: 'USAGE', message: expect.stringContaining(words) });
    expect(fault?.message).toContain('a.tar.zst.001: it is of another set');
  });

  test('other bytes than those of the volumes that are there are refused', async () => {
    await split(target(), bytes, 100);
    for (const other of [
      noise(730, 9),
      bytes.subarray(0, 350),
      bytes.subarray(0, 729),
      Buffer.concat([bytes, bytes]),
    ]) {
      const fault = await faultOf(split(target(), other, 100, { resume: true }));
      expect(fault).toMatchObject({ code: 'USAGE', message: expect.stringContaining('has other bytes') });
    }
    const shorter = await faultOf(split(target(), bytes.subarray(0, 300), 100, { resume: true }));
    expect(shorter?.message).toMatch(
      /the 3 volumes are written, but a\.tar\.zst\.004 to a\.tar\.zst\.008 are there too/,
    );
  });
});

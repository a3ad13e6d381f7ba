import { describe, expect, test } from '@jest/globals';
import { truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { samplingOf } from '../../src/commands/sampling.js';
import { verify } from '../../src/commands/verify.js';
import { type Descriptor } from '../../src/model/descriptor.js';
import { hexOf } from '../../src/primitives/digest.js';
import { faultOf } from '../codecs/helpers.js';
import { Blobs, type MadeImage, named } from '../helpers/blobs.js';
import { testContext } from '../helpers/context.js';
import { layoutFolder } from '../helpers/layout-folder.js';
import { saveFile } from '../helpers/files.js';
import { useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();

function archive(): { image: MadeImage; file: (blob: Descriptor) => string } {
  const blobs = new Blobs();
  const image = blobs.image({ layers: Array.from({ length: 60 }, (_, n) => `layer ${String(n)}`) });
  layoutFolder(at('a'), blobs, [named(image.root, 'docker.io/library/app:1')]);
  return { image, file: ({ digest }) => at('a/blobs/sha256', hexOf(digest)) };
}

/** The layers that are read on a day. */
async function readOn(day: number, layers: readonly Descriptor[], sample: number): Promise<string[]> {
  const now = new Date(2026, 10, day, 3, 30);
  const sampling = await samplingOf({ sources: [], sample }, at('a'), now);
  return layers.filter((layer) => sampling?.chosen(layer)).map(({ digest }) => digest);
}

describe('--sample', () => {
  test.each([
    [10, 10, 1],
    [25, 4, 1],
    [50, 2, 1],
    [100, 1, 1],
    [30, 4, 2],
    [0.5, 200, 1],
  ])('%d %%: in %d days in a row every layer is read, at most %d times', async (percent, days, atMost) => {
    const { image } = archive();
    const times = new Map(image.layers.map(({ digest }) => [digest as string, 0]));
    for (let day = 1; day <= days; day++) {
      const read = await readOn(day, image.layers, percent);
      for (const digest of read) times.set(digest, (times.get(digest) ?? 0) + 1);
    }
    expect(Math.min(...times.values())).toBeGreaterThanOrEqual(1);
    expect(Math.max(...times.values())).toBeLessThanOrEqual(atMost);
  });

  test('the same part all day; what else is in the archive moves nothing', async () => {
    const { image } = archive();
    const read = await readOn(5, image.layers, 20);
    expect(await readOn(5, [...image.layers].reverse(), 20)).toEqual(expect.arrayContaining(read));
    expect(await readOn(5, image.layers.slice(30), 20)).toEqual(
      read.filter((digest) => image.layers.slice(30).some((layer) => layer.digest === digest)),
    );
  });

  test('the result says which part it was; all but layers is read in full', async () => {
    const { image } = archive();
    const result = await verify({ sources: [at('a')], sample: 100 }, testContext());
    const bytes = image.layers.reduce((sum, { size }) => sum + size, 0);
    expect(result).toMatchObject({
      faults: [],
      blobs: 62,
      sample: {
        percent: 100,
        day: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
        blobs: 60,
        bytes,
        of: { blobs: 60, bytes },
      },
    });
    const part = await verify({ sources: [at('a')], sample: 1 }, testContext());
    expect(part.blobs).toBe(2 + (part.sample?.blobs ?? 0));
    expect(part.sample?.of.blobs).toBe(60);
  });

  test('a layer of the wrong size and a damaged config are found whatever the part is', async () => {
    const { image, file } = archive();
    const found = async (): Promise<readonly string[]> =>
      (await verify({ sources: [at('a')], sample: 0.0001 }, testContext())).faults.map(({ message }) => message);
    truncateSync(file(image.layers[3]!), 3);
    expect(await found()).toEqual([expect.stringContaining(image.layers[3]!.digest)]);
    writeFileSync(file(image.config), 'x'.repeat(image.config.size));
    expect((await found()).join()).toContain(image.config.digest);
  });
});

describe('--since', () => {
  test('reads what was written since then; with a sample, both', async () => {
    const { image, file } = archive();
    const long = new Date(2026, 0, 1);
    for (const layer of image.layers.slice(5)) utimesSync(file(layer), long, long);
    const since = new Date(2026, 5, 1);
    expect(await verify({ sources: [at('a')], since }, testContext())).toMatchObject({
      faults: [],
      sample: { since: since.toISOString(), blobs: 5, of: { blobs: 60 } },
    });
    expect((await verify({ sources: [at('a')], since, sample: 100 }, testContext())).sample?.blobs).toBe(60);
  });
});

test('what is no archive folder is refused', async () => {
  const file = await saveFile(at('a.tar'), { 'app:1': ['x'] });
  for (const source of [file, at()]) {
    const fault = await faultOf(verify({ sources: [source], sample: 10 }, testContext()));
    expect(fault).toMatchObject({ code: 'USAGE', message: expect.stringContaining('--sample') });
  }
});

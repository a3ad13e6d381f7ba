import { beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { list } from '../../../src/commands/list.js';
import { openPath } from '../../../src/commands/open.js';
import { pack } from '../../../src/commands/pack.js';
import { verify } from '../../../src/commands/verify.js';
import { digestOf } from '../../../src/primitives/digest.js';
import { faultOf, noise, run, testWith } from '../../codecs/helpers.js';
import { bundleOf } from '../../helpers/bundles.js';
import { testContext } from '../../helpers/context.js';
import { dockerArchive } from '../../helpers/image-archives.js';
import { file, layerTar, tarOf } from '../../helpers/members.js';
import { put, useTempFolder } from '../../helpers/temp-folder.js';
import { split } from './helpers.js';

const at = useTempFolder();
const SIZE = 40_000;

beforeEach(async () => {
  const layer = (seed: number): Promise<Buffer> => tarOf([file(`noise${String(seed)}`, noise(120_000, seed))]);
  const images = [
    { tags: ['app:1'], layers: [await layer(1), await layer(2)] },
    { tags: ['tool:1'], layers: [await layer(1), await layerTar({ 'etc/tool': 'x' })] },
  ];
  put(at('save.tar'), await tarOf(dockerArchive(images)));
});

/** A bundle of the format in volumes, in a folder of its own. */
async function volumes(format: 'tar' | 'tar.zst' | 'tar.gz'): Promise<{ whole: Buffer; folder: string; tar: string }> {
  const source = await openPath(at('save.tar'), testContext());
  const { bytes, receipt } = await bundleOf(source, format);
  await source.close();
  const folder = at(format);
  mkdirSync(folder);
  await split(at(format, `r.${format}`), bytes, SIZE, { chunk: 10_000 });
  return { whole: bytes, folder, tar: String(receipt.tarDigest) };
}

const flip = (path: string, offset: number): void => {
  const bytes = Buffer.from(readFileSync(path));
  bytes[offset] = (bytes[offset] ?? 0) ^ 0x10;
  put(path, bytes);
};
const verified = async (source: string): Promise<string[]> =>
  (await verify({ sources: [source] }, testContext())).faults.map(({ message }) => message);

describe.each(['tar', 'tar.zst', 'tar.gz'] as const)('a %s in volumes', (format) => {
  test('is read like the file that was cut, by its first volume, its folder, and in a kit', async () => {
    const { folder, tar, whole } = await volumes(format);
    const count = Math.ceil(whole.length / SIZE);
    expect(count).toBeGreaterThan(5);
    const first = at(format, `r.${format}.001`);
    for (const source of [first, at(format, `r.${format}.003`), folder]) {
      const { images, faults, sources } = await list({ sources: [source] }, testContext());
      expect(faults).toEqual([]);
      expect(sources).toEqual([source]);
      expect(images.map(({ name }) => name)).toEqual(['docker.io/library/app:1', 'docker.io/library/tool:1']);
      expect(await verified(source)).toEqual([]);
      const { receipt } = await pack({ sources: [source], output: at('again.tar') }, testContext());
      expect(receipt?.tarDigest).toBe(tar);
    }
    for (const name of readdirSync(folder)) if (name.endsWith('.json')) rmSync(at(format, name));
    expect(await verified(folder)).toEqual([]);
    for (const name of ['load.sh', 'README.txt', 'SHA256SUMS', 'bundle.json']) put(at(format, name), '');
    expect(await list({ sources: [folder] }, testContext())).toMatchObject({ totals: { images: 2 }, faults: [] });
  });

  test('a flipped byte is named by its volume', async () => {
    const { folder } = await volumes(format);
    const path = at(format, `r.${format}.002`);
    const before = digestOf(readFileSync(path));
    flip(path, 20_000);
    const words = `volume 2 of ${String(readdirSync(folder).length / 2)} (${path}) is damaged: expected ${before}, found ${digestOf(readFileSync(path))}`;
    const faults = await verified(folder).catch((error: unknown) => [(error as Error).message]);
    expect(faults).toContain(words);
    if (format !== 'tar.zst') return;
    // A frame may lie in several.
    expect(faults).toContainEqual(
      expect.stringMatching(/\.001 to .*\.004 \(volumes 1 to 4 of \d+\): frame \d+ at byte \d+: /),
    );
  });

  test('a last volume that is missing is named with checksum files, and guessed without', async () => {
    const { folder, whole } = await volumes(format);
    const count = Math.ceil(whole.length / SIZE);
    const name = `r.${format}.${String(count).padStart(3, '0')}`;
    rmSync(at(format, name));
    const missing = await faultOf(list({ sources: [folder] }, testContext()));
    expect(missing?.message).toBe(`${folder}: volume ${String(count)} of ${String(count)} is missing (${name})`);
    for (const one of readdirSync(folder)) if (one.endsWith('.json')) rmSync(at(format, one));
    const guessed = await faultOf(list({ sources: [folder] }, testContext()));
    expect(guessed).toMatchObject({ code: 'BAD_ARCHIVE' });
    if (format === 'tar.zst') expect(guessed?.message).toContain('the last volume is missing');
    expect(guessed?.hint).toContain(name);
  });
});

test('a first volume that is missing is told of by the others', async () => {
  await volumes('tar.zst');
  const first = at('tar.zst', 'r.tar.zst.001');
  rmSync(first);
  const fault = await faultOf(list({ sources: [first] }, testContext()));
  expect(fault).toMatchObject({ code: 'BAD_ARCHIVE', message: expect.stringContaining('volume 1 of') });
});

test('a kit with its bundle in one file', async () => {
  mkdirSync(at('kit'));
  await pack({ sources: [at('save.tar')], output: at('kit/r.tar.zst') }, testContext());
  for (const name of ['load.sh', 'README.txt', 'bundle.json']) put(at('kit', name), '');
  expect(await list({ sources: [at('kit')] }, testContext())).toMatchObject({ faults: [] });
  renameSync(at('kit/load.sh'), at('kit/other.sh'));
  expect(await faultOf(list({ sources: [at('kit')] }, testContext()))).toMatchObject({ code: 'NOT_AN_IMAGE' });
});

test('several sets in one folder are named', async () => {
  const { folder } = await volumes('tar');
  copyFileSync(at('save.tar'), at('tar', 'old.tar.001'));
  expect(await faultOf(list({ sources: [folder] }, testContext()))).toMatchObject({
    code: 'USAGE',
    message: `${folder}: 2 sets of volumes are in it: old.tar.001, r.tar.001`,
  });
});

testWith('zstd')('stock tools read them joined', async () => {
  const { folder, tar } = await volumes('tar.zst');
  const joined = spawnSync('sh', ['-c', 'cat r.tar.zst.*'], { cwd: folder, maxBuffer: 1 << 26 }).stdout;
  expect(digestOf(run('zstd', ['-dc'], joined))).toBe(tar);
});

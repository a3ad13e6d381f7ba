import { describe, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { list } from '../../src/commands/list.js';
import { pack } from '../../src/commands/pack.js';
import { type PackOptions } from '../../src/commands/options.js';
import { type PackResult } from '../../src/commands/results.js';
import { verify } from '../../src/commands/verify.js';
import { digestOf } from '../../src/primitives/digest.js';
import { exitStatusOf } from '../../src/primitives/errors.js';
import { idOf } from '../../src/primitives/process-id.js';
import { collect, faultOf, noise } from '../codecs/helpers.js';
import { Blobs, named } from '../helpers/blobs.js';
import { testContext } from '../helpers/context.js';
import { saveFile } from '../helpers/files.js';
import { file, tarOf } from '../helpers/members.js';
import { put, useTempFolder } from '../helpers/temp-folder.js';

const at = useTempFolder();
const run = (sources: readonly string[], output: string, options: Partial<PackOptions> = {}): Promise<PackResult> =>
  pack({ sources, output, ...options }, testContext());
const namesIn = async (path: string): Promise<(string | undefined)[]> =>
  (await list({ sources: [path] }, testContext())).images.map(({ name }) => name);
const a = (): Promise<string> => saveFile(at('a.tar'), { 'app:1': ['base', 'one'], 'tool:1': ['base', 'tool'] });
const b = (): Promise<string> => saveFile(at('b.tar'), { 'db:1': ['base', 'db'] }, { oci: true });

describe('pack', () => {
  test('merges files into one bundle that holds each layer once, and verifies', async () => {
    const result = await run([await a(), await b()], at('out.tar'));
    expect(result.totals).toMatchObject({ images: 3, layerUses: 6, uniqueLayers: 4 });
    expect(result).toMatchObject({ dryRun: false, output: at('out.tar'), notes: [], twins: [] });
    expect(result.receipt?.tarDigest).toBe(digestOf(readFileSync(at('out.tar'))));
    expect(await namesIn(at('out.tar'))).toEqual(
      ['app:1', 'db:1', 'tool:1'].map((name) => `docker.io/library/${name}`),
    );
    expect(await verify({ sources: [at('out.tar')] }, testContext())).toMatchObject({
      images: 3,
      layers: 4,
      faults: [],
    });
  });

  test.each(['out.tar', 'out.tar.zst', 'out.tar.gz', 'layout'])('%s gives the same bundle back', async (name) => {
    const { receipt } = await run([await a()], at('first.tar'));
    await run([at('first.tar')], at(name));
    expect((await run([at(name)], at('again.tar'))).receipt?.tarDigest).toBe(receipt?.tarDigest);
  });

  test('a dry run gives the plan and writes nothing', async () => {
    const result = await run([await a()], at('out.tar.zst'), { dryRun: true });
    expect(result.receipt).toBeUndefined();
    expect(result.totals.bytesToCopy).toBeGreaterThan(0);
    await run([await a()], at('layout'), { dryRun: true });
    await run([await a()], '-', { dryRun: true });
    expect(readdirSync(at())).toEqual(['a.tar']);
  });

  test('- writes a tar to the stream that is given', async () => {
    const stream = new PassThrough();
    const [{ receipt }, bytes] = await Promise.all([
      run([await a()], '-', { standardOutput: stream }).finally(() => stream.end()),
      collect(stream),
    ]);
    expect(digestOf(bytes)).toBe(receipt?.tarDigest);
  });

  test('sources from a file, chosen, renamed', async () => {
    const sources = put(at('images.txt'), `${await a()}  # two images\n${await b()}\n`);
    await run([], at('out.tar'), { sourceFiles: [sources], only: ['app:1', 'db'], rename: ['*=registry.local/*'] });
    expect(await namesIn(at('out.tar'))).toEqual(['registry.local/app:1', 'registry.local/db:1']);
  });

  test('a stored manifest wins over a made one, in any order of sources', async () => {
    const blobs = new Blobs();
    const layer = await tarOf([file('x', 'y')]);
    const { root } = blobs.image({ layers: [layer], manifest: { annotations: { by: 'us' } } });
    const stored = put(at('stored.tar'), await tarOf(blobs.layout([named(root, 'docker.io/library/app:1')])));
    const config = blobs.bytes.get(blobs.image({ layers: [layer] }).config.digest)!;
    const list = JSON.stringify([{ Config: 'config.json', RepoTags: ['app:1'], Layers: ['layer.tar'] }]);
    const made = put(
      at('made.tar'),
      await tarOf([file('config.json', config), file('layer.tar', layer), file('manifest.json', list)]),
    );
    for (const sources of [
      [stored, made],
      [made, stored],
    ]) {
      const result = await run(sources, at('out.tar'));
      expect(result.images.map(({ digest }) => digest)).toEqual([root.digest]);
      expect(result.notes[0]).toContain('the same image has manifest');
    }
  });

  test('a conflict is USAGE unless it is decided', async () => {
    const other = await saveFile(at('other.tar'), { 'app:1': ['another'] });
    const sources = [await a(), other];
    const fault = await faultOf(run(sources, at('out.tar')));
    expect(fault).toMatchObject({ code: 'NAME_CONFLICT', message: expect.stringContaining('app:1 is one image in') });
    expect(fault?.message).toContain(other);
    const first = await run(sources, at('first.tar'), { onConflict: 'first' });
    const last = await run(sources, at('last.tar'), { onConflict: 'last' });
    expect(first.images[0]?.digest).not.toBe(last.images[0]?.digest);
    expect(last.notes[0]).toContain('the last one is taken');
  });

  test('--layers plain: one plain copy, image IDs kept, and it says so', async () => {
    const gzip = await saveFile(at('gzip.tar'), { 'gz:1': ['base', 'one'] }, { oci: true, gzip: true });
    const keep = await run([await a(), gzip], at('keep.tar'));
    expect(keep.twins).toHaveLength(2);
    expect(keep.notes).toEqual([expect.stringContaining('2 layers are stored in two forms')]);
    const plain = await run([await a(), gzip], at('plain.tar'), { layers: 'plain' });
    expect([plain.twins, plain.totals.uniqueLayers]).toEqual([[], 3]);
    expect(plain.notes).toEqual([expect.stringContaining('manifests that had compressed layers have new digests')]);
    const ids = ({ images }: PackResult): (string | undefined)[] =>
      images.map(({ platforms }) => platforms[0]?.imageId);
    expect(ids(plain)).toEqual(ids(keep));
    expect((await verify({ sources: [at('plain.tar')] }, testContext())).faults).toEqual([]);
  });

  test('notes on what engines cannot take', async () => {
    const blobs = new Blobs();
    const zstd = blobs.image({ layerType: 'application/vnd.oci.image.layer.v1.tar+zstd' });
    const index = blobs.index([zstd.root, blobs.image({ platform: { architecture: 'arm64' } }).root]);
    const source = put(at('x.tar'), await tarOf(blobs.layout([named(index, 'docker.io/library/app:1')])));
    const { notes } = await run([source], at('out.tar'));
    expect(notes).toEqual([
      expect.stringContaining('Docker before 23 cannot read the zstd layers of app:1'),
      expect.stringContaining('loads one platform of app:1'),
    ]);
    expect((await run([source], at('out.tar'), { platforms: ['linux/arm64'] })).images).toMatchObject([
      { platforms: [{ platform: 'linux/arm64' }], notIncluded: [] },
    ]);
  });

  test('a pipe is read once, through a temporary file when it is large', async () => {
    if (spawnSync('mkfifo', [at('pipe')]).status !== 0) return;
    const large = await saveFile(at('large.tar'), { 'app:1': ['x'] });
    const padded = Buffer.concat([readFileSync(large), Buffer.alloc(17 * 1024 * 1024)]);
    put(at('padded.tar'), padded);
    const context = testContext();
    const writer = spawn('sh', ['-c', `cat '${at('padded.tar')}' > '${at('pipe')}'`], { stdio: 'ignore' });
    const result = await pack({ sources: [at('pipe')], output: at('out.tar') }, context);
    writer.kill();
    expect(result.images).toHaveLength(1);
    expect(context.notes()).toEqual([expect.stringContaining('kept in a temporary file in')]);
  });
});

test('tells for which image bytes move, each once in a row', async () => {
  const source = await saveFile(at('two.tar'), { 'a:1': ['x', 'y'], 'b:1': ['x', 'z'] });
  const context = testContext();
  await pack({ sources: [source], output: at('two.out.tar') }, context);
  const names = context.events.flatMap((event) => (event.type === 'image' ? [event.name] : []));
  expect(new Set(names)).toEqual(new Set(['a:1', 'b:1']));
  expect(names.some((name, i) => name === names[i - 1])).toBe(false);
});

describe('wrong input of pack', () => {
  test.each<[number, string, () => Promise<Partial<PackOptions>> | Partial<PackOptions>, string]>([
    [2, 'USAGE', () => ({ level: 20 }), 'tar.zst has levels 1 to 19'],
    [2, 'USAGE', () => ({ level: 0 }), 'tar.zst has levels 1 to 19'],
    [2, 'USAGE', () => ({ level: 2.5 }), '--level 2.5'],
    [2, 'USAGE', () => ({ level: 10, output: at('o.tar.gz') }), 'tar.gz has levels 1 to 9'],
    [2, 'USAGE', () => ({ level: 3, output: at('o.tar') }), 'tar is not compressed'],
    [2, 'USAGE', () => ({ level: 3, output: at('folder') }), 'oci is not compressed'],
    [2, 'USAGE', () => ({ format: 'oci', output: '-' }), 'a folder cannot be written to standard output'],
    [2, 'USAGE', () => ({ output: at('o.zip') }), 'ferry writes no .zip files'],
    [2, 'USAGE', () => ({ sources: [] }), 'no source'],
    [2, 'USAGE', () => ({ platforms: ['amd64'] }), 'not a platform'],
    [2, 'USAGE', () => ({ rename: ['x'] }), 'not a renaming'],
    [2, 'USAGE', () => ({ rename: ['*=Bad Name'] }), 'is no image name'],
    [3, 'NOT_AN_IMAGE', () => ({ sources: [put(at('x'), noise(2000))] }), 'expected an image archive'],
    [
      3,
      'BAD_ARCHIVE',
      async () => ({ sources: [put(at('x'), readFileSync(await a()).subarray(0, 3000))] }),
      'cut short'.slice(0, 0),
    ],
    [5, 'NOT_FOUND', () => ({ sources: [at('none.tar')] }), 'no such file'],
    [5, 'NOT_FOUND', () => ({ only: ['nothing:*'] }), 'no image called nothing:*'],
    [5, 'NOT_FOUND', () => ({ platforms: ['linux/s390x'] }), 'no image for linux/s390x'],
    [5, 'NOT_FOUND', () => ({ output: at('missing/o.tar') }), 'no such file or folder'],
  ])('exits %i: %s', async (status, code, options, words) => {
    const path = await a();
    const fault = await faultOf(
      pack({ sources: [path], output: at('o.tar.zst'), ...(await options()) }, testContext()),
    );
    expect(fault).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(exitStatusOf[fault?.code as keyof typeof exitStatusOf]).toBe(status);
    expect(readdirSync(at()).filter((name) => name.startsWith('o.'))).toEqual([]);
  });

  test('an output that is a source is refused, by whatever name, and kept', async () => {
    const path = await a();
    const before = readFileSync(path);
    for (const [sources, output] of [
      [[path], path],
      [[`file:${path}`], path],
      [[put(at('other'), 'x'), path], `${at()}/./a.tar`],
    ] as const) {
      const fault = await faultOf(run([...sources], output));
      expect(fault).toMatchObject({ code: 'USAGE', message: expect.stringContaining('the output is a source') });
    }
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test('a list of sources that is a pipe is read once, also when the output is there already', async () => {
    const path = await a();
    const words = at('words');
    spawnSync('mkfifo', [words]);
    const writing = writeFile(words, `${path}\n`);
    put(at('o.tar'), 'old');
    const result = await pack({ sources: [], sourceFiles: [words], output: at('o.tar') }, testContext());
    await writing;
    expect(result.images.length).toBe(2);
  });

  test('exits 7: LOCKED', async () => {
    put(at(`out.tar.${idOf(process.ppid)}.part`), '');
    expect(await faultOf(run([await a()], at('out.tar')))).toMatchObject({ code: 'LOCKED' });
  });

  test('a layout without images is NOT_FOUND', async () => {
    const empty = put(at('empty.tar'), await tarOf(new Blobs().layout([])));
    expect(await faultOf(run([empty], at('out.tar')))).toMatchObject({
      code: 'NOT_FOUND',
      message: `${empty}: there is no image in it`,
    });
  });

  test('a damaged layer: the old output stays, nothing else is left', async () => {
    const blobs = new Blobs();
    const { root, layers } = blobs.image({ layers: ['base', 'x'.repeat(1000)] });
    blobs.damage(layers[1]!);
    const source = put(at('bad.tar'), await tarOf(blobs.layout([named(root, 'docker.io/library/app:1')])));
    for (const output of ['out.tar', 'out.tar.zst', 'out.tar.gz']) {
      put(at(output), 'old');
      expect(await faultOf(run([source], at(output)))).toMatchObject({
        code: 'BLOB_CORRUPT',
        message: expect.stringContaining(layers[1]!.digest),
      });
      expect(readFileSync(at(output), 'utf8')).toBe('old');
    }
    expect(readdirSync(at()).sort()).toEqual(['bad.tar', 'out.tar', 'out.tar.gz', 'out.tar.zst']);
  });

  test('one damaged image: says that the others are whole; --only takes them', async () => {
    const blobs = new Blobs();
    const [good, bad, worse] = ['a', 'b', 'c'].map((layer) => blobs.image({ layers: [layer] }));
    blobs.drop(bad!.layers[0]!, worse!.config);
    const entries = [good, bad, worse].map((image, i) => named(image!.root, `docker.io/library/n${String(i)}:1`));
    const source = put(at('some.tar'), await tarOf(blobs.layout(entries)));
    const fault = await faultOf(run([source], at('out.tar')));
    expect(fault).toMatchObject({ code: 'BLOB_MISSING', hint: expect.stringContaining('choose them with --only') });
    expect(fault?.message).toContain('(1 more: ferry list shows them)');
    expect((await run([source], at('out.tar'), { only: ['n0'] })).images).toHaveLength(1);
    expect(await faultOf(run([source], at('out.tar'), { only: ['n1:1'] }))).toMatchObject({ code: 'BLOB_MISSING' });
  });

  test('an abort leaves nothing', async () => {
    const context = testContext(AbortSignal.abort(new Error('Ctrl-C')));
    await expect(pack({ sources: [await a()], output: at('out.tar') }, context)).rejects.toThrow('Ctrl-C');
    expect(readdirSync(at())).toEqual(['a.tar']);
  });

  test('a folder that is no layout, and a path that could be a name, say what they are', async () => {
    mkdirSync(at('folder'));
    expect(await faultOf(run([at('folder')], at('out.tar')))).toMatchObject({
      code: 'NOT_AN_IMAGE',
      message: expect.stringContaining('found nothing'),
    });
    expect(await faultOf(run(['src'], at('out.tar')))).toMatchObject({
      code: 'NOT_AN_IMAGE',
      hint: expect.stringContaining('engine:src'),
    });
  });
});

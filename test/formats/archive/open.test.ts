import { describe, expect, test } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { zstdCodec } from '../../../src/codecs/zstd.js';
import { memoryAccess } from '../../../src/primitives/random-access.js';
import { openArchive } from '../../../src/formats/archive/open.js';
import { decompress } from '../../../src/codecs/decompress.js';
import { type ImageSource } from '../../../src/ports.js';
import { hexOf } from '../../../src/primitives/digest.js';
import { type Fault, faultOf, noise, run, testWith } from '../../codecs/helpers.js';
import { Blobs, named } from '../../helpers/blobs.js';
import { bundleOf, imagesOf, openBytes } from '../../helpers/bundles.js';
import { dockerArchive, ociLayout } from '../../helpers/image-archives.js';
import { bytesIn, file, json, layerTar, type Member, tarOf, withMember } from '../../helpers/members.js';

const images = async (): Promise<Parameters<typeof dockerArchive>[0]> => [
  { tags: ['app:1'], layers: [await layerTar({ 'etc/app': 'app' })] },
];
const saved = async (): Promise<Buffer> => tarOf(dockerArchive(await images()));
const faultIn = (bytes: Buffer): Promise<Fault | undefined> =>
  faultOf(openBytes(bytes).then((source) => source.images()));
const namesIn = async (source: ImageSource | Promise<ImageSource>): Promise<(string | undefined)[]> =>
  (await (await source).images()).map(({ name }) => name);

describe('outer compression, found by content', () => {
  test.each<[string, (tar: Buffer) => Buffer | Promise<Buffer>]>([
    ['none', (tar) => tar],
    ['gzip', (tar) => gzipSync(tar)],
    [
      'gzip of several members',
      (tar) => Buffer.concat([gzipSync(tar.subarray(0, 1000)), gzipSync(tar.subarray(1000))]),
    ],
    ['zstd without a seek table', async (tar) => (await zstdCodec()).compressFrame(tar, 3)],
    [
      'zstd of several frames',
      async (tar) =>
        Buffer.concat(
          await Promise.all(
            [tar.subarray(0, 999), tar.subarray(999)].map(async (part) => (await zstdCodec()).compressFrame(part, 3)),
          ),
        ),
    ],
  ])('%s', async (_, pack) => {
    expect(await namesIn(openBytes(await pack(await saved())))).toEqual(['docker.io/library/app:1']);
  });

  for (const program of ['xz', 'bzip2', 'zstd', 'gzip'])
    testWith(program)(`what stock ${program} writes`, async () => {
      expect(await namesIn(openBytes(run(program, ['-c'], await saved())))).toEqual(['docker.io/library/app:1']);
    });

  test.each(['tar', 'tar.zst', 'tar.gz'] as const)('a bundle as %s', async (format) => {
    const { bytes } = await bundleOf(await openBytes(await saved()), format);
    expect(await namesIn(openBytes(bytes))).toEqual(['docker.io/library/app:1']);
  });

  test('a compressed file that is cut short is BAD_ARCHIVE', async () => {
    const packed = gzipSync(await saved());
    expect(await faultIn(packed.subarray(0, packed.length / 2))).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: expect.stringContaining('a.tar'),
    });
  });

  test('the file is closed when opening fails, and with the source', async () => {
    for (const bytes of [
      await saved(),
      gzipSync(await saved()),
      noise(5000),
      gzipSync('x'),
      gzipSync('x').subarray(0, 12),
    ]) {
      let closed = 0;
      const access = {
        ...memoryAccess('x', bytes),
        close: () =>
          Promise.resolve().then(() => {
            closed++;
          }),
      };
      await faultOf(openArchive(access, decompress, {}).then((source) => source.close()));
      expect(closed).toBeGreaterThan(0);
    }
  });
});

describe('what is no image archive is NOT_AN_IMAGE, with what it is and what to do', () => {
  test.each<[string, () => Buffer | Promise<Buffer>, string, string]>([
    ['an empty file', () => Buffer.alloc(0), 'a.tar: it is empty', 'Save the image again'],
    [
      'text',
      () => Buffer.from('#!/bin/sh\necho hello\n'),
      'a file that begins with "#!/bin/sh\\\\x0aecho ',
      'docker save',
    ],
    [
      'random bytes',
      () => noise(5000),
      'expected an image archive (a tar), found a file that begins with',
      'docker save',
    ],
    ['compressed text', () => gzipSync('hello'), 'found a file that begins with "hello"', 'docker save'],
    ['zeros', () => Buffer.alloc(10_240), 'found nothing', 'docker save'],
    [
      'a docker export',
      () => tarOf([file('.dockerenv', ''), file('etc/hostname', 'x')]),
      'it holds a file system (docker export writes such files), no image',
      'docker save -o app.tar IMAGE',
    ],
    ['a root file system', () => tarOf([file('etc/passwd', 'root')]), 'it holds a file system', 'docker import'],
    [
      'any other tar',
      () => tarOf(['a', 'b', 'c', 'd'].map((name) => file(name, name))),
      'expected index.json, manifest.json or repositories in it, found a, b, c, …',
      'ferry pack',
    ],
  ])('%s', async (_, bytes, words, hint) => {
    const fault = await faultIn(await bytes());
    expect(fault).toMatchObject({
      code: 'NOT_AN_IMAGE',
      message: expect.stringContaining(words),
      hint: expect.stringContaining(hint),
    });
  });
});

describe('index.json and manifest.json in one archive', () => {
  const layout = async (count = 1): Promise<Member[]> => {
    const layers = await Promise.all(Array.from({ length: count }, (_, i) => layerTar({ n: String(i) })));
    return ociLayout(
      layers.map((layer, i) => ({ tags: [`app:${String(i)}`], layers: [layer] })),
      { hybrid: true },
    );
  };
  type Entry = { Config: string; RepoTags: string[] | null; Layers: string[] };
  const edited = (members: readonly Member[], edit: (list: Entry[]) => unknown): Member[] =>
    withMember(
      members,
      'manifest.json',
      JSON.stringify(edit(JSON.parse(bytesIn(members, 'manifest.json').toString()) as Entry[])),
    );

  test('that agree are one list', async () => {
    expect(await namesIn(openBytes(await tarOf(await layout(2))))).toEqual([
      'docker.io/library/app:0',
      'docker.io/library/app:1',
    ]);
  });

  test('that give a name to different images are BAD_ARCHIVE, naming both', async () => {
    const members = edited(await layout(2), ([a, b]) => [
      { ...a, RepoTags: ['app:1'] },
      { ...b, RepoTags: ['app:0'] },
    ]);
    const fault = await faultIn(await tarOf(members));
    expect(fault).toMatchObject({
      code: 'BAD_ARCHIVE',
      message: expect.stringContaining('index.json and manifest.json disagree: app:1 is blobs/sha256/'),
    });
  });

  test('of which only manifest.json knows an image: it is read too (not in a bundle)', async () => {
    const members = await layout(2);
    const index = JSON.parse(bytesIn(members, 'index.json').toString()) as { manifests: unknown[] };
    const less = withMember(members, 'index.json', JSON.stringify({ ...index, manifests: index.manifests.slice(1) }));
    expect((await namesIn(openBytes(await tarOf(less)))).sort()).toEqual([
      'docker.io/library/app:0',
      'docker.io/library/app:1',
    ]);
  });

  test.each([null, []])('of Docker 25, which wrote manifests of %j for images without a name', async (manifests) => {
    const members = edited(await layout(), ([a]) => [{ ...a, RepoTags: null }]);
    const source = await openBytes(
      await tarOf(withMember(members, 'index.json', JSON.stringify({ schemaVersion: 2, manifests }))),
    );
    const [image] = await imagesOf(source);
    expect(image).toMatchObject({ name: undefined, root: { kind: 'image', layers: [{}] } });
    expect((await bundleOf(source)).bytes.length).toBeGreaterThan(0);
  });

  test('a damaged manifest.json is BAD_ARCHIVE', async () => {
    expect(await faultIn(await tarOf(withMember(await layout(), 'manifest.json', '[{')))).toMatchObject({
      code: 'BAD_ARCHIVE',
    });
  });

  test('indexes that list each other over and over end soon', async () => {
    const blobs = new Blobs();
    const image = blobs.image();
    let { root } = image;
    for (let i = 0; i < 6; i++)
      root = blobs.index(Array(50).fill(root) as (typeof root)[], { annotations: { i: String(i) } });
    const list = json('manifest.json', [
      { Config: `blobs/sha256/${hexOf(image.config.digest)}`, RepoTags: ['app:1'], Layers: [] },
    ]);
    expect(
      await namesIn(openBytes(await tarOf(blobs.layout([named(root, 'docker.io/library/app:1')], [list])))),
    ).toHaveLength(1);
  });

  describe('of a bundle must agree in full', () => {
    const bundle = async (): Promise<Member[]> => {
      const blobs = new Blobs();
      const roots = ['x', 'y', 'z'].map((layer) => blobs.image({ layers: [layer] }).root);
      const list = [`docker.io/library/app:1`, 'docker.io/library/app:2', undefined].map((name, i) => ({
        name,
        root: roots[i]!,
      }));
      const { bytes } = await bundleOf(blobs.source(list));
      const { membersOf } = await import('../../helpers/bundles.js');
      return (await membersOf(bytes)).map(([name, contents]) => file(name, contents));
    };

    test.each<[string, (list: Entry[]) => unknown]>([
      ['an entry taken out', (list) => list.slice(1)],
      ['the entry of the unnamed image taken out', (list) => list.slice(0, 2)],
      ['an entry added', (list) => [...list, { ...list[0], RepoTags: ['docker.io/library/evil:1'] }]],
      ['an entry without a name added', (list) => [...list, list[2]]],
      ['another config', ([a, b, c]) => [{ ...a, Config: b!.Config }, b, c]],
      ['other layers', ([a, b, c]) => [{ ...a, Layers: b!.Layers }, b, c]],
      ['other layers of the unnamed image', ([a, b, c]) => [a, b, { ...c, Layers: a!.Layers }]],
      ['a layer more', ([a, b, c]) => [{ ...a, Layers: [...a!.Layers, ...a!.Layers] }, b, c]],
      ['a tag taken off', ([a, b, c]) => [{ ...a, RepoTags: null }, b, c]],
      ['a tag put on', ([a, b, c]) => [a, b, { ...c, RepoTags: ['docker.io/library/app:3'] }]],
      ['tags exchanged', ([a, b, c]) => [{ ...a, RepoTags: b!.RepoTags }, { ...b, RepoTags: a!.RepoTags }, c]],
      ['nothing left', () => []],
    ])('manifest.json with %s', async (_, edit) => {
      const fault = await faultIn(await tarOf(edited(await bundle(), edit)));
      expect(fault).toMatchObject({
        code: 'BAD_ARCHIVE',
        message: expect.stringContaining('index.json and manifest.json disagree'),
        side: 'source',
      });
    });

    test('index.json with an entry taken out', async () => {
      const members = await bundle();
      const index = JSON.parse(bytesIn(members, 'index.json').toString()) as { manifests: unknown[] };
      const less = withMember(members, 'index.json', JSON.stringify({ ...index, manifests: index.manifests.slice(1) }));
      expect(await faultIn(await tarOf(less))).toMatchObject({ code: 'BAD_ARCHIVE' });
    });

    test('and when it is as it was written, it is read', async () => {
      expect(await namesIn(openBytes(await tarOf(await bundle())))).toHaveLength(3);
    });
  });
});

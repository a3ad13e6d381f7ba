import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { gunzipSync } from 'node:zlib';
import { decompress } from '../../../src/codecs/decompress.js';
import { HEADER_ALONE_ABOVE } from '../../../src/formats/bundle/encode.js';
import { planTransfer } from '../../../src/engine/plan.js';
import { unionSource } from '../../../src/engine/union.js';
import { type Descriptor } from '../../../src/model/descriptor.js';
import { type ImageSource } from '../../../src/ports.js';
import { bytesOf } from '../../../src/primitives/bytes.js';
import { digestOf, hexOf } from '../../../src/primitives/digest.js';
import { collect, faultOf, noise } from '../../codecs/helpers.js';
import { Blobs, forPlatform } from '../../helpers/blobs.js';
import { bundleOf, imagesOf, jsonIn, membersOf, openBytes, piecesOf } from '../../helpers/bundles.js';
import { dockerArchive, ociLayout, type TestImage } from '../../helpers/image-archives.js';
import { layerTar, tarOf } from '../../helpers/members.js';

const APP = 'docker.io/library/app:1';
const FULL = 'io.containerd.image.name';
const REF = 'org.opencontainers.image.ref.name';
const path = ({ digest }: { digest: Descriptor['digest'] }): string => `blobs/sha256/${hexOf(digest)}`;

describe('the tar of a bundle', () => {
  const blobs = new Blobs();
  const app = blobs.image({ layers: ['base', 'app'] });
  const source = blobs.source([{ name: APP, root: app.root }]);

  test('has blobs in order of digest, then the lists; a golden one, so that the format cannot drift', async () => {
    const { bytes, receipt } = await bundleOf(source);
    const members = await membersOf(bytes);
    const text = members.map(([name, contents]) => `${name} ${String(contents.length)} ${contents.toString()}`);
    const manifest = 'application/vnd.oci.image.manifest.v1+json';
    const digest = 'sha256:4dbd4951b0d7a9b0eb9a4175155b6d142d1e23e968d2d55d48a0dacfd0303c2d';
    expect(text.map((line) => (line.includes('541') && line.startsWith('blobs') ? line.slice(0, 81) : line))).toEqual([
      'blobs/sha256/25fdaa3481bb11d204660c20356bd2e1340f0b3a938ac2edd2a6d73537945007 225 {"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:cae662172fd450bb0cd710a769079c05bfc5d8e35efa6576edc7d0377afdd4a2","sha256:a172cedcae47474b615c54d510a5d84a8dea3032e958587430b413538be3f333"]}}',
      'blobs/sha256/4dbd4951b0d7a9b0eb9a4175155b6d142d1e23e968d2d55d48a0dacfd0303c2d 541',
      'blobs/sha256/a172cedcae47474b615c54d510a5d84a8dea3032e958587430b413538be3f333 3 app',
      'blobs/sha256/cae662172fd450bb0cd710a769079c05bfc5d8e35efa6576edc7d0377afdd4a2 4 base',
      `index.json 415 {"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"${manifest}","digest":"${digest}","size":541,"annotations":{"io.containerd.image.name":"docker.io/library/app:1","org.opencontainers.image.ref.name":"docker.io/library/app:1"}}],"annotations":{"io.image-ferry.bundle":"1"}}`,
      'manifest.json 302 [{"Config":"blobs/sha256/25fdaa3481bb11d204660c20356bd2e1340f0b3a938ac2edd2a6d73537945007","RepoTags":["docker.io/library/app:1"],"Layers":["blobs/sha256/cae662172fd450bb0cd710a769079c05bfc5d8e35efa6576edc7d0377afdd4a2","blobs/sha256/a172cedcae47474b615c54d510a5d84a8dea3032e958587430b413538be3f333"]}]',
      'oci-layout 30 {"imageLayoutVersion":"1.0.0"}',
    ]);
    expect(receipt.tarDigest).toBe(digestOf(bytes));
    expect(receipt.tarDigest).toBe('sha256:10306ba64ec31755319d95c733ef68e215ccbb5dd226457d33f246ba019c73ab');
  });

  test('ends with two blocks of zeros, and is padded nowhere else', async () => {
    const { bytes } = await bundleOf(source);
    const members = await membersOf(bytes);
    const blocks = members.reduce((sum, [, contents]) => sum + 1 + Math.ceil(contents.length / 512), 2);
    expect(bytes.length).toBe(blocks * 512);
  });

  test.each(['tar', 'tar.zst', 'tar.gz'] as const)(
    '%s holds the same tar, and is the same every time',
    async (format) => {
      const plain = await bundleOf(source);
      const { bytes, receipt } = await bundleOf(source, format);
      expect((await collect(decompress(bytesOf(bytes), 'x'))).equals(plain.bytes)).toBe(true);
      expect(receipt).toMatchObject({ tarDigest: plain.receipt.tarDigest, fileSize: bytes.length });
      expect((await bundleOf(source, format)).bytes.equals(bytes)).toBe(true);
      expect(planTransfer(await imagesOf(await openBytes(bytes)), new Set()).totals).toEqual(
        planTransfer(await imagesOf(source), new Set()).totals,
      );
    },
  );

  test('a level changes the file, not the tar', async () => {
    const large = new Blobs();
    const { root } = large.image({
      layers: [Buffer.from('words and more words, '.repeat(5000).split(' ').sort().join(' '))],
    });
    const [fast, best] = await Promise.all(
      [1, 9].map((level) => bundleOf(large.source([{ name: APP, root }]), 'tar.gz', { level })),
    );
    expect(gunzipSync(fast!.bytes).equals(gunzipSync(best!.bytes))).toBe(true);
    expect(fast!.bytes.length).toBeGreaterThan(best!.bytes.length);
  });

  test('damaged bytes end it before the lists are written', async () => {
    const damaged = new Blobs();
    const { root, layers } = damaged.image();
    const images = await imagesOf(damaged.source([{ name: APP, root }]));
    damaged.damage(layers[0]!);
    const broken: ImageSource = { ...damaged.source(), images: () => Promise.resolve([]) };
    expect(images).toHaveLength(1);
    expect(await faultOf(collect(openAll(broken, layers)))).toMatchObject({ code: 'BLOB_CORRUPT' });
  });

  test.each([
    [HEADER_ALONE_ABOVE, false],
    [HEADER_ALONE_ABOVE + 1, true],
  ])('the header of a blob of %i bytes is a frame of its own: %s', async (size, alone) => {
    const large = new Blobs();
    const { root, layers } = large.image({ layers: [noise(size)] });
    const pieces = await piecesOf(large.source([{ name: APP, root }]));
    const header = pieces.findIndex(
      (piece) =>
        typeof piece !== 'symbol' && Buffer.from(piece).toString('latin1', 0, 100).startsWith(path(layers[0]!)),
    );
    expect(typeof pieces[header - 1]).toBe('symbol');
    expect(typeof pieces[header + 1] === 'symbol').toBe(alone);
  });
});

async function* openAll(source: ImageSource, blobs: readonly Descriptor[]): AsyncGenerator<Uint8Array> {
  const { openVerified } = await import('../../../src/engine/transfer.js');
  for (const blob of blobs) yield* openVerified(source, () => undefined, new AbortController().signal)(blob);
}

describe('the lists', () => {
  interface Lists {
    index: { manifests: Descriptor[]; annotations: object };
    docker: { Config: string; RepoTags: string[] | null; Layers: string[] }[];
  }
  async function lists(
    blobs: Blobs,
    roots: readonly (readonly [string | undefined, Descriptor])[],
    ...platforms: Parameters<typeof forPlatform>[2][]
  ): Promise<Lists> {
    const source = blobs.source(roots.map(([name, root]) => ({ name, root })));
    const { bytes } = await bundleOf(source, 'tar', {
      platforms: platforms.map((architecture) => ({ os: 'linux', architecture })),
    });
    return { index: await jsonIn(bytes, 'index.json'), docker: await jsonIn(bytes, 'manifest.json') };
  }

  test('name an image in full, in both annotations and in RepoTags', async () => {
    const blobs = new Blobs();
    const { root, config, layers } = blobs.image({ layers: ['a', 'b', 'a'] });
    const { index, docker } = await lists(blobs, [[APP, root]]);
    expect(index).toEqual({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [{ ...root, annotations: { [FULL]: APP, [REF]: APP } }],
      annotations: { 'io.image-ferry.bundle': '1' },
    });
    expect(docker).toEqual([{ Config: path(config), RepoTags: [APP], Layers: layers.map(path) }]);
  });

  test('have an entry for each name, sorted; none without a name has annotations', async () => {
    const blobs = new Blobs();
    const [a, b] = [blobs.image({ layers: ['a'] }).root, blobs.image({ layers: ['b'] }).root];
    const { index, docker } = await lists(blobs, [
      [undefined, b],
      ['docker.io/library/z:1', a],
      ['docker.io/library/a:1', a],
    ]);
    expect(index.manifests.map(({ digest, annotations }) => [digest, annotations?.[FULL]])).toEqual([
      [a.digest, 'docker.io/library/a:1'],
      [a.digest, 'docker.io/library/z:1'],
      [b.digest, undefined],
    ]);
    expect(index.manifests[2]).not.toHaveProperty('annotations');
    expect(docker.map(({ RepoTags }) => RepoTags)).toEqual([
      ['docker.io/library/a:1'],
      ['docker.io/library/z:1'],
      null,
    ]);
  });

  test('a name by digest alone is in index.json, and no tag', async () => {
    const blobs = new Blobs();
    const { root } = blobs.image();
    const pinned = [`docker.io/library/app@${root.digest}`, `docker.io/library/app:1@${root.digest}`] as const;
    const { index, docker } = await lists(
      blobs,
      pinned.map((name) => [name, root] as const),
    );
    expect(index.manifests.map(({ annotations }) => annotations?.[FULL]).sort()).toEqual([...pinned].sort());
    expect(docker.map(({ RepoTags }) => RepoTags)).toEqual(expect.arrayContaining([null, [APP]]));
  });

  test.each([
    [[], ['amd64', 'arm64'], 'amd64'],
    [['arm64'], ['amd64', 'arm64'], 'arm64'],
    [['s390x', 'arm64', 'amd64'], ['amd64', 'arm64'], 'arm64'],
    [['s390x'], ['amd64', 'arm64'], 'amd64'],
  ])('of several platforms, with --platform %j of %j, Docker gets %s', async (platforms, there, chosen) => {
    const blobs = new Blobs();
    const images = there.map((architecture) => blobs.image({ layers: [architecture], platform: { architecture } }));
    const index = blobs.index(images.map(({ root }, i) => forPlatform(root, 'linux', there[i]!)));
    const { docker, index: written } = await lists(blobs, [[APP, index]], ...platforms);
    expect(docker.map(({ Config }) => Config)).toEqual([path(images[there.indexOf(chosen)]!.config)]);
    expect(written.manifests).toMatchObject([{ digest: index.digest }]);
  });

  test('without linux/amd64, Docker gets the first by digest', async () => {
    const blobs = new Blobs();
    const images = ['arm64', 's390x', 'ppc64le'].map((architecture) => blobs.image({ platform: { architecture } }));
    const { docker } = await lists(blobs, [[APP, blobs.index(images.map(({ root }) => root))]]);
    const first = [...images].sort((a, b) => (a.root.digest < b.root.digest ? -1 : 1))[0]!;
    expect(docker.map(({ Config }) => Config)).toEqual([path(first.config)]);
  });

  test('artifacts are in index.json only', async () => {
    const blobs = new Blobs();
    const { index, docker } = await lists(blobs, [['docker.io/library/chart:1', blobs.artifact('chart').root]]);
    expect([index.manifests.length, docker]).toEqual([1, []]);
  });

  test('a platform that is left out is listed in its index, and not there', async () => {
    const blobs = new Blobs();
    const [amd, arm] = [blobs.image(), blobs.image({ layers: ['arm'], platform: { architecture: 'arm64' } })];
    const index = blobs.index([amd.root, arm.root]);
    blobs.drop(arm.root, arm.config, ...arm.layers);
    const { bytes } = await bundleOf(blobs.source([{ name: APP, root: index }]));
    expect((await membersOf(bytes)).map(([name]) => name)).not.toContain(path(arm.root));
    const [image] = await imagesOf(await openBytes(bytes));
    expect(image?.root).toMatchObject({ children: [{ kind: 'image' }], absent: [{ digest: arm.root.digest }] });
  });
});

describe('the same images give the same tar', () => {
  const layers = ['one', 'two', 'three'].map((name) => layerTar({ [name]: name }));
  const spec = fc.uniqueArray(
    fc.record({
      tag: fc.constantFrom('a:1', 'b:1', 'c:1', 'c:2'),
      layers: fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }),
    }),
    {
      minLength: 1,
      maxLength: 4,
      selector: ({ tag }) => tag,
    },
  );

  test('from a docker save of 24 and of 25 on, in one file or several, in any order', async () => {
    const tars = await Promise.all(layers);
    await fc.assert(
      fc.asyncProperty(spec, async (list) => {
        const images: TestImage[] = list.map(({ tag, layers: picks }) => ({
          tags: [tag],
          layers: picks.map((i) => tars[i]!),
        }));
        const archive = async (members: Parameters<typeof tarOf>[0]): Promise<ImageSource> =>
          openBytes(await tarOf(members));
        const apart = [...images]
          .reverse()
          .map(async (image, i) =>
            archive(i % 2 === 0 ? dockerArchive([image]) : ociLayout([image], { hybrid: true })),
          );
        const digests = await Promise.all(
          [
            archive(dockerArchive(images)),
            archive(dockerArchive([...images].reverse(), { linksFirst: true })),
            archive(dockerArchive(images, { gzip: true })),
            archive(ociLayout(images, { hybrid: true })),
            archive(ociLayout([...images].reverse(), { hybrid: true })),
            Promise.all(apart).then(unionSource),
          ].map(async (source) => (await bundleOf(await source)).receipt.tarDigest),
        );
        expect(new Set(digests).size).toBe(1);
      }),
      { numRuns: 15 },
    );
  });
});

import { describe, expect, test } from '@jest/globals';
import { readGraph } from '../../src/engine/graph.js';
import { type Descriptor } from '../../src/model/descriptor.js';
import { blobsIn, type IndexNode } from '../../src/model/graph.js';
import { mediaTypes } from '../../src/model/media-types.js';
import { digestOf } from '../../src/primitives/digest.js';
import { limits } from '../../src/primitives/limits.js';
import { Blobs, forPlatform } from '../helpers/blobs.js';
import { graphFault, platformsOf, read, record, treeOf } from '../helpers/graphs.js';

describe('images', () => {
  test.each([{}, { gzip: true }, { docker: true }, { docker: true, gzip: true }])(
    '%j: manifest, config, layers',
    async (form) => {
      const blobs = new Blobs();
      const { root, config, layers } = blobs.image({ ...form, layers: ['one', 'two', 'one'] });
      expect(await treeOf(blobs, root)).toEqual({
        kind: 'image',
        blob: root,
        config,
        platform: { os: 'linux', architecture: 'amd64' },
        layers: layers.map((blob, i) => ({ blob, diffId: digestOf(i === 1 ? 'two' : 'one'), foreign: false })),
      });
    },
  );

  test('a Docker manifest list', async () => {
    const blobs = new Blobs();
    const { root } = blobs.image({ docker: true });
    const list = blobs.put(mediaTypes.dockerIndex, {
      schemaVersion: 2,
      mediaType: mediaTypes.dockerIndex,
      manifests: [root],
    });
    expect(await treeOf(blobs, list)).toMatchObject({ kind: 'index', children: [{ kind: 'image' }] });
  });

  test('no layers, and layers of no bytes', async () => {
    const blobs = new Blobs();
    expect(await treeOf(blobs, blobs.image({ layers: [] }).root)).toMatchObject({ layers: [] });
    expect(await treeOf(blobs, blobs.image({ layers: [''] }).root)).toMatchObject({ layers: [{ blob: { size: 0 } }] });
  });

  test('the media type of the document counts where the descriptor has none', async () => {
    const blobs = new Blobs();
    const { root } = blobs.image();
    expect(await treeOf(blobs, { ...root, mediaType: '' })).toMatchObject({ kind: 'image', blob: root });
  });

  test('layers are not read', async () => {
    const blobs = new Blobs();
    const { root, config } = blobs.image({ layers: ['a', 'b'] });
    const source = blobs.source();
    await readGraph(source, [record(root)]);
    expect(source.opened).toEqual([root.digest, config.digest]);
  });

  test('what many names lead to is read once, and is one object', async () => {
    const blobs = new Blobs();
    const { root } = blobs.image();
    const source = blobs.source();
    const { images } = await readGraph(
      source,
      ['a', 'b', 'c'].map((name) => record(root, name)),
    );
    expect(images.map(({ image }) => image.name)).toEqual(['a', 'b', 'c']);
    expect(new Set(images.map(({ image }) => image.root)).size).toBe(1);
    expect(source.opened).toHaveLength(2);
  });

  test('the variant of a platform comes from the index where the config has none, in that index only', async () => {
    const blobs = new Blobs();
    const { root } = blobs.image({ platform: { architecture: 'arm' } });
    const index = blobs.index([forPlatform(root, 'linux', 'arm', 'v7')]);
    for (const order of [
      [root, index],
      [index, root],
    ]) {
      const { images } = await read(blobs, ...order.map((each) => record(each)));
      const found = new Map(images.map(({ image }) => [image.root.kind, platformsOf(image.root)]));
      expect(Object.fromEntries(found)).toEqual({ image: ['linux/arm'], index: ['linux/arm/v7'] });
    }
  });

  test.each([
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    'application/vnd.oci.image.layer.nondistributable.v1.tar',
  ])('a foreign layer may be missing (%s)', async (layerType) => {
    const blobs = new Blobs();
    const { root, layers } = blobs.image({ layerType });
    expect(await treeOf(blobs, root)).toMatchObject({ layers: [{ foreign: false }] });
    const tree = await treeOf(blobs.drop(...layers), root);
    expect(tree).toMatchObject({ layers: [{ foreign: true }] });
    expect([...blobsIn(tree)].map(({ kind }) => kind)).toEqual(['manifest', 'config']);
  });
});

describe('artifacts', () => {
  test('with subject and type', async () => {
    const blobs = new Blobs();
    const image = blobs.image();
    const sbom = blobs.artifact('sbom', { subject: image.root, artifactType: 'application/spdx+json' });
    expect(await treeOf(blobs, sbom.root)).toEqual({
      kind: 'artifact',
      blob: sbom.root,
      type: 'application/spdx+json',
      parts: [sbom.config, ...sbom.layers],
      subject: image.root.digest,
    });
  });

  test.each([
    ['its config', {}, mediaTypes.ociEmpty],
    ['its artifact type', { artifactType: 'a/b' }, 'a/b'],
    ['what it holds, when its config is that of an image', { config: 'image' }, 'application/vnd.test+json'],
  ])('is called by %s', async (_, fields, type) => {
    const blobs = new Blobs();
    const imageConfig = blobs.image().config;
    const { root } = blobs.artifact('x', 'config' in fields ? { config: imageConfig } : fields);
    expect(await treeOf(blobs, root)).toMatchObject({ kind: 'artifact', type });
  });

  test('an attestation inside an index, with an image config, is no image', async () => {
    const blobs = new Blobs();
    const image = blobs.image();
    const config = blobs.put(mediaTypes.ociConfig, { os: 'unknown', architecture: 'unknown' });
    const layers = [blobs.put('application/vnd.in-toto+json', '{"predicate":1}')];
    const attestation = blobs.artifact('x', { config, layers });
    const index = blobs.index([image.root, forPlatform(attestation.root, 'unknown', 'unknown')]);
    const tree = (await treeOf(blobs, index)) as IndexNode;
    expect(tree.children.map((child) => [child.kind, child.kind === 'artifact' && child.type])).toEqual([
      ['image', false],
      ['artifact', 'application/vnd.in-toto+json'],
    ]);
    expect(platformsOf(tree)).toEqual(['linux/amd64']);
  });

  test('a part that is missing is BLOB_MISSING', async () => {
    const blobs = new Blobs();
    const { root, layers } = blobs.artifact('sbom');
    expect(await graphFault(blobs.drop(...layers), root)).toMatchObject({ code: 'BLOB_MISSING' });
  });

  test('a media type that is not known is carried as the one blob that it is', async () => {
    const blobs = new Blobs();
    const blob = blobs.put('application/vnd.of.the.future', 'anything');
    expect(await treeOf(blobs, blob)).toEqual({ kind: 'opaque', blob });
    expect(await treeOf(blobs, blobs.index([blob]))).toMatchObject({ children: [{ kind: 'opaque' }] });
  });
});

describe('nesting', () => {
  const nested = (blobs: Blobs, depth: number): Descriptor => {
    let root = blobs.image().root;
    for (let i = 0; i < depth; i++) root = blobs.index([root]);
    return root;
  };

  test.each([1, 2, limits.nesting])('%i indexes inside each other', async (depth) => {
    const blobs = new Blobs();
    expect(platformsOf(await treeOf(blobs, nested(blobs, depth)))).toEqual(['linux/amd64']);
  });

  test('one more is LIMIT', async () => {
    const blobs = new Blobs();
    const fault = await graphFault(blobs, nested(blobs, limits.nesting + 1));
    expect(fault).toMatchObject({ code: 'LIMIT', hint: expect.stringContaining('8 deep') });
  });

  test('an index without manifests is an image without platforms', async () => {
    const blobs = new Blobs();
    for (const list of [[], null])
      expect(await treeOf(blobs, blobs.index(list))).toMatchObject({ children: [], absent: [] });
  });

  test.each([
    ['there', true],
    ['absent', false],
  ])('indexes that list each other over and over end soon (leaf %s)', async (_, isThere) => {
    const blobs = new Blobs();
    let root = blobs.image().root;
    if (!isThere) blobs.drop(root);
    for (let i = 0; i < limits.nesting; i++)
      root = blobs.index(Array<Descriptor>(50).fill(root), { annotations: { i: String(i) } });
    expect(await graphFault(blobs, root)).toMatchObject({ code: isThere ? 'LIMIT' : 'BLOB_MISSING' });
  });
});

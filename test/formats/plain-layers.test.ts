import { describe, expect, test } from '@jest/globals';
import { decompress } from '../../src/codecs/decompress.js';
import { readGraph } from '../../src/engine/graph.js';
import { planTransfer } from '../../src/engine/plan.js';
import { plainLayers } from '../../src/formats/plain-layers.js';
import { makeManifest } from '../../src/formats/docker-archive/index.js';
import { type Descriptor } from '../../src/model/descriptor.js';
import { type ImageNode, imagesIn, type IndexNode } from '../../src/model/graph.js';
import { digestOf } from '../../src/primitives/digest.js';
import { verified } from '../../src/primitives/verified.js';
import { collect, faultOf } from '../codecs/helpers.js';
import { Blobs, forPlatform } from '../helpers/blobs.js';

async function convert(
  blobs: Blobs,
  root: Descriptor,
): Promise<{ before: ImageNode; after: ImageNode; view: ReturnType<typeof plainLayers> }> {
  const source = blobs.source();
  const { images, faults } = await readGraph(source, [{ name: 'app', root }]);
  expect(faults).toEqual([]);
  const view = plainLayers((blob) => verified(source.open(blob), blob, 'x'), decompress);
  const before = images[0]!.image;
  return { before, after: await view.image(before), view };
}

const idsOf = ({ root }: ImageNode): string[] => [...imagesIn(root)].map(({ config }) => config.digest);

describe('plainLayers', () => {
  test('keeps the image ID, and makes the manifest that Docker makes for plain layers', async () => {
    const blobs = new Blobs();
    const { root } = blobs.image({ layers: ['one', 'two'], gzip: true, docker: true });
    const { before, after, view } = await convert(blobs, root);
    expect(idsOf(after)).toEqual(idsOf(before));
    const [manifest] = imagesIn(after.root);
    expect(manifest?.layers.map(({ blob, diffId }) => [blob.digest, diffId])).toEqual(
      [digestOf('one'), digestOf('two')].map((id) => [id, id]),
    );
    expect(await collect(view.open(manifest!.blob))).toEqual(
      makeManifest({ config: manifest!.config, layers: manifest!.layers.map(({ blob }) => blob) }),
    );
  });

  test('every blob of it can be read, with the digest that it states', async () => {
    const blobs = new Blobs();
    const { root } = blobs.image({ layers: ['one', 'two', 'one'], gzip: true });
    const { after, view } = await convert(blobs, root);
    for (const { blob } of planTransfer([after], new Set()).blobs) await collect(verified(view.open(blob), blob, 'x'));
  });

  test('one plain copy of a layer that is there plain and gzipped', async () => {
    const blobs = new Blobs();
    const [gzip, plain] = [blobs.image({ gzip: true }), blobs.image({ config: { author: 'x' } })];
    const images = [(await convert(blobs, gzip.root)).after, (await convert(blobs, plain.root)).after];
    const plan = planTransfer(images, new Set());
    expect([plan.twins, plan.totals.uniqueLayers]).toEqual([[], 1]);
  });

  test('plain images, artifacts and what is opaque stay as they are', async () => {
    const blobs = new Blobs();
    const roots = [blobs.image().root, blobs.artifact('chart').root, blobs.put('a/b', 'opaque')];
    for (const root of [...roots, blobs.index(roots)]) {
      const { before, after } = await convert(blobs, root);
      expect(after.root).toEqual(before.root);
    }
  });

  test('an index gets its new digests, also where an attestation names its manifest', async () => {
    const blobs = new Blobs();
    const [amd, arm] = [
      blobs.image({ gzip: true }),
      blobs.image({ layers: ['arm'], platform: { architecture: 'arm64' } }),
    ];
    const attestation = {
      ...forPlatform(blobs.artifact('provenance').root, 'unknown', 'unknown'),
      annotations: { 'vnd.docker.reference.digest': amd.root.digest },
    };
    const root = blobs.index([forPlatform(amd.root, 'linux', 'amd64'), arm.root, attestation], {
      annotations: { kept: 'yes' },
    });
    const { before, after, view } = await convert(blobs, blobs.index([root]));
    const inner = (after.root as IndexNode).children[0] as IndexNode;
    const document = JSON.parse((await collect(view.open(inner.blob))).toString()) as {
      manifests: Descriptor[];
      annotations: object;
    };
    const newAmd = inner.children[0]!.blob;
    expect(newAmd.digest).not.toBe(amd.root.digest);
    expect(document.annotations).toEqual({ kept: 'yes' });
    expect(document.manifests).toEqual([
      { ...forPlatform(newAmd, 'linux', 'amd64') },
      arm.root,
      { ...attestation, annotations: { 'vnd.docker.reference.digest': newAmd.digest } },
    ]);
    expect(inner.blob).toMatchObject({
      digest: digestOf(JSON.stringify(document)),
      size: JSON.stringify(document).length,
    });
    expect(after.root.blob.digest).not.toBe(before.root.blob.digest);
    expect(idsOf(after)).toEqual(idsOf(before));
  });

  test('a diffID that does not belong to the layer is found', async () => {
    const blobs = new Blobs();
    const { root, layers } = blobs.image({ gzip: true, config: { rootfs: { diff_ids: [digestOf('other')] } } });
    const fault = await faultOf(convert(blobs, root));
    expect(fault).toMatchObject({
      code: 'BLOB_CORRUPT',
      message: expect.stringContaining(`layer ${layers[0]!.digest}: expected the diffID ${digestOf('other')}`),
    });
  });

  test('an image with foreign layers that are left out stays as it is', async () => {
    const blobs = new Blobs();
    const foreign = {
      ...blobs.put('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', 'windows'),
      urls: ['https://mcr.example/layer'],
    };
    const own = blobs.image({ layers: ['app'], gzip: true });
    const { root } = blobs.image({ layers: ['windows', 'app'], manifest: { layers: [foreign, own.layers[0]] } });
    const { before, after } = await convert(blobs.drop(foreign), root);
    expect(after.root).toEqual(before.root);
  });
});

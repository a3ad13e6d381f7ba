import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readGraph } from '../../src/engine/graph.js';
import { leaveOut, receiversOf, type ThinBase } from '../../src/engine/thin.js';
import { type ImageNode, imagesIn } from '../../src/model/graph.js';
import { type Inventory, type StoreKind, storeKinds } from '../../src/model/inventory.js';
import { type Digest, digestOf } from '../../src/primitives/digest.js';
import { Blobs, type ImageSpec } from '../helpers/blobs.js';

type Named = ImageSpec & { name?: string };

async function imagesOf(specs: readonly Named[]): Promise<ImageNode[]> {
  const blobs = new Blobs();
  const records = specs.map((spec) => ({ name: spec.name, root: blobs.image(spec).root }));
  const { images, faults } = await readGraph(blobs.source(), records);
  expect(faults).toEqual([]);
  return images.map(({ image }) => image);
}

const short = (digest: string, digits: number): string => digest.slice(0, 'sha256:'.length + digits);

/** What a place has that holds these images whole, in the words of an inventory. */
async function baseWith(
  specs: readonly Named[],
  {
    kind = 'archive',
    blobs = true,
    digits = 64,
  }: { kind?: 'archive' | StoreKind; blobs?: boolean; digits?: number } = {},
): Promise<ThinBase> {
  const images = await imagesOf(specs);
  const manifests = images.flatMap(({ name, root }) => [...imagesIn(root)].map((manifest) => ({ name, manifest })));
  const inventory: Inventory = {
    schema: 'image-ferry.inventory/1',
    place:
      kind === 'archive'
        ? { kind, lists: undefined }
        : { kind: 'engine', engine: 'an engine', store: kind, version: '1', platform: 'linux/amd64' },
    images: manifests.map(({ name, manifest }) => ({
      names: name === undefined ? [] : [name],
      id: short(manifest.config.digest, digits),
      manifests: blobs ? [short(manifest.blob.digest, digits)] : [],
      diffIds: manifest.layers.map(({ diffId }) => short(diffId, digits)),
    })),
    blobs: blobs
      ? manifests.flatMap(({ manifest }) => manifest.layers.map(({ blob }) => short(blob.digest, digits)))
      : [],
  };
  return { inventory, digest: digestOf(JSON.stringify(inventory)) };
}

const all = storeKinds;
/** Contents of the layers that are left out. */
async function out(
  specs: readonly Named[],
  bases: readonly ThinBase[],
  stores: readonly StoreKind[] = all,
  words: readonly string[] = ['base', 'lib', 'app', 'new', 'other'],
): Promise<string[]> {
  const reliance = leaveOut(await imagesOf(specs), bases, stores);
  const digests = new Set(reliance?.layers.map(({ diffId }) => diffId));
  return words.filter((word) => digests.has(digestOf(word)));
}

describe('leaveOut', () => {
  test('leaves out what the base has below, and says who has it', async () => {
    const base = await baseWith([{ name: 'docker.io/library/app:1', layers: ['base', 'app'] }]);
    const reliance = leaveOut(await imagesOf([{ layers: ['base', 'new'] }]), [base], all);
    expect(reliance).toEqual({
      bases: [{ digest: base.digest, kind: 'archive', names: ['docker.io/library/app:1'] }],
      layers: [{ digest: digestOf('base'), size: 4, diffId: digestOf('base'), bases: [0] }],
    });
  });

  test('nothing in common: nothing is left out', async () => {
    const base = await baseWith([{ layers: ['other'] }]);
    expect(leaveOut(await imagesOf([{ layers: ['base'] }]), [base], all)).toBeUndefined();
    expect(leaveOut(await imagesOf([{ layers: ['base'] }]), [], all)).toBeUndefined();
  });

  test('under another parent it is left out for containerd and podman, not for graph drivers', async () => {
    const base = await baseWith([{ layers: ['other', 'lib'] }]);
    const spec = [{ layers: ['base', 'lib'] }];
    expect(await out(spec, [base], ['containerd'])).toEqual(['lib']);
    expect(await out(spec, [base], ['podman'])).toEqual(['lib']);
    expect(await out(spec, [base], ['graphdriver'])).toEqual([]);
    expect(await out(spec, [base], all)).toEqual([]);
  });

  test('a layer that one image needs in another place goes in, for all of them', async () => {
    const base = await baseWith([{ layers: ['base', 'lib'] }]);
    const specs = [{ layers: ['base', 'lib', 'new'] }, { layers: ['other', 'lib'] }];
    expect(await out(specs, [base], ['graphdriver'])).toEqual(['base']);
    expect(await out(specs, [base], ['containerd'])).toEqual(['base', 'lib']);
  });

  test('a layer twice in one image, of which the second is not below: it goes in', async () => {
    const base = await baseWith([{ layers: ['base'] }]);
    expect(await out([{ layers: ['base', 'new', 'base'] }], [base], ['graphdriver'])).toEqual([]);
  });

  test('where blobs are not known, containerd needs all of them, graph drivers and podman go by contents', async () => {
    const base = await baseWith([{ layers: ['base', 'app'] }], { blobs: false });
    const spec = [{ layers: ['base', 'new'] }];
    expect(await out(spec, [base], ['containerd'])).toEqual([]);
    expect(await out(spec, [base], ['podman'])).toEqual(['base']);
    expect(await out(spec, [base], ['graphdriver'])).toEqual(['base']);
  });

  test('plain there and gzip here: the same contents are another blob', async () => {
    const base = await baseWith([{ layers: ['base', 'app'] }]);
    const spec = [{ layers: ['base', 'new'], gzip: true }];
    expect(await out(spec, [base], ['containerd'])).toEqual([]);
    expect(await out(spec, [base], ['podman'])).toEqual([]);
    expect(await out(spec, [base], ['graphdriver'])).toEqual(['base']);
  });

  test('a manifest that is there whole tells of its blobs', async () => {
    const known = await baseWith([{ layers: ['base', 'lib'], gzip: true }], { kind: 'containerd' });
    const base = { ...known, inventory: { ...known.inventory, blobs: [] } };
    const specs = [
      { layers: ['base', 'lib'], gzip: true },
      { layers: ['base', 'new'], gzip: true },
    ];
    expect(await out(specs, [base], ['containerd'])).toEqual(['base', 'lib']);
  });

  test('short digests do', async () => {
    const base = await baseWith([{ layers: ['base', 'lib', 'app'] }], { digits: 12 });
    expect(await out([{ layers: ['base', 'lib', 'new'] }], [base])).toEqual(['base', 'lib']);
  });

  test('two bases together; each is named for what it has', async () => {
    const one = await baseWith([{ name: 'docker.io/library/a:1', layers: ['base'] }]);
    const two = await baseWith([{ name: 'docker.io/library/b:1', layers: ['other', 'lib'] }], { digits: 16 });
    const reliance = leaveOut(
      await imagesOf([{ layers: ['base', 'new'] }, { layers: ['other', 'lib', 'new'] }]),
      [one, two],
      all,
    );
    expect(reliance?.bases.map(({ names }) => names).sort()).toEqual([
      ['docker.io/library/a:1'],
      ['docker.io/library/b:1'],
    ]);
    expect(reliance?.layers).toHaveLength(3);
    for (const { diffId, bases } of reliance?.layers ?? []) {
      const [name] = reliance?.bases[bases[0]!]?.names ?? [];
      expect(name).toBe(diffId === digestOf('base') ? 'docker.io/library/a:1' : 'docker.io/library/b:1');
    }
  });

  test('the fewest names: one image that has everything, not all that have some', async () => {
    const layers = ['base', 'lib', 'app'];
    const base = await baseWith(
      [1, 2, 3].map((n) => ({ name: `docker.io/library/a:${String(n)}`, layers: layers.slice(0, n) })),
    );
    const reliance = leaveOut(await imagesOf([{ layers: [...layers, 'new'] }]), [base], all);
    expect(reliance?.bases[0]?.names).toEqual(['docker.io/library/a:3']);
  });

  test('the fewest names of many images: in time', async () => {
    const images = Array.from({ length: 400 }, (_, n) => ({
      name: `docker.io/library/a:${String(n)}`,
      layers: Array.from({ length: 50 }, (__, at) => `${String(n)} ${String(at)}`),
    }));
    const base = await baseWith(images);
    const nodes = await imagesOf(images);
    const began = performance.now();
    expect(leaveOut(nodes, [base], all)?.bases[0]?.names).toHaveLength(400);
    expect(performance.now() - began).toBeLessThan(1500);
  });

  test('whatever the images and the base: for every store, what is left out can be had there', async () => {
    const word = fc.constantFrom('base', 'lib', 'app', 'new');
    const spec = fc.record({ layers: fc.array(word, { minLength: 1, maxLength: 4 }) });
    const many = fc.array(spec, { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(many, many, fc.constantFrom(12, 64), async (there, sent, digits) => {
        const base = await baseWith(there, { digits });
        const images = await imagesOf(sent);
        const reliance = leaveOut(images, [base], ['graphdriver']);
        const left = new Set<Digest>(reliance?.layers.map(({ diffId }) => diffId));
        const chains = new Set(there.flatMap(({ layers }) => layers.map((_, at) => layers.slice(0, at + 1).join())));
        for (const { layers } of sent) {
          layers.forEach((layer, at) => {
            if (left.has(digestOf(layer))) expect(chains).toContain(layers.slice(0, at + 1).join());
          });
        }
        const forAll = new Set(leaveOut(images, [base], all)?.layers.map(({ digest }) => digest));
        for (const store of all) {
          const alone = new Set(leaveOut(images, [base], [store])?.layers.map(({ digest }) => digest));
          for (const digest of forAll) expect(alone).toContain(digest);
        }
      }),
      { numRuns: 50 },
    );
  });
});

test('receivers: as asked; else as the inventories say; else not known', async () => {
  const archive = await baseWith([{}]);
  const podman = await baseWith([{}], { kind: 'podman' });
  const docker = await baseWith([{}], { kind: 'graphdriver' });
  expect(receiversOf(['containerd'], [podman])).toEqual(['containerd']);
  expect(receiversOf([], [podman, docker, podman])).toEqual(['podman', 'graphdriver']);
  expect(receiversOf([], [podman, archive])).toEqual([]);
  expect(receiversOf([], [])).toEqual([]);
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readGraph } from '../../src/engine/graph.js';
import { planTransfer } from '../../src/engine/plan.js';
import { type ImageNode } from '../../src/model/graph.js';
import { digestOf } from '../../src/primitives/digest.js';
import { Blobs, type ImageSpec } from '../helpers/blobs.js';

async function imagesOf(
  specs: readonly (ImageSpec & { name?: string | undefined })[],
  blobs = new Blobs(),
): Promise<ImageNode[]> {
  const records = specs.map((spec) => ({ name: spec.name, root: blobs.image(spec).root }));
  const { images, faults } = await readGraph(blobs.source(), records);
  expect(faults).toEqual([]);
  return images.map(({ image }) => image);
}

describe('planTransfer', () => {
  test('counts shared layers once', async () => {
    const images = await imagesOf([
      { name: 'b', layers: ['base', 'b'] },
      { name: 'a', layers: ['base', 'a', 'a'] },
    ]);
    const plan = planTransfer(images, new Set());
    expect(plan.images.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(plan.totals).toMatchObject({ images: 2, layerUses: 4, uniqueLayers: 3 });
    expect(plan.totals.bytesUsed - plan.totals.bytesUnique).toBe('base'.length);
    expect(plan.totals.bytesToCopy).toBe(plan.totals.bytesUnique);
    expect(plan.blobs.filter(({ kind }) => kind === 'layer')).toHaveLength(3);
  });

  test('what the receiver has is present, and not copied', async () => {
    const images = await imagesOf([{ name: 'a', layers: ['base', 'a'] }]);
    const plan = planTransfer(images, new Set([digestOf('base'), digestOf('nothing of this')]));
    expect(plan.blobs.find(({ blob }) => blob.digest === digestOf('base'))?.action).toBe('present');
    expect(plan.totals.bytesUnique - plan.totals.bytesToCopy).toBe('base'.length);
  });

  test('a second name costs nothing', async () => {
    const [a] = await imagesOf([{ name: 'a' }]);
    const [one, two] = [planTransfer([a!], new Set()), planTransfer([a!, { ...a!, name: 'b' }], new Set())];
    expect(two.totals).toEqual({ ...one.totals, images: 2 });
    expect(two.blobs).toEqual(one.blobs);
  });

  test('a layer in two forms is a pair of twins', async () => {
    const plan = planTransfer(await imagesOf([{ name: 'a' }, { name: 'b', gzip: true }]), new Set());
    expect(plan.twins).toEqual([{ diffId: digestOf('layer'), blobs: expect.arrayContaining([digestOf('layer')]) }]);
    expect(plan.twins[0]?.blobs).toHaveLength(2);
  });

  test('images without a name come last, by digest', async () => {
    const images = await imagesOf([
      { layers: ['1'] },
      { name: 'z', layers: ['2'] },
      { layers: ['3'] },
      { name: 'Z', layers: ['4'] },
    ]);
    const plan = planTransfer(images, new Set());
    expect(plan.images.map(({ name }) => name)).toEqual(['Z', 'z', undefined, undefined]);
    const [, , a, b] = plan.images;
    expect(a!.root.blob.digest < b!.root.blob.digest).toBe(true);
  });

  test('nothing is an empty plan', () => {
    expect(planTransfer([], new Set())).toMatchObject({ images: [], blobs: [], twins: [], totals: { bytesUsed: 0 } });
  });
});

describe('for any images', () => {
  const spec = fc.record({
    name: fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { nil: undefined }),
    layers: fc.array(fc.constantFrom('1', '22', '333', '4444', ''), { maxLength: 6 }),
    gzip: fc.boolean(),
    config: fc.constantFrom({}, { author: 'x' }),
  });
  const specs = fc.uniqueArray(spec, { maxLength: 6, selector: ({ name }) => name ?? {} });

  test('each blob is there once, sorted; totals add up', async () => {
    await fc.assert(
      fc.asyncProperty(specs, fc.subarray(['1', '22', '333', '4444', '']), async (list, has) => {
        const plan = planTransfer(await imagesOf(list), new Set(has.map((layer) => digestOf(layer))));
        const digests = plan.blobs.map(({ blob }) => blob.digest);
        expect(digests).toEqual([...new Set(digests)].sort());
        const bytes = (action?: string): number =>
          plan.blobs.reduce(
            (sum, blob) => sum + (action === undefined || blob.action === action ? blob.blob.size : 0),
            0,
          );
        expect(plan.totals.bytesUnique).toBe(bytes());
        expect(plan.totals.bytesToCopy).toBe(bytes('copy'));
        expect(plan.totals.bytesUsed).toBeGreaterThanOrEqual(plan.totals.bytesUnique);
        expect(plan.totals.uniqueLayers).toBe(plan.blobs.filter(({ kind }) => kind === 'layer').length);
        expect(plan.totals.layerUses).toBeGreaterThanOrEqual(plan.totals.uniqueLayers);
      }),
    );
  });

  test('the plan is the same for any order of images', async () => {
    await fc.assert(
      fc.asyncProperty(specs, fc.nat(), async (list, seed) => {
        const images = await imagesOf(list);
        const turn = images.length === 0 ? 0 : seed % images.length;
        const plan = planTransfer(images, new Set());
        expect(planTransfer([...images.slice(turn), ...images.slice(0, turn)], new Set())).toEqual(plan);
        expect(planTransfer([...images].reverse(), new Set())).toEqual(plan);
      }),
    );
  });
});

test('the kind of a blob that is a layer here and a part of an artifact there does not depend on the order', async () => {
  const blobs = new Blobs();
  const image = blobs.image({ layers: ['shared'] });
  const artifact = blobs.artifact('x', { layers: image.layers, artifactType: 'a/b' });
  const { images } = await readGraph(blobs.source(), [
    { name: 'a', root: artifact.root },
    { name: 'b', root: image.root },
  ]);
  const nodes = images.map((each) => each.image);
  expect(planTransfer(nodes, new Set())).toEqual(planTransfer([...nodes].reverse(), new Set()));
});

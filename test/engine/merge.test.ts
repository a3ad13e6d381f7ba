import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readGraph } from '../../src/engine/graph.js';
import { type Merged, mergeImages, type Offer } from '../../src/engine/merge.js';
import { makeManifest } from '../../src/formats/docker-archive/index.js';
import { type Descriptor } from '../../src/model/descriptor.js';
import { type ManifestNode } from '../../src/model/graph.js';
import { mediaTypes } from '../../src/model/media-types.js';
import { digestOf } from '../../src/primitives/digest.js';
import { isTransferError } from '../../src/primitives/errors.js';
import { Blobs } from '../helpers/blobs.js';

const isMade = ({ blob, config, layers }: ManifestNode): boolean =>
  digestOf(makeManifest({ config, layers: layers.map((layer) => layer.blob) })) === blob.digest;

const merge = (offers: readonly Offer[], onConflict: 'error' | 'first' | 'last' = 'error'): Merged =>
  mergeImages(offers, { onConflict, isMade });
const digests = ({ images }: Merged): string[] => images.map(({ root }) => root.blob.digest);

const blobs = new Blobs();
const stored = blobs.image({ layers: ['x'], manifest: { annotations: { by: 'a builder' } } });
const gzipped = blobs.image({ layers: ['x'], gzip: true, manifest: { annotations: { by: 'another' } } });
const made = blobs.put(mediaTypes.ociManifest, makeManifest({ config: stored.config, layers: stored.layers }));
const other = blobs.image({ layers: ['y'] });
const arm = blobs.image({ layers: ['z'], platform: { architecture: 'arm64' } });
const both = blobs.index([stored.root, arm.root]);
const chart = blobs.artifact('chart');
const chart2 = blobs.artifact('another chart');

async function offer(
  root: Descriptor,
  from: string,
  name: string | undefined = 'docker.io/library/app:1',
): Promise<Offer> {
  const { images } = await readGraph(blobs.source(), [{ name, root }]);
  return { image: images[0]!.image, from };
}

describe('mergeImages', () => {
  test('different names stay apart, in the order of the offers', async () => {
    const merged = merge([await offer(other.root, 'a', 'b'), await offer(stored.root, 'b', 'a')]);
    expect([digests(merged), merged.notes]).toEqual([[other.root.digest, stored.root.digest], []]);
  });

  test('the same image twice is one, without a word', async () => {
    const merged = merge([await offer(stored.root, 'a'), await offer(stored.root, 'b')]);
    expect([digests(merged), merged.notes]).toEqual([[stored.root.digest], []]);
  });

  test('same config: a stored manifest wins over a made one, whatever the order, and it is noted', async () => {
    const [a, b] = [await offer(stored.root, 'new.tar'), await offer(made, 'old.tar')];
    for (const offers of [
      [a, b],
      [b, a],
    ]) {
      const merged = merge(offers);
      expect(digests(merged)).toEqual([stored.root.digest]);
      expect(merged.notes).toEqual([
        `app:1: the same image has manifest ${stored.root.digest} in new.tar and ${made.digest} in old.tar; the first is taken`,
      ]);
    }
  });

  test('two stored manifests of one config: the lowest digest', async () => {
    const [a, b] = [await offer(stored.root, 'a'), await offer(gzipped.root, 'b')];
    const lowest = [stored.root.digest, gzipped.root.digest].sort()[0];
    for (const offers of [
      [a, b],
      [b, a],
    ])
      expect(digests(merge(offers))).toEqual([lowest]);
  });

  test('an index wins over one of its platforms, also over all of them apart', async () => {
    const offers = [await offer(stored.root, 'a'), await offer(arm.root, 'b'), await offer(both, 'c')];
    for (const order of [
      [0, 1, 2],
      [2, 0, 1],
      [1, 2, 0],
      [0, 2],
      [2, 1],
    ])
      expect(digests(merge(order.map((i) => offers[i]!)))).toEqual([both.digest]);
  });

  test('different configs are a conflict that names both sources', async () => {
    const offers = [await offer(stored.root, 'a.tar'), await offer(other.root, 'b.tar')];
    const both = expect.stringMatching(
      /^app:1 is one image in [ab]\.tar \(sha256:\w+\) and another in [ab]\.tar \(sha256:\w+\)$/,
    );
    expect(() => merge(offers)).toThrow(
      expect.objectContaining({
        code: 'NAME_CONFLICT',
        message: both,
        hint: expect.stringContaining('--on-conflict'),
      }),
    );
  });

  test.each([
    ['first', 0],
    ['last', 2],
  ] as const)('of a conflict, %s is taken, and noted', async (rule, at) => {
    const roots = [stored.root, other.root, arm.root];
    const offers = await Promise.all(roots.map((root, i) => offer(root, `${String(i)}.tar`)));
    const merged = merge(offers, rule);
    expect(digests(merged)).toEqual([roots[at]!.digest]);
    expect(merged.notes).toHaveLength(2);
    expect(merged.notes[1]).toContain(`the ${rule} one is taken`);
  });

  test('overlapping sets of platforms are a conflict', async () => {
    const overlapping = blobs.index([other.root, arm.root]);
    expect(() => merge([])).not.toThrow();
    const offers = [await offer(both, 'a'), await offer(overlapping, 'b')];
    expect(() => merge(offers)).toThrow(expect.objectContaining({ code: 'NAME_CONFLICT' }));
  });

  test('what holds no image is told apart by its digest', async () => {
    const offers = [await offer(chart.root, 'a'), await offer(chart2.root, 'b')];
    expect(() => merge(offers)).toThrow(expect.objectContaining({ code: 'NAME_CONFLICT' }));
    expect(digests(merge([offers[0]!, offers[0]!]))).toEqual([chart.root.digest]);
  });

  test('images without a name never conflict; the same one is one', async () => {
    const unnamed = async (root: Descriptor): Promise<Offer> => ({
      ...(await offer(root, 'a')),
      image: { ...(await offer(root, 'a')).image, name: undefined },
    });
    const merged = merge([await unnamed(made), await unnamed(other.root), await unnamed(stored.root)]);
    expect(digests(merged).sort()).toEqual([stored.root.digest, other.root.digest].sort());
    expect(merged.notes[0]).toContain('an unnamed image: the same image has manifest');
  });

  test('of the same index, the offer with more of its platforms', async () => {
    const whole = await offer(both, 'whole');
    const part = {
      image: { ...whole.image, root: { ...whole.image.root, children: [] } as typeof whole.image.root },
      from: 'part',
    };
    for (const offers of [
      [whole, part],
      [part, whole],
    ])
      expect(merge(offers).images[0]?.root).toBe(whole.image.root);
  });
});

test('for any offers in any order, the result is the same', async () => {
  const roots = [stored.root, gzipped.root, made, other.root, arm.root, both, chart.root];
  const offers = await Promise.all(
    roots.flatMap((root, i) =>
      ['docker.io/library/app:1', 'docker.io/library/b:1', undefined].map(async (name) => ({
        image: { ...(await offer(root, '')).image, name },
        from: String(i),
      })),
    ),
  );
  const result = (list: readonly Offer[]): string => {
    try {
      return JSON.stringify(
        merge(list)
          .images.map(({ name, root }) => [name, root.blob.digest])
          .sort(),
      );
    } catch (error) {
      return isTransferError(error) ? error.code : 'a bug';
    }
  };
  fc.assert(
    fc.property(fc.shuffledSubarray(offers, { minLength: 1, maxLength: 6 }), fc.nat(), (list, seed) => {
      const turn = seed % list.length;
      const expected = result(list);
      expect(expected).not.toBe('a bug');
      expect(result([...list.slice(turn), ...list.slice(0, turn)])).toBe(expected);
      expect(result([...list].reverse())).toBe(expected);
    }),
    { numRuns: 300 },
  );
});

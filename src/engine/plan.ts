import { blobsIn, type ImageNode } from '../model/graph.js';
import { type LayerTwins, type Plan, type PlannedBlob } from '../model/plan.js';
import { type Digest } from '../primitives/digest.js';
import { byCodeUnit } from '../primitives/order.js';
import { digestOfImage } from './display.js';

/** What it takes to bring `images` to a receiver that has `present`. Pure: no I/O, the same order every time. */
export function planTransfer(images: readonly ImageNode[], present: ReadonlySet<Digest>): Plan {
  const blobs = new Map<Digest, PlannedBlob>();
  const forms = new Map<Digest, Set<Digest>>();
  let layerUses = 0;
  let bytesUsed = 0;
  const sortedImages = [...images].sort(byNameThenDigest);
  for (const image of distinctRoots(sortedImages)) {
    const own = new Set<Digest>();
    for (const reached of blobsIn(image.root)) {
      const { digest, size } = reached.blob;
      if (own.has(digest)) continue;
      own.add(digest);
      bytesUsed += size;
      if (reached.kind === 'layer') layerUses++;
      if (reached.diffId !== undefined) add(forms, reached.diffId, digest);
      if (!blobs.has(digest)) blobs.set(digest, { ...reached, action: present.has(digest) ? 'present' : 'copy' });
    }
  }
  const sorted = [...blobs.values()].sort((a, b) => byCodeUnit(a.blob.digest, b.blob.digest));
  const bytesOf = (list: readonly PlannedBlob[]): number => list.reduce((sum, { blob }) => sum + blob.size, 0);
  return {
    images: sortedImages,
    blobs: sorted,
    totals: {
      images: images.length,
      layerUses,
      uniqueLayers: sorted.filter(({ kind }) => kind === 'layer').length,
      bytesUsed,
      bytesUnique: bytesOf(sorted),
      bytesToCopy: bytesOf(sorted.filter(({ action }) => action === 'copy')),
    },
    twins: twinsIn(forms),
  };
}

/** Named ones first, by name; then by digest. The order of every list that ferry writes. */
export function byNameThenDigest(a: ImageNode, b: ImageNode): number {
  if (a.name !== undefined && b.name !== undefined && a.name !== b.name) return byCodeUnit(a.name, b.name);
  if ((a.name === undefined) !== (b.name === undefined)) return a.name === undefined ? 1 : -1;
  return byCodeUnit(digestOfImage(a), digestOfImage(b));
}

/** Two names of one image are one image: what a name costs is nothing. */
function distinctRoots(images: readonly ImageNode[]): ImageNode[] {
  return [...new Map(images.map((image) => [digestOfImage(image), image])).values()];
}

function add(forms: Map<Digest, Set<Digest>>, diffId: Digest, digest: Digest): void {
  const known = forms.get(diffId);
  if (known === undefined) forms.set(diffId, new Set([digest]));
  else known.add(digest);
}

function twinsIn(forms: ReadonlyMap<Digest, ReadonlySet<Digest>>): LayerTwins[] {
  const twins: LayerTwins[] = [];
  for (const [diffId, digests] of forms)
    if (digests.size > 1) twins.push({ diffId, blobs: [...digests].sort(byCodeUnit) });
  return twins.sort((a, b) => byCodeUnit(a.diffId, b.diffId));
}

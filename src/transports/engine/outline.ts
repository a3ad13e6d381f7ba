import { type ManifestNode } from '../../model/graph.js';
import { type Descriptor } from '../../model/descriptor.js';
import { mediaTypes } from '../../model/media-types.js';
import { type Digest } from '../../primitives/digest.js';
import { type Engine } from './engine.js';
import { type LoadGroup } from './groups.js';
import { holdingsOf, omittable } from './holdings.js';
import { type EngineImage } from './inventory.js';

/**
 * Which layers of images, of which no more is known than an engine tells, another engine lacks: before anything of
 * them is read, so that what nobody needs is not kept. A layer in another form than plain counts as lacking.
 */
export function layersLacked(
  engine: Engine,
  has: readonly EngineImage[],
  images: readonly EngineImage[],
): ReadonlySet<Digest> {
  const have = holdingsOf(has, new Set(has.map(({ id }) => id)));
  const lacked = new Set<Digest>();
  for (const image of images) {
    const omit = omittable(engine.family, outlineOf(image, engine), have);
    for (const diffId of image.diffIds) if (!omit.has(diffId)) lacked.add(diffId);
  }
  return lacked;
}

/** An image as far as it is known: sizes and manifest are not. */
function outlineOf({ id, diffIds }: EngineImage, { platform }: Engine): LoadGroup {
  const blob = (mediaType: string, digest: Digest): Descriptor => ({ mediaType, digest, size: 0 });
  const node: ManifestNode = {
    kind: 'image',
    blob: blob(mediaTypes.ociManifest, id),
    config: blob(mediaTypes.ociConfig, id),
    platform,
    layers: diffIds.map((diffId) => ({ blob: blob(mediaTypes.ociLayer, diffId), diffId, foreign: false })),
  };
  return { id, node, image: node, names: [], note: undefined };
}

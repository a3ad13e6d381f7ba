import { type BundleFormat } from '../../formats/bundle/sink.js';
import { statedCompression } from '../../model/media-types.js';
import { type Plan } from '../../model/plan.js';

const BLOCK = 512;
/** The lists of a bundle take about this much for each image and each layer in it. */
const LISTED = 512;

/** How many bytes a bundle will have: at least, and at most. Of an uncompressed one the two are nearly the same. */
export function bytesNeeded({ blobs, totals }: Plan, format: BundleFormat): { least: number; most: number } {
  const copied = blobs.filter(({ action }) => action === 'copy');
  const members = copied.reduce((sum, { blob }) => sum + BLOCK + Math.ceil(blob.size / BLOCK) * BLOCK, 0);
  const most = members + (totals.images + totals.layerUses + blobs.length) * LISTED + 64 * 1024;
  if (format === 'tar') return { least: members, most };
  // What is compressed already gets no smaller; of the rest nothing is known.
  const packed = copied.filter(({ blob }) => statedCompression(blob.mediaType) !== 'none');
  const least = packed.reduce((sum, { blob }) => sum + blob.size, 0);
  return { least: Math.floor(least * 0.9), most };
}

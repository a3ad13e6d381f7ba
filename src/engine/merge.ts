import { type ImageNode, imagesIn, type ManifestNode } from '../model/graph.js';
import { familiarReference } from '../model/reference.js';
import { type Digest } from '../primitives/digest.js';
import { TransferError } from '../primitives/errors.js';
import { digestOfImage } from './display.js';

/** An image, and the label of the source that it comes from. */
export interface Offer {
  readonly image: ImageNode;
  readonly from: string;
}

export interface MergeOptions {
  readonly onConflict: 'error' | 'first' | 'last';
  /** Whether a manifest says no more than its config does: one that an engine or a reader made up. */
  readonly isMade: (manifest: ManifestNode) => boolean;
}

export interface Merged {
  readonly images: readonly ImageNode[];
  /** Which offers lost to others, in words. */
  readonly notes: readonly string[];
}

/**
 * One image for each name. The same config digests are the same image, whatever the manifest: then the one with more
 * platforms wins, then a stored manifest over a made one, then the lowest digest. Different configs under one name are
 * a conflict.
 * @throws TransferError NAME_CONFLICT naming both sources, unless `onConflict` decides.
 */
export function mergeImages(offers: readonly Offer[], options: MergeOptions): Merged {
  const byName = new Map<string, Offer[]>();
  const notes: string[] = [];
  for (const offer of offers) {
    // Images without a name are told apart by what they are; so are the same ones from several sources.
    const key = offer.image.name ?? nameless(offer.image);
    byName.set(key, [...(byName.get(key) ?? []), offer]);
  }
  const winners = [...byName.values()].map((rivals) => {
    // The one that may hold all others first: two platforms apart are a conflict only if nobody has them together.
    const ordered = options.onConflict === 'error' ? [...rivals].sort((a, b) => compareRanks(a, b, options)) : rivals;
    return ordered.reduce((winner, rival) => choose(winner, rival, options, notes));
  });
  return { images: winners.map(({ image }) => image), notes };
}

function choose(first: Offer, second: Offer, options: MergeOptions, notes: string[]): Offer {
  if (digestOfImage(first.image) === digestOfImage(second.image)) return fuller(first, second);
  const name = first.image.name === undefined ? 'an unnamed image' : familiarReference(first.image.name);
  const a = configsOf(first.image);
  const b = configsOf(second.image);
  if (!isSubset(a, b) && !isSubset(b, a)) {
    const both = `${name} is one image in ${first.from} (${digestOfImage(first.image)}) and another in ${second.from} (${digestOfImage(second.image)})`;
    if (options.onConflict === 'error') {
      throw new TransferError('NAME_CONFLICT', both, {
        side: 'source',
        hint: 'Take one with --on-conflict first (or last), or give one another name with --rename OLD=NEW.',
      });
    }
    notes.push(`${both}; the ${options.onConflict} one is taken`);
    return options.onConflict === 'first' ? first : second;
  }
  const winner = compareRanks(second, first, options) < 0 ? second : first;
  const loser = winner === first ? second : first;
  notes.push(
    `${name}: the same image has manifest ${digestOfImage(winner.image)} in ${winner.from} and ${digestOfImage(loser.image)} in ${loser.from}; the first is taken`,
  );
  return winner;
}

/** Below zero when `first` is the better form of what may be one image. */
function compareRanks(first: Offer, second: Offer, options: MergeOptions): number {
  const rank = ({ image }: Offer): [number, number, string] => [
    -configsOf(image).size,
    [...imagesIn(image.root)].every(options.isMade) ? 1 : 0,
    digestOfImage(image),
  ];
  const [a, b] = [rank(first), rank(second)];
  for (let i = 0; i < a.length; i++) {
    const [left, right] = [a[i] ?? 0, b[i] ?? 0];
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

/** Of one index, the offer that has more of its platforms: reading all sources as one has put them together already. */
function fuller(first: Offer, second: Offer): Offer {
  const size = ({ image }: Offer): number => [...imagesIn(image.root)].length;
  return size(second) > size(first) ? second : first;
}

function configsOf(image: ImageNode): Set<Digest> {
  const configs = new Set<Digest>();
  for (const manifest of imagesIn(image.root)) configs.add(manifest.config.digest);
  // What holds no image is told apart by its own digest.
  if (configs.size === 0) configs.add(digestOfImage(image));
  return configs;
}

const isSubset = (a: ReadonlySet<Digest>, b: ReadonlySet<Digest>): boolean => [...a].every((digest) => b.has(digest));

const nameless = (image: ImageNode): string => [...configsOf(image)].sort().join(' ');

import { blobsIn, type ImageNode } from '../model/graph.js';
import { type Plan } from '../model/plan.js';
import { type Base, baseWords, type Reliance, type ReliedLayer } from '../model/reliance.js';
import { type ImageSource } from '../ports.js';
import { type Digest, shortDigest } from '../primitives/digest.js';
import { TransferError } from '../primitives/errors.js';
import { formatBytes } from '../primitives/units.js';
import { displayName } from './display.js';

/** Several as one: each base and each layer once. Undefined: nothing is left out. */
export function mergeReliance(all: readonly (Reliance | undefined)[]): Reliance | undefined {
  const bases = new Map<string, Base>();
  const layers = new Map<Digest, { readonly layer: ReliedLayer; readonly by: Set<string> }>();
  for (const { bases: own, layers: relied } of all.filter((one) => one !== undefined)) {
    for (const base of own) bases.set(base.digest, withNames(base, bases.get(base.digest)?.names ?? []));
    for (const layer of relied) {
      const known = layers.get(layer.digest) ?? { layer, by: new Set<string>() };
      for (const at of layer.bases) known.by.add(own[at]?.digest ?? '');
      layers.set(layer.digest, known);
    }
  }
  if (layers.size === 0) return undefined;
  const needed = new Set([...layers.values()].flatMap(({ by }) => [...by]));
  const sorted = [...bases.values()].filter(({ digest }) => needed.has(digest)).sort(byDigest);
  const position = new Map(sorted.map(({ digest }, at): [string, number] => [digest, at]));
  return {
    bases: sorted,
    layers: [...layers.values()]
      .map(({ layer, by }) => ({
        ...layer,
        bases: [...by].map((digest) => position.get(digest) ?? 0).sort((a, b) => a - b),
      }))
      .sort(byDigest),
  };
}

const withNames = (base: Base, more: readonly string[]): Base => ({
  ...base,
  names: [...new Set([...base.names, ...more])].sort(),
});

const byDigest = (a: { readonly digest: Digest }, b: { readonly digest: Digest }): number =>
  a.digest < b.digest ? -1 : 1;

/**
 * What of a reliance concerns `images`: the layers of theirs that `source` does not have. What the images themselves say
 * of them counts.
 */
export function relianceOf(
  images: readonly ImageNode[],
  source: Pick<ImageSource, 'has'>,
  reliance: Reliance | undefined,
): Reliance | undefined {
  if (reliance === undefined) return undefined;
  const needed = new Map<Digest, Pick<ReliedLayer, 'size' | 'diffId'>>();
  for (const { root } of images) {
    for (const { blob, diffId } of blobsIn(root)) {
      if (diffId !== undefined && !source.has(blob.digest)) needed.set(blob.digest, { size: blob.size, diffId });
    }
  }
  const layers = reliance.layers.flatMap((layer) => {
    const known = needed.get(layer.digest);
    return known === undefined ? [] : [{ ...layer, ...known }];
  });
  return mergeReliance([{ ...reliance, layers }]);
}

/**
 * `source`, which says of a layer that it leaves out what would supply it, instead of that it is damaged.
 * @throws TransferError (from `open`) BASE_MISSING
 */
export function explaining(source: ImageSource, reliance: Reliance | undefined): ImageSource {
  if (reliance === undefined) return source;
  const relied = new Map(reliance.layers.map((layer) => [layer.digest, layer]));
  return {
    label: source.label,
    images: () => source.images(),
    has: (digest) => source.has(digest),
    open: (blob) => {
      const layer = relied.get(blob.digest);
      if (layer === undefined || source.has(blob.digest)) return source.open(blob);
      throw new TransferError(
        'BASE_MISSING',
        `${source.label}: layer ${blob.digest} (${formatBytes(layer.size)}) is left out of it, and is needed`,
        { side: 'sink', hint: whatSupplies(reliance, [layer]) },
      );
    },
    audit: (reached) => source.audit(reached),
    close: () => source.close(),
  };
}

/**
 * Makes sure, before anything moves, that the receiver has all that the source leaves out.
 * @throws TransferError BASE_MISSING naming the images, their layers, and what would supply them
 */
export function requireBase(
  plan: Pick<Plan, 'images' | 'blobs'>,
  source: Pick<ImageSource, 'has'>,
  reliance: Reliance | undefined,
  receiver: string,
): void {
  const lack = lackOf(plan, source, reliance, receiver);
  if (lack !== undefined) throw lack;
}

/** The error for what a receiver would need and nobody has; undefined: nothing. */
export function lackOf(
  { images, blobs }: Pick<Plan, 'images' | 'blobs'>,
  source: Pick<ImageSource, 'has'>,
  reliance: Reliance | undefined,
  receiver: string,
): TransferError | undefined {
  if (reliance === undefined) return undefined;
  const relied = new Map(reliance.layers.map((layer) => [layer.digest, layer]));
  const lacking = new Map<Digest, ReliedLayer>();
  for (const { blob, action } of blobs) {
    const layer = relied.get(blob.digest);
    if (action === 'copy' && layer !== undefined && !source.has(blob.digest)) lacking.set(blob.digest, layer);
  }
  if (lacking.size === 0) return undefined;
  return new TransferError('BASE_MISSING', `${receiver} lacks ${lackingWords(images, lacking)}`, {
    side: 'sink',
    hint: whatSupplies(reliance, [...lacking.values()]),
  });
}

/** Images and layers that one message names; the rest are counted. */
const SHOWN_IMAGES = 10;
const SHOWN_LAYERS = 4;

/** `app:1.1: 2 layers (3.1 MB: 0123456789ab, ba9876543210); web:2: …` */
function lackingWords(images: readonly ImageNode[], lacking: ReadonlyMap<Digest, ReliedLayer>): string {
  const lines = images.flatMap((image) => {
    const own = new Set([...blobsIn(image.root)].flatMap(({ blob }) => lacking.get(blob.digest) ?? []));
    return own.size === 0 ? [] : [`${displayName(image)}: ${layerWords([...own])}`];
  });
  const more = lines.length - SHOWN_IMAGES;
  const shown = lines.slice(0, SHOWN_IMAGES).join('; ');
  const what = `${String(lacking.size)} ${lacking.size === 1 ? 'layer' : 'layers'} that the thin bundle leaves out`;
  return `${what}: ${shown}${more > 0 ? `; and of ${String(more)} more images` : ''}`;
}

function layerWords(layers: readonly ReliedLayer[]): string {
  const bytes = layers.reduce((sum, { size }) => sum + size, 0);
  const ids = layers.slice(0, SHOWN_LAYERS).map(({ digest }) => shortDigest(digest));
  const more = layers.length > SHOWN_LAYERS ? ', …' : '';
  return `${String(layers.length)} ${layers.length === 1 ? 'layer' : 'layers'} (${formatBytes(bytes)}: ${ids.join(', ')}${more})`;
}

function whatSupplies({ bases }: Reliance, layers: readonly ReliedLayer[]): string {
  const by = new Set(layers.flatMap((layer) => layer.bases));
  const words = bases.filter((_, at) => by.has(at)).map(baseWords);
  return `They are in ${words.join(' and ')}: load that first, or name a copy of it with --with.`;
}

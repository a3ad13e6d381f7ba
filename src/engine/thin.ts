import { type ImageNode, imagesIn, type LayerNode, type ManifestNode } from '../model/graph.js';
import { type Inventory, type ShortDigest, type StoreKind } from '../model/inventory.js';
import { type Base, type Reliance, type ReliedLayer } from '../model/reliance.js';
import { type Digest, digestOf } from '../primitives/digest.js';
import { mergeReliance } from './reliance.js';

/** A place that the receiver is known to have everything of. */
export interface ThinBase {
  readonly inventory: Inventory;
  /** What it is called by in the bundle: see `Base.digest`. */
  readonly digest: Digest;
}

/** Whether one blob, at one place of one image, may be left out. */
type Rule = (image: ManifestNode, at: number) => boolean;

/**
 * The layers of `images` that a receiver need not be given, because it has what is in `bases`; by what its engine was
 * measured to take (docs/engines.md), with several stores by what all of them take:
 * - graph driver: a layer whose whole chain is there, in every image that has it;
 * - containerd: a blob of this digest that is known to be there;
 * - podman: such a blob, or a plain layer of this diffID.
 * Undefined: nothing can be left out.
 */
export function leaveOut(
  images: readonly ImageNode[],
  bases: readonly ThinBase[],
  stores: readonly StoreKind[],
): Reliance | undefined {
  const manifests = distinctManifests(images);
  const holdings = new Holdings(bases, manifests);
  const rules = stores.map((store) => ruleFor(store, holdings));
  const out = new Map<Digest, LayerNode>();
  const needed = new Set<Digest>();
  for (const image of manifests) {
    for (const [at, layer] of image.layers.entries()) {
      if (layer.foreign) continue;
      if (rules.every((rule) => rule(image, at))) out.set(layer.blob.digest, layer);
      else needed.add(layer.blob.digest);
    }
  }
  for (const digest of needed) out.delete(digest);
  return describe([...out.values()], bases);
}

/** The stores that will receive a bundle: as asked for; else those of the places, if all are engines. None: not known. */
export function receiversOf(asked: readonly StoreKind[], bases: readonly ThinBase[]): readonly StoreKind[] {
  if (asked.length > 0) return asked;
  const known = bases.map(({ inventory: { place } }) => (place.kind === 'engine' ? place.store : undefined));
  const engines = known.filter((store) => store !== undefined);
  return engines.length === known.length ? [...new Set(engines)] : [];
}

function distinctManifests(images: readonly ImageNode[]): readonly ManifestNode[] {
  const all = images.flatMap(({ root }) => [...imagesIn(root)]);
  return [...new Map(all.map((manifest) => [manifest.blob.digest, manifest])).values()];
}

function ruleFor(store: StoreKind, have: Holdings): Rule {
  if (store === 'graphdriver') return (image, at) => at < have.prefixOf(image);
  const isThere: Rule = ({ layers }, at) => {
    const layer = layers[at];
    return layer !== undefined && have.hasBlob(layer.blob.digest);
  };
  if (store === 'containerd') return isThere;
  return (image, at) => {
    const layer = image.layers[at];
    const isPlain = layer !== undefined && layer.blob.digest === layer.diffId;
    return isThere(image, at) || (isPlain && have.hasContents(layer.diffId));
  };
}

/** What all bases have together. Their digests may be short ones, all of one length in each base. */
class Holdings {
  readonly #chains = new DigestSet();
  readonly #diffIds = new DigestSet();
  readonly #blobs = new DigestSet();
  readonly #prefixes = new Map<ManifestNode, number>();

  constructor(bases: readonly ThinBase[], manifests: readonly ManifestNode[]) {
    const whole = new DigestSet();
    for (const { inventory } of bases) {
      this.#blobs.add(inventory.blobs);
      for (const image of inventory.images) {
        whole.add(image.manifests);
        this.#diffIds.add(image.diffIds);
        this.#chains.addChain(image.diffIds);
      }
    }
    // A place that has a manifest with all below it has its layers, in the form that the manifest names.
    for (const { blob, layers } of manifests) {
      if (whole.has(blob.digest)) this.#blobs.add(layers.map((layer) => layer.blob.digest));
    }
  }

  hasBlob(digest: Digest): boolean {
    return this.#blobs.has(digest);
  }

  hasContents(diffId: Digest): boolean {
    return this.#diffIds.has(diffId);
  }

  /** How many of its lowest layers are there one above the other. */
  prefixOf(image: ManifestNode): number {
    const known = this.#prefixes.get(image) ?? this.#chains.longestPrefix(image.layers.map(({ diffId }) => diffId));
    this.#prefixes.set(image, known);
    return known;
  }
}

/** Digests of several lengths, and chains of them. */
class DigestSet {
  readonly #byLength = new Map<number, Set<string>>();

  constructor(digests: readonly ShortDigest[] = []) {
    this.add(digests);
  }

  add(digests: readonly ShortDigest[]): void {
    for (const digest of digests) this.#ofLength(digest.length).add(digest);
  }

  /** Every prefix of a chain, as one word each. */
  addChain(diffIds: readonly ShortDigest[]): void {
    const [first] = diffIds;
    if (first === undefined) return;
    const known = this.#ofLength(first.length);
    let chain = '';
    for (const diffId of diffIds) known.add((chain = link(chain, diffId)));
  }

  #ofLength(length: number): Set<string> {
    const known = this.#byLength.get(length) ?? new Set();
    this.#byLength.set(length, known);
    return known;
  }

  has(digest: Digest): boolean {
    return [...this.#byLength].some(([length, digests]) => digests.has(digest.slice(0, length)));
  }

  longestPrefix(diffIds: readonly Digest[]): number {
    let longest = 0;
    for (const [length, chains] of this.#byLength) {
      let chain = '';
      const end = diffIds.findIndex((diffId) => !chains.has((chain = link(chain, diffId.slice(0, length)))));
      longest = Math.max(longest, end === -1 ? diffIds.length : end);
    }
    return longest;
  }
}

/** One word for a chain and the layer on top of it, as short as a digest. */
const link = (chain: string, diffId: ShortDigest): string => (chain === '' ? diffId : digestOf(`${chain} ${diffId}`));

/** What is said of the layers: who has them, and by which names they are best asked for. */
function describe(layers: readonly LayerNode[], bases: readonly ThinBase[]): Reliance | undefined {
  return mergeReliance(
    bases.map(({ inventory, digest }) => {
      const blobs = new DigestSet(inventory.blobs);
      const contents = new DigestSet(inventory.images.flatMap(({ diffIds }) => diffIds));
      const own = layers.filter(({ blob, diffId }) => blobs.has(blob.digest) || contents.has(diffId));
      const base: Base = {
        digest,
        kind: inventory.place.kind === 'archive' ? 'archive' : 'inventory',
        names: fewestNames(inventory, own),
      };
      return { bases: [base], layers: own.map((layer): ReliedLayer => reliedLayer(layer)) };
    }),
  );
}

const reliedLayer = ({ blob, diffId }: LayerNode): ReliedLayer => ({
  digest: blob.digest,
  size: blob.size,
  diffId,
  bases: [0],
});

/**
 * Names of a few images that have all of `layers` together: each time the first that has most of what is left. Counts
 * are kept up to date: with 1,000 images of 200 layers, counting anew each time takes minutes.
 */
function fewestNames({ images }: Inventory, layers: readonly LayerNode[]): readonly string[] {
  const left = new Set(layers.map(({ diffId }) => diffId));
  const named = coverage(images, left);
  const counts = named.map(({ covers }) => covers.size);
  const users = new Map<Digest, number[]>([...left].map((diffId) => [diffId, []]));
  for (const [at, { covers }] of named.entries()) for (const diffId of covers) users.get(diffId)?.push(at);
  const chosen: string[] = [];
  for (;;) {
    const most = counts.reduce((max, count) => Math.max(max, count), 0);
    const best = most === 0 ? undefined : named[counts.indexOf(most)];
    if (best === undefined) return chosen.sort();
    chosen.push(best.name);
    for (const diffId of best.covers) {
      if (left.delete(diffId)) for (const at of users.get(diffId) ?? []) counts[at] = (counts[at] ?? 0) - 1;
    }
  }
}

/** Of each image that has a name, which of `wanted` it has. */
function coverage(
  images: Inventory['images'],
  wanted: ReadonlySet<Digest>,
): readonly { readonly name: string; readonly covers: ReadonlySet<Digest> }[] {
  const byShort = new Map<ShortDigest, Digest>();
  const lengths = new Set(images.flatMap(({ diffIds }) => diffIds.map(({ length }) => length)));
  for (const length of lengths) for (const diffId of wanted) byShort.set(diffId.slice(0, length), diffId);
  return images.flatMap(({ names: [name], diffIds }) =>
    name === undefined ? [] : [{ name, covers: new Set(diffIds.flatMap((diffId) => byShort.get(diffId) ?? [])) }],
  );
}

import { blobsIn, type ImageNode, imagesIn, type ManifestNode } from '../../model/graph.js';
import { type Platform } from '../../model/platform.js';
import { familiarReference, taggedReference } from '../../model/reference.js';
import { type Reliance, type ReliedLayer } from '../../model/reliance.js';
import { type Digest, shortDigest } from '../../primitives/digest.js';
import { platformForDocker } from '../bundle/documents.js';
import { type BundleFormat } from '../bundle/sink.js';
import { type WrittenFile } from '../volumes/write.js';

/** What is to be known of a bundle that was written, to describe it to those who receive it. */
export interface KitFacts {
  /** File name of the bundle; of volumes without their number. */
  readonly bundle: string;
  readonly format: BundleFormat;
  /** The bundle, or its volumes in their order and the checksum file of each; all in one folder. */
  readonly files: readonly WrittenFile[];
  /** As the bundle lists them. */
  readonly images: readonly ImageNode[];
  /** Which platform of an index `manifest.json` names: `platformForDocker`. */
  readonly platforms: readonly Platform[];
  /** Of a thin bundle. */
  readonly reliance: Reliance | undefined;
  /** The bundle's identity, `SourceFacts.lists`. */
  readonly lists: Digest;
  /** sha256 of its tar. */
  readonly tarDigest: Digest;
}

/** An image, as a kit lists it. */
export interface KitImage {
  readonly node: ImageNode;
  /** The full name that engines can be given. */
  readonly name: string | undefined;
  /** What people call it. */
  readonly short: string;
  /** The one that a graph driver gets comes first. None: it is no image, and not for engines. */
  readonly manifests: readonly ManifestNode[];
}

export const kitImages = ({ images, platforms }: Pick<KitFacts, 'images' | 'platforms'>): readonly KitImage[] =>
  images.map((node) => {
    const first = platformForDocker(node, platforms);
    const others = [...imagesIn(node.root)].filter((manifest) => manifest !== first);
    return {
      node,
      name: node.name === undefined ? undefined : taggedReference(node.name),
      short: node.name === undefined ? shortDigest(node.root.blob.digest) : familiarReference(node.name),
      manifests: first === undefined ? [] : [first, ...others],
    };
  });

/** The layers that are left out, by digest. */
export const reliedLayers = ({ reliance }: Pick<KitFacts, 'reliance'>): ReadonlyMap<Digest, ReliedLayer> =>
  new Map((reliance?.layers ?? []).map((layer) => [layer.digest, layer]));

/** Digest and size of each blob of these images, each once, without those in `without`. */
export function blobSizes(
  images: readonly ImageNode[],
  without: ReadonlyMap<Digest, unknown> = new Map(),
): ReadonlyMap<Digest, number> {
  const sizes = new Map<Digest, number>();
  for (const { root } of images)
    for (const { blob } of blobsIn(root)) if (!without.has(blob.digest)) sizes.set(blob.digest, blob.size);
  return sizes;
}

export const sumOf = (sizes: ReadonlyMap<Digest, number>): number => [...sizes.values()].reduce((a, b) => a + b, 0);

/** The files of the bundle itself: it, or its volumes. */
export const bundleFiles = ({ bundle, files }: Pick<KitFacts, 'bundle' | 'files'>): readonly WrittenFile[] =>
  files.filter(({ name }) => name === bundle || /^\.[0-9]+$/.test(name.slice(bundle.length)));

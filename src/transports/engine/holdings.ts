import { createHash } from 'node:crypto';
import { imagesIn, type ManifestNode } from '../../model/graph.js';
import { tryNormalizeReference } from '../../model/reference.js';
import { type Digest, digestOf } from '../../primitives/digest.js';
import { type EngineFamily } from './engine.js';
import { type LoadGroup } from './groups.js';
import { type EngineImage } from './query.js';

/** What an engine is known to have, by the terms in which it judges what is missing. Grows with every proven load. */
export interface Holdings {
  /** Images that the engine lists. */
  readonly listed: ReadonlySet<Digest>;
  /** Images that are there and whole. */
  readonly ids: Set<Digest>;
  /** Full name to image ID. */
  readonly names: Map<string, Digest>;
  /** Chain IDs: layers with all that is below them. */
  readonly chains: Set<Digest>;
  /** Layers by their contents. */
  readonly diffIds: Set<Digest>;
  /** Layers that are known to be there in the very form of this blob digest. */
  readonly blobs: Set<Digest>;
}

/** Holdings from an inventory. `whole`: the IDs (and manifest digests) of images that lack nothing. */
export function holdingsOf(images: readonly EngineImage[], whole: ReadonlySet<Digest>): Holdings {
  const have: Holdings = {
    listed: new Set(images.map(({ id }) => id)),
    ids: new Set(whole),
    names: new Map(),
    chains: new Set(),
    diffIds: new Set(),
    blobs: new Set(),
  };
  for (const image of images) {
    addLayers(have, image.diffIds);
    for (const name of image.names) {
      const full = tryNormalizeReference(name);
      if (full !== undefined) have.names.set(full, image.id);
    }
  }
  return have;
}

export function copyOf(have: Holdings): Holdings {
  const { listed, ids, names, chains, diffIds, blobs } = have;
  return {
    listed,
    ids: new Set(ids),
    names: new Map(names),
    chains: new Set(chains),
    diffIds: new Set(diffIds),
    blobs: new Set(blobs),
  };
}

/** Notes that a load was proven: what comes later may rely on it. */
export function addProven(have: Holdings, group: LoadGroup): void {
  have.ids.add(group.id);
  for (const image of imagesIn(group.node)) {
    have.ids.add(image.blob.digest);
    addLayers(
      have,
      image.layers.map(({ diffId }) => diffId),
    );
    for (const { blob } of image.layers) have.blobs.add(blob.digest);
  }
}

function addLayers(have: Holdings, diffIds: readonly Digest[]): void {
  for (const diffId of diffIds) have.diffIds.add(diffId);
  for (const chain of chainIds(diffIds)) have.chains.add(chain);
}

/** OCI image-spec, config.md "Layer ChainID". */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chains: Digest[] = [];
  for (const diffId of diffIds) {
    const parent = chains.at(-1);
    chains.push(parent === undefined ? diffId : digestOf(createHash('sha256').update(`${parent} ${diffId}`)));
  }
  return chains;
}

/**
 * The layers that may be left out of a load, by what each engine was measured to accept (docs/engines.md):
 * - graph driver: a layer is not read iff its chain ID is there, so only a prefix of the chain, and of that only blobs
 *   which no later layer needs again;
 * - podman: a blob of this digest, or a plain one of this diffID, wherever it lies;
 * - containerd store: a blob of this digest. Whether a layer is stored plain or gzipped cannot be asked, so a plain one
 *   is a guess, which the proof afterwards confirms or not;
 * - ctr: a blob of this digest, and it tells of every blob; nerdctl tells of none, so nothing is left out.
 */
export function omittable(family: EngineFamily, group: LoadGroup, have: Holdings): ReadonlySet<Digest> {
  const images = [...imagesIn(group.node)];
  if (have.ids.has(group.id)) return new Set(images.flatMap((image) => image.layers.map(({ blob }) => blob.digest)));
  if (family === 'graphdriver') return new Set(images.flatMap((image) => prefixOf(image, have)));
  const omitted = new Set<Digest>();
  for (const image of images) {
    const isWhole = family === 'containerd' && have.ids.has(image.blob.digest);
    for (const { blob, diffId } of image.layers) {
      const isPlain = blob.digest === diffId && (family === 'containerd' || family === 'podman');
      if (isWhole || have.blobs.has(blob.digest) || (isPlain && have.diffIds.has(diffId))) omitted.add(blob.digest);
    }
  }
  return omitted;
}

function prefixOf({ layers }: ManifestNode, have: Holdings): readonly Digest[] {
  const chains = chainIds(layers.map(({ diffId }) => diffId));
  const firstLacking = chains.findIndex((chain) => !have.chains.has(chain));
  const length = firstLacking === -1 ? layers.length : firstLacking;
  const readAgain = new Set(layers.slice(length).map(({ blob }) => blob.digest));
  return layers.slice(0, length).flatMap(({ blob }) => (readAgain.has(blob.digest) ? [] : [blob.digest]));
}

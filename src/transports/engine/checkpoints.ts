import { imagesIn, type ManifestNode } from '../../model/graph.js';
import { type Descriptor } from '../../model/descriptor.js';
import { type Platform } from '../../model/platform.js';
import { type OpenBlob } from '../../ports.js';
import { bytesOf } from '../../primitives/bytes.js';
import { type Digest, digestOf, shortDigest } from '../../primitives/digest.js';
import { type EngineFamily, hasConfigIds } from './engine.js';
import { type LoadGroup } from './groups.js';

const REPOSITORY = 'ferry-checkpoint';
/** Milliseconds. A checkpoint of another image may belong to a transfer that is under way on a slow line. */
const STALE_AFTER = 7 * 24 * 60 * 60 * 1000;

/**
 * The lowest layers of an image, as an image of their own: once it is loaded, they are there to stay, and what comes
 * next leaves them out (docs/engines.md, "Checkpoints"). The same layers always give the same image.
 */
export interface Checkpoint {
  readonly group: LoadGroup;
  /** `open` that serves its config and manifest as well. */
  readonly open: OpenBlob;
}

/**
 * After how many layers, from the bottom, a load of `image` should be interrupted so that no part sends more than
 * `limit` bytes of layers; a single layer above it is a part of its own. Empty when all of it fits into one.
 */
export function stopsIn(image: ManifestNode, omit: ReadonlySet<Digest>, limit: number): readonly number[] {
  const stops: number[] = [];
  const sent = new Set(omit);
  let pending = 0;
  for (const [at, { blob, foreign }] of image.layers.entries()) {
    if (foreign || sent.has(blob.digest)) continue;
    if (pending > 0 && pending + blob.size > limit) {
      stops.push(at);
      pending = 0;
    }
    sent.add(blob.digest);
    pending += blob.size;
  }
  return stops;
}

/** The checkpoint of the lowest `count` layers of `image`, a part of `whole`. */
export function checkpointOf(
  family: EngineFamily,
  whole: LoadGroup,
  image: ManifestNode,
  count: number,
  open: OpenBlob,
): Checkpoint {
  const layers = image.layers.slice(0, count);
  const config = documentOf(image.config.mediaType, {
    ...platformFields(image.platform),
    config: {},
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  });
  const manifest = documentOf(image.blob.mediaType, {
    schemaVersion: 2,
    mediaType: image.blob.mediaType,
    config: plainDescriptor(config.blob),
    layers: layers.map(({ blob }) => plainDescriptor(blob)),
  });
  const node: ManifestNode = { ...image, blob: manifest.blob, config: config.blob, layers };
  const id = hasConfigIds(family) ? config.blob.digest : manifest.blob.digest;
  const group: LoadGroup = { id, node, image: node, names: [checkpointName(whole.id, id)], note: undefined };
  const own = new Map([config, manifest].map(({ blob, bytes }) => [blob.digest, bytes]));
  return {
    group,
    open: (blob) => {
      const bytes = own.get(blob.digest);
      return bytes === undefined ? open(blob) : bytesOf(bytes);
    },
  };
}

/** Every checkpoint that a load of `group` could have left, whatever the limit was. */
export function* possibleCheckpoints(family: EngineFamily, group: LoadGroup): Generator<LoadGroup> {
  const none: OpenBlob = () => bytesOf();
  for (const image of imagesIn(group.node)) {
    for (let count = 1; count < image.layers.length; count++) {
      yield checkpointOf(family, group, image, count, none).group;
    }
  }
}

/** `docker.io/ferry-checkpoint/<12 hex of the image>:<when>-<12 hex of its own>`. */
function checkpointName(whole: Digest, id: Digest, now = Date.now()): string {
  return `docker.io/${REPOSITORY}/${shortDigest(whole)}:${now.toString(36)}-${shortDigest(id)}`;
}

const pattern = new RegExp(`^docker\\.io/${REPOSITORY}/([0-9a-f]{12}):([0-9a-z]{8,9})-[0-9a-f]{12}$`);

export const isCheckpoint = (name: string): boolean => pattern.test(name);

/** Whether a checkpoint has served: it is of one of the images `done`, or was left long ago. */
export function hasServed(name: string, done: ReadonlySet<Digest>, now = Date.now()): boolean {
  const [, image, when] = pattern.exec(name) ?? [];
  if (image === undefined || when === undefined) return false;
  if ([...done].some((id) => shortDigest(id) === image)) return true;
  return Number.parseInt(when, 36) < now - STALE_AFTER;
}

function documentOf(mediaType: string, value: unknown): { readonly blob: Descriptor; readonly bytes: Buffer } {
  const bytes = Buffer.from(JSON.stringify(value));
  return { blob: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}

const plainDescriptor = ({ mediaType, digest, size }: Descriptor): Descriptor => ({ mediaType, digest, size });

const platformFields = ({ architecture, os, variant }: Platform): Readonly<Record<string, string>> => ({
  architecture,
  os,
  ...(variant === undefined ? {} : { variant }),
});

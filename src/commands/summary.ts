import { digestOfImage } from '../engine/display.js';
import { fingerprintOf } from '../model/fingerprint.js';
import { type ArtifactNode, type ImageNode, imagesIn, type ManifestNode, type TreeNode } from '../model/graph.js';
import { formatPlatform } from '../model/platform.js';
import { type Reliance } from '../model/reliance.js';
import { type SourceFacts } from '../ports.js';
import { type Digest } from '../primitives/digest.js';
import { type ImageSummary, type PlatformSummary, type VerifyResult } from './results.js';

/** How many images (by what they lead to, not by name) use each blob. */
export type Uses = ReadonlyMap<Digest, number>;

export function countUses(images: readonly ImageNode[]): Uses {
  const uses = new Map<Digest, number>();
  const manifests = new Map<Digest, ManifestNode>();
  for (const { root } of images) for (const manifest of imagesIn(root)) manifests.set(manifest.blob.digest, manifest);
  for (const manifest of manifests.values()) {
    for (const digest of new Set(blobsOf(manifest).map((blob) => blob.digest)))
      uses.set(digest, (uses.get(digest) ?? 0) + 1);
  }
  return uses;
}

/** What a list says of each image. `relied`: layers that are left out. */
export function summarize(images: readonly ImageNode[], relied: ReadonlySet<Digest> = new Set()): ImageSummary[] {
  const uses = countUses(images);
  return images.map((image) => ({
    ...identity(image),
    platforms: [...imagesIn(image.root)].map((manifest) => summarizePlatform(manifest, uses, relied)),
  }));
}

/** Everything of a summary but its platforms. */
export function identity(image: ImageNode): Omit<ImageSummary, 'platforms'> {
  return {
    ...(image.name !== undefined && { name: image.name }),
    digest: digestOfImage(image),
    kind: image.root.kind,
    notIncluded: [...absentIn(image.root)],
    artifacts: [...artifactsIn(image.root)].map(({ blob, type, parts }) => ({
      type,
      digest: blob.digest,
      bytes: parts.reduce((sum, { size }) => sum + size, blob.size),
    })),
  };
}

/** Of a bundle of ours: what people compare. Several sources read as one have none. */
export function fingerprintsOf({
  facts,
  labels: [source = ''],
}: {
  readonly facts: SourceFacts | undefined;
  readonly labels: readonly string[];
}): VerifyResult['fingerprints'] {
  return facts?.isBundle === true && facts.lists !== undefined
    ? [{ source, fingerprint: fingerprintOf(facts.lists) }]
    : [];
}

/** The layers that are left out. */
export const reliedIn = (reliance: Reliance | undefined): ReadonlySet<Digest> =>
  new Set(reliance?.layers.map(({ digest }) => digest));

export function summarizePlatform(manifest: ManifestNode, uses: Uses, relied: ReadonlySet<Digest>): PlatformSummary {
  const blobs = new Map(blobsOf(manifest).map((blob) => [blob.digest, blob.size]));
  let bytes = 0;
  let sharedBytes = 0;
  let reliedBytes = 0;
  for (const [digest, size] of blobs) {
    bytes += size;
    if ((uses.get(digest) ?? 0) > 1) sharedBytes += size;
    if (relied.has(digest)) reliedBytes += size;
  }
  return {
    platform: formatPlatform(manifest.platform),
    imageId: manifest.config.digest,
    manifest: manifest.blob.digest,
    layers: manifest.layers.length,
    bytes,
    sharedBytes,
    ...(reliedBytes > 0 && { reliedBytes }),
  };
}

const blobsOf = ({ blob, config, layers }: ManifestNode): { readonly digest: Digest; readonly size: number }[] => [
  blob,
  config,
  ...layers.filter(({ foreign }) => !foreign).map((layer) => layer.blob),
];

function* artifactsIn(node: TreeNode): Generator<ArtifactNode> {
  if (node.kind === 'artifact') yield node;
  if (node.kind === 'index') for (const child of node.children) yield* artifactsIn(child);
}

function* absentIn(node: TreeNode): Generator<string> {
  if (node.kind !== 'index') return;
  for (const { platform } of node.absent) {
    // An attestation that was left out with its platform is not worth a word.
    if (platform !== undefined && platform.os !== 'unknown') yield formatPlatform(platform);
  }
  for (const child of node.children) yield* absentIn(child);
}

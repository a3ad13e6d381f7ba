import { type Descriptor } from '../model/descriptor.js';
import { blobsIn, type ImageNode, type TreeNode } from '../model/graph.js';
import { type ImageSource } from '../ports.js';
import { readAll } from '../primitives/bytes.js';
import { type Digest, isDigest } from '../primitives/digest.js';
import { limits } from '../primitives/limits.js';
import { verified } from '../primitives/verified.js';

export interface Needed {
  /** Every blob that the images lead to. */
  readonly blobs: ReadonlySet<Digest>;
  /** Manifests that their indexes list and that they do without: platforms that were left out. */
  readonly leftOut: ReadonlySet<Digest>;
}

/** The bytes of a blob in an archive; undefined: it is not there. */
type SizeOf = (digest: Digest) => number | undefined;

/**
 * What has to stay for images to stay. A document of a kind that is not known needs whatever digest it mentions, and so
 * do those of what it mentions that are JSON: manifests, as far as can be told.
 * @throws TransferError when such a document cannot be read
 */
export async function neededBlobs(source: ImageSource, images: readonly ImageNode[], sizeOf: SizeOf): Promise<Needed> {
  const blobs = new Set<Digest>();
  const absent = new Set<Digest>();
  for (const { root } of images) {
    for (const { blob } of blobsIn(root)) blobs.add(blob.digest);
    for (const node of nodesIn(root)) {
      if (node.kind === 'index') for (const { digest } of node.absent) absent.add(digest);
      if (node.kind === 'opaque') await addMentioned(source, node.blob, sizeOf, blobs);
    }
  }
  return { blobs, leftOut: new Set([...absent].filter((digest) => !blobs.has(digest))) };
}

function* nodesIn(node: TreeNode): Generator<TreeNode> {
  yield node;
  if (node.kind === 'index') for (const child of node.children) yield* nodesIn(child);
}

/** What is too large for a document mentions nothing. */
async function addMentioned(
  source: ImageSource,
  root: Pick<Descriptor, 'digest' | 'size'>,
  sizeOf: SizeOf,
  blobs: Set<Digest>,
): Promise<void> {
  const queue = [root];
  const seen = new Set<Digest>([root.digest]);
  for (let blob = queue.pop(); blob !== undefined; blob = queue.pop()) {
    blobs.add(blob.digest);
    if (blob.size > limits.manifestBytes) continue;
    const where = `${source.label}: ${blob.digest}`;
    const bytes = await readAll(verified(source.open(blob), blob, where), limits.manifestBytes, where);
    const text = bytes.toString('latin1');
    if (blob !== root && !/^\s*\{/.test(text)) continue;
    for (const [digest] of text.matchAll(/sha256:[0-9a-f]{64}/g)) {
      const size = isDigest(digest) ? sizeOf(digest) : undefined;
      if (!isDigest(digest) || size === undefined || seen.has(digest)) continue;
      seen.add(digest);
      queue.push({ digest, size });
    }
  }
}

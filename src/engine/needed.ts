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

/**
 * What has to stay for images to stay. A document of a kind that is not known needs whatever digest it mentions.
 * @throws TransferError when such a document cannot be read
 */
export async function neededBlobs(source: ImageSource, images: readonly ImageNode[]): Promise<Needed> {
  const blobs = new Set<Digest>();
  const absent = new Set<Digest>();
  for (const { root } of images) {
    for (const { blob } of blobsIn(root)) blobs.add(blob.digest);
    for (const node of nodesIn(root)) {
      if (node.kind === 'index') for (const { digest } of node.absent) absent.add(digest);
      if (node.kind === 'opaque') for (const digest of await mentionedIn(source, node)) blobs.add(digest);
    }
  }
  return { blobs, leftOut: new Set([...absent].filter((digest) => !blobs.has(digest))) };
}

function* nodesIn(node: TreeNode): Generator<TreeNode> {
  yield node;
  if (node.kind === 'index') for (const child of node.children) yield* nodesIn(child);
}

/** What is too large for a document mentions nothing. */
async function mentionedIn(source: ImageSource, { blob }: TreeNode): Promise<Digest[]> {
  if (blob.size > limits.manifestBytes) return [];
  const where = `${source.label}: ${blob.digest}`;
  const text = (await readAll(verified(source.open(blob), blob, where), limits.manifestBytes, where)).toString(
    'latin1',
  );
  return [...text.matchAll(/sha256:[0-9a-f]{64}/g)].map(([digest]) => digest).filter(isDigest);
}

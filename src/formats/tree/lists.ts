import { createHash } from 'node:crypto';
import { type Digest, digestOf } from '../../primitives/digest.js';
import { limits } from '../../primitives/limits.js';
import { type FileTree } from './file-tree.js';

/** The list of an OCI image layout (OCI image-spec, image-layout.md). */
export const INDEX_FILE = 'index.json';
/** The list of a `docker save`. */
export const MANIFEST_FILE = 'manifest.json';

/** What stands for all that is in an archive, by the lists that it has: `SourceFacts.lists`. */
export async function listsOf(tree: FileTree): Promise<Digest | undefined> {
  const hash = createHash('sha256');
  const names = [INDEX_FILE, MANIFEST_FILE].filter((name) => tree.size(name) !== undefined);
  // One that is too large is refused by whoever reads what is in it.
  if (names.length === 0 || names.some((name) => (tree.size(name) ?? 0) > limits.listBytes)) return undefined;
  for (const name of names) for await (const chunk of tree.open(name)) hash.update(chunk);
  return digestOf(hash);
}

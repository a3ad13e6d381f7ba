import { malformed } from '../../model/descriptor.js';
import { type ImageRecord } from '../../model/graph.js';
import { isObject, parseJson } from '../../model/json.js';
import { type IndexDocument, parseIndex } from '../../model/manifest.js';
import { mediaTypes } from '../../model/media-types.js';
import { type ImageSource } from '../../ports.js';
import { measure, readAll } from '../../primitives/bytes.js';
import { type Digest, hexOf, isDigest } from '../../primitives/digest.js';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { type FileTree } from '../tree/file-tree.js';
import { INDEX_FILE } from '../tree/lists.js';
import { nameOfEntry } from './names.js';

export const LAYOUT_FILE = 'oci-layout';

/** Where a layout keeps a blob (OCI image-spec, image-layout.md). */
export const blobPath = (digest: Digest): string => `blobs/sha256/${hexOf(digest)}`;

/** Whether a tree is an OCI image layout. `oci-layout` may be missing: every engine reads such a layout. */
export const isOciLayout = (tree: FileTree): boolean =>
  tree.size(INDEX_FILE) !== undefined || tree.size(LAYOUT_FILE) !== undefined;

/** An OCI image layout, in a folder or in a tar. Closing it closes the tree. */
export function ociLayoutSource(tree: FileTree): ImageSource {
  return {
    label: tree.label,
    images: async () => recordsOf(await readIndexFile(tree), tree.label),
    has: (digest) => tree.size(blobPath(digest)) !== undefined,
    open: ({ digest }) => tree.open(blobPath(digest)),
    audit: (reached) => auditLayout(tree, reached),
    close: () => tree.close(),
  };
}

/** The names in `index.json` and what they lead to. @throws TransferError BAD_ARCHIVE when one is no name. */
export const recordsOf = ({ manifests }: IndexDocument, label: string): ImageRecord[] =>
  manifests.map((root) => ({ name: nameOfEntry(root, label), root }));

/** @throws TransferError BAD_ARCHIVE when `index.json` or `oci-layout` is missing, malformed or of another version. */
export async function readIndexFile(tree: FileTree): Promise<IndexDocument> {
  await checkVersion(tree);
  if (tree.size(INDEX_FILE) === undefined) {
    throw new TransferError('BAD_ARCHIVE', `${tree.label}: an OCI image layout without its ${INDEX_FILE}`, {
      side: 'source',
      hint: 'Copy the whole layout: oci-layout, index.json and blobs/.',
    });
  }
  const where = `${tree.label}: ${INDEX_FILE}`;
  const value = parseJson(await readAll(tree.open(INDEX_FILE), limits.listBytes, where), where);
  if (!isObject(value)) throw malformed(where, 'an index', value);
  return parseIndex(value, mediaTypes.ociIndex, where);
}

async function checkVersion(tree: FileTree): Promise<void> {
  if (tree.size(LAYOUT_FILE) === undefined) return;
  const where = `${tree.label}: ${LAYOUT_FILE}`;
  const value = parseJson(await readAll(tree.open(LAYOUT_FILE), limits.configBytes, where), where);
  const version = isObject(value) ? value['imageLayoutVersion'] : undefined;
  if (typeof version !== 'string' || !version.startsWith('1.')) {
    throw malformed(`${where}: imageLayoutVersion`, 'version 1.x', version ?? value);
  }
}

/** What is wrong with a blob that no image needs: also that it cannot be read, which must not end the audit. */
async function strayFault(tree: FileTree, name: string, digest: Digest): Promise<TransferError | undefined> {
  try {
    const found = (await measure(tree.open(name))).digest;
    if (found === digest) return undefined;
    return new TransferError('BLOB_CORRUPT', `${tree.label}: ${name} (no whole image needs it): found ${found}`, {
      side: 'source',
      hint: 'Part of the archive is damaged; packing it anew leaves this blob out.',
    });
  } catch (error) {
    if (!isTransferError(error)) throw error;
    // Of a folder that is pruned meanwhile: what nobody needs may go.
    return [...tree.names()].includes(name) ? error : undefined;
  }
}

async function* auditLayout(tree: FileTree, reached: ReadonlySet<Digest>): AsyncGenerator<TransferError> {
  const read = new Set<string>();
  for (const name of tree.names()) {
    const digest = `sha256:${name.slice('blobs/sha256/'.length)}`;
    if (!name.startsWith('blobs/sha256/') || !isDigest(digest)) continue;
    read.add(name);
    if (reached.has(digest)) continue;
    const fault = await strayFault(tree, name, digest);
    if (fault !== undefined) yield fault;
  }
  yield* tree.audit(read);
}

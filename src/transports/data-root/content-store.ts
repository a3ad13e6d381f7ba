import { join } from 'node:path';
import { indexDocument, type IndexEntry, LAYOUT_DOCUMENT } from '../../formats/bundle/documents.js';
import { NAME_ANNOTATION } from '../../formats/oci-layout/names.js';
import { blobPath, LAYOUT_FILE } from '../../formats/oci-layout/reader.js';
import { INDEX_FILE } from '../../formats/tree/lists.js';
import { type FileTree } from '../../formats/tree/file-tree.js';
import { folderTree } from '../../formats/tree/folder-tree.js';
import { parseDocument } from '../../model/manifest.js';
import { mediaTypes } from '../../model/media-types.js';
import { readAll } from '../../primitives/bytes.js';
import { TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { type Member, inMemory, memberTree } from './member-tree.js';
import { type WantedImage } from './wanted.js';

const CONTENT = 'io.containerd.content.v1.content';
/** Where the containerd of a distribution keeps its blobs; `dockerd` that starts its own has them in its data root. */
const SYSTEM_CONTENT = `/var/lib/containerd/${CONTENT}`;

/**
 * Images out of a containerd content store, as an OCI layout: its blobs are files with the digest for a name.
 * @throws when an image is in none of the places where such a store may be, or cannot be read
 */
export async function storedImages(label: string, wanted: readonly WantedImage[], dataRoot: string): Promise<FileTree> {
  const folders = [join(dataRoot, 'containerd', 'daemon', CONTENT), SYSTEM_CONTENT];
  const blobs = folders.map((folder) => treeWith(folder, wanted)).find((tree) => tree !== undefined);
  if (blobs === undefined) throw new TransferError('NOT_FOUND', `${dataRoot}: no content store that has them`);
  const entries: IndexEntry[] = [];
  for (const { image, name } of wanted) {
    const where = `${blobs.label}: ${image.id}`;
    const bytes = await readAll(blobs.open(blobPath(image.id)), limits.manifestBytes, where);
    const { kind, mediaType } = parseDocument(bytes, '', where);
    entries.push({
      // OCI image-spec 1.0 lets documents go without.
      mediaType: mediaType !== '' ? mediaType : kind === 'index' ? mediaTypes.ociIndex : mediaTypes.ociManifest,
      digest: image.id,
      size: bytes.byteLength,
      ...(name !== undefined && { annotations: { [NAME_ANNOTATION]: name } }),
    });
  }
  const lists = new Map([
    [LAYOUT_FILE, inMemory(LAYOUT_DOCUMENT)],
    [INDEX_FILE, inMemory(indexDocument(entries))],
  ]);
  return memberTree(label, lists, (name) => blobIn(blobs, name));
}

/** A content store that has all of them: its blobs lie as in an OCI layout. */
function treeWith(folder: string, wanted: readonly WantedImage[]): FileTree | undefined {
  try {
    const tree = folderTree(folder);
    return wanted.every(({ image }) => tree.size(blobPath(image.id)) !== undefined) ? tree : undefined;
  } catch {
    return undefined; // there is none, or none that we may read
  }
}

function blobIn(blobs: FileTree, name: string): Member | undefined {
  const size = name.startsWith('blobs/') ? blobs.size(name) : undefined;
  return size === undefined ? undefined : { size, open: () => blobs.open(name) };
}

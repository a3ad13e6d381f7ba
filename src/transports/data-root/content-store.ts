import { statSync } from 'node:fs';
import { join } from 'node:path';
import { indexDocument, type IndexEntry, LAYOUT_DOCUMENT } from '../../formats/bundle/documents.js';
import { NAME_ANNOTATION } from '../../formats/oci-layout/names.js';
import { INDEX_FILE, LAYOUT_FILE } from '../../formats/oci-layout/reader.js';
import { type FileTree } from '../../formats/tree/file-tree.js';
import { parseDocument } from '../../model/manifest.js';
import { mediaTypes } from '../../model/media-types.js';
import { readAll } from '../../primitives/bytes.js';
import { type Digest, hexOf } from '../../primitives/digest.js';
import { TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { fileAccess } from '../../primitives/random-access.js';
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
  const folder = folders.find((place) => wanted.every(({ image }) => fileSize(pathIn(place, image.id)) !== undefined));
  if (folder === undefined) throw new TransferError('NOT_FOUND', `${dataRoot}: no content store that has them`);
  const entries: IndexEntry[] = [];
  for (const { image, name } of wanted) {
    const path = pathIn(folder, image.id);
    const bytes = await readAll(contentsOf(path), limits.manifestBytes, path);
    const { kind, mediaType } = parseDocument(bytes, '', path);
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
  return memberTree(label, lists, (name) => blobIn(folder, name));
}

const pathIn = (folder: string, digest: Digest): string => join(folder, 'blobs', 'sha256', hexOf(digest));

function blobIn(folder: string, name: string): Member | undefined {
  if (!/^blobs\/sha256\/[0-9a-f]{64}$/.test(name)) return undefined;
  const path = join(folder, name);
  const size = fileSize(path);
  return size === undefined ? undefined : { size, open: () => contentsOf(path) };
}

async function* contentsOf(path: string): AsyncGenerator<Uint8Array> {
  const access = await fileAccess(path);
  try {
    yield* access.stream(0, access.size);
  } finally {
    await access.close();
  }
}

function fileSize(path: string): number | undefined {
  try {
    const stats = statSync(path);
    return stats.isFile() ? stats.size : undefined;
  } catch {
    return undefined;
  }
}

import { BOUNDARY } from '../../codecs/seekable.js';
import { type ImageNode } from '../../model/graph.js';
import { type PlannedBlob } from '../../model/plan.js';
import { type OpenBlob } from '../../ports.js';
import { type ByteStream, bytesOf } from '../../primitives/bytes.js';
import { endOfArchive, fileHeader, padding } from '../../tar/write.js';
import { blobPath, LAYOUT_FILE } from '../oci-layout/reader.js';
import { INDEX_FILE, MANIFEST_FILE } from '../tree/lists.js';
import { type BundleLists, bundleLists, LAYOUT_DOCUMENT } from './documents.js';

/** Headers of members above this size are a frame of their own, so that a reader need not touch the contents. */
export const HEADER_ALONE_ABOVE = 64 * 1024;

export interface Encoding {
  readonly lists: BundleLists;
  /** In order of digest; those that the receiver has are left out. */
  readonly blobs: readonly PlannedBlob[];
  readonly open: OpenBlob;
}

/**
 * The tar of a bundle, as docs/BUNDLE-FORMAT.md defines it, with BOUNDARY where a compressed frame must begin. The
 * lists come last: a stream that breaks off names no image.
 */
export async function* encodeBundle({ lists, blobs, open }: Encoding): AsyncGenerator<Uint8Array | typeof BOUNDARY> {
  yield* blobMembers(blobs, open);
  yield* listMembers(lists);
}

async function* listMembers({ index, docker }: BundleLists): AsyncGenerator<Uint8Array | typeof BOUNDARY> {
  yield* document(INDEX_FILE, index);
  yield* document(MANIFEST_FILE, docker);
  yield* document(LAYOUT_FILE, LAYOUT_DOCUMENT);
  yield BOUNDARY;
  yield endOfArchive;
}

/** The tar of a bundle up to its lists: the members of its blobs. */
export const membersTar = (blobs: readonly PlannedBlob[], open: OpenBlob): ByteStream =>
  withoutMarks(blobMembers(blobs, open));

/** The rest of the tar of a bundle, to its end. */
export const listsTar = (images: readonly ImageNode[]): ByteStream =>
  withoutMarks(listMembers(bundleLists(images, [])));

async function* withoutMarks(pieces: AsyncIterable<Uint8Array | typeof BOUNDARY>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) if (piece !== BOUNDARY) yield piece;
}

async function* blobMembers(
  blobs: readonly PlannedBlob[],
  open: OpenBlob,
): AsyncGenerator<Uint8Array | typeof BOUNDARY> {
  for (const { blob, action } of blobs)
    if (action === 'copy') yield* member(blobPath(blob.digest), blob.size, open(blob));
}

function document(name: string, text: string): AsyncGenerator<Uint8Array | typeof BOUNDARY> {
  const bytes = Buffer.from(text);
  return member(name, bytes.length, bytesOf(bytes));
}

async function* member(name: string, size: number, bytes: ByteStream): AsyncGenerator<Uint8Array | typeof BOUNDARY> {
  yield BOUNDARY;
  yield await fileHeader(name, size);
  if (size > HEADER_ALONE_ABOVE) yield BOUNDARY;
  yield* bytes;
  yield padding(size);
}

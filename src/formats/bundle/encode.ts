import { BOUNDARY } from '../../codecs/seekable.js';
import { type ImageNode } from '../../model/graph.js';
import { type PlannedBlob } from '../../model/plan.js';
import { type Platform } from '../../model/platform.js';
import { type OpenBlob } from '../../ports.js';
import { type ByteStream, bytesOf } from '../../primitives/bytes.js';
import { endOfArchive, fileHeader, padding } from '../../tar/write.js';
import { blobPath, INDEX_FILE, LAYOUT_FILE } from '../oci-layout/reader.js';
import {
  BUNDLE_ANNOTATION,
  BUNDLE_VERSION,
  dockerDocument,
  indexDocument,
  indexEntry,
  LAYOUT_DOCUMENT,
} from './documents.js';

/** Headers of members above this size are a frame of their own, so that a reader need not touch the contents. */
export const HEADER_ALONE_ABOVE = 64 * 1024;

export interface Encoding {
  /** In the order in which they are listed. */
  readonly images: readonly ImageNode[];
  /** In order of digest; those that the receiver has are left out. */
  readonly blobs: readonly PlannedBlob[];
  readonly open: OpenBlob;
  /** Which platform of an index `manifest.json` names. */
  readonly platforms: readonly Platform[];
}

/**
 * The tar of a bundle, as docs/BUNDLE-FORMAT.md defines it, with BOUNDARY where a compressed frame must begin. The
 * lists come last: a stream that breaks off names no image.
 */
export async function* encodeBundle({
  images,
  blobs,
  open,
  platforms,
}: Encoding): AsyncGenerator<Uint8Array | typeof BOUNDARY> {
  yield* blobMembers(blobs, open);
  yield* lists(images, platforms);
}

async function* lists(
  images: readonly ImageNode[],
  platforms: readonly Platform[],
): AsyncGenerator<Uint8Array | typeof BOUNDARY> {
  const index = indexDocument(images.map(indexEntry), { [BUNDLE_ANNOTATION]: BUNDLE_VERSION });
  yield* document(INDEX_FILE, index);
  yield* document('manifest.json', dockerDocument(images, platforms));
  yield* document(LAYOUT_FILE, LAYOUT_DOCUMENT);
  yield BOUNDARY;
  yield endOfArchive;
}

/** The tar of a bundle up to its lists: the members of its blobs. */
export const membersTar = (blobs: readonly PlannedBlob[], open: OpenBlob): ByteStream =>
  withoutMarks(blobMembers(blobs, open));

/** The rest of the tar of a bundle, to its end. */
export const listsTar = (images: readonly ImageNode[]): ByteStream => withoutMarks(lists(images, []));

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

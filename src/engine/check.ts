import { blobsIn, type ImageNode, type ReachedBlob } from '../model/graph.js';
import { type Decompress, type Emit, type ImageSource } from '../ports.js';
import { measure } from '../primitives/bytes.js';
import { type Digest } from '../primitives/digest.js';
import { isTransferError, TransferError } from '../primitives/errors.js';
import { displayName } from './display.js';
import { openVerified } from './transfer.js';

export interface CheckFault {
  readonly error: TransferError;
  /** The images that need what is broken; empty when none does. */
  readonly images: readonly string[];
}

export interface CheckReport {
  readonly blobs: number;
  readonly bytes: number;
  /** Layers whose diffID was compared. */
  readonly layers: number;
  readonly faults: readonly CheckFault[];
}

export interface Check {
  readonly source: ImageSource;
  readonly images: readonly ImageNode[];
  readonly decompress: Decompress;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/**
 * Reads every blob once, in order of digest, and compares size, digest and, for layers, the diffID of what is inside.
 * Goes on after a fault: all are reported, each with the images it breaks.
 */
export async function checkImages(check: Check): Promise<CheckReport> {
  const blobs = collect(check.images);
  const reached = new Set<Digest>(blobs.map(({ blob }) => blob.digest));
  const faults: CheckFault[] = [];
  let layers = 0;
  check.emit({ type: 'start', what: 'verifying', bytes: blobs.reduce((sum, { blob }) => sum + blob.size, 0) });
  for (const blob of blobs) {
    try {
      layers += await checkBlob(check, blob);
    } catch (error) {
      if (!isTransferError(error)) throw error;
      faults.push({ error, images: usersOf(check.images, blob.blob.digest) });
    }
  }
  try {
    for await (const error of check.source.audit(reached)) faults.push({ error, images: [] });
  } catch (error) {
    // What ends an audit is a fault like those it lists; it must not hide them.
    if (!isTransferError(error)) throw error;
    faults.push({ error, images: [] });
  }
  check.emit({ type: 'end' });
  return { blobs: blobs.length, bytes: blobs.reduce((sum, { blob }) => sum + blob.size, 0), layers, faults };
}

interface CheckedBlob extends ReachedBlob {
  /** Every diffID that some image says this layer has: a lying config disagrees with an honest one. */
  readonly diffIds: ReadonlySet<Digest>;
}

function collect(images: readonly ImageNode[]): CheckedBlob[] {
  const blobs = new Map<Digest, ReachedBlob & { diffIds: Set<Digest> }>();
  for (const image of images) {
    for (const reached of blobsIn(image.root)) {
      const known = blobs.get(reached.blob.digest) ?? { ...reached, diffIds: new Set<Digest>() };
      if (reached.diffId !== undefined) known.diffIds.add(reached.diffId);
      blobs.set(reached.blob.digest, known);
    }
  }
  return [...blobs.values()].sort((a, b) => (a.blob.digest < b.blob.digest ? -1 : 1));
}

/** @returns 1 for a layer, else 0. */
async function checkBlob({ source, decompress, emit, signal }: Check, { blob, diffIds }: CheckedBlob): Promise<number> {
  const bytes = openVerified(source, emit, signal)(blob);
  const others = [...diffIds].filter((diffId) => diffId !== blob.digest);
  if (others.length === 0) {
    // A plain layer: its digest is its diffID.
    await measure(bytes);
    return diffIds.size > 0 ? 1 : 0;
  }
  const where = `${source.label}: layer ${blob.digest}`;
  const found = await measureInside(bytes, decompress, where);
  for (const expected of diffIds) {
    if (found !== expected) {
      throw new TransferError(
        'BLOB_CORRUPT',
        `${where}: expected the diffID ${expected} when decompressed, found ${found}`,
        {
          side: 'source',
          hint: "The image's config and its layers do not belong together; build or save it again.",
        },
      );
    }
  }
  return 1;
}

/**
 * The digest of a layer's plain tar. A decompressor that fails early must not hide that the bytes themselves were
 * damaged: the rest is read for the verdict on them, which then counts.
 */
async function measureInside(bytes: AsyncIterable<Uint8Array>, decompress: Decompress, where: string): Promise<Digest> {
  const iterator = bytes[Symbol.asyncIterator]();
  const keepOpen: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
  try {
    return (await measure(decompress(keepOpen, where))).digest;
  } finally {
    for (let step = await iterator.next(); step.done !== true; step = await iterator.next());
  }
}

function usersOf(images: readonly ImageNode[], digest: Digest): string[] {
  return images.filter(({ root }) => [...blobsIn(root)].some(({ blob }) => blob.digest === digest)).map(displayName);
}

import { type Descriptor } from '../model/descriptor.js';
import { blobsIn, type ImageNode, type ReachedBlob } from '../model/graph.js';
import { type Decompress, type Emit, type ImageSource } from '../ports.js';
import { type ByteStream, drain, measure, replay } from '../primitives/bytes.js';
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
  /** Whether bytes that begin so are compressed. */
  readonly isCompressed: (head: Uint8Array) => boolean;
  /** Which layers are read, asked once for each; undefined: all. Everything else is always read. */
  readonly chosen?: ((layer: Descriptor) => boolean) | undefined;
  /** Layers that a thin bundle leaves out: there is nothing to be read of them. */
  readonly relied?: ReadonlySet<Digest>;
  /** Blobs of which faults are known already: not to be reported again as something that nothing needs. */
  readonly known?: readonly Digest[];
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/**
 * Reads every blob once, in order of digest, and compares size, digest and, for layers, the diffID of what is inside.
 * Goes on after a fault: all are reported, each with the images it breaks.
 */
export async function checkImages(check: Check): Promise<CheckReport> {
  const all = collect(check.images).filter(({ blob }) => check.relied?.has(blob.digest) !== true);
  const blobs = all.filter(({ blob, kind }) => kind !== 'layer' || (check.chosen?.(blob) ?? true));
  const reached = new Set<Digest>([...all.map(({ blob }) => blob.digest), ...(check.known ?? [])]);
  const damaged: { readonly error: TransferError; readonly digest: Digest }[] = [];
  let layers = 0;
  check.emit({ type: 'start', what: 'verifying', bytes: blobs.reduce((sum, { blob }) => sum + blob.size, 0) });
  for (const blob of blobs) {
    try {
      layers += await checkBlob(check, blob);
    } catch (error) {
      if (!isTransferError(error)) throw error;
      damaged.push({ error, digest: blob.blob.digest });
    }
  }
  const users = usersOf(check.images, new Set(damaged.map(({ digest }) => digest)));
  const faults: CheckFault[] = damaged.map(({ error, digest }) => ({ error, images: users.get(digest) ?? [] }));
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
async function checkBlob(check: Check, { blob, diffIds }: CheckedBlob): Promise<number> {
  const { source, decompress, emit, signal } = check;
  const bytes = openVerified(source, emit, signal)(blob);
  if (diffIds.size === 0) {
    await drain(bytes);
    return 0;
  }
  const where = `${source.label}: layer ${blob.digest}`;
  const isPlain = diffIds.size === 1 && diffIds.has(blob.digest);
  const found = isPlain
    ? await measurePlain(bytes, blob.digest, check, where)
    : await measureInside(bytes, decompress, where);
  const expected = [...diffIds].find((diffId) => diffId !== found);
  if (expected === undefined) return 1;
  throw new TransferError(
    'BLOB_CORRUPT',
    `${where}: expected the diffID ${expected} when decompressed, found ${found}`,
    { side: 'source', hint: "The image's config and its layers do not belong together; build or save it again." },
  );
}

/**
 * The diffID of a layer whose config says that it is plain: then its digest, which has been checked when it ends, is
 * that already. Only one that is compressed after all is decompressed.
 */
async function measurePlain(bytes: ByteStream, digest: Digest, check: Check, where: string): Promise<Digest> {
  const iterator = bytes[Symbol.asyncIterator]();
  const first = await iterator.next();
  const rest = replay(first.done === true ? [] : [first.value], iterator);
  const isCompressed = first.done !== true && check.isCompressed(first.value);
  if (isCompressed) return measureInside(rest, check.decompress, where);
  await drain(rest);
  return digest;
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
    await drain(keepOpen);
  }
}

/** The images that reach each of `digests`. */
function usersOf(images: readonly ImageNode[], digests: ReadonlySet<Digest>): ReadonlyMap<Digest, readonly string[]> {
  const users = new Map<Digest, string[]>();
  for (const image of digests.size === 0 ? [] : images) {
    const needed = new Set<Digest>();
    for (const { blob } of blobsIn(image.root)) if (digests.has(blob.digest)) needed.add(blob.digest);
    for (const digest of needed) {
      const names = users.get(digest) ?? [];
      names.push(displayName(image));
      users.set(digest, names);
    }
  }
  return users;
}

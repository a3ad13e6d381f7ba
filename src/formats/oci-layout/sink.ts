import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDescriptor } from '../../model/descriptor.js';
import { type BlobKind, type ImageNode, blobsIn } from '../../model/graph.js';
import { type JsonObject } from '../../model/json.js';
import { type Plan, type PlannedBlob } from '../../model/plan.js';
import { type Receipt } from '../../model/receipt.js';
import { type ImageSink, type OpenBlob } from '../../ports.js';
import { bytesOf } from '../../primitives/bytes.js';
import { type Digest } from '../../primitives/digest.js';
import { ioError, systemCodeOf, TransferError } from '../../primitives/errors.js';
import { withFolderLock } from '../../primitives/folder-lock.js';
import { fileDigest } from '../../primitives/random-access.js';
import { type Expected } from '../../primitives/verified.js';
import { flushFolder, publishFile, removeStaleParts, replaceFile } from '../../primitives/publish.js';
import { type IndexEntry, indexEntry, LAYOUT_DOCUMENT } from '../bundle/documents.js';
import { storedItems } from '../bundle/sink.js';
import { NAME_ANNOTATION, nameOfEntry, REF_ANNOTATION } from './names.js';
import { INDEX_FILE } from '../tree/lists.js';
import { dockerListIn, type IndexFile, readIndexOf, writeIndexOf } from './index-file.js';
import { blobPath, LAYOUT_FILE } from './reader.js';

const BLOBS = 'blobs/sha256';

/**
 * An OCI image layout folder, new or not. Blobs that are there are hashed before they are trusted; names that are
 * there stay, unless an image of the same name comes.
 */
export function ociLayoutSink(folder: string): ImageSink {
  return {
    label: folder,
    present: (images, signal) => presentBlobs(folder, images, signal),
    receive: (plan, open, signal) => receive(folder, plan, open, signal),
  };
}

async function presentBlobs(folder: string, images: readonly ImageNode[], signal: AbortSignal): Promise<Set<Digest>> {
  await checkIsLayout(folder);
  const present = new Set<Digest>();
  const looked = new Set<Digest>();
  for (const { root } of images) {
    for (const { blob } of blobsIn(root)) {
      if (looked.has(blob.digest)) continue;
      looked.add(blob.digest);
      if (await isWhole(join(folder, blobPath(blob.digest)), blob, signal)) present.add(blob.digest);
    }
  }
  return present;
}

/** Whether a file has the bytes that its name says: what lies there is hashed before it is trusted. */
async function isWhole(path: string, { digest, size }: Expected, signal: AbortSignal): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() === true && stats.size === size && (await fileDigest(path, signal)) === digest;
}

/** A folder that holds other things is somebody's; blobs are not strewn into it. */
async function checkIsLayout(folder: string): Promise<void> {
  const stats = await stat(folder).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw ioError(error, folder, 'sink');
  });
  if (stats === undefined) return;
  const entries = stats.isDirectory() ? await readdir(folder) : ['(a file)'];
  const docker = await dockerListIn(folder);
  if (docker !== undefined) {
    throw new TransferError(
      'USAGE',
      `${folder}: it is an unpacked docker save (it has ${docker}); nothing can be added to it`,
      {
        side: 'sink',
        hint: `Name a new folder; ferry pack ${folder} -o NEW/ takes over what is in it.`,
      },
    );
  }
  const known = [LAYOUT_FILE, INDEX_FILE, 'blobs', 'ingest'];
  const foreign = entries.find((entry) => !known.includes(entry) && !entry.startsWith('.') && !entry.endsWith('.part'));
  if (entries.includes(LAYOUT_FILE) || foreign === undefined) return;
  throw new TransferError('USAGE', `${folder}: it is there, and is no OCI image layout (it has ${foreign})`, {
    side: 'sink',
    hint: 'Name a new folder, or a layout; a bundle in one file is called .tar, .tar.zst or .tar.gz.',
  });
}

async function receive(folder: string, plan: Plan, open: OpenBlob, signal: AbortSignal): Promise<Receipt> {
  await mkdir(join(folder, BLOBS), { recursive: true }).catch((error: unknown) => {
    throw ioError(error, folder, 'sink');
  });
  return withFolderLock(folder, async () => {
    await removeStaleParts(join(folder, BLOBS));
    const lacking = await lackingIn(folder, plan);
    for (const { blob } of lacking) await replaceFile(join(folder, blobPath(blob.digest)), open(blob));
    for (const level of [BLOBS, 'blobs']) await flushFolder(join(folder, level));
    signal.throwIfAborted();
    await publishFile(join(folder, LAYOUT_FILE), bytesOf(Buffer.from(LAYOUT_DOCUMENT)));
    const index = await readIndexOf(folder);
    await writeIndexOf(folder, index, merged(index, plan.images, folder));
    return { items: storedItems(plan), bytesMoved: lacking.reduce((sum, { blob }) => sum + blob.size, 0) };
  });
}

/** Children first: an index that is there already may list a manifest, which then must not appear before its layers. */
const turnOf: Readonly<Record<BlobKind, number>> = { layer: 0, config: 0, other: 0, manifest: 1, index: 2 };

/** What is to be written, in this order: also what was there before the lock was had, and was pruned meanwhile. */
async function lackingIn(folder: string, plan: Plan): Promise<PlannedBlob[]> {
  const lacking: PlannedBlob[] = [];
  for (const planned of plan.blobs) {
    const { blob, action } = planned;
    const isThere = async (): Promise<boolean> =>
      (await stat(join(folder, blobPath(blob.digest))).catch(() => undefined))?.size === blob.size;
    if (action === 'copy' || !(await isThere())) lacking.push(planned);
  }
  return lacking.sort((a, b) => turnOf[a.kind] - turnOf[b.kind]);
}

/** The folder's own entries as they are, less those that the new ones replace, then all in the order of bundles. */
function merged({ entries }: IndexFile, images: readonly ImageNode[], folder: string): IndexEntry[] {
  const fresh = images.map(indexEntry);
  const names = new Set(images.flatMap(({ name }) => (name === undefined ? [] : [name])));
  const digests = new Set(fresh.map(({ digest }) => digest));
  const kept = entries.filter((entry) => {
    const name = nameIn(entry, folder);
    return name === undefined ? !digests.has(entry['digest'] as string) : !names.has(name);
  });
  const all = [...(kept as unknown as IndexEntry[]), ...fresh];
  const key = (entry: IndexEntry): string =>
    `${entry.annotations?.[NAME_ANNOTATION] ?? entry.annotations?.[REF_ANNOTATION] ?? '\uffff'} ${entry.digest}`;
  return all.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

/** The name that an entry has for readers; those write it in full, as a short name or as a bare tag. */
function nameIn(entry: JsonObject, folder: string): string | undefined {
  return nameOfEntry(parseDescriptor(entry, `${join(folder, INDEX_FILE)}: an entry`), folder);
}

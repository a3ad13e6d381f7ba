import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDescriptor } from '../../model/descriptor.js';
import { type ImageNode, blobsIn } from '../../model/graph.js';
import { isArray, isObject, type Json, parseJson } from '../../model/json.js';
import { type Plan } from '../../model/plan.js';
import { type Receipt } from '../../model/receipt.js';
import { type ImageSink, type OpenBlob } from '../../ports.js';
import { bytesOf, measure } from '../../primitives/bytes.js';
import { type Digest } from '../../primitives/digest.js';
import { ioError, systemCodeOf, TransferError } from '../../primitives/errors.js';
import { withFolderLock } from '../../primitives/folder-lock.js';
import { fileAccess } from '../../primitives/random-access.js';
import { type Expected } from '../../primitives/verified.js';
import { flushFolder, publishFile, removeStaleParts, replaceFile } from '../../primitives/publish.js';
import { indexDocument, type IndexEntry, indexEntry, LAYOUT_DOCUMENT } from '../bundle/documents.js';
import { storedItems } from '../bundle/sink.js';
import { NAME_ANNOTATION, nameOfEntry, REF_ANNOTATION } from './names.js';
import { blobPath, INDEX_FILE, LAYOUT_FILE } from './reader.js';

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
  if (stats?.isFile() !== true || stats.size !== size) return false;
  const access = await fileAccess(path, signal);
  try {
    return (await measure(access.stream(0, size))).digest === digest;
  } finally {
    await access.close();
  }
}

/** A folder that holds other things is somebody's; blobs are not strewn into it. */
async function checkIsLayout(folder: string): Promise<void> {
  const stats = await stat(folder).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw ioError(error, folder, 'sink');
  });
  if (stats === undefined) return;
  const entries = stats.isDirectory() ? await readdir(folder) : ['(a file)'];
  // What Docker lists there would not know of new images, and contradict index.json when a name moves.
  const docker = ['manifest.json', 'repositories'].find((name) => entries.includes(name));
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
    for (const { blob, action } of plan.blobs) {
      if (action === 'copy') await replaceFile(join(folder, blobPath(blob.digest)), open(blob));
    }
    await flushFolder(join(folder, BLOBS));
    signal.throwIfAborted();
    await publishFile(join(folder, LAYOUT_FILE), bytesOf(Buffer.from(LAYOUT_DOCUMENT)));
    await publishFile(join(folder, INDEX_FILE), bytesOf(Buffer.from(await mergedIndex(folder, plan.images))));
    return { items: storedItems(plan), bytesMoved: plan.totals.bytesToCopy };
  });
}

/** The folder's own entries as they are, less those that the new ones replace, then all in the order of bundles. */
async function mergedIndex(folder: string, images: readonly ImageNode[]): Promise<string> {
  const fresh = images.map(indexEntry);
  const names = new Set(images.flatMap(({ name }) => (name === undefined ? [] : [name])));
  const digests = new Set(fresh.map(({ digest }) => digest));
  const kept = (await entriesOf(folder)).filter((entry) => {
    const name = nameIn(entry, folder);
    return name === undefined ? !(isObject(entry) && digests.has(entry['digest'] as string)) : !names.has(name);
  });
  const all = [...(kept as unknown as IndexEntry[]), ...fresh];
  const key = (entry: IndexEntry): string =>
    `${entry.annotations?.[NAME_ANNOTATION] ?? entry.annotations?.[REF_ANNOTATION] ?? '\uffff'} ${entry.digest}`;
  return indexDocument(all.sort((a, b) => (key(a) < key(b) ? -1 : 1)));
}

async function entriesOf(folder: string): Promise<readonly Json[]> {
  const path = join(folder, INDEX_FILE);
  const bytes = await readFile(path).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw ioError(error, path, 'sink');
  });
  if (bytes === undefined) return [];
  const value = parseJson(bytes, path);
  const manifests = isObject(value) ? value['manifests'] : undefined;
  return isArray(manifests) ? manifests : [];
}

/** The name that an entry has for readers; those write it in full, as a short name or as a bare tag. */
function nameIn(entry: Json, folder: string): string | undefined {
  return nameOfEntry(parseDescriptor(entry, `${join(folder, INDEX_FILE)}: an entry`), folder);
}

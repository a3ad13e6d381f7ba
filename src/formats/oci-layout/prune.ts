import { lstat, readdir, realpath, stat, unlink } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { type JsonObject } from '../../model/json.js';
import { type Digest, isDigest } from '../../primitives/digest.js';
import { ioError, systemCodeOf, TransferError } from '../../primitives/errors.js';
import { LOCK_FILE } from '../../primitives/folder-lock.js';
import { flushFolder, partOf, removeStaleParts } from '../../primitives/publish.js';
import { INDEX_FILE } from '../tree/lists.js';
import { dockerListIn, type IndexFile, readIndexOf, writeIndexOf } from './index-file.js';
import { blobPath, LAYOUT_FILE } from './reader.js';

const BLOBS = 'blobs/sha256';

export interface StoredBlob {
  readonly bytes: number;
  /** When the file was written, in milliseconds since 1970. */
  readonly modified: number;
}

/** What lies in a layout folder. */
export interface LayoutFiles {
  /** Blobs under their digests: regular files, no links. */
  readonly blobs: ReadonlyMap<Digest, StoredBlob>;
  /** Files that writers have not finished, with their bytes. */
  readonly parts: readonly number[];
}

/**
 * Whether blobs can be removed from a folder: that it is an OCI layout with blobs of its own.
 * @throws TransferError NOT_FOUND, or USAGE when it is something else
 */
export async function checkIsArchive(folder: string): Promise<void> {
  const stats = await stat(folder).catch((error: unknown) => {
    throw ioError(error, folder, 'sink');
  });
  const isLayout = async (): Promise<boolean> =>
    (await exists(join(folder, INDEX_FILE))) || (await exists(join(folder, LAYOUT_FILE)));
  if (!stats.isDirectory() || !(await isLayout())) {
    const what = stats.isDirectory() ? 'it is no OCI image layout (it has no index.json)' : 'it is a file';
    throw refused(folder, what, 'An archive is the folder that ferry pack SOURCE -o archive/ writes.');
  }
  const docker = await dockerListIn(folder);
  if (docker !== undefined) {
    const hint = `ferry pack ${folder} -o NEW/ makes an archive of it.`;
    throw refused(folder, `it is an unpacked docker save (it has ${docker})`, hint);
  }
  const [real, blobs] = await Promise.all([realpath(folder), realpath(join(folder, BLOBS)).catch(() => undefined)]);
  if (blobs !== undefined && !blobs.startsWith(real + sep)) {
    const hint = 'What no image here needs may be needed by others that share that folder.';
    throw refused(folder, `its ${BLOBS} is a link that leads out of it`, hint);
  }
}

const exists = async (path: string): Promise<boolean> => (await lstat(path).catch(() => undefined)) !== undefined;

const refused = (folder: string, what: string, hint: string): TransferError =>
  new TransferError('USAGE', `${folder}: ${what}; nothing can be pruned`, { side: 'sink', hint });

/** Lists a layout folder; what is neither a blob nor an unfinished file of ferry's is passed by. @throws TransferError IO */
export async function layoutFiles(folder: string): Promise<LayoutFiles> {
  const blobs = new Map<Digest, StoredBlob>();
  const parts: number[] = [];
  for (const name of await namesIn(join(folder, BLOBS))) {
    const stats = await lstat(join(folder, BLOBS, name)).catch(() => undefined);
    if (stats?.isFile() !== true) continue;
    const digest = `sha256:${name}`;
    if (isDigest(digest)) blobs.set(digest, { bytes: stats.size, modified: stats.mtimeMs });
    else if (partOf(name) !== undefined) parts.push(stats.size);
  }
  return { blobs, parts };
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return [];
    throw ioError(error, folder, 'sink');
  });
}

export interface Removal {
  /** As it was when it was decided what goes. */
  readonly index: IndexFile;
  /** Those of its entries that stay. */
  readonly entries: readonly JsonObject[];
  /**
   * Blobs that go before the names do: manifests of platforms that images do without. Were one to outlast the images
   * whose layers it shares, it would look like a platform that has lost layers.
   */
  readonly first: readonly Digest[];
  /** Blobs that go when no name leads to them any more. */
  readonly then: readonly Digest[];
}

/**
 * Removes names, then blobs, then what broken writers left. Whenever it ends, no name leads to a blob that is gone. The
 * caller holds the folder's lock.
 * @throws TransferError SOURCE_CHANGED, before anything is removed, when the index is no longer what it was
 */
export async function removeFrom(folder: string, removal: Removal, signal: AbortSignal): Promise<void> {
  const { index, entries, first, then } = removal;
  const now = await readIndexOf(folder);
  if (JSON.stringify(now.document) !== JSON.stringify(index.document)) {
    throw new TransferError(
      'SOURCE_CHANGED',
      `${folder}: its ${INDEX_FILE} was changed meanwhile, by another program`,
      {
        side: 'sink',
        hint: 'Nothing was removed. Prune while no other tool writes there: only ferry heeds its lock.',
      },
    );
  }
  for (const part of [INDEX_FILE, LAYOUT_FILE, LOCK_FILE]) await removeStaleParts(folder, part);
  await removeBlobs(folder, first, signal);
  if (entries.length < index.entries.length) await writeIndexOf(folder, index, entries);
  await removeBlobs(folder, then, signal);
  if (await exists(join(folder, BLOBS))) await removeStaleParts(join(folder, BLOBS));
}

async function removeBlobs(folder: string, digests: readonly Digest[], signal: AbortSignal): Promise<void> {
  for (const digest of digests) {
    signal.throwIfAborted();
    const path = join(folder, blobPath(digest));
    await unlink(path).catch((error: unknown) => {
      if (systemCodeOf(error) !== 'ENOENT') throw ioError(error, path, 'sink');
    });
  }
  if (digests.length > 0) await flushFolder(join(folder, BLOBS));
}

import { constants, lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { malformed } from '../../model/descriptor.js';
import { isArray, isObject, type JsonObject, parseJson } from '../../model/json.js';
import { parseIndex } from '../../model/manifest.js';
import { mediaTypes } from '../../model/media-types.js';
import { bytesOf } from '../../primitives/bytes.js';
import { ioError, systemCodeOf, TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { publishFile } from '../../primitives/publish.js';
import { INDEX_FILE, MANIFEST_FILE } from '../tree/lists.js';

/** The `index.json` of a layout folder, with everything that other tools wrote into it. */
export interface IndexFile {
  readonly document: JsonObject;
  readonly entries: readonly JsonObject[];
}

const NEW: IndexFile = { document: {}, entries: [] };

/**
 * The `index.json` of a folder that is about to be changed; of a folder without one, an empty one.
 * @throws TransferError BAD_ARCHIVE or LIMIT when any of it cannot be read: what is not understood would be lost.
 */
export async function readIndexOf(folder: string): Promise<IndexFile> {
  const path = join(folder, INDEX_FILE);
  const bytes = await readUpTo(path, limits.listBytes);
  if (bytes === undefined) return NEW;
  const document = parseJson(bytes, path);
  if (!isObject(document)) throw malformed(path, 'an index', document);
  parseIndex(document, mediaTypes.ociIndex, path);
  const entries = document['manifests'];
  return { document, entries: isArray(entries) ? entries.filter(isObject) : [] };
}

/** Undefined when there is no such file. */
async function readUpTo(path: string, max: number): Promise<Buffer | undefined> {
  try {
    // Not to wait for whoever would write into a pipe of that name.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw new TransferError('BAD_ARCHIVE', `${path}: it is no regular file`);
      const { size } = stats;
      if (size > max) throw new TransferError('LIMIT', `${path}: larger than the ${String(max)} bytes that are read`);
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw ioError(error, path, 'sink');
  }
}

/** Puts another list of entries in the place of that in `index`; all else in it stays. Atomic, and made to last. */
export async function writeIndexOf(folder: string, { document }: IndexFile, entries: readonly object[]): Promise<void> {
  const text = JSON.stringify({
    ...document,
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: entries,
  });
  await publishFile(join(folder, INDEX_FILE), bytesOf(Buffer.from(text)));
}

/** What Docker lists in an unpacked save would not know of a change, and contradict index.json. */
export async function dockerListIn(folder: string): Promise<string | undefined> {
  for (const name of [MANIFEST_FILE, 'repositories']) {
    if ((await lstat(join(folder, name)).catch(() => undefined)) !== undefined) return name;
  }
  return undefined;
}

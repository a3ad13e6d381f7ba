import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageRecord } from '../../model/graph.js';
import { isArray, isObject, parseJson } from '../../model/json.js';
import { type ImageSource } from '../../ports.js';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { INDEX_FILE } from '../tree/lists.js';

/**
 * A folder that others may prune while it is read: readers take no lock. A blob that is gone is then no damage, if the
 * names that were read at first are gone too.
 */
export function steadyFolder(source: ImageSource, folder: string): ImageSource {
  let records: readonly ImageRecord[] = [];
  let seen: { readonly version: string; readonly pruned: boolean } | undefined;
  const isPruned = (): boolean => {
    const version = versionOf(folder);
    if (seen?.version !== version) seen = { version, pruned: hasLost(folder, records) };
    return seen.pruned;
  };
  return {
    ...source,
    images: async () => (records = await source.images()),
    has: (digest) => {
      const there = source.has(digest);
      if (!there && isPruned()) throw changed(folder);
      return there;
    },
    open: async function* (blob) {
      try {
        yield* source.open(blob);
      } catch (error) {
        const isGone = isTransferError(error) && (error.code === 'NOT_FOUND' || error.code === 'BLOB_MISSING');
        throw isGone && isPruned() ? changed(folder, error) : error;
      }
    },
  };
}

const changed = (folder: string, cause?: unknown): TransferError =>
  new TransferError('SOURCE_CHANGED', `${folder}: images were removed from it while it was read`, {
    side: 'source',
    hint: 'Nothing is damaged: run the same again.',
    cause,
  });

/** Changes whenever the index is written: each time it is another file. */
function versionOf(folder: string): string {
  const stats = statSync(join(folder, INDEX_FILE), { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? '' : [stats.ino, stats.mtimeNs, stats.size].join();
}

/** Whether the index does not have all of these entries any more. One that cannot be read is not one that was pruned. */
function hasLost(folder: string, records: readonly ImageRecord[]): boolean {
  try {
    const document = parseJson(readFileSync(join(folder, INDEX_FILE)), INDEX_FILE);
    const entries = isObject(document) ? document['manifests'] : undefined;
    if (!isArray(entries)) return false;
    const now = new Set(entries.map((entry) => (isObject(entry) ? entry['digest'] : undefined)));
    return records.some(({ root }) => !now.has(root.digest));
  } catch {
    return false;
  }
}

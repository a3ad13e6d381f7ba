import { type Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readAll } from '../../primitives/bytes.js';
import { ioError, isTransferError, type TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { fileAccess } from '../../primitives/random-access.js';
import { parseFacts, type VolumeFacts } from './checksum-file.js';
import { checksumName, parseVolumeName, volumeName } from './names.js';

/** What a folder has of one volume. */
export interface FoundVolume {
  /** Its file, when that is there. */
  readonly file: { readonly size: number; readonly modifiedMs: number } | undefined;
  /** Its checksum file; a fault when that is damaged. */
  readonly facts: VolumeFacts | TransferError | undefined;
}

/** The volumes of `base` in a folder by their number, in rising order. @throws TransferError IO, NOT_FOUND */
export async function volumesIn(folder: string, base: string): Promise<Map<number, FoundVolume>> {
  const names = new Set(await namesIn(folder));
  const numbers = new Set<number>();
  for (const name of names) {
    const parsed = parseVolumeName(name);
    if (parsed?.base === base) numbers.add(parsed.number);
  }
  const found = new Map<number, FoundVolume>();
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const volume = join(folder, volumeName(base, number));
    const checksum = checksumName(base, number);
    const stats = names.has(volumeName(base, number)) ? await statOf(volume) : undefined;
    found.set(number, {
      file: stats?.isFile() === true ? { size: stats.size, modifiedMs: stats.mtimeMs } : undefined,
      facts: names.has(checksum) ? await readFacts(join(folder, checksum)) : undefined,
    });
  }
  return found;
}

async function statOf(path: string): Promise<Stats> {
  return stat(path).catch((error: unknown) => {
    throw ioError(error, path, 'source');
  });
}

/** @throws TransferError IO, NOT_FOUND */
export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    throw ioError(error, folder, 'source');
  });
}

/** Facts of a checksum file that was not changed. */
export const factsOf = (found: FoundVolume | undefined): VolumeFacts | undefined =>
  found?.facts === undefined || isTransferError(found.facts) ? undefined : found.facts;

/** Undefined: it is no regular file; to open a pipe would be to wait. */
async function readFacts(path: string): Promise<VolumeFacts | TransferError | undefined> {
  try {
    if (!(await statOf(path)).isFile()) return undefined;
    const access = await fileAccess(path);
    try {
      return parseFacts(await readAll(access.stream(0, access.size), limits.volumeChecksumBytes, path), path);
    } finally {
      await access.close();
    }
  } catch (error) {
    if (isTransferError(error)) return error;
    throw error;
  }
}

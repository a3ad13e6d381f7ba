import { access, constants, realpath, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { ioError, TransferError } from '../errors.js';
import { formatBytes } from '../units.js';
import { type FileSystem, fileSystemOf } from './file-system.js';
import { remedyFor } from './kinds.js';

/** How much an output needs, in bytes. */
export interface Need {
  /** It will certainly have as many. */
  readonly least: number;
  /** It can have no more; undefined: nobody knows. */
  readonly most?: number | undefined;
  /** No single file of it is larger than this: the size of a volume. Without it, the output is one file. */
  readonly inFilesOf?: number | undefined;
  /** Room for the most is asked for, not only for the least. */
  readonly reserve?: boolean | undefined;
}

/**
 * Whether an output fits where it goes, before anything is written there.
 * @param path the file that will be written, or the folder of several; it need not exist
 * @returns what may go wrong yet, to be told; undefined when it fits in any case, or nothing is known
 * @throws TransferError DISK_FULL when it cannot fit: not enough space, or too much for one file of that file system.
 */
export async function checkRoom(path: string, need: Need): Promise<string | undefined> {
  const target = await realpath(path).catch(() => resolve(path));
  const old = await stat(target).catch(() => undefined);
  const folder = old?.isDirectory() === true ? target : await nearestFolder(dirname(target));
  const system = await fileSystemOf(folder);
  const asked = need.reserve === true ? { ...need, least: need.most ?? need.least } : need;
  refuseLargeFile(path, asked, system);
  refuseNoRoom({ path, folder, system, need: asked, oldSize: old?.isFile() === true ? old.size : 0 });
  return doubts(path, need, system);
}

/**
 * Whether a folder can be made at `path`, or be written to if it is there: Node.js says of a file system that is
 * read-only that the folder does not exist.
 * @throws TransferError IO
 */
export async function checkFolder(path: string): Promise<void> {
  const folder = await nearestFolder(resolve(path));
  await access(folder, constants.W_OK).catch((error: unknown) => {
    throw ioError(error, folder, 'sink');
  });
}

async function nearestFolder(folder: string): Promise<string> {
  const found = await stat(folder).catch(() => undefined);
  return found !== undefined || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}

const exactly = (bytes: number): string => `${formatBytes(bytes)} (${String(bytes)} bytes)`;

function refuseLargeFile(
  path: string,
  { least, inFilesOf = least, reserve }: Need,
  { largestFile, name }: FileSystem,
): void {
  const file = Math.min(least, inFilesOf);
  if (largestFile === undefined || file <= largestFile) return;
  throw new TransferError(
    'DISK_FULL',
    `${path}: a file of ${reserve === true ? 'up to' : 'at least'} ${exactly(file)}, but ${name} holds none of more than ${exactly(largestFile)}`,
    { side: 'sink', hint: remedyFor(largestFile) },
  );
}

interface Place {
  readonly path: string;
  readonly folder: string;
  readonly system: FileSystem;
  readonly need: Need;
  /** Bytes of the file that will be replaced. */
  readonly oldSize: number;
}

function refuseNoRoom({ path, folder, system: { free, name }, need, oldSize }: Place): void {
  if (free === undefined || need.least <= free) return;
  const together = need.least <= free + oldSize;
  throw new TransferError(
    'DISK_FULL',
    `${path}: needs ${need.reserve === true ? 'up to' : 'at least'} ${exactly(need.least)}, but ${folder} (${name}) has ${exactly(free)} free`,
    {
      side: 'sink',
      hint: together
        ? `The old ${basename(path)} (${formatBytes(oldSize)}) stays until the new one is whole: remove it first, or choose another place.`
        : 'Free some space, or choose another place.',
    },
  );
}

function doubts(path: string, { most, inFilesOf }: Need, { free, name, largestFile }: FileSystem): string | undefined {
  if (most === undefined) return undefined;
  const file = Math.min(most, inFilesOf ?? most);
  if (largestFile !== undefined && file > largestFile) {
    return `${path}: it may have up to ${formatBytes(most)}, but ${name} holds no file of more than ${formatBytes(largestFile)}. ${remedyFor(largestFile)}`;
  }
  if (free === undefined || most <= free) return undefined;
  return `${path}: it may need up to ${formatBytes(most)}, and ${formatBytes(free)} are free: the space may run out`;
}

import { basename, dirname } from 'node:path';
import { ioError, systemCodeOf, TransferError } from '../errors.js';
import { formatBytes } from '../units.js';
import { type FileSystem, fileSystemOf } from './file-system.js';
import { remedyFor } from './kinds.js';
import { whyNotPortable } from './names.js';

/** Less than this is full: file systems keep a few blocks back, and hand them out by clusters. */
const FULL_BELOW = 256 * 1024;

/**
 * What a failed write means there, said so that it can be mended. Programs behind FUSE have their own ideas of error
 * codes: a full FAT may be EPERM. Call it while the file that could not grow is still there.
 * @param path the output, as messages name it
 * @param taken the bytes that were written
 * @param end the byte up to which it was to be written
 */
export async function writeFault(error: unknown, path: string, taken: number, end: number): Promise<TransferError> {
  const plain = ioError(error, path, 'sink');
  const folder = dirname(path);
  if (systemCodeOf(error) === 'EROFS') {
    const message = `${path}: ${folder} became read-only while it was written to: the drive fails`;
    return new TransferError('IO', message, { side: 'sink', hint: 'Check the drive and its cable.', cause: error });
  }
  const system = await fileSystemOf(folder).catch(() => undefined);
  if (system === undefined) return plain;
  const { name, largestFile, free } = system;
  if (largestFile !== undefined && end > largestFile) {
    const message = `${path}: ${name} holds no file of more than ${formatBytes(largestFile)}, and this one is larger`;
    return new TransferError('DISK_FULL', message, { side: 'sink', hint: remedyFor(largestFile), cause: error });
  }
  if (!isFull(systemCodeOf(error), free)) return plain;
  const message = `${path}: no space left on ${folder} (${name}) after ${formatBytes(taken)}`;
  return new TransferError('DISK_FULL', message, {
    side: 'sink',
    hint: 'Free some space, or choose another place. What was there before is as it was.',
    cause: error,
  });
}

/** A quota and the limit of a shell are no full drive; a drive that fails may say that nothing is free. */
function isFull(code: string | undefined, free: number | undefined): boolean {
  if (code === 'ENOSPC') return true;
  return free !== undefined && free < FULL_BELOW && code !== 'EIO' && code !== 'EFBIG' && code !== 'EDQUOT';
}

/** Why a file could not be made there: a name that the drive does not take gives the oddest error codes. */
export async function openFault(error: unknown, path: string): Promise<TransferError> {
  const plain = ioError(error, path, 'sink');
  const reason = whyNotPortable(basename(path));
  const system = await fileSystemOf(dirname(path)).catch(() => undefined);
  if (reason === undefined || !takesFewNames(system)) return plain;
  return new TransferError('USAGE', `${path}: the name ${reason}, and the drive is ${system?.name ?? ''}`, {
    side: 'sink',
    hint: 'Choose another name.',
    cause: error,
  });
}

const takesFewNames = (system: FileSystem | undefined): boolean => /^(?:FAT|exFAT|NTFS)\b/.test(system?.name ?? '');

import { TransferError, isTransferError } from '../primitives/errors.js';

const COPY_AGAIN = 'The file was damaged or cut short: copy it again, or make it again.';

/** Compressed data that is not what its format demands. `where` names the file or member. */
export function damaged(where: string, problem: string, cause?: unknown, hint = COPY_AGAIN): TransferError {
  return new TransferError('BAD_ARCHIVE', `${where}: ${problem}`, { side: 'source', hint, cause });
}

export function truncated(where: string, format: string, expected: string, found: number): TransferError {
  return damaged(where, `expected ${expected}, but the ${format} data ends after ${String(found)} bytes`);
}

export function trailingGarbage(where: string, format: string, at: number): TransferError {
  return damaged(
    where,
    `expected nothing but zero padding after the ${format} data, found other bytes at or after byte ${String(at)}`,
    undefined,
    'Something was appended to the file, or it was damaged: make it again.',
  );
}

/** What a decoder threw, whatever its type (zstd-codec throws strings), in one line. */
export function reasonOf(error: unknown): string {
  if (isTransferError(error)) return error.message;
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  return String(error);
}

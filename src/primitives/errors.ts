/**
 * What can go wrong, by code. The code decides the exit status (docs/cli.md, "Exit status"); scripts may rely on both.
 */
export const exitStatusOf = {
  /** A defect of ferry itself. */
  INTERNAL: 1,
  /** The call's words are off. */
  USAGE: 2,
  /** One name would point to two different images. */
  NAME_CONFLICT: 2,
  /** The running Node.js (or the codec it brings) cannot do what was asked. */
  UNSUPPORTED_HERE: 2,
  /** The input is no image archive at all. */
  NOT_AN_IMAGE: 3,
  /** The input's structure is broken, or contradicts itself. */
  BAD_ARCHIVE: 3,
  /** A blob's bytes do not have the size or digest that its descriptor states. */
  BLOB_CORRUPT: 3,
  /** A blob that is named is not there. */
  BLOB_MISSING: 3,
  /** The input exceeds a budget of `limits`. */
  LIMIT: 3,
  /** The input changed while it was being read. */
  SOURCE_CHANGED: 3,
  /** A signature is missing, wrong, or of nobody who is allowed; or a file is not what was signed. */
  SIGNATURE: 3,
  /** An engine or a remote host refused or failed. */
  ENGINE_FAILED: 4,
  /** No engine, or none that answers. */
  ENGINE_UNREACHABLE: 4,
  /** A host that cannot be reached: no such name, no answer, connection refused. */
  HOST_UNREACHABLE: 4,
  /** A host whose key is wrong or unknown, or that does not let us in. Trying again does not help. */
  HOST_REFUSED: 4,
  /** The connection to a host broke. Trying again may help. */
  CONNECTION_LOST: 4,
  /** A named image, file or base is not there. */
  NOT_FOUND: 5,
  /** The receiver lacks what a thin bundle leaves out. */
  BASE_MISSING: 6,
  /** A read or write failed on this machine. */
  IO: 7,
  /** No space left for an output or a temporary file. */
  DISK_FULL: 7,
  /** Another process is writing the same output. */
  LOCKED: 7,
} as const;

export type ErrorCode = keyof typeof exitStatusOf;

export interface TransferErrorDetails {
  /** What the user can do next: one sentence, imperative. */
  readonly hint?: string | undefined;
  readonly side?: 'source' | 'sink' | undefined;
  readonly cause?: unknown;
}

const mark: unique symbol = Symbol.for('image-ferry.TransferError');

/** The one error type that users see. `message` names the offending thing; it never needs its stack to be understood. */
export class TransferError extends Error {
  readonly [mark] = true;
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly side: 'source' | 'sink' | undefined;

  constructor(code: ErrorCode, message: string, details: TransferErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'TransferError';
    this.code = code;
    this.hint = details.hint;
    this.side = details.side;
  }
}

/** Recognises the error by its mark: `instanceof` fails across module copies and test realms. */
export function isTransferError(error: unknown): error is TransferError {
  return typeof error === 'object' && error !== null && mark in error;
}

/** The `code` of a Node.js system error (`ENOENT`, `ENOSPC`, ...), if it is one. */
export function systemCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

const ioCauses: Readonly<Record<string, readonly [ErrorCode, string, string]>> = {
  ENOENT: ['NOT_FOUND', 'no such file or folder', 'Check the path.'],
  EACCES: ['IO', 'permission denied', 'Check the permissions of the file and of the folders above it.'],
  EPERM: ['IO', 'operation not permitted', 'Check the permissions of the file and of the folders above it.'],
  EROFS: ['IO', 'the file system is read-only', 'Choose a place that can be written.'],
  ENOSPC: ['DISK_FULL', 'no space left on the device', 'Free some space, or choose another place.'],
  EDQUOT: ['DISK_FULL', 'the disk quota is used up', 'Free some space, or choose another place.'],
  EFBIG: [
    'DISK_FULL',
    'the file system takes no file of this size, or the shell forbids it (ulimit -f)',
    'Split it into volumes with --volume-size (fat32 for a FAT drive), or choose another place.',
  ],
  EISDIR: ['USAGE', 'it is a folder', 'Name a file.'],
  ENOTDIR: ['NOT_FOUND', 'a part of the path is no folder', 'Check the path.'],
  EIO: ['IO', 'the device reported a read or write error', 'Check the drive and its cable.'],
  ENXIO: ['IO', 'the device is gone', 'Check the drive and its cable.'],
  ENODEV: ['IO', 'the device is gone', 'Check the drive and its cable.'],
  ENOTCONN: ['IO', 'what was mounted there is gone', 'Mount it again.'],
  ENAMETOOLONG: ['USAGE', 'the name is too long for that file system', 'Choose a shorter name.'],
};

/** Turns a system error into a TransferError that names `what` (a path); passes a TransferError through unchanged. */
export function ioError(error: unknown, what: string, side?: 'source' | 'sink'): TransferError {
  if (isTransferError(error)) return error;
  const system = systemCodeOf(error);
  const [code, meaning, hint] = (system === undefined ? undefined : ioCauses[system]) ?? [
    'IO' as const,
    error instanceof Error || (typeof error === 'object' && error !== null && 'message' in error)
      ? String(error.message)
      : String(error),
    undefined,
  ];
  return new TransferError(code, `${what}: ${meaning}`, { hint, side, cause: error });
}

import { randomUUID } from 'node:crypto';
import { type FileHandle, open, statfs, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ioError, TransferError } from './errors.js';
import { limits } from './limits.js';
import { handleAccess, type Piece, type RandomAccess, sparseAccess } from './random-access.js';

export interface SpoolOptions {
  /** Folder for the temporary file; the system's by default (TMPDIR). */
  readonly folder?: string;
  /** Called once, when it turns out that memory is not enough, with the folder that is used. */
  readonly announce?: (folder: string) => void;
  /** Where `bytes` is decompressed: the compressed bytes in all or, of a stream, those taken so far. */
  readonly compressed?: () => number;
}

/** Bytes that are not kept: they read as zeros, and take no room. */
export interface Gap {
  readonly gap: number;
}

/**
 * Makes a stream readable at any offset: small ones in memory, others in a temporary file. The file loses its name as
 * soon as it is open, so that nothing of it outlives the process, however that ends.
 * @throws TransferError IO; DISK_FULL, before others on the machine run out of space too; LIMIT for a stream that was
 * compressed beyond belief; and whatever `bytes` throws.
 */
export async function spool(
  bytes: AsyncIterable<Uint8Array | Gap>,
  label: string,
  options: SpoolOptions = {},
): Promise<RandomAccess> {
  const store = new Store(label, options);
  try {
    for await (const chunk of bytes) {
      if (chunk instanceof Uint8Array) await store.add(chunk);
      else store.skip(chunk.gap);
    }
    return await store.finish();
  } catch (error) {
    await store.abandon();
    throw error;
  }
}

/** Takes bytes one after the other: into memory, and when that is not enough into a file. */
class Store {
  readonly #label: string;
  readonly #options: SpoolOptions;
  readonly #folder: string;
  readonly #ensureRoom: (written: number, pending: number) => Promise<void>;
  #file: FileHandle | undefined;
  /** Not yet in the file. */
  #pieces: Piece[] = [];
  #pending = 0;
  #kept = 0;
  #size = 0;

  constructor(label: string, options: SpoolOptions) {
    this.#label = label;
    this.#options = options;
    this.#folder = options.folder ?? tmpdir();
    this.#ensureRoom = roomKeeper(this.#folder, label);
  }

  skip(count: number): void {
    this.#size += count;
  }

  async add(bytes: Uint8Array): Promise<void> {
    this.#pieces.push({ at: this.#size, bytes });
    this.#size += bytes.byteLength;
    this.#kept += bytes.byteLength;
    this.#pending += bytes.byteLength;
    if (this.#file !== undefined || this.#kept > limits.spoolInMemoryBytes) await this.#write();
  }

  async finish(): Promise<RandomAccess> {
    if (this.#file === undefined) return sparseAccess(this.#label, this.#pieces, this.#size);
    // A gap at the end has no bytes after it that would make the file long enough.
    await this.#file.truncate(this.#size);
    return handleAccess(this.#label, this.#file, this.#size);
  }

  async abandon(): Promise<void> {
    await this.#file?.close();
  }

  async #write(): Promise<void> {
    checkRatio(this.#label, this.#size, this.#options.compressed?.());
    await this.#ensureRoom(this.#kept - this.#pending, this.#pending);
    if (this.#file === undefined) {
      this.#options.announce?.(this.#folder);
      this.#file = await openNameless(this.#folder);
    }
    await writeAll(this.#file, this.#pieces, this.#folder);
    this.#pieces = [];
    this.#pending = 0;
  }
}

function checkRatio(label: string, size: number, compressed: number | undefined): void {
  if (compressed === undefined || size <= limits.spoolRatioFreeBytes || size <= compressed * limits.spoolRatio) return;
  throw new TransferError(
    'LIMIT',
    `${label}: expected up to ${String(limits.spoolRatio)} bytes for each compressed one, found ${String(size)} in ${String(compressed)}`,
    {
      side: 'source',
      hint: 'It looks as if it was made to fill disks. If you trust it, decompress it yourself and name the result.',
    },
  );
}

/** Makes sure of room for `pending` bytes behind those `written`; asks the disk only now and then. */
function roomKeeper(folder: string, label: string): (written: number, pending: number) => Promise<void> {
  let room = 0;
  return async (written, pending) => {
    if (written + pending > room) room = written + (await roomIn(folder, pending, label));
  };
}

/**
 * How many bytes may be written before the space in `folder` must be looked at again.
 * @throws TransferError DISK_FULL when it has no room for the `pending` ones
 */
async function roomIn(folder: string, pending: number, label: string): Promise<number> {
  // A folder that cannot be asked (or says nothing, as some network file systems do) fails by itself when it is full.
  const stats = await statfs(folder).catch(() => undefined);
  if (stats === undefined || stats.blocks === 0) return Math.max(pending, limits.spoolCheckBytes);
  const free = stats.bavail * stats.bsize;
  const reserve = Math.min(limits.spoolReserveBytes, Math.floor(stats.blocks * stats.bsize * limits.spoolReserveShare));
  const room = free - reserve;
  if (room >= pending) return Math.max(pending, Math.min(room, limits.spoolCheckBytes));
  throw new TransferError(
    'DISK_FULL',
    `temporary folder ${folder}: no room to unpack ${label}: ${String(free)} bytes are free, of which ${String(reserve)} are left to others`,
    { side: 'sink', hint: 'Free some space, or set TMPDIR to a folder that has more.' },
  );
}

async function openNameless(folder: string): Promise<FileHandle> {
  const path = join(folder, `ferry-spool-${randomUUID()}.part`);
  const handle = await open(path, 'wx+', 0o600).catch((error: unknown) => {
    throw temporaryError(error, folder);
  });
  // Windows keeps the name until the handle is closed; elsewhere it goes at once.
  await unlink(path).catch(() => undefined);
  return handle;
}

async function writeAll(file: FileHandle, pieces: readonly Piece[], folder: string): Promise<void> {
  for (const { at, bytes } of pieces) {
    for (let done = 0; done < bytes.byteLength;) {
      const { bytesWritten } = await file.write(bytes, done, undefined, at + done).catch((error: unknown) => {
        throw temporaryError(error, folder);
      });
      done += bytesWritten;
    }
  }
}

/** The user named no such folder: a missing one is a matter of this machine, not of the call's words (NOT_FOUND). */
function temporaryError(error: unknown, folder: string): TransferError {
  const { code, message } = ioError(error, `temporary folder ${folder}`, 'sink');
  const hint =
    code === 'DISK_FULL'
      ? 'Free some space, or set TMPDIR to a folder that has more.'
      : 'Set TMPDIR to a folder that exists and can be written.';
  return new TransferError(code === 'DISK_FULL' ? code : 'IO', message, { side: 'sink', hint, cause: error });
}

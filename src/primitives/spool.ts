import { randomUUID } from 'node:crypto';
import { type FileHandle, open, statfs, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ByteStream } from './bytes.js';
import { ioError, TransferError } from './errors.js';
import { limits } from './limits.js';
import { handleAccess, memoryAccess, type RandomAccess } from './random-access.js';

export interface SpoolOptions {
  /** Folder for the temporary file; the system's by default (TMPDIR). */
  readonly folder?: string;
  /** Called once, when it turns out that memory is not enough, with the folder that is used. */
  readonly announce?: (folder: string) => void;
  /** Where `bytes` is decompressed: the compressed bytes in all or, of a stream, those taken so far. */
  readonly compressed?: () => number;
}

/**
 * Makes a stream readable at any offset: small ones in memory, others in a temporary file. The file loses its name as
 * soon as it is open, so that nothing of it outlives the process, however that ends.
 * @throws TransferError IO; DISK_FULL, before others on the machine run out of space too; LIMIT for a stream that was
 * compressed beyond belief; and whatever `bytes` throws.
 */
export async function spool(bytes: ByteStream, label: string, options: SpoolOptions = {}): Promise<RandomAccess> {
  const folder = options.folder ?? tmpdir();
  let parts: Uint8Array[] = [];
  let size = 0;
  const ensureRoom = roomKeeper(folder, label);
  let file: FileHandle | undefined;
  try {
    for await (const chunk of bytes) {
      parts.push(chunk);
      size += chunk.byteLength;
      if (file === undefined && size <= limits.spoolInMemoryBytes) continue;
      checkRatio(label, size, options.compressed?.());
      const pending = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
      await ensureRoom(size - pending, pending);
      if (file === undefined) {
        options.announce?.(folder);
        file = await openNameless(folder);
      }
      await writeAll(file, parts, folder);
      parts = [];
    }
    return file === undefined ? memoryAccess(label, Buffer.concat(parts, size)) : handleAccess(label, file, size);
  } catch (error) {
    await file?.close();
    throw error;
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

async function writeAll(file: FileHandle, parts: readonly Uint8Array[], folder: string): Promise<void> {
  for (const part of parts) {
    for (let done = 0; done < part.byteLength;) {
      const { bytesWritten } = await file.write(part, done).catch((error: unknown) => {
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

import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ByteStream } from './bytes.js';
import { ioError } from './errors.js';
import { limits } from './limits.js';
import { handleAccess, memoryAccess, type RandomAccess } from './random-access.js';

export interface SpoolOptions {
  /** Folder for the temporary file; the system's by default (TMPDIR). */
  readonly folder?: string;
  /** Called once, when it turns out that memory is not enough, with the folder that is used. */
  readonly announce?: (folder: string) => void;
}

/**
 * Makes a stream readable at any offset: small ones in memory, others in a temporary file. The file loses its name as
 * soon as it is open, so that nothing of it outlives the process, however that ends.
 * @throws TransferError IO or DISK_FULL, and whatever `bytes` throws.
 */
export async function spool(bytes: ByteStream, label: string, options: SpoolOptions = {}): Promise<RandomAccess> {
  const folder = options.folder ?? tmpdir();
  let parts: Uint8Array[] = [];
  let size = 0;
  let file: FileHandle | undefined;
  try {
    for await (const chunk of bytes) {
      parts.push(chunk);
      size += chunk.byteLength;
      if (file === undefined && size <= limits.spoolInMemoryBytes) continue;
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

async function openNameless(folder: string): Promise<FileHandle> {
  const path = join(folder, `ferry-spool-${randomUUID()}.part`);
  const handle = await open(path, 'wx+', 0o600).catch((error: unknown) => {
    throw ioError(error, folder, 'sink');
  });
  // Windows keeps the name until the handle is closed; elsewhere it goes at once.
  await unlink(path).catch(() => undefined);
  return handle;
}

async function writeAll(file: FileHandle, parts: readonly Uint8Array[], folder: string): Promise<void> {
  for (const part of parts) {
    for (let done = 0; done < part.byteLength;) {
      const { bytesWritten } = await file.write(part, done).catch((error: unknown) => {
        throw ioError(error, `temporary file in ${folder}`, 'sink');
      });
      done += bytesWritten;
    }
  }
}

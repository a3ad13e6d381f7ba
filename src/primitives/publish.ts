import {
  access,
  constants,
  type FileHandle,
  lstat,
  open,
  readdir,
  realpath,
  rename,
  rm,
  unlink,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type ByteStream } from './bytes.js';
import { openFault, writeFault } from './drive/write-fault.js';
import { ioError, isTransferError, systemCodeOf, TransferError } from './errors.js';
import { ownId, writerOf } from './process-id.js';

/** Looks at a file that is whole and flushed, before it takes its name; what it throws keeps it from that. */
export type CheckPart = (part: string) => Promise<void>;

/**
 * Writes `bytes` to `path` so that the name only ever leads to a whole file: into `PATH.<pid>-<place>.part` beside it,
 * flushed to the device, then renamed, and the folder is flushed. If anything fails, what was under `path` before is
 * still there and the part is gone.
 * @returns the bytes written.
 * @throws TransferError LOCKED when another living process writes the same path; USAGE when something else than a file
 * is there; IO, also when the folder is another one at the end (a drive that was removed); DISK_FULL.
 */
export async function publishFile(path: string, bytes: ByteStream, check?: CheckPart): Promise<number> {
  const target = await checkPublishable(path);
  await removeStaleParts(dirname(target), basename(target));
  const { size, device } = await replace(target, bytes, check);
  await flushFolder(dirname(target));
  await checkThere(target, device);
  return size;
}

/**
 * Whether a file can be put at `path`, as far as that is known beforehand.
 * @returns the path to write to: a link stays a link, what it leads to is replaced.
 * @throws TransferError USAGE, NOT_FOUND or IO.
 */
export async function checkPublishable(path: string): Promise<string> {
  const target = await realpath(path).catch(() => path);
  await checkReplaceable(target);
  await access(dirname(target), constants.W_OK).catch((error: unknown) => {
    throw ioError(error, `cannot write ${basename(target)} in ${resolve(dirname(target))}`, 'sink');
  });
  return target;
}

/** A rename would put a file in the place of a device: `-o /dev/null` must not do that, and a folder is found early. */
async function checkReplaceable(path: string): Promise<void> {
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined || stats.isFile() || stats.isSymbolicLink()) return;
  throw new TransferError('USAGE', `${path}: ${stats.isDirectory() ? 'it is a folder' : 'it is no regular file'}`, {
    side: 'sink',
    hint: stats.isDirectory() ? 'Name a file.' : 'Name a file, or write to standard output with -.',
  });
}

/** Milliseconds after which a part that nobody wrote to has been left. */
const SILENT_MS = 10 * 60 * 1000;
/** Parts that this very process is writing: its number alone could be that of one that is gone. */
const writing = new Set<string>();

/** `publishFile` for one of many files: whoever calls it clears old parts and flushes the folder, once for all. */
export async function replaceFile(path: string, bytes: ByteStream): Promise<number> {
  return (await replace(path, bytes)).size;
}

async function replace(path: string, bytes: ByteStream, check?: CheckPart): Promise<Written> {
  const part = resolve(`${path}.${ownId}.part`);
  const handle = await open(part, 'wx', 0o644).catch(async (error: unknown) => {
    throw await openFault(error, path);
  });
  writing.add(part);
  try {
    const size = await writeFlushed(handle, bytes, path);
    return { size, device: await giveName(part, path, check) };
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined); // the drive may be gone
    throw isTransferError(error) || systemCodeOf(error) === undefined ? error : ioError(error, path, 'sink');
  } finally {
    writing.delete(part);
  }
}

interface Written {
  readonly size: number;
  /** The number of the file system that has the bytes. */
  readonly device: number;
}

/** Writes everything, flushes it to the device and closes the file, also when that fails. */
async function writeFlushed(handle: FileHandle, bytes: ByteStream, path: string): Promise<number> {
  try {
    let size = 0;
    for await (const chunk of bytes) {
      // A short write is possible on a full or failing device; Node.js reports how much it took.
      for (let done = 0; done < chunk.byteLength;) {
        const { bytesWritten } = await handle.write(chunk, done, chunk.byteLength - done).catch(async (e: unknown) => {
          throw await writeFault(e, path, size + done, size + chunk.byteLength);
        });
        done += bytesWritten;
      }
      size += chunk.byteLength;
    }
    // fsync, and F_FULLFSYNC on macOS: the drive is told to empty its own memory too.
    await handle.sync();
    return size;
  } finally {
    await handle.close();
  }
}

/** @returns the number of the file system that it is on */
async function giveName(part: string, path: string, check?: CheckPart): Promise<number> {
  try {
    const { dev } = await lstat(part);
    await check?.(part);
    await rename(part, path);
    return dev;
  } catch (error) {
    throw systemCodeOf(error) === 'ENOENT' ? gone(path, error) : error;
  }
}

/** A drive that is unmounted while it is written to takes all bytes all the same; the path leads elsewhere then. */
async function checkThere(path: string, device: number): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.dev !== device) throw gone(path);
}

function gone(path: string, cause?: unknown): TransferError {
  return new TransferError(
    'IO',
    `${path}: what was written is not in ${dirname(path)} any more (was the drive removed or unmounted?)`,
    { side: 'sink', hint: 'Mount the drive and run it again.', cause },
  );
}

/** What says that a folder cannot be flushed at all: some network file systems, and Windows. */
const CANNOT_FLUSH: ReadonlySet<string | undefined> = new Set([
  'EINVAL',
  'ENOTSUP',
  'ENOSYS',
  'EPERM',
  'EACCES',
  'EISDIR',
  'EBADF',
]);

/**
 * Makes a rename last: the folder is flushed too. Not every file system can; those that cannot need no flush.
 * @throws TransferError IO when the device fails.
 */
export async function flushFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    if (!CANNOT_FLUSH.has(systemCodeOf(error))) throw ioError(error, folder, 'sink');
  }
}

/** Of the name of a part: the name that it is to get, and the process that writes it. Undefined: it is no part. */
export function partOf(name: string): { readonly target: string; readonly writer: string } | undefined {
  const [, target, writer] = /^(.*)\.([0-9]+-[0-9a-f]{8})\.part$/s.exec(name) ?? [];
  return target === undefined || writer === undefined ? undefined : { target, writer };
}

/**
 * Removes the parts of files called `name` (of all files, without one) whose writer is gone.
 * @throws TransferError LOCKED when a writer is alive; IO when the folder cannot be read.
 */
export async function removeStaleParts(folder: string, name?: string): Promise<void> {
  const entries = await readdir(folder).catch((error: unknown) => {
    throw ioError(error, folder, 'sink');
  });
  for (const entry of entries) {
    const { target, writer } = partOf(entry) ?? {};
    if (target === undefined || writer === undefined || (name !== undefined && target !== name)) continue;
    const part = join(folder, entry);
    if (await isBeingWritten(part, writer)) {
      throw new TransferError('LOCKED', `${join(folder, target)}: process ${writer} is writing it (${entry})`, {
        side: 'sink',
        hint: `Wait until it ends; if it is not a ferry, remove ${part}.`,
      });
    }
    await unlink(part).catch(() => undefined);
  }
}

/** A writer on another machine cannot be asked; one that works touches its file again and again. */
async function isBeingWritten(part: string, id: string): Promise<boolean> {
  const writer = writerOf(id);
  if (writer === 'self') return writing.has(resolve(part));
  if (writer !== 'elsewhere') return writer === 'alive';
  const { mtimeMs } = await lstat(part).catch(() => ({ mtimeMs: 0 }));
  return Date.now() - mtimeMs < SILENT_MS;
}

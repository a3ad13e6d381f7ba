import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Digest, digestOf } from '../digest.js';
import { ioError, systemCodeOf, TransferError } from '../errors.js';
import { type FileSystem, fileSystemOf } from './file-system.js';

/** What reading a file back has shown: its bytes are those that were expected. */
export interface ReadBack {
  /** Bytes read. */
  readonly size: number;
  /** The bytes may have come out of this machine's memory (or another's), and not from the drive: to be told. */
  readonly cacheMayHaveAnswered: boolean;
  /** What the file lies on, for that sentence: `exFAT (by FUSE)`. */
  readonly fileSystem: string;
}

const CHUNK = 1024 * 1024;
/** Places of O_DIRECT reads are multiples of this: a page of any kernel, and the block of any drive. */
const ALIGNMENT = 64 * 1024;

export interface ReadBackOptions {
  /** What messages call the file, where it has not got its name yet. */
  readonly label?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Is told of every chunk's bytes. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * Reads all of a file from the drive and not from the page cache, and compares.
 * @throws TransferError IO when other bytes come back, or none; NOT_FOUND when the file is not there.
 */
export async function readBack(
  path: string,
  expected: Digest,
  { label = path, signal, onBytes }: ReadBackOptions = {},
): Promise<ReadBack> {
  const system = await fileSystemOf(dirname(resolve(path)));
  await flush(path, label);
  const dropped = await dropCaches(path, system, signal);
  const { handle, direct } = await openPastCache(path, label);
  try {
    const { digest, size } = await hashAll({ label, handle, signal, onBytes });
    if (digest !== expected) throw otherBytes(label, expected, digest);
    const fromDrive = dropped || (direct && system.direct);
    return { size, cacheMayHaveAnswered: !fromDrive, fileSystem: system.name };
  } finally {
    await handle.close();
  }
}

/** What is not on the drive yet could not be forgotten. Windows flushes only what was opened for writing. */
async function flush(path: string, label: string): Promise<void> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw ioError(error, label, 'sink');
  });
  await handle.sync().catch(() => undefined);
  await handle.close();
}

/** Asks the kernel to forget the pages of the file, and those of the device that a FUSE program reads it from. */
async function dropCaches(path: string, { cachedBy }: FileSystem, signal?: AbortSignal): Promise<boolean> {
  const file = await dropPages(path, signal);
  if (cachedBy === undefined || cachedBy === 'file') return file && cachedBy === 'file';
  return file && (await dropPages(cachedBy.device, signal));
}

/** Node.js has no posix_fadvise; `dd` of GNU coreutils does it. Pages that are flushed and not in use go at once. */
function dropPages(path: string, signal?: AbortSignal): Promise<boolean> {
  if (process.platform !== 'linux') return Promise.resolve(false);
  return new Promise((done) => {
    const args = [`if=${resolve(path)}`, 'iflag=nocache', 'count=0', 'status=none'];
    execFile('dd', args, { signal, timeout: 60_000, env: process.env }, (error) => {
      done(error === null);
    });
  });
}

/** Some file systems take no O_DIRECT at all, and other systems than Linux have none. */
async function openPastCache(
  path: string,
  label: string,
): Promise<{ readonly handle: FileHandle; readonly direct: boolean }> {
  const flag = constants.O_DIRECT as number | undefined;
  const handle = flag === undefined ? undefined : await open(path, constants.O_RDONLY | flag).catch(() => undefined);
  if (handle !== undefined) {
    const probe = await handle.read(alignedMemory(), 0, ALIGNMENT, 0).catch((error: unknown) => systemCodeOf(error));
    if (probe !== 'EINVAL') return { handle, direct: true };
    await handle.close();
  }
  const plain = await open(path, 'r').catch((error: unknown) => {
    throw ioError(error, label, 'sink');
  });
  return { handle: plain, direct: false };
}

/** Part of the language's host, of which @types/node says nothing. */
declare const WebAssembly: { readonly Memory: new (pages: { initial: number }) => { readonly buffer: ArrayBuffer } };

/** Memory whose address is a multiple of a page, as O_DIRECT wants it: WebAssembly's always is. */
function alignedMemory(): Buffer {
  return Buffer.from(new WebAssembly.Memory({ initial: CHUNK / ALIGNMENT }).buffer);
}

interface Reading {
  readonly label: string;
  readonly handle: FileHandle;
  readonly signal: AbortSignal | undefined;
  readonly onBytes: ((bytes: number) => void) | undefined;
}

/** One chunk is hashed while the drive reads the next. */
async function hashAll({ label, handle, signal, onBytes }: Reading): Promise<{ digest: Digest; size: number }> {
  const { size } = await handle.stat();
  const hash = createHash('sha256');
  const memory = [alignedMemory(), alignedMemory()] as const;
  const read = (at: number, turn: number): Promise<Buffer> =>
    at < size
      ? readChunk({ label, handle, at, size }, memory[turn % 2 === 0 ? 0 : 1])
      : Promise.resolve(Buffer.alloc(0));
  let chunk = await read(0, 0);
  for (let at = 0, turn = 1; at < size; turn++) {
    signal?.throwIfAborted();
    at += chunk.byteLength;
    const next = read(at, turn);
    hash.update(chunk);
    onBytes?.(chunk.byteLength);
    chunk = await next;
  }
  return { digest: digestOf(hash), size };
}

interface Stretch {
  readonly label: string;
  readonly handle: FileHandle;
  readonly at: number;
  readonly size: number;
}

/** Up to a chunk from `at`, which ends at a place where the next one may begin, or at the end of the file. */
async function readChunk({ label, handle, at, size }: Stretch, memory: Buffer): Promise<Buffer> {
  const { bytesRead } = await handle.read(memory, 0, CHUNK, at).catch((error: unknown) => {
    throw ioError(error, label, 'sink');
  });
  const length = at + bytesRead >= size ? size - at : bytesRead - (bytesRead % ALIGNMENT);
  if (length > 0) return memory.subarray(0, length);
  throw new TransferError(
    'IO',
    `${label}: expected ${String(size)} bytes, but the drive gave ${String(at + bytesRead)}`,
    {
      side: 'sink',
      hint: DISTRUST,
    },
  );
}

const DISTRUST = 'Do not use this copy. Try another drive, cable or port, and write it again.';

function otherBytes(label: string, expected: Digest, found: Digest): TransferError {
  return new TransferError(
    'IO',
    `${label}: the drive (or its cable) gives back other bytes than were written: expected ${expected}, found ${found}`,
    { side: 'sink', hint: DISTRUST },
  );
}

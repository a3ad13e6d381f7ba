import { open, type FileHandle } from 'node:fs/promises';
import { type ByteStream, measure } from './bytes.js';
import { type Digest } from './digest.js';
import { ioError, TransferError } from './errors.js';

/** Bytes that can be read at any offset, any number of times. */
export interface RandomAccess {
  /** What messages call it: usually a path. */
  readonly label: string;
  /** Bytes in all. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`. @throws TransferError SOURCE_CHANGED when they are not there. */
  read(offset: number, length: number): Promise<Buffer>;
  /** The same as a stream, for lengths that should not be held in memory. */
  stream(offset: number, length: number): ByteStream;
  /** What messages call the file that these bytes are in, where there are several. */
  place?(offset: number, length: number): string;
  close(): Promise<void>;
}

/** What messages call the file that some bytes are in. */
export const placeOf = (access: RandomAccess, offset: number, length: number): string =>
  access.place?.(offset, length) ?? access.label;

const CHUNK = 1024 * 1024;
/** Reads up to this size are served from a window: the headers of small members lie close together. */
const SMALL = 4096;
const WINDOW = 16 * 1024;

/** A file on disk; reads reject when `signal` is aborted. @throws TransferError NOT_FOUND or IO when it cannot be opened. */
export async function fileAccess(path: string, signal?: AbortSignal): Promise<RandomAccess> {
  const handle = await open(path, 'r').catch((error: unknown) => {
    throw ioError(error, path, 'source');
  });
  const { size } = await handle.stat();
  return handleAccess(path, handle, size, signal);
}

/** The sha256 of a whole file. @throws TransferError NOT_FOUND, IO or SOURCE_CHANGED when it cannot be read */
export async function fileDigest(path: string, signal?: AbortSignal): Promise<Digest> {
  const access = await fileAccess(path, signal);
  return (await measure(access.stream(0, access.size)).finally(() => access.close())).digest;
}

/** An open file; closing the access closes the handle. */
export function handleAccess(label: string, handle: FileHandle, size: number, signal?: AbortSignal): RandomAccess {
  const read = async (offset: number, length: number): Promise<Buffer> => {
    signal?.throwIfAborted();
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled).catch((e: unknown) => {
        throw ioError(e, label, 'source');
      });
      if (bytesRead === 0) throw changed(label, offset + length, offset + filled);
      filled += bytesRead;
    }
    return buffer;
  };
  let window: { readonly start: number; readonly bytes: Buffer } | undefined;
  const readSmall = async (offset: number, length: number): Promise<Buffer> => {
    const reach = offset + length;
    if (window === undefined || offset < window.start || reach > window.start + window.bytes.length) {
      window = { start: offset, bytes: await read(offset, Math.max(length, Math.min(WINDOW, size - offset))) };
    }
    return window.bytes.subarray(offset - window.start, reach - window.start);
  };
  return {
    label,
    size,
    read: (offset, length) => (length <= SMALL ? readSmall(offset, length) : read(offset, length)),
    stream: chunked(read),
    close: () => handle.close(),
  };
}

/** Bytes in memory. */
export function memoryAccess(label: string, bytes: Buffer): RandomAccess {
  const read = (offset: number, length: number): Promise<Buffer> => {
    if (offset + length > bytes.byteLength) return Promise.reject(changed(label, offset + length, bytes.byteLength));
    return Promise.resolve(bytes.subarray(offset, offset + length));
  };
  return { label, size: bytes.byteLength, read, stream: chunked(read), close: () => Promise.resolve() };
}

/** Bytes of something larger, and where in it they lie. */
export interface Piece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Pieces in memory, in order of their place; what lies between them reads as zeros. */
export function sparseAccess(label: string, pieces: readonly Piece[], size: number): RandomAccess {
  const whole = pieces.every(({ at }, i) => at === endOf(pieces[i - 1])) && endOf(pieces.at(-1)) === size;
  if (whole) return memoryAccess(label, Buffer.concat(pieces.map(({ bytes }) => bytes)));
  const read = (offset: number, length: number): Promise<Buffer> => {
    if (offset + length > size) return Promise.reject(changed(label, offset + length, size));
    const result = Buffer.alloc(length);
    for (let i = firstAfter(pieces, offset); i < pieces.length; i++) {
      const piece = pieces[i];
      if (piece === undefined || piece.at >= offset + length) break;
      const skip = Math.max(0, offset - piece.at);
      result.set(piece.bytes.subarray(skip, offset + length - piece.at), piece.at + skip - offset);
    }
    return Promise.resolve(result);
  };
  return { label, size, read, stream: chunked(read), close: () => Promise.resolve() };
}

const endOf = (piece: Piece | undefined): number => (piece === undefined ? 0 : piece.at + piece.bytes.byteLength);

/** The first piece that ends after `offset`. */
function firstAfter(pieces: readonly Piece[], offset: number): number {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (endOf(pieces[middle]) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A `stream` built from a `read`. */
function chunked(read: RandomAccess['read']): RandomAccess['stream'] {
  return async function* (offset, length) {
    for (let at = 0; at < length; at += CHUNK) yield await read(offset + at, Math.min(CHUNK, length - at));
  };
}

function changed(label: string, wanted: number, end: number): TransferError {
  return new TransferError(
    'SOURCE_CHANGED',
    `${label}: expected data up to byte ${String(wanted)}, but it ends at byte ${String(end)}`,
    { side: 'source', hint: 'The file is cut short, or was changed while it was read: copy it again.' },
  );
}

import { closeSync, constants, fstatSync, openSync, read, readlinkSync, readSync, realpathSync } from 'node:fs';
import { promisify } from 'node:util';
import { ioError, TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';

const readLater = promisify(read);

/** Bytes that are given on at a time. */
const CHUNK = 1 << 20;
/** Files up to this size are read without waiting: for thousands of them, waiting doubles the time. */
const SMALL = 64 * 1024;
/** Linux only, as the engines are: finds a file without opening it, whatever it is. Node.js has no name for it. */
const O_PATH = 0o10000000;

/** Puts bytes, and files of a folder, one after the other into chunks. */
export class FolderReader {
  readonly #folder: Buffer;
  /** With a slash at its end. */
  readonly #inside: Buffer;
  #chunk = Buffer.allocUnsafe(CHUNK);
  #used = 0;

  /** @throws TransferError NOT_FOUND or IO when there is no such folder */
  constructor(folder: string) {
    this.#folder = Buffer.from(folder);
    try {
      this.#inside = Buffer.from(`${realpathSync(folder)}/`);
    } catch (error) {
      throw ioError(error, folder, 'source');
    }
  }

  *put(bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.byteLength;) {
      const part = bytes.subarray(at, at + CHUNK - this.#used);
      this.#chunk.set(part, this.#used);
      at += part.byteLength;
      yield* this.#took(part.byteLength);
    }
  }

  /**
   * The contents of the file at `path` (from the folder, beginning with a slash).
   * @throws TransferError NOT_FOUND or IO when it cannot be read; SOURCE_CHANGED when it has not `size` bytes or is not in the folder
   */
  async *file(path: Buffer, size: number): AsyncGenerator<Uint8Array> {
    const full = Buffer.concat([this.#folder, path]);
    const fd = this.#open(full, size);
    try {
      for (let at = 0; at < size;) {
        const wanted = Math.min(size - at, CHUNK - this.#used);
        const got = await this.#read(fd, wanted, size, at, full);
        if (got === 0) throw changed(full, `${String(size)} bytes`, `${String(at)} bytes`);
        at += got;
        yield* this.#took(got);
      }
    } finally {
      closeSync(fd);
    }
  }

  /** What is still held. */
  *rest(): Generator<Uint8Array> {
    if (this.#used > 0) yield this.#chunk.subarray(0, this.#used);
    this.#used = 0;
  }

  *#took(bytes: number): Generator<Uint8Array> {
    this.#used += bytes;
    if (this.#used < CHUNK) return;
    const full = this.#chunk;
    this.#chunk = Buffer.allocUnsafe(CHUNK);
    this.#used = 0;
    yield full;
  }

  #open(path: Buffer, size: number): number {
    let found: number | undefined;
    try {
      found = openSync(path, O_PATH | constants.O_NOFOLLOW);
      this.#check(found, path, size);
      return openSync(`/proc/self/fd/${String(found)}`, constants.O_RDONLY);
    } catch (error) {
      throw error instanceof TransferError ? error : ioError(error, nameOf(path), 'source');
    } finally {
      if (found !== undefined) closeSync(found);
    }
  }

  #check(fd: number, path: Buffer, size: number): void {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw changed(path, `a file of ${String(size)} bytes`, 'no file');
    if (stats.size !== size) throw changed(path, `a file of ${String(size)} bytes`, `${String(stats.size)} bytes`);
    // A layer may hold a link to a folder, and files below it: to follow it out of the layer would send what is there.
    const real = readlinkSync(`/proc/self/fd/${String(fd)}`, { encoding: 'buffer' });
    if (!real.subarray(0, this.#inside.byteLength).equals(this.#inside)) {
      throw changed(path, 'a file of the layer', printable(real.toString(), 200));
    }
  }

  async #read(fd: number, wanted: number, size: number, at: number, path: Buffer): Promise<number> {
    try {
      if (size <= SMALL) return readSync(fd, this.#chunk, this.#used, wanted, at);
      return (await readLater(fd, this.#chunk, this.#used, wanted, at)).bytesRead;
    } catch (error) {
      throw ioError(error, nameOf(path), 'source');
    }
  }
}

const nameOf = (path: Buffer): string => printable(path.toString(), 200);

function changed(path: Buffer, expected: string, found: string): TransferError {
  return new TransferError('SOURCE_CHANGED', `${nameOf(path)}: expected ${expected}, found ${found}`, {
    side: 'source',
    hint: "The engine's own storage was changed: pull or load the image again.",
  });
}

import * as zlib from 'node:zlib';
import { type Transform } from 'node:stream';
import { type ByteStream } from '../primitives/bytes.js';
import { isTransferError } from '../primitives/errors.js';
import { reasonOf } from './faults.js';
import { throughZlib } from './zlib-stream.js';
import { type ZstdCodec } from './zstd-codec.js';
import { checkLevel } from './zstd-level.js';
import { checkFrame, checkSize, checkWindow, frameFault } from './zstd-frame.js';

/** What @types/node 20 does not know of node:zlib (Node.js 22.15 and 23.8 on). */
interface ZstdOptions {
  readonly chunkSize?: number;
  readonly maxOutputLength?: number;
  readonly pledgedSrcSize?: number;
  readonly params?: Readonly<Record<number, number>>;
}
type Callback = (error: Error | null, result: Buffer) => void;
interface NativeZstd {
  zstdCompress(raw: Uint8Array, options: ZstdOptions, done: Callback): void;
  zstdDecompress(frame: Uint8Array, options: ZstdOptions, done: Callback): void;
  zstdDecompressSync(frame: Uint8Array, options: ZstdOptions): Buffer;
  createZstdDecompress(options: ZstdOptions): Transform;
  readonly constants: Readonly<
    Record<'ZSTD_c_compressionLevel' | 'ZSTD_c_checksumFlag' | 'ZSTD_d_windowLogMax', number>
  >;
}

const native = zlib as unknown as NativeZstd;

export const hasNativeZstd = 'zstdCompress' in zlib;

/** The window limit of stock zstd (--long=27) and of every engine. */
const MAX_WINDOW_LOG = 27;
const CHUNK = 256 * 1024;
// A thread pool job costs more than the work for a frame of this size.
const SYNC_UP_TO = 64 * 1024;

/** libzstd as built into Node.js. Frames of one call each run on the thread pool, several at a time. */
export function nativeCodec(): Promise<ZstdCodec> {
  const version = (process.versions as Readonly<Record<string, string | undefined>>)['zstd'];
  const limits = { name: `node:zlib ${version ?? 'zstd'}`, maxLevel: 22, maxWindow: 2 ** MAX_WINDOW_LOG };
  return Promise.resolve({
    ...limits,
    compressFrame: async (raw: Uint8Array, level: number) => {
      checkLevel(limits, level);
      return compress(raw, level);
    },
    decompressFrame: async (frame: Uint8Array, rawSize: number) => {
      checkWindow(checkFrame(frame, rawSize), limits, 'a zstd frame');
      return decompressExactly(frame, rawSize);
    },
    decompressStream,
    close: () => Promise.resolve(),
  });
}

const window = (): Record<number, number> => ({ [native.constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG });

async function* decompressStream(frames: ByteStream): ByteStream {
  const source = frames[Symbol.asyncIterator]();
  const first = await source.next();
  // From Node.js 24 on, the decoder takes no input at all for a truncated one.
  if (first.done === true) return;
  const all = async function* (): ByteStream {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => source };
  };
  try {
    yield* throughZlib(all(), native.createZstdDecompress({ chunkSize: CHUNK, params: window() }));
  } finally {
    await source.return?.();
  }
}

function compress(raw: Uint8Array, level: number): Promise<Buffer> {
  const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag } = native.constants;
  const options: ZstdOptions = {
    params: { [ZSTD_c_compressionLevel]: level, [ZSTD_c_checksumFlag]: 1 },
    pledgedSrcSize: raw.byteLength,
    // Room for all of the output, so that it comes in one piece (ZSTD_compressBound, and some for small inputs).
    chunkSize: raw.byteLength + (raw.byteLength >>> 8) + 256,
  };
  return new Promise((resolve, reject) => {
    native.zstdCompress(raw, options, (error, frame) => {
      if (error === null) resolve(frame);
      else reject(error);
    });
  });
}

async function decompressExactly(frames: Uint8Array, rawSize: number): Promise<Buffer> {
  const content = await decompress(frames, rawSize);
  checkSize(content.byteLength, rawSize);
  return content;
}

function decompress(frame: Uint8Array, rawSize: number): Promise<Buffer> {
  // One byte more than the content, so that the decoder sees the end of the frame with its output not full.
  const options = { chunkSize: Math.max(rawSize + 1, 64), maxOutputLength: rawSize + 1, params: window() };
  if (rawSize <= SYNC_UP_TO) {
    try {
      return Promise.resolve(native.zstdDecompressSync(frame, options));
    } catch (error) {
      return Promise.reject(nativeFault(error));
    }
  }
  return new Promise((resolve, reject) => {
    native.zstdDecompress(frame, options, (error, content) => {
      if (error === null) resolve(content);
      else reject(nativeFault(error));
    });
  });
}

function nativeFault(error: unknown): Error {
  return isTransferError(error) ? error : frameFault(error, reasonOf(error));
}

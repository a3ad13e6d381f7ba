import { createRequire } from 'node:module';
import { type ByteStream } from '../primitives/bytes.js';
import { isTransferError, TransferError } from '../primitives/errors.js';
import { reasonOf } from './faults.js';
import { contentChecksum } from './xxh64.js';
import { type ZstdCodec } from './zstd-codec.js';
import { checkLevel } from './zstd-level.js';
import { checkFrame, checkSize, checkWindow, frameFault } from './zstd-frame.js';
import { type FrameHeader } from './zstd-header.js';
import { decompressSmall, freshBinding } from './zstd-wasm-binding.js';
import { type WasmPool, wasmPool } from './zstd-wasm-pool.js';

const MiB = 1024 * 1024;
// Two threads: compression runs beside hashing, and more of them would each cost 16 MiB for little.
const THREADS = 2;
// The heap of zstd-codec is fixed at 16 MiB: input, output and a context have to fit.
const ONE_CALL_UP_TO = 8 * MiB;
const HERE_UP_TO = 64 * 1024;
// As a piece has 16 blocks at most, a call yields 32 MiB at most.
const GATHERED = 16;
const SMALL_PIECE = 4096;

/** zstd compiled to WebAssembly (zstd-codec): levels 1 to 9, windows up to 2^23 bytes. */
export function wasmCodec(): Promise<ZstdCodec> {
  const { version } = createRequire(import.meta.url)('zstd-codec/package.json') as { version: string };
  const limits = { name: `zstd-codec ${version}`, maxLevel: 9, maxWindow: 2 ** 23 };
  let pool: WasmPool | undefined;
  return Promise.resolve({
    ...limits,
    compressFrame: async (raw: Uint8Array, level: number) => {
      checkLevel(limits, level);
      pool ??= wasmPool(THREADS);
      const [frame, checksum] = await Promise.all([pool.compress(raw, level).catch(exhausted), contentChecksum()]);
      return withChecksum(frame, checksum(raw));
    },
    decompressFrame: async (frame: Uint8Array, rawSize: number) => {
      const header = checkFrame(frame, rawSize);
      checkWindow(header, limits, 'a zstd frame');
      const content = await decompress(frame, header, rawSize, () => (pool ??= wasmPool(THREADS)));
      checkSize(content.byteLength, rawSize);
      return content;
    },
    decompressRun: async (frames: Uint8Array, rawSize: number) => {
      const content = await decompressSmall(frames, rawSize).catch((error: unknown) => {
        throw frameFault(error, reasonOf(error));
      });
      return Buffer.from(content);
    },
    decompressStream: decompressHere,
    close: async () => {
      const ended = pool;
      pool = undefined;
      await ended?.close();
    },
  });
}

/** ZSTD_compress writes no checksum: sets the Content_Checksum_flag (RFC 8878 section 3.1.1.1.1) and appends it. */
function withChecksum(frame: Uint8Array, checksum: number): Buffer {
  const whole = Buffer.allocUnsafe(frame.byteLength + 4);
  whole.set(frame);
  whole.writeUInt8(whole.readUInt8(4) | 0x04, 4);
  whole.writeUInt32LE(checksum, frame.byteLength);
  return whole;
}

async function decompress(
  frame: Uint8Array,
  header: FrameHeader,
  rawSize: number,
  pool: () => WasmPool,
): Promise<Buffer> {
  try {
    // The one-call decoder reads 0, "unknown" and "damaged" as the same answer.
    const oneCall = header.contentSize !== undefined && rawSize > 0 && frame.byteLength + rawSize <= ONE_CALL_UP_TO;
    if (oneCall && rawSize > HERE_UP_TO) return Buffer.from((await pool().decompress(frame, rawSize)).buffer);
    if (oneCall) return Buffer.from(await decompressSmall(frame, rawSize));
    return await collect(decompressHere(pieces(frame)), rawSize);
  } catch (error) {
    throw isTransferError(error) ? error : frameFault(error, reasonOf(error));
  }
}

async function collect(content: ByteStream, rawSize: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of content) {
    size += part.byteLength;
    if (size > rawSize) checkSize(size, rawSize);
    parts.push(part);
  }
  return Buffer.concat(parts, size);
}

// eslint-disable-next-line @typescript-eslint/require-await -- a stream is asynchronous whether it needs to be or not
async function* pieces(frame: Uint8Array): ByteStream {
  for (let at = 0; at < frame.byteLength; at += HERE_UP_TO) yield frame.subarray(at, at + HERE_UP_TO);
}

/** Small pieces together: a call of the decoder costs as much as 30 kB of content, however little it is given. */
async function* gathered(pieces: ByteStream): ByteStream {
  let small: Uint8Array[] = [];
  for await (const piece of pieces) {
    small.push(piece);
    if (small.length < GATHERED && piece.byteLength < SMALL_PIECE) continue;
    yield Buffer.concat(small);
    small = [];
  }
  if (small.length > 0) yield Buffer.concat(small);
}

async function* decompressHere(frames: ByteStream): ByteStream {
  const decoder = (await freshBinding()).decoder();
  try {
    for await (const piece of gathered(frames)) yield* decoder.push(piece);
    yield* decoder.end();
  } finally {
    decoder.free();
  }
}

function exhausted(error: unknown): never {
  throw new TransferError('INTERNAL', `zstd-codec could not compress a frame: ${reasonOf(error)}`, {
    cause: error,
    hint: 'Use Node.js 22.15 or later, or a lower level.',
  });
}

import { gzip as gzipOnce } from 'node:zlib';
import { type ByteStream } from '../primitives/bytes.js';
import { TransferError } from '../primitives/errors.js';
import { looksCompressed } from './wire-entropy.js';
import { storedFrame } from './wire-stored.js';
import { frameSizeFor, type ZstdBackend, zstdCodec } from './zstd.js';
import { checkLevel } from './zstd-level.js';

export type WireKind = 'zstd' | 'gzip' | 'none';

export interface WireOptions {
  readonly kind: WireKind;
  /** 1 to 22 for zstd, of which Node.js before 22.15 has 1 to 9; 1 to 9 for gzip. 3 and 4 unless told. */
  readonly level?: number | undefined;
  /** For tests: asks for one of the two zstd backends. */
  readonly backend?: ZstdBackend | undefined;
}

/** Compresses what goes over a line, for several receivers at once. */
export interface WireCompressor {
  /**
   * What the output depends on besides the pieces of the input. The same `id` and the same pieces give the same bytes,
   * in any process; other backends and versions of zstd and zlib give others.
   */
  readonly id: string;
  /** Bytes of the pieces that it likes best, and of the largest frame. */
  readonly chunkBytes: number;
  /**
   * Independent zstd frames or gzip members in a row; stock `zstd -dc` and `gzip -dc` read them. Each large piece is one,
   * and its result is remembered as long as the piece lives: the same object costs its compression once. The pieces
   * must not change after they were handed over. Holds three frames at most.
   */
  compress(tar: ByteStream): ByteStream;
}

const MiB = 1024 * 1024;
/** Smaller pieces are gathered: tar headers, padding, documents, small layers. */
const LARGE = 256 * 1024;
const ZSTD_LEVEL = 3;
// 6 % less to send than level 1 for a fifth more CPU time; level 6 takes 60 % more than 4 for another 2 % (measured).
const GZIP_LEVEL = 4;
/** Compressions at a time, of all receivers together. More would take the thread pool from reading and hashing. */
const THREADS = 2;
/** Frames of one receiver that are under way: while one waits to be taken, both threads work. */
const AHEAD = THREADS + 1;
const OS_BYTE = 9;
const OS_UNKNOWN = 255;

/**
 * Bits a byte from which on a piece is stored as it is. zstd below level 6 is quick with such pieces (270 to 500 MB a
 * CPU-second) and now and then finds long matches in them; gzip is not (53 MB) and does not.
 */
const STORED_FROM = { quick: 7.99, slow: 7.97 } as const;
const SLOW_ZSTD = 6;

type Compress = (raw: Uint8Array) => Promise<Uint8Array>;

/**
 * A compressor of this kind. How well a piece compresses changes what is done with it, but nothing else does: no clock,
 * and no other piece.
 * @throws TransferError USAGE for a level that does not exist, UNSUPPORTED_HERE for one that this Node.js lacks
 */
export async function wireCompressor({ kind, level, backend }: WireOptions): Promise<WireCompressor> {
  if (kind === 'none') return { id: 'none', chunkBytes: 4 * MiB, compress: (tar) => tar };
  return kind === 'zstd' ? zstdWire(level ?? ZSTD_LEVEL, backend) : gzipWire(level ?? GZIP_LEVEL);
}

async function zstdWire(level: number, backend: ZstdBackend | undefined): Promise<WireCompressor> {
  const codec = await zstdCodec(backend);
  checkLevel(codec, level);
  const chunkBytes = frameSizeFor(level);
  const least = level < SLOW_ZSTD ? STORED_FROM.quick : STORED_FROM.slow;
  const compress: Compress = async (raw) =>
    looksCompressed(raw, least) ? storedFrame(raw) : fitted(await codec.compressFrame(raw, level));
  return wire(`zstd:${String(level)} ${codec.name}`, chunkBytes, compress);
}

function gzipWire(level: number): WireCompressor {
  if (!Number.isInteger(level) || level < 1 || level > 9) {
    throw new TransferError('USAGE', `gzip level ${String(level)}: expected a whole number from 1 to 9`, {
      hint: `Level ${String(GZIP_LEVEL)} is the default.`,
    });
  }
  const compress: Compress = async (raw) =>
    fitted(await gzipMember(raw, looksCompressed(raw, STORED_FROM.slow) ? 0 : level));
  // What zlib writes also depends on the processor: it hashes with what that has.
  return wire(`gzip:${String(level)} zlib ${process.versions.zlib} ${process.arch}`, 4 * MiB, compress);
}

function wire(id: string, chunkBytes: number, compress: Compress): WireCompressor {
  const limited = atMost(THREADS, compress);
  const known = new WeakMap<Uint8Array, Promise<Uint8Array>>();
  const once: Compress = (raw) => {
    let frame = known.get(raw);
    if (frame === undefined) {
      frame = limited(raw);
      // The fault is met when the frame's turn comes, or never, when an earlier one ends it all.
      frame.catch(() => undefined);
      known.set(raw, frame);
    }
    return frame;
  };
  return { id, chunkBytes, compress: (tar) => compressed(gathered(tar, chunkBytes), once) };
}

async function* compressed(pieces: ByteStream, compress: Compress): AsyncGenerator<Uint8Array> {
  const pending: Promise<Uint8Array>[] = [];
  for await (const raw of pieces) {
    pending.push(compress(raw));
    const [first] = pending;
    if (pending.length < AHEAD || first === undefined) continue;
    void pending.shift();
    yield await first;
  }
  for (const frame of pending) yield await frame;
}

/** Large pieces as they are, those above `most` in parts; small ones together, up to `most` bytes. */
async function* gathered(tar: ByteStream, most: number): AsyncGenerator<Uint8Array> {
  let small: Uint8Array[] = [];
  let size = 0;
  const cut = (): Buffer => {
    const raw = Buffer.concat(small, size);
    small = [];
    size = 0;
    return raw;
  };
  for await (const piece of tar) {
    const large = piece.byteLength >= LARGE;
    if (size > 0 && (large || size + piece.byteLength > most)) yield cut();
    if (large) yield* parts(piece, most);
    else if (piece.byteLength > 0) {
      small.push(piece);
      size += piece.byteLength;
    }
  }
  if (size > 0) yield cut();
}

function* parts(piece: Uint8Array, most: number): Generator<Uint8Array> {
  if (piece.byteLength <= most) yield piece;
  else for (let at = 0; at < piece.byteLength; at += most) yield piece.subarray(at, at + most);
}

/** `work`, with no more than `lanes` at a time; first come, first served. */
function atMost(lanes: number, work: Compress): Compress {
  const waiting: (() => void)[] = [];
  let free = lanes;
  return async (raw) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work(raw);
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}

/** One gzip member (RFC 1952) without name or time, OS "unknown". Level 0 stores. */
function gzipMember(raw: Uint8Array, level: number): Promise<Buffer> {
  // Room for all of the output, so that it comes in one piece.
  const chunkSize = raw.byteLength + (raw.byteLength >>> 8) + 256;
  return new Promise((resolve, reject) => {
    gzipOnce(raw, { level, chunkSize }, (error, member) => {
      if (error !== null) {
        reject(error);
        return;
      }
      member[OS_BYTE] = OS_UNKNOWN;
      resolve(member);
    });
  });
}

/** A result is remembered: it must not keep the much larger buffer that it was written into. */
function fitted(frame: Buffer): Buffer {
  return frame.buffer.byteLength > frame.byteLength * 1.25 ? Buffer.from(frame) : frame;
}

import { encodeSeekTable, type SeekEntry } from './seek-table.js';
import { frameSizeFor, type ZstdCodec } from './zstd.js';

/** In a stream of pieces: the next byte begins a frame of its own. */
export const BOUNDARY: unique symbol = Symbol('frame boundary');

export interface SeekableOptions {
  readonly level: number;
  readonly codec: ZstdCodec;
  /** Raw bytes of the largest frame; by default what `frameSizeFor` says. */
  readonly frameSize?: number | undefined;
  /** Frames that are compressed at the same time. Does not change the output. */
  readonly jobs?: number | undefined;
}

interface Pending {
  readonly raw: number;
  readonly frame: Promise<Buffer>;
}

/**
 * A zstd file in the seekable format: independent frames, cut at each BOUNDARY and at `frameSize`, then the seek table
 * with checksums. Stock `zstd -d` reads it. Holds up to `jobs` frames in memory, and the table (12 bytes a frame). The
 * pieces must not change after they were handed over.
 */
export async function* seekableZstd(
  pieces: AsyncIterable<Uint8Array | typeof BOUNDARY>,
  { level, codec, frameSize = frameSizeFor(level), jobs = 2 }: SeekableOptions,
): AsyncGenerator<Buffer> {
  const entries: SeekEntry[] = [];
  const pending: Pending[] = [];
  for await (const raw of frames(pieces, frameSize)) {
    if (pending.length >= jobs) yield await finish(pending, entries);
    const frame = codec.compressFrame(raw, level);
    // The fault is met when the frame's turn comes, or never, when an earlier one ends it all.
    frame.catch(() => undefined);
    pending.push({ raw: raw.byteLength, frame });
  }
  while (pending.length > 0) yield await finish(pending, entries);
  yield encodeSeekTable(entries);
}

async function finish(pending: Pending[], entries: SeekEntry[]): Promise<Buffer> {
  const next = pending.shift();
  if (next === undefined) throw new Error('no frame is pending');
  const frame = await next.frame;
  // The frame's own content checksum, its last four bytes, is the one that the table wants.
  const checksum = frame.readUInt32LE(frame.byteLength - 4);
  entries.push({ compressed: frame.byteLength, raw: next.raw, checksum });
  return frame;
}

/** The raw bytes of one frame after the other; none is empty. */
async function* frames(pieces: AsyncIterable<Uint8Array | typeof BOUNDARY>, frameSize: number): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let size = 0;
  const cut = (): Buffer => {
    const raw = Buffer.concat(parts, size);
    parts = [];
    size = 0;
    return raw;
  };
  for await (const piece of pieces) {
    if (piece === BOUNDARY) {
      if (size > 0) yield cut();
      continue;
    }
    for (let at = 0; at < piece.byteLength;) {
      const part = piece.subarray(at, at + frameSize - size);
      parts.push(part);
      size += part.byteLength;
      at += part.byteLength;
      if (size === frameSize) yield cut();
    }
  }
  if (size > 0) yield cut();
}

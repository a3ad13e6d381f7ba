import { isTransferError, TransferError } from '../primitives/errors.js';
import { placeOf, type RandomAccess } from '../primitives/random-access.js';
import { damaged } from './faults.js';
import { FrameCache } from './frame-cache.js';
import { type SeekTable } from './seek-table.js';
import { contentChecksum } from './xxh64.js';
import { zstdCodec, type ZstdCodec } from './zstd.js';
import { checkFrame } from './zstd-frame.js';
import { isSkippable } from './zstd-header.js';

/** Frames that a stream decompresses before they are asked for. */
const AHEAD = 2;
/** Small frames are read from the file by as much as this at a time. */
const WINDOW = 64 * 1024;
/** Frames of this many bytes or less are decompressed in runs: a call of the decoder costs as much as 20 KiB of content. */
const SMALL = 16 * 1024;
/** Bytes of content in one run, at most. */
const RUN = 128 * 1024;

export interface SeekableAccess extends RandomAccess {
  /** Decompresses and checks every frame that no read has touched so far, and tells what is wrong with them. */
  auditUntouched(): AsyncIterable<TransferError>;
}

/**
 * The uncompressed bytes of a seekable zstd file. Reads decompress only the frames that they touch; each is checked for
 * its size and checksum before any byte of it is handed out. Buffers may be shared between reads: do not write to them.
 * Closing it closes `access`.
 * @throws TransferError (from its methods) BAD_ARCHIVE naming file and frame; SOURCE_CHANGED beyond the end
 */
export async function seekableAccess(
  access: RandomAccess,
  table: SeekTable,
  codec?: ZstdCodec,
): Promise<SeekableAccess> {
  const frames = new FrameReader(access, table, codec ?? (await zstdCodec()), await contentChecksum());
  const size = table.raw[table.frames] ?? 0;
  const stream = async function* (offset: number, length: number): AsyncGenerator<Buffer> {
    if (offset < 0 || length < 0 || offset + length > size) throw beyond(access.label, offset + length, size);
    if (length > 0) yield* frames.range(offset, length);
  };
  return {
    label: access.label,
    size,
    stream,
    read: async (offset, length) => {
      const parts: Buffer[] = [];
      for await (const part of stream(offset, length)) parts.push(part);
      return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, length);
    },
    auditUntouched: () => frames.audit(),
    close: () => access.close(),
  };
}

class FrameReader {
  private readonly access: RandomAccess;
  private readonly table: SeekTable;
  private readonly codec: ZstdCodec;
  private readonly checksum: (bytes: Uint8Array) => number;
  private readonly cache = new FrameCache();
  /** By frame: 1 once a read has had its contents, or its fault. */
  private readonly touched: Uint8Array;
  private window: { readonly start: number; readonly bytes: Buffer } = { start: 0, bytes: Buffer.alloc(0) };

  constructor(access: RandomAccess, table: SeekTable, codec: ZstdCodec, checksum: (bytes: Uint8Array) => number) {
    this.access = access;
    this.table = table;
    this.codec = codec;
    this.checksum = checksum;
    this.touched = new Uint8Array(table.frames);
  }

  async *range(offset: number, length: number): AsyncGenerator<Buffer> {
    const { raw } = this.table;
    const end = offset + length;
    const ahead: Promise<Buffer>[] = [];
    let next = this.frameAt(offset);
    for (let frame = next; (raw[frame] ?? end) < end; frame++) {
      while (ahead.length <= AHEAD && (raw[next] ?? end) < end) ahead.push(this.load(next++));
      // Not when it is loaded: a fault of a frame behind the one at which the reader stops is told to nobody.
      this.touched[frame] = 1;
      const content = await ahead.shift();
      const start = raw[frame] ?? 0;
      const part = content?.subarray(Math.max(0, offset - start), end - start);
      if (part !== undefined && part.byteLength > 0) yield part;
    }
  }

  async *audit(): AsyncGenerator<TransferError> {
    for (let frame = 0; frame < this.table.frames; frame++) {
      if (this.touched[frame] === 1) continue;
      this.touched[frame] = 1;
      try {
        await this.load(frame);
      } catch (error) {
        if (!isTransferError(error)) throw error;
        yield error;
      }
    }
  }

  /** The last frame that begins at or before `offset`. */
  private frameAt(offset: number): number {
    const { raw, frames } = this.table;
    let low = 0;
    let high = frames;
    while (low + 1 < high) {
      const middle = (low + high) >>> 1;
      if ((raw[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low;
  }

  private load(frame: number): Promise<Buffer> {
    const cached = this.cache.get(frame);
    if (cached !== undefined) return cached;
    const end = this.codec.decompressRun === undefined ? frame + 1 : this.runEnd(frame);
    if (end === frame + 1) return this.cache.put(frame, this.rawSize(frame), this.decode(frame));
    const run = this.decodeRun(frame, end);
    for (let i = frame; i < end; i++) {
      const content = run.then((contents) => contents?.[i - frame] ?? this.decode(i));
      void this.cache.put(i, this.rawSize(i), content);
    }
    return this.cache.get(frame) ?? this.decode(frame);
  }

  /** The end of the run of small frames that begins with `frame`; the next one, if it is not small. */
  private runEnd(frame: number): number {
    const { raw, offsets, frames } = this.table;
    let end = frame;
    while (end < frames && this.rawSize(end) > 0 && this.rawSize(end) <= SMALL) {
      if (span(raw, frame, end + 1) > RUN || span(offsets, frame, end + 1) > WINDOW / 2) break;
      end++;
    }
    return Math.max(end, frame + 1);
  }

  /** The contents of the frames from `start` up to `end`; undefined when they have to be looked at one by one. */
  private async decodeRun(start: number, end: number): Promise<Buffer[] | undefined> {
    const { raw, offsets, checksums } = this.table;
    const from = offsets[start] ?? 0;
    const bytes = await this.fetch(from, span(offsets, start, end));
    try {
      const frames = Array.from({ length: end - start }, (_, i) =>
        bytes.subarray((offsets[start + i] ?? 0) - from, (offsets[start + i + 1] ?? 0) - from),
      );
      const stated = frames.every((frame, i) => checkFrame(frame, this.rawSize(start + i)).contentSize !== undefined);
      if (!stated) return undefined;
      const all = await this.codec.decompressRun?.(bytes, span(raw, start, end));
      if (all === undefined) return undefined;
      const contents = frames.map((frame, i) => {
        const at = span(raw, start, start + i);
        const content = all.subarray(at, at + this.rawSize(start + i));
        return checksums === undefined || this.checksumOf(frame, content) === checksums[start + i]
          ? content
          : undefined;
      });
      return contents.every((content) => content !== undefined) ? contents : undefined;
    } catch (error) {
      if (isTransferError(error)) return undefined;
      throw error;
    }
  }

  private rawSize(frame: number): number {
    return span(this.table.raw, frame, frame + 1);
  }

  private async decode(frame: number): Promise<Buffer> {
    const rawSize = this.rawSize(frame);
    const start = this.table.offsets[frame] ?? 0;
    const length = (this.table.offsets[frame + 1] ?? 0) - start;
    const where = `${placeOf(this.access, start, length)}: frame ${String(frame)} at byte ${String(start)}`;
    if (rawSize === 0 && (await this.isSkippableFrame(start, length))) return Buffer.alloc(0);
    // No encoder makes a frame larger than its contents by more than a header a block.
    if (length > rawSize + (rawSize >>> 6) + 1024) {
      throw damaged(where, `expected a frame of about ${String(rawSize)} bytes or less, found ${String(length)}`);
    }
    const bytes = await this.fetch(start, length);
    const content = await this.codec.decompressFrame(bytes, rawSize).catch((error: unknown) => {
      throw isTransferError(error) ? placed(where, error) : error;
    });
    const stated = this.table.checksums?.[frame];
    const found = stated === undefined ? undefined : this.checksumOf(bytes, content);
    if (found !== stated)
      throw damaged(where, `expected checksum ${hex(stated)} by the seek table, found ${hex(found)}`);
    return content;
  }

  /** A frame with a checksum of its own has been checked against that by the decoder. */
  private checksumOf(frame: Buffer, content: Buffer): number {
    const own = ((frame[4] ?? 0) & 0x04) !== 0;
    return own ? frame.readUInt32LE(frame.byteLength - 4) : this.checksum(content);
  }

  private async isSkippableFrame(start: number, length: number): Promise<boolean> {
    if (length < 8) return false;
    const head = await this.fetch(start, 8);
    return isSkippable(head.readUInt32LE(0)) && head.readUInt32LE(4) === length - 8;
  }

  private async fetch(start: number, length: number): Promise<Buffer> {
    if (length > WINDOW / 2) return this.access.read(start, length);
    const { window } = this;
    if (start >= window.start && start + length <= window.start + window.bytes.byteLength) {
      return window.bytes.subarray(start - window.start, start - window.start + length);
    }
    const bytes = await this.access.read(start, Math.min(WINDOW, this.access.size - start));
    this.window = { start, bytes };
    return bytes.subarray(0, length);
  }
}

const span = (offsets: Float64Array, from: number, to: number): number => (offsets[to] ?? 0) - (offsets[from] ?? 0);

const hex = (checksum: number | undefined): string => (checksum ?? 0).toString(16).padStart(8, '0');

function placed(where: string, error: TransferError): TransferError {
  return new TransferError(error.code, `${where}: ${error.message}`, {
    hint: error.hint,
    side: 'source',
    cause: error,
  });
}

function beyond(label: string, wanted: number, size: number): TransferError {
  return new TransferError(
    'SOURCE_CHANGED',
    `${label}: expected ${String(wanted)} bytes after decompression, but there are ${String(size)}`,
    { side: 'source', hint: 'The file is not what its contents say: copy it again, or make it again.' },
  );
}

import { type RandomAccess } from '../primitives/random-access.js';
import { TransferError } from '../primitives/errors.js';
import { damaged } from './faults.js';
import { SKIPPABLE_MAGIC } from './zstd-header.js';

/*
 * The seek table of the "Zstandard Seekable Format" 0.1.0, facebook/zstd
 * contrib/seekable_format/zstd_seekable_compression_format.md: a skippable frame at the end of the file,
 *   magic 0x184D2A5E, Frame_Size, (Compressed_Size, Decompressed_Size[, Checksum]) for each frame,
 *   Number_Of_Frames, Seek_Table_Descriptor, magic 0x8F92EAB1; all numbers little-endian.
 */
const TABLE_MAGIC = SKIPPABLE_MAGIC + 0xe;
const FOOTER_MAGIC = 0x8f92eab1;
const FOOTER = 9;
const HEADER = 8;
const HAS_CHECKSUMS = 0x80;
const RESERVED = 0x7c;

/** Frames of one file: 8 TB at 4 MiB each. Their table takes 40 MB in memory. */
const MAX_FRAMES = 2_000_000;
/** A frame that decompresses to more is not offered for random access: it would have to be held in memory. */
const MAX_FRAME = 128 * 1024 * 1024;

/** Where the frames of a file lie. Frame i has the bytes from `offsets[i]` to `offsets[i + 1]`, likewise for `raw`. */
export interface SeekTable {
  readonly frames: number;
  /** Offsets in the file; one more than there are frames. */
  readonly offsets: Float64Array;
  /** Offsets in the uncompressed bytes; one more than there are frames. */
  readonly raw: Float64Array;
  /** The low 32 bits of XXH64 of each frame's contents, where the table has them. */
  readonly checksums: Uint32Array | undefined;
}

/** One frame of a table that is being written. */
export interface SeekEntry {
  readonly compressed: number;
  readonly raw: number;
  readonly checksum: number;
}

/** The seek table, as the skippable frame that ends the file. */
export function encodeSeekTable(entries: readonly SeekEntry[]): Buffer {
  const table = Buffer.allocUnsafe(HEADER + entries.length * 12 + FOOTER);
  table.writeUInt32LE(TABLE_MAGIC, 0);
  table.writeUInt32LE(table.byteLength - HEADER, 4);
  let at = HEADER;
  for (const { compressed, raw, checksum } of entries) {
    table.writeUInt32LE(compressed, at);
    table.writeUInt32LE(raw, at + 4);
    table.writeUInt32LE(checksum, at + 8);
    at += 12;
  }
  table.writeUInt32LE(entries.length, at);
  table.writeUInt8(HAS_CHECKSUMS, at + 4);
  table.writeUInt32LE(FOOTER_MAGIC, at + 5);
  return table;
}

/**
 * The seek table of a zstd file. Reads the end of the file only.
 * @returns undefined when it has none, or one with frames of more than 128 MiB
 * @throws TransferError BAD_ARCHIVE for one that is broken or does not fit the file; LIMIT for over 2,000,000 frames
 */
export async function readSeekTable(access: RandomAccess): Promise<SeekTable | undefined> {
  if (access.size < HEADER + FOOTER) return undefined;
  const footer = await access.read(access.size - FOOTER, FOOTER);
  if (footer.readUInt32LE(5) !== FOOTER_MAGIC) return undefined;
  const frames = footer.readUInt32LE(0);
  const descriptor = footer.readUInt8(4);
  if ((descriptor & RESERVED) !== 0) {
    throw broken(access, `reserved bits are set in its descriptor (0x${descriptor.toString(16)})`);
  }
  const entryBytes = (descriptor & HAS_CHECKSUMS) === 0 ? 8 : 12;
  const length = HEADER + frames * entryBytes + FOOTER;
  if (length > access.size) throw broken(access, `it names ${String(frames)} frames, more than the file can have`);
  if (frames > MAX_FRAMES) {
    throw new TransferError(
      'LIMIT',
      `${access.label}: its seek table has ${String(frames)} frames, more than ${String(MAX_FRAMES)}`,
      { side: 'source', hint: 'Decompress the file with "zstd -d" and use the result.' },
    );
  }
  const table = await access.read(access.size - length, length);
  if (table.readUInt32LE(0) !== TABLE_MAGIC || table.readUInt32LE(4) !== length - HEADER) {
    throw broken(access, `expected it to begin at byte ${String(access.size - length)}, found something else`);
  }
  return parseEntries(access, table, frames, entryBytes);
}

function parseEntries(access: RandomAccess, table: Buffer, frames: number, entryBytes: number): SeekTable | undefined {
  const offsets = new Float64Array(frames + 1);
  const raw = new Float64Array(frames + 1);
  const checksums = entryBytes === 12 ? new Uint32Array(frames) : undefined;
  let tooLarge = false;
  for (let i = 0; i < frames; i++) {
    const at = HEADER + i * entryBytes;
    const size = table.readUInt32LE(at + 4);
    offsets[i + 1] = (offsets[i] ?? 0) + table.readUInt32LE(at);
    raw[i + 1] = (raw[i] ?? 0) + size;
    if (checksums !== undefined) checksums[i] = table.readUInt32LE(at + 8);
    tooLarge ||= size > MAX_FRAME;
  }
  const data = access.size - table.byteLength;
  if (offsets[frames] !== data) {
    throw broken(
      access,
      `its frames have ${String(offsets[frames])} bytes together, the file has ${String(data)} of them`,
    );
  }
  return tooLarge ? undefined : { frames, offsets, raw, checksums };
}

function broken(access: RandomAccess, problem: string): TransferError {
  return damaged(access.label, `the seek table at its end is broken: ${problem}`);
}

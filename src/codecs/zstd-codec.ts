import { type ByteStream } from '../primitives/bytes.js';

/** Compresses and decompresses zstd frames one by one (RFC 8878). */
export interface ZstdCodec {
  /** What does the work, with its version: "node:zlib 1.5.7", "zstd-codec 0.1.5". */
  readonly name: string;
  readonly maxLevel: number;
  /** The largest window, in bytes, of a frame that it decompresses. */
  readonly maxWindow: number;
  /**
   * Exactly one independent frame with content size and content checksum; the same bytes for the same input, level and
   * `name`. `raw` must not change before the promise settles.
   * @throws TransferError UNSUPPORTED_HERE for a level over `maxLevel`
   */
  compressFrame(raw: Uint8Array, level: number): Promise<Buffer>;
  /**
   * The contents of `frame`, which is exactly one frame. Small frames are ready when the call returns.
   * @throws TransferError BAD_ARCHIVE when it does not hold exactly `rawSize` bytes, or is damaged
   */
  decompressFrame(frame: Uint8Array, rawSize: number): Promise<Buffer>;
  /**
   * The contents of small frames in a row, in one call, for a codec that gains by it. (node:zlib cannot: its one-shot
   * call ends at the first frame, without an error.) The caller has checked each of them (`checkFrame`), and that they
   * state their sizes, which are `rawSize` together.
   * @throws TransferError BAD_ARCHIVE
   */
  readonly decompressRun?: (frames: Uint8Array, rawSize: number) => Promise<Buffer>;
  /** The contents of data frames in a row, of which `ZstdWalker` has seen that they are whole. */
  decompressStream(frames: ByteStream): ByteStream;
  /** Ends helper threads. Optional: they do not keep the process alive. */
  close(): Promise<void>;
}

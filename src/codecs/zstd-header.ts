/** Marks of RFC 8878. */
export const ZSTD_MAGIC = 0xfd2fb528;
export const SKIPPABLE_MAGIC = 0x184d2a50;
/** The most that one block decompresses to (RFC 8878 section 3.1.1.2.4). */
export const MAX_BLOCK = 128 * 1024;

export interface FrameHeader {
  /** Bytes of the header, magic included. */
  readonly length: number;
  /** Bytes that the decoder has to keep; the content size for a frame in a single segment. */
  readonly window: number;
  /** Bytes of content, where the header states them. */
  readonly contentSize: number | undefined;
  readonly hasChecksum: boolean;
  readonly dictionary: boolean;
}

export const isSkippable = (magic: number): boolean => magic >>> 4 === SKIPPABLE_MAGIC >>> 4;

/** How long the frame header is (RFC 8878 section 3.1.1.1), from its descriptor byte, magic included. */
export function headerLength(descriptor: number): number {
  const single = (descriptor & 0x20) !== 0;
  return 5 + (single ? 0 : 1) + dictionaryBytes(descriptor) + sizeBytes(descriptor);
}

/** @returns the header at the start of `bytes` (which hold all of it), or what is wrong with it. */
export function parseHeader(bytes: Uint8Array): FrameHeader | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const descriptor = view.getUint8(4);
  if ((descriptor & 0x08) !== 0) return 'a reserved bit is set in the frame header';
  const single = (descriptor & 0x20) !== 0;
  const idAt = single ? 5 : 6;
  const idBytes = dictionaryBytes(descriptor);
  const contentSize = readSize(view, idAt + idBytes, sizeBytes(descriptor));
  return {
    length: headerLength(descriptor),
    window: single ? (contentSize ?? 0) : windowSize(view.getUint8(5)),
    contentSize,
    hasChecksum: (descriptor & 0x04) !== 0,
    dictionary: bytes.subarray(idAt, idAt + idBytes).some((byte) => byte !== 0),
  };
}

function dictionaryBytes(descriptor: number): number {
  return [0, 1, 2, 4][descriptor & 3] ?? 0;
}

function sizeBytes(descriptor: number): number {
  const single = (descriptor & 0x20) !== 0;
  return [single ? 1 : 0, 2, 4, 8][descriptor >>> 6] ?? 0;
}

function readSize(view: DataView, at: number, bytes: number): number | undefined {
  if (bytes === 0) return undefined;
  if (bytes === 1) return view.getUint8(at);
  if (bytes === 2) return view.getUint16(at, true) + 256;
  return bytes === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >>> 3));
  return base + (base / 8) * (descriptor & 7);
}

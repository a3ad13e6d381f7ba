/** How bytes are compressed, as far as their first bytes tell. */
export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

/** As many bytes as `sniffCompression` looks at. */
export const SNIFF_BYTES = 10;

const XZ = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];
const BZIP2_BLOCK = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
const BZIP2_END = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90];

/**
 * Judges by magic bytes (RFC 1952 section 2.3.1, RFC 8878 section 3.1, the .xz file format section 2.1.1.1, and what
 * bzip2 writes). `head` is the beginning of a file: SNIFF_BYTES of it, or all of a shorter one. A file that was cut
 * within its magic counts as what it began as, so that the decoder can say so.
 */
export function sniffCompression(head: Uint8Array): Compression {
  if (startsWith(head, [0x1f, 0x8b]) && (head[2] ?? 8) === 8) return 'gzip';
  if (startsWith(head, ZSTD) || isSkippable(head)) return 'zstd';
  if (startsWith(head, XZ)) return 'xz';
  return isBzip2(head) ? 'bzip2' : 'none';
}

function isSkippable(head: Uint8Array): boolean {
  return startsWith(head.subarray(1), [0x2a, 0x4d, 0x18]) && ((head[0] ?? 0) & 0xf0) === 0x50;
}

// "BZh9" alone could begin a file name at the start of a tar; the block mark behind it cannot.
function isBzip2(head: Uint8Array): boolean {
  const level = head[3] ?? 0;
  if (!startsWith(head, [0x42, 0x5a, 0x68]) || level < 0x31 || level > 0x39) return false;
  const mark = head.subarray(4, 10);
  return agrees(mark, BZIP2_BLOCK) || agrees(mark, BZIP2_END);
}

const agrees = (bytes: Uint8Array, magic: readonly number[]): boolean => bytes.every((byte, i) => byte === magic[i]);

const startsWith = (bytes: Uint8Array, magic: readonly number[]): boolean =>
  bytes.byteLength >= magic.length && agrees(bytes.subarray(0, magic.length), magic);

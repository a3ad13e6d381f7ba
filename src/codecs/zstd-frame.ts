import { damaged } from './faults.js';
import { type FrameHeader } from './zstd-header.js';
import { ZstdWalker } from './zstd-walker.js';
import { TransferError } from '../primitives/errors.js';

const WHERE = 'a zstd frame';

/**
 * Checks the structure of one data frame before a decoder sees it.
 * @throws TransferError BAD_ARCHIVE unless `frame` is exactly one whole data frame that may hold `rawSize` bytes
 */
export function checkFrame(frame: Uint8Array, rawSize: number): FrameHeader {
  const walker = new ZstdWalker(WHERE);
  let data = 0;
  for (const piece of walker.pieces(frame)) data += piece.byteLength;
  walker.end();
  const header = walker.lastHeader;
  if (walker.frames !== 1 || header === undefined || data !== frame.byteLength) {
    throw damaged(WHERE, `expected one data frame, found ${String(walker.frames)} of any kind, or padding`);
  }
  if (header.contentSize !== undefined) checkSize(header.contentSize, rawSize);
  return header;
}

/** @throws TransferError BAD_ARCHIVE */
export function checkSize(found: number, expected: number): void {
  if (found === expected) return;
  throw damaged(WHERE, `expected ${String(expected)} bytes of content, found ${String(found)}`);
}

/** What a decoder threw, as BAD_ARCHIVE; a TransferError as it is. */
export function frameFault(error: unknown, reason: string): TransferError {
  return damaged(WHERE, `expected intact zstd data, found: ${reason}`, error);
}

/** @throws TransferError UNSUPPORTED_HERE when the window is larger than the codec can keep */
export function checkWindow(header: FrameHeader, codec: { name: string; maxWindow: number }, where: string): void {
  if (header.window <= codec.maxWindow) return;
  throw new TransferError(
    'UNSUPPORTED_HERE',
    `${where}: the zstd data needs a window of ${String(header.window)} bytes; ${codec.name} has ${String(codec.maxWindow)}`,
    { side: 'source', hint: 'Decompress it with "zstd -d --long=31" first, or use Node.js 22.15 or later.' },
  );
}

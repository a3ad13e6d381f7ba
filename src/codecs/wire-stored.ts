const MAGIC = 0xfd2fb528;
/** Frame_Content_Size of four bytes, Single_Segment: the window is the content, and there is no other field. */
const DESCRIPTOR = 0xa0;
const HEADER = 9;
/** Block_Maximum_Size. */
const BLOCK = 128 * 1024;
const BLOCK_HEADER = 3;

/** A zstd frame of raw blocks (RFC 8878 section 3.1.1.2.2), without checksum. `raw` is not empty and below 4 GiB. */
export function storedFrame(raw: Uint8Array): Buffer {
  const blocks = Math.ceil(raw.byteLength / BLOCK);
  const frame = Buffer.allocUnsafeSlow(HEADER + blocks * BLOCK_HEADER + raw.byteLength);
  frame.writeUInt32LE(MAGIC, 0);
  frame.writeUInt8(DESCRIPTOR, 4);
  frame.writeUInt32LE(raw.byteLength, 5);
  let at = HEADER;
  for (let from = 0; from < raw.byteLength; from += BLOCK) {
    const block = raw.subarray(from, from + BLOCK);
    const last = from + BLOCK >= raw.byteLength ? 1 : 0;
    frame.writeUIntLE((block.byteLength << 3) | last, at, BLOCK_HEADER);
    frame.set(block, at + BLOCK_HEADER);
    at += BLOCK_HEADER + block.byteLength;
  }
  return frame;
}

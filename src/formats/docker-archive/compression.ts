import { SNIFF_BYTES, sniffCompression } from '../../codecs/sniff.js';
import { type ByteStream } from '../../primitives/bytes.js';

/** Whether these bytes are compressed; reads no more of them than it takes to see that. */
export async function isCompressed(bytes: ByteStream): Promise<boolean> {
  let head = Buffer.alloc(0);
  for await (const chunk of bytes) {
    head = Buffer.concat([head, chunk.subarray(0, SNIFF_BYTES)]);
    if (head.byteLength >= SNIFF_BYTES) break;
  }
  return sniffCompression(head.subarray(0, SNIFF_BYTES)) !== 'none';
}

import { type ByteStream } from '../primitives/bytes.js';
import { damaged } from './faults.js';
import { guarded } from './guarded.js';
import { zstdCodec, type ZstdCodec } from './zstd.js';
import { checkWindow } from './zstd-frame.js';
import { ZstdWalker } from './zstd-walker.js';

/**
 * The contents of all frames in a row; skippable frames and zero padding at the end are passed over.
 * @throws TransferError BAD_ARCHIVE for damage and a missing end, UNSUPPORTED_HERE for a window that is too large
 */
export async function* unzstd(bytes: ByteStream, where: string, codec?: ZstdCodec): AsyncGenerator<Uint8Array> {
  const backend = codec ?? (await zstdCodec());
  const walker = new ZstdWalker(where, (header) => {
    checkWindow(header, backend, where);
  });
  let size = 0;
  const decode = (input: ByteStream): ByteStream => backend.decompressStream(dataFrames(input, walker));
  for await (const content of guarded(bytes, where, 'zstd', decode)) {
    size += content.byteLength;
    yield content;
  }
  if (walker.declared !== undefined && walker.declared !== size) {
    throw damaged(where, `expected ${String(walker.declared)} bytes in the zstd frames, found ${String(size)}`);
  }
}

async function* dataFrames(bytes: ByteStream, walker: ZstdWalker): ByteStream {
  for await (const chunk of bytes) yield* walker.pieces(chunk);
  walker.end();
}

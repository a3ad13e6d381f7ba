import { type ByteStream, replay } from '../primitives/bytes.js';
import { type Compression, SNIFF_BYTES, sniffCompression } from './sniff.js';

export interface Sniffed {
  readonly format: Compression;
  /** The same bytes from their first one; the one given must not be read any more. */
  readonly bytes: ByteStream;
}

/** Looks at the first bytes of a stream. Reads them when it is called; whoever does so should read on, or close. */
export async function sniffStream(bytes: ByteStream): Promise<Sniffed> {
  const iterator = bytes[Symbol.asyncIterator]();
  const seen: Uint8Array[] = [];
  let size = 0;
  while (size < SNIFF_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    seen.push(next.value);
    size += next.value.byteLength;
  }
  return { format: sniffCompression(Buffer.concat(seen).subarray(0, SNIFF_BYTES)), bytes: replay(seen, iterator) };
}

/**
 * Decompresses by content, whatever the name; plain bytes pass unchanged. Memory is bounded by the window of the format
 * (zstd: 128 MiB, xz: 64 MiB) and a few MiB. Each decoder is loaded when it is first needed.
 * @param where names the file or member in errors
 * @throws TransferError BAD_ARCHIVE for damaged or truncated data and for anything but zeros after its end;
 * UNSUPPORTED_HERE for a feature that the decoder lacks; what `bytes` throws, as it is
 */
export async function* decompress(bytes: ByteStream, where: string): AsyncGenerator<Uint8Array> {
  const sniffed = await sniffStream(bytes);
  yield* decompressAs(sniffed.format, sniffed.bytes, where);
}

/** As `decompress`, for a format that is known. */
export async function* decompressAs(format: Compression, bytes: ByteStream, where: string): AsyncGenerator<Uint8Array> {
  const decode = await decoderOf(format);
  yield* decode(bytes, where);
}

type Decode = (bytes: ByteStream, where: string) => ByteStream;

async function decoderOf(format: Compression): Promise<Decode> {
  switch (format) {
    case 'none':
      return (bytes) => bytes;
    case 'gzip':
      return (await import('./gzip.js')).gunzip;
    case 'zstd':
      return (await import('./zstd-stream.js')).unzstd;
    case 'xz':
      return (await import('./xz.js')).unxz;
    case 'bzip2':
      return (await import('./bzip2.js')).bunzip2;
  }
}

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ReadableStream } from 'node:stream/web';
import { compileFunction } from 'node:vm';
import { type ByteStream } from '../primitives/bytes.js';
import { TransferError } from '../primitives/errors.js';
import { damaged, reasonOf, truncated } from './faults.js';
import { guarded } from './guarded.js';

type XzStream = new (compressed: ReadableStream<Uint8Array>) => ReadableStream<Uint8Array>;

/**
 * The contents of all streams of an .xz file, by xz-decompress (xz-embedded as WebAssembly). It checks CRC32, CRC64,
 * the index and each footer, and takes dictionaries up to 64 MiB (`xz -9`), but no SHA-256 check and no BCJ filter.
 * @throws TransferError BAD_ARCHIVE, or UNSUPPORTED_HERE for those
 */
export async function* unxz(bytes: ByteStream, where: string): AsyncGenerator<Uint8Array> {
  yield* guarded(bytes, where, 'xz', async function* (input) {
    const Stream = freshDecoder();
    const count = { read: 0 };
    const source = counted(input, count);
    try {
      for await (const part of new Stream(ReadableStream.from(source))) if (part.byteLength > 0) yield part;
    } catch (error) {
      throw xzFault(error, where, count.read);
    } finally {
      await source.return(undefined);
    }
  });
}

async function* counted(bytes: ByteStream, count: { read: number }): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    // The decoder takes an empty chunk for the end.
    if (chunk.byteLength === 0) continue;
    count.read += chunk.byteLength;
    yield chunk;
  }
}

/**
 * A copy of the package for each file: it holds one decoder behind a lock for all its streams, so that a file which is
 * read while another one is open would wait for ever; and memory that a large dictionary took is not given back.
 */
function freshDecoder(): XzStream {
  const require = createRequire(import.meta.url);
  const path = require.resolve('xz-decompress');
  const module: { exports: Partial<{ XzReadableStream: XzStream }> } = { exports: {} };
  const load = compileFunction(readFileSync(path, 'utf8'), ['module', 'exports', 'require'], { filename: path });
  (load as (m: object, e: object, r: NodeJS.Require) => void)(module, module.exports, require);
  if (module.exports.XzReadableStream === undefined) throw new Error('xz-decompress exports no XzReadableStream');
  return module.exports.XzReadableStream;
}

/** The codes are those of xz-embedded (enum xz_ret in xz.h). */
function xzFault(error: unknown, where: string, read: number): unknown {
  const reason = reasonOf(error);
  const code = Number(/error code (\d+)$/.exec(reason)?.[1]);
  if (code === 8) return truncated(where, 'xz', 'more data', read);
  if (code === 5)
    return damaged(where, 'expected an xz stream, or zero padding after one; found something else', error);
  if (code === 7) return damaged(where, 'expected intact xz data, found data that does not fit its checksums', error);
  const lacks = unsupported[code];
  if (lacks === undefined) return error;
  const hint = 'Decompress it with "xz -d" first.';
  return new TransferError('UNSUPPORTED_HERE', `${where}: this xz data has ${lacks}`, { side: 'source', hint });
}

const unsupported: Readonly<Record<number, string>> = {
  2: 'a kind of check that xz-decompress cannot compute',
  3: 'a dictionary that does not fit into memory',
  4: 'a dictionary over 64 MiB',
  6: 'a filter or a kind of check (SHA-256, BCJ) that xz-decompress does not know',
};

import { createHash } from 'node:crypto';
import { type Digest, digestOf } from './digest.js';
import { TransferError } from './errors.js';

/** Bytes that are pulled, chunk by chunk. A consumer that stops early must call `return` (a `for await` does). */
export type ByteStream = AsyncIterable<Uint8Array>;

/** A stream over bytes at hand. */
// eslint-disable-next-line @typescript-eslint/require-await -- a stream is asynchronous whether it needs to be or not
export async function* bytesOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) if (chunk.byteLength > 0) yield chunk;
}

/**
 * Everything in `bytes`, in one buffer.
 * @throws TransferError LIMIT when there are more than `max` bytes; `what` names the thing.
 */
export async function readAll(bytes: ByteStream, max: number, what: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of bytes) {
    total += chunk.byteLength;
    if (total > max) {
      throw new TransferError('LIMIT', `${what}: larger than the ${String(max)} bytes that are read of such a file`, {
        hint: 'No known tool writes one of this size; check where the file comes from.',
      });
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts, total);
}

/** Size and digest of a stream, by reading it to its end. */
export async function measure(bytes: ByteStream): Promise<{ readonly digest: Digest; readonly size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of bytes) {
    hash.update(chunk);
    size += chunk.byteLength;
  }
  return { digest: digestOf(hash), size };
}

/** Reads a stream to its end, for the sake of the checks that are in it. */
export async function drain(bytes: ByteStream): Promise<void> {
  const iterator = bytes[Symbol.asyncIterator]();
  for (let step = await iterator.next(); step.done !== true; step = await iterator.next());
}

/** `bytes` without the first `count`. */
export async function* after(bytes: ByteStream, count: number): AsyncGenerator<Uint8Array> {
  let skip = count;
  for await (const chunk of bytes) {
    if (chunk.byteLength <= skip) skip -= chunk.byteLength;
    else {
      yield skip === 0 ? chunk : chunk.subarray(skip);
      skip = 0;
    }
  }
}

/** A stream from its beginning, of which some chunks were taken to look at; `rest` is the iterator they came from. */
export async function* replay(
  seen: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* bytesOf(...seen);
    yield* { [Symbol.asyncIterator]: () => rest };
  } finally {
    await rest.return?.();
  }
}

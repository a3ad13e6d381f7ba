import { createHash } from 'node:crypto';
import { type ByteStream } from './bytes.js';
import { type Digest, digestOf } from './digest.js';
import { TransferError } from './errors.js';

export interface Expected {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/**
 * Passes `bytes` through and checks size and sha256. The last chunk is held back until the verdict, so that a receiver
 * never sees the end of a blob that is wrong.
 * @throws TransferError BLOB_CORRUPT, at the end, or as soon as there is a byte too much; `where` names the place.
 */
export async function* verified(bytes: ByteStream, expected: Expected, where: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let seen = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of bytes) {
    if (chunk.byteLength === 0) continue;
    seen += chunk.byteLength;
    if (seen > expected.size) throw corrupt(where, expected, `more than ${String(expected.size)} bytes`);
    hash.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (seen !== expected.size) throw corrupt(where, expected, `${String(seen)} bytes`);
  const found = digestOf(hash);
  if (found !== expected.digest) throw corrupt(where, expected, found);
  if (held !== undefined) yield held;
}

function corrupt(where: string, expected: Expected, found: string): TransferError {
  return new TransferError(
    'BLOB_CORRUPT',
    `${where}: expected ${expected.digest} of ${String(expected.size)} bytes, found ${found}`,
    { side: 'source', hint: 'The file was damaged after it was written: copy it again, or save the image again.' },
  );
}

import { createHash } from 'node:crypto';
import { type OpenBlob } from '../../src/ports.js';
import { type ByteStream, readAll } from '../../src/primitives/bytes.js';
import { type Digest } from '../../src/primitives/digest.js';
import { verified } from '../../src/primitives/verified.js';

export interface TestBlob {
  readonly digest: Digest;
  readonly size: number;
  readonly bytes: Buffer;
}

export function blobOf(size: number, seed = 1): TestBlob {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + (i >> 8) * 17 + seed) & 0xff;
  return { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest, size, bytes };
}

/** A source that gives pieces of `piece` bytes and counts what is open. */
export function sourceOf(
  blobs: readonly TestBlob[],
  piece = 7,
): { open: OpenBlob; state: { running: number; read: number } } {
  const state = { running: 0, read: 0 };
  async function* pieces(bytes: Buffer): ByteStream {
    state.running++;
    try {
      for (let at = 0; at < bytes.byteLength; at += piece) {
        await Promise.resolve();
        const part = bytes.subarray(at, at + piece);
        state.read += part.byteLength;
        yield part;
      }
    } finally {
      state.running--;
    }
  }
  const open: OpenBlob = (blob) => {
    const found = blobs.find(({ digest }) => digest === blob.digest);
    return verified(pieces(found?.bytes ?? Buffer.alloc(0)), blob, 'test');
  };
  return { open, state };
}

export const iterate = (bytes: ByteStream): AsyncIterator<Uint8Array> => bytes[Symbol.asyncIterator]();

/** Up to `count` chunks. */
export async function take(from: AsyncIterator<Uint8Array>, count: number): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const step = await from.next();
    if (step.done === true) break;
    chunks.push(step.value);
  }
  return chunks;
}

export const all = (bytes: ByteStream): Promise<Buffer> => readAll(bytes, 1e9, 'test');

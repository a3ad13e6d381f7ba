import { type Decompress } from '../../ports.js';
import { type ByteStream, measure } from '../../primitives/bytes.js';
import { type Digest } from '../../primitives/digest.js';
import { TransferError } from '../../primitives/errors.js';
import { Lifetime } from '../../primitives/lifetime.js';

/**
 * Passes the bytes of a compressed layer through and checks what they decompress to. The last chunk waits for the
 * verdict, so a layer that is wrong never ends. Podman 4 takes such a layer silently, the containerd store with exit
 * status 0.
 * @throws TransferError BLOB_CORRUPT when it is not `diffId`; `where` names the layer.
 */
export async function* checkedLayer(
  bytes: ByteStream,
  diffId: Digest,
  decompress: Decompress,
  where: string,
): AsyncGenerator<Uint8Array> {
  const copy = new Handoff();
  const verdict = measure(decompress(copy, where));
  // Also when it settles early: a decompressor may stop before trailing bytes, or throw.
  const reader = new Lifetime();
  const end = (): void => {
    reader.end();
  };
  verdict.then(end, end);
  let held: Uint8Array | undefined;
  try {
    for await (const chunk of bytes) {
      if (chunk.byteLength === 0) continue;
      if (held !== undefined) yield held;
      held = chunk;
      await reader.during(copy.put(chunk));
    }
    copy.end();
    const { digest } = await verdict;
    if (digest !== diffId) throw wrongContents(where, diffId, digest);
  } finally {
    copy.end();
  }
  if (held !== undefined) yield held;
}

function wrongContents(where: string, expected: Digest, found: Digest): TransferError {
  return new TransferError(
    'BLOB_CORRUPT',
    `${where}: expected contents (diffID) ${expected}, found ${found} after decompressing`,
    { side: 'source', hint: 'The image was built or copied by a faulty tool: save or pull it again.' },
  );
}

/** One chunk at a time from a writer to a reader; `put` settles when the reader asks for more. */
class Handoff implements AsyncIterable<Uint8Array> {
  private ended = false;
  private chunk: Uint8Array | undefined;
  private taken: (() => void) | undefined;
  private arrived: (() => void) | undefined;

  put(chunk: Uint8Array): Promise<void> {
    this.chunk = chunk;
    const taken = new Promise<void>((resolve) => {
      this.taken = resolve;
    });
    this.arrived?.();
    return taken;
  }

  end(): void {
    this.ended = true;
    this.arrived?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.chunk !== undefined) {
        const { chunk } = this;
        this.chunk = undefined;
        yield chunk;
        this.taken?.();
      } else if (this.ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.arrived = resolve;
        });
      }
    }
  }
}

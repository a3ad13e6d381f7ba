import { type Descriptor } from '../../model/descriptor.js';
import { type ImageSource } from '../../ports.js';
import { after, type ByteStream } from '../../primitives/bytes.js';
import { isTransferError } from '../../primitives/errors.js';
import { type Digest } from '../../primitives/digest.js';
import { type EngineDeps } from './deps.js';

type Blob = Pick<Descriptor, 'digest' | 'size'>;

/** Makes the source that has everything, when it turns out to be needed; `signal` ends that. */
export type MakeSpare = (signal: AbortSignal) => Promise<ImageSource>;

/** `source`, which does not hold the layers in `dropped`. */
export function withoutLayers(source: ImageSource, dropped: ReadonlySet<Digest>, makeSpare: MakeSpare): ImageSource {
  const open = (blob: Blob, spare: OpenSpare): ByteStream => (dropped.has(blob.digest) ? spare(0) : source.open(blob));
  return backedBy(source, makeSpare, open);
}

/**
 * `source`, an engine's own storage, which may change, or turn out to hold what we may not read, while it is being read:
 * the spare goes on where that ended.
 */
export function untilItFails(
  source: ImageSource,
  makeSpare: MakeSpare,
  { emit, signal }: Pick<EngineDeps, 'emit' | 'signal'>,
): ImageSource {
  let told = false;
  const tell = (why: string): void => {
    if (!told) emit({ type: 'note', message: `${why}: asking the engine for a save instead` });
    told = true;
  };
  return backedBy(source, makeSpare, async function* (blob, spare) {
    let done = 0;
    try {
      for await (const chunk of source.open(blob)) {
        yield chunk;
        done += chunk.byteLength;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (!isTransferError(error)) throw error;
      tell(error.message);
    }
    yield* spare(done);
  });
}

/** Opens a blob of the spare, without its first bytes. */
type OpenSpare = (skipped: number) => ByteStream;

function backedBy(
  source: ImageSource,
  makeSpare: MakeSpare,
  open: (blob: Blob, spare: OpenSpare) => ByteStream,
): ImageSource {
  const closing = new AbortController();
  let making: Promise<ImageSource> | undefined;
  async function* openSpare(blob: Blob, skipped: number): AsyncGenerator<Uint8Array> {
    const spare = await (making ??= makeSpare(closing.signal));
    // Some sources know what they hold only when their lists were read.
    await spare.images();
    yield* after(spare.open(blob), skipped);
  }
  return {
    label: source.label,
    images: () => source.images(),
    has: (digest) => source.has(digest),
    open: (blob) => open(blob, (skipped) => openSpare(blob, skipped)),
    audit: (reached) => source.audit(reached),
    close: async () => {
      closing.abort();
      await source.close();
      await (await making?.catch(() => undefined))?.close();
    },
  };
}

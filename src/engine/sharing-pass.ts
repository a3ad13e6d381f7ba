import { type ByteStream } from '../primitives/bytes.js';
import { type Window } from './sharing-window.js';

export interface Numbered {
  readonly index: number;
  readonly chunk: Uint8Array;
}

export interface PassOptions {
  readonly window: Window;
  readonly chunkBytes: number;
  /** How many chunks at the beginning nobody needs. */
  readonly from: number;
  /** Whether a reader may still come that has had nothing of this blob. */
  readonly awaited: () => boolean;
  /** The pass is over and keeps nothing. */
  readonly over: (pass: Pass) => void;
}

/** One reading of one blob, for the cursors that are on it. It is pulled by whichever of them is in front. */
export class Pass {
  readonly #options: PassOptions;
  readonly #chunks: AsyncGenerator<Uint8Array>;
  /** Where the cursors on it are: the index of the chunk that each needs next. */
  readonly #places = new Map<object, number>();
  /** The chunks from `first` to `next`. */
  readonly #kept: Uint8Array[] = [];
  #pulling: Promise<Numbered | undefined> | undefined;
  #end: 'good' | { readonly error: unknown } | undefined;
  /** The chunks before this one are gone. */
  first: number;
  /** The chunk that is read next. */
  next: number;

  constructor(bytes: ByteStream, options: PassOptions) {
    this.#options = options;
    this.#chunks = recut(bytes, options.from * options.chunkBytes, options.chunkBytes);
    this.first = options.from;
    this.next = options.from;
  }

  /** Whether a cursor that needs chunk `index` next finds it here. */
  serves(index: number): boolean {
    return this.first <= index && (this.#end === undefined || this.#end === 'good');
  }

  /** Chunk `index`, which is kept. */
  at(index: number): Uint8Array | undefined {
    return this.#kept[index - this.first];
  }

  /** Says that `cursor` needs chunk `index` next. */
  place(cursor: object, index: number): void {
    this.#places.set(cursor, index);
    this.trim();
  }

  /** Takes `cursor` off. Without cursors the source is not read on. */
  async leave(cursor: object): Promise<void> {
    this.#places.delete(cursor);
    const unfinished = this.#places.size === 0 && this.#end === undefined;
    if (unfinished) this.#end = { error: new Error('the reading was ended') };
    this.trim();
    if (unfinished) await this.#chunks.return(undefined);
  }

  /** The next chunk from the source, the same for all who wait for it; undefined at its end. @throws its error */
  async pull(): Promise<Numbered | undefined> {
    if (this.#end === undefined) return (this.#pulling ??= this.#pull());
    if (this.#end === 'good') return undefined;
    throw this.#end.error;
  }

  /** Forgets the chunks that nobody will need. */
  trim(): void {
    const joinable = this.first === 0 && (this.#end === 'good' || this.#places.size > 0);
    if (!joinable || !this.#options.awaited()) {
      const needed = Math.min(this.next, ...this.#places.values());
      while (this.first < needed) this.#options.window.forget(this.#shift());
    }
    if (this.#places.size === 0 && this.#kept.length === 0) this.#options.over(this);
  }

  /** The window is full: the oldest chunk has to go. */
  drop(): void {
    this.#shift();
    this.trim();
  }

  async #pull(): Promise<Numbered | undefined> {
    try {
      const step = await this.#chunks.next();
      if (step.done === true) this.#end ??= 'good';
      // It may have been ended meanwhile, too.
      if (step.done === true || this.#end !== undefined) return await this.pull();
      const index = this.next++;
      this.#kept.push(step.value);
      this.#options.window.keep(this, step.value);
      return { index, chunk: step.value };
    } catch (error) {
      this.#end ??= { error };
      throw error;
    } finally {
      this.#pulling = undefined;
    }
  }

  #shift(): Uint8Array {
    const chunk = this.#kept.shift();
    if (chunk === undefined) throw new Error('no chunk is kept');
    this.first++;
    return chunk;
  }
}

/**
 * `bytes` from byte `from` on in chunks of `chunkBytes`. A chunk is given when a byte follows it or the stream has
 * ended well, so the last one waits for the verdict that comes at the end.
 */
async function* recut(bytes: ByteStream, from: number, chunkBytes: number): AsyncGenerator<Uint8Array> {
  let skip = from;
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const piece of bytes) {
    let at = Math.min(skip, piece.byteLength);
    skip -= at;
    while (at < piece.byteLength) {
      if (size === chunkBytes) {
        yield Buffer.concat(parts, size);
        parts = [];
        size = 0;
      }
      const part = piece.subarray(at, at + chunkBytes - size);
      parts.push(part);
      size += part.byteLength;
      at += part.byteLength;
    }
  }
  if (size > 0) yield Buffer.concat(parts, size);
}

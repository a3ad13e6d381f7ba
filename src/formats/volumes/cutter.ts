import { type ByteStream } from '../../primitives/bytes.js';

/** Takes a stream apart into pieces of stated sizes, one after the other. */
export class Cutter {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #signal: AbortSignal;
  #next: Uint8Array | undefined;

  constructor(bytes: ByteStream, signal: AbortSignal) {
    this.#iterator = bytes[Symbol.asyncIterator]();
    this.#signal = signal;
  }

  /** Whether there are more bytes. Waits for them, or for the end. */
  async more(): Promise<boolean> {
    while (this.#next === undefined) {
      this.#signal.throwIfAborted();
      const step = await this.#iterator.next();
      if (step.done === true) return false;
      if (step.value.byteLength > 0) this.#next = step.value;
    }
    return true;
  }

  /** The next `count` bytes; fewer only at the end. */
  async *take(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0 && (await this.more());) {
      const chunk = this.#next ?? new Uint8Array(0);
      this.#next = chunk.byteLength > left ? chunk.subarray(left) : undefined;
      left -= Math.min(left, chunk.byteLength);
      yield this.#next === undefined ? chunk : chunk.subarray(0, chunk.byteLength - this.#next.byteLength);
    }
  }

  /** Tells the stream that no more of it is wanted. */
  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}

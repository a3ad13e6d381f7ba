/** Who has to let go of a chunk when the window is full. */
export interface Keeper {
  /** Forgets its oldest chunk, which the window has taken out already. */
  drop(): void;
}

/** The chunks that are kept for readers that are behind: `max` bytes over all passes, the oldest go first. */
export class Window {
  readonly #max: number;
  /** In the order in which they came. */
  readonly #keepers = new Map<Uint8Array, Keeper>();
  #bytes = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  keep(keeper: Keeper, chunk: Uint8Array): void {
    this.#keepers.set(chunk, keeper);
    this.#bytes += chunk.byteLength;
    for (const [oldest, owner] of this.#keepers) {
      if (this.#bytes <= this.#max) return;
      this.forget(oldest);
      owner.drop();
    }
  }

  forget(chunk: Uint8Array): void {
    if (this.#keepers.delete(chunk)) this.#bytes -= chunk.byteLength;
  }
}

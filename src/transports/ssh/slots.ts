interface Waiting {
  readonly key: unknown;
  readonly run: () => void;
}

/** Lets so many run at a time, in the order in which they came. */
export class Slots {
  readonly #queue: Waiting[] = [];
  readonly #running = new Set<unknown>();
  #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Calls `run` as soon as there is a place, which `key` holds until it is released. */
  enter(key: unknown, run: () => void): void {
    this.#queue.push({ key, run });
    this.#next();
  }

  /** Gives up the place, or the waiting for one. Idempotent. */
  release(key: unknown): void {
    const at = this.#queue.findIndex((waiting) => waiting.key === key);
    if (at >= 0) this.#queue.splice(at, 1);
    if (this.#running.delete(key)) this.#next();
  }

  /** There are fewer places than was thought: `key` waits again, as the first, until another one leaves. */
  lower(key: unknown, run: () => void): void {
    this.#running.delete(key);
    this.#max = Math.max(1, this.#running.size);
    this.#queue.unshift({ key, run });
    this.#next();
  }

  clear(): void {
    this.#queue.length = 0;
  }

  #next(): void {
    while (this.#running.size < this.#max) {
      const waiting = this.#queue.shift();
      if (waiting === undefined) return;
      this.#running.add(waiting.key);
      waiting.run();
    }
  }
}

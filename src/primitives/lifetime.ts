/**
 * Something that ends once, and that other things are waited for beside: a child that may stop reading, a stream that
 * may be destroyed. `Promise.race` with a promise that lasts would keep what every race was about until that one
 * settles: a whole transfer.
 */
export class Lifetime {
  #ended = false;
  #wake: () => void = () => undefined;

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** What `work` gives; undefined when this ends before. One wait at a time. */
  during<T>(work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#wake = () => {
        resolve(undefined);
      };
      work.then(resolve, reject);
      if (this.#ended) this.#wake();
    });
  }
}

/** Lets a load that was sent but for its end wait until it may have it. */
export type Gate = () => Promise<void>;

/**
 * Loads that build on each other, one behind the other: while the engine is still at one, the next is on its way, but
 * for its end. An engine looks at what it was sent only when it has all of it (docs/engines.md), so it finds there what
 * the one before has brought.
 */
export class Pipeline {
  readonly #failure = new AbortController();
  readonly #all: Promise<unknown>[] = [];
  /** Of the last load: all but its end was sent, and the one before it is done. */
  #passed: Promise<unknown> = Promise.resolve();

  /** Aborted, with its error as the reason, when a load has failed. */
  get signal(): AbortSignal {
    return this.#failure.signal;
  }

  /**
   * Starts a load when its turn has come. Gives what will come of it.
   * @throws the error of a load before it that has failed
   */
  async add<T>(load: (gate: Gate) => Promise<T>): Promise<{ readonly done: Promise<T> }> {
    await this.#passed;
    this.signal.throwIfAborted();
    const before = this.#all.at(-1);
    let pass: () => void = () => undefined;
    this.#passed = new Promise<void>((resolve) => {
      pass = resolve;
    });
    const done = load(async () => {
      await before;
      pass();
    });
    this.#all.push(done);
    done.then(pass, (error: unknown) => {
      this.#failure.abort(error);
      pass();
    });
    return { done };
  }

  /** Waits until a further load could start. */
  async turn(): Promise<void> {
    await this.#passed;
  }

  /** Waits until nothing is under way, however it ends. */
  async idle(): Promise<void> {
    await Promise.allSettled(this.#all);
  }

  /** Ends what is under way, for `reason`, and waits until nothing is any more. */
  async end(reason: unknown): Promise<void> {
    this.#failure.abort(reason);
    await this.idle();
  }
}

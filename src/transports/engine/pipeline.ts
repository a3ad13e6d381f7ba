import { type OpenBlob } from '../../ports.js';

/** Lets a load that was sent but for its end wait until it may have it. */
export type Gate = () => Promise<void>;

/**
 * Loads that build on each other, one behind the other: while the engine is still at one, the next is on its way, but
 * for its end. An engine looks at what it was sent only when it has all of it (docs/engines.md), so it finds there what
 * the one before has brought.
 *
 * Where a host runs one command at a time (sshd's MaxSessions 1), a load that waits for the proof of the one before it
 * would keep that from being asked for: so two loads are under way only after a command was seen to run beside a load.
 */
export class Pipeline {
  readonly #tryBeside: ((signal: AbortSignal) => Promise<unknown>) | undefined;
  readonly #failure = new AbortController();
  readonly #all: Promise<unknown>[] = [];
  /** Of the last load: all but its end was sent, and the one before it is done. */
  #passed: Promise<unknown> = Promise.resolve();
  #sending = 0;
  /** Commands that took loads, and have ended. */
  #ended = 0;
  #twoAtOnce = false;
  #moved = 0;

  /** `tryBeside` runs a command that does nothing there; undefined: each load waits for the end of the one before it. */
  constructor(tryBeside?: (signal: AbortSignal) => Promise<unknown>) {
    this.#tryBeside = tryBeside;
  }

  /** Aborted, with its error as the reason, when a load has failed. */
  get signal(): AbortSignal {
    return this.#failure.signal;
  }

  /** Commands that take loads at this moment. */
  get sending(): number {
    return this.#sending;
  }

  /** Bytes of blobs sent. */
  get moved(): number {
    return this.#moved;
  }

  /**
   * Starts a load when its turn has come. Gives what will come of it.
   * @throws the error of a load before it that has failed
   */
  async add<T>(load: (gate: Gate) => Promise<T>): Promise<{ readonly done: Promise<T> }> {
    await this.#turn();
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

  /** Waits for a command that takes a load, or a part of one. */
  async during<T>(command: Promise<T>): Promise<T> {
    this.#sending++;
    try {
      return await command;
    } finally {
      this.#sending--;
      this.#ended++;
    }
  }

  /** `open`, with its bytes counted as moved. */
  counted(open: OpenBlob): OpenBlob {
    const count = (bytes: number): void => {
      this.#moved += bytes;
    };
    return async function* (blob) {
      for await (const chunk of open(blob)) {
        yield chunk;
        count(chunk.byteLength);
      }
    };
  }

  /** Ends what is under way, for `reason`, and waits until nothing is any more. */
  async end(reason: unknown): Promise<void> {
    this.#failure.abort(reason);
    await this.#idle();
  }

  /** Waits until a further load may start. */
  async #turn(): Promise<void> {
    await this.#passed;
    this.#twoAtOnce ||= await this.#runsBesideLoad();
    if (!this.#twoAtOnce) await this.#idle();
  }

  async #runsBesideLoad(): Promise<boolean> {
    if (this.#tryBeside === undefined || this.#sending === 0) return false;
    const ended = this.#ended;
    await this.#tryBeside(this.signal);
    return this.#ended === ended;
  }

  /** Waits until nothing is under way, however it ends. */
  async #idle(): Promise<void> {
    await Promise.allSettled(this.#all);
  }
}

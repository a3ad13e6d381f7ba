import { type Readable, type Writable } from 'node:stream';
import { type Child, type Exit } from '../machine/machine.js';

/** Milliseconds, as with a local child. */
export const AFTER_EXIT = 2_000;

/**
 * A command on a connection. It may have to wait for its start: what is written until then waits with it. It ends once,
 * and gives its place up as soon as it needs none any more.
 */
export abstract class BaseChild implements Child {
  abstract readonly stdin: Writable;
  abstract readonly stdout: Readable;
  abstract readonly stderr: Readable;
  readonly exited: Promise<Exit>;
  readonly #release: () => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  #gone = false;
  #stopped = false;
  /** How it ended, while its output is still being read. */
  #exit: Exit | undefined;
  #settle: (exit: Exit) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  /** `release` gives its place up; it is called more than once. */
  constructor(release: () => void) {
    this.#release = release;
    this.exited = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#reject = reject;
    });
    this.exited.catch(() => undefined); // whoever awaits it sees the rejection; until then it is no unhandled one
  }

  /** Whether it is over, also before it was started. */
  get isGone(): boolean {
    return this.#gone;
  }

  protected get isStopped(): boolean {
    return this.#stopped;
  }

  /** It cannot be started, or its connection broke. */
  fail(error: Error): void {
    if (this.#gone) return;
    this.#reject(error);
    this.#end(error);
  }

  stop(gently = false): void {
    if (this.#gone || (this.#stopped && gently)) return;
    this.#stopped = true;
    this.stdin.destroy();
    if (this.#exit !== undefined) this.#stopReading(this.#exit);
    else if (!this.interrupt(gently)) this.finish({ status: null, signal: 'SIGTERM' });
  }

  /** Makes what was started end; false: nothing was. */
  protected abstract interrupt(gently: boolean): boolean;

  /** Lets go of what was started; called once. */
  protected abstract letGo(): void;

  protected finish(exit: Exit): void {
    if (this.#gone) return;
    this.#end();
    this.#settle(exit);
  }

  /** What was started is gone; the rest is to read what it wrote. */
  protected finishAfterReading(exit: Exit): void {
    if (this.#gone) return;
    this.#exit = exit;
    this.#release();
    this.stdin.destroy();
    if (this.#stopped) this.#stopReading(exit);
    let open = 2;
    const read = (): void => {
      if (--open === 0) this.finish(exit);
    };
    for (const stream of [this.stdout, this.stderr]) {
      if (stream.destroyed) read();
      else stream.once('close', read);
    }
  }

  /** Calls `act` unless it is over by then. */
  protected later(ms: number, act: () => void): void {
    this.#timers.add(setTimeout(act, ms));
  }

  /** Whoever stopped it may not read any more. */
  #stopReading(exit: Exit): void {
    this.later(AFTER_EXIT, () => {
      this.finish(exit);
    });
  }

  #end(error?: Error): void {
    this.#gone = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.letGo();
    this.#release();
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy(error);
  }
}

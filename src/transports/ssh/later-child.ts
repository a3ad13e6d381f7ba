import { PassThrough, type Readable } from 'node:stream';
import { type Child, type Exit } from '../machine/machine.js';

/** What ssh itself ends with when it fails; a command may end with it too. */
export const SSH_FAILED = 255;

/** Milliseconds, as with a local child. */
const AFTER_EXIT = 2_000;

/** A child that may have to wait for its start: what is written until then waits with it. */
export class LaterChild implements Child {
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  readonly exited: Promise<Exit>;
  #child: Child | undefined;
  #gone = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #settle: (exit: Exit) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  /** Called when it needs its place no more; more than once. */
  readonly #release: () => void;

  constructor(withInput: boolean, release: () => void) {
    this.#release = release;
    this.exited = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#reject = reject;
    });
    this.exited.catch(() => undefined); // whoever awaits it sees the rejection; until then it is no unhandled one
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.on('error', () => undefined);
    if (!withInput) this.stdin.end();
  }

  /** `judge` says what an exit means; it may throw what became of the connection. */
  attach(child: Child, judge: (exit: Exit) => Promise<Exit>): void {
    this.#child = child;
    this.stdin.pipe(child.stdin);
    this.stdin.once('close', () => {
      if (!this.stdin.writableFinished) child.stdin.destroy();
    });
    child.stdin.once('close', () => this.stdin.destroy());
    pass(child.stdout, this.stdout);
    pass(child.stderr, this.stderr);
    child.exited.then(judge).then(
      (exit) => {
        // What a client that was told to end says is not what its command said.
        this.#afterReading(this.#stopped && exit.status === SSH_FAILED ? { status: null, signal: 'SIGTERM' } : exit);
      },
      (error: unknown) => {
        this.fail(error as Error);
      },
    );
  }

  /** It cannot be started, or its connection broke. */
  fail(error: Error): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#timer);
    this.#child?.stop();
    this.#release();
    this.#reject(error);
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy(error);
  }

  stop(gently = false): void {
    if (this.#gone) return;
    this.#stopped = true;
    this.stdin.destroy();
    if (this.#child === undefined) this.#finish({ status: null, signal: 'SIGTERM' });
    else this.#child.stop(gently);
  }

  #afterReading(exit: Exit): void {
    this.#release();
    this.stdin.destroy();
    if (this.#stopped) {
      // Whoever stopped it may not read any more.
      this.#timer = setTimeout(() => {
        this.#finish(exit);
      }, AFTER_EXIT);
    }
    let open = 2;
    const read = (): void => {
      if (--open === 0) this.#finish(exit);
    };
    for (const stream of [this.stdout, this.stderr]) {
      if (stream.destroyed) read();
      else {
        stream.once('close', read);
        stream.end();
      }
    }
  }

  #finish(exit: Exit): void {
    if (this.#gone) return;
    this.#gone = true;
    clearTimeout(this.#timer);
    this.#release();
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy();
    this.#settle(exit);
  }
}

function pass(from: Readable, to: PassThrough): void {
  from.pipe(to);
  to.once('close', () => {
    from.destroy();
  });
}

import { PassThrough, type Readable } from 'node:stream';
import { type Child, type Exit } from '../machine/machine.js';
import { BaseChild } from './base-child.js';

/** What ssh itself ends with when it fails; a command may end with it too. */
export const SSH_FAILED = 255;

/** A command that a client on this machine runs there. */
export class LaterChild extends BaseChild {
  readonly stdin = quiet();
  readonly stdout = quiet();
  readonly stderr = quiet();
  #child: Child | undefined;

  /** `judge` learns how the client ended before anyone else does. */
  attach(child: Child, judge: (exit: Exit) => Promise<void>): void {
    this.#child = child;
    this.stdin.pipe(child.stdin);
    this.stdin.once('close', () => {
      if (!this.stdin.writableFinished) child.stdin.destroy();
    });
    child.stdin.once('close', () => this.stdin.destroy());
    pass(child.stdout, this.stdout);
    pass(child.stderr, this.stderr);
    child.exited
      .then(async (exit) => {
        await judge(exit);
        for (const stream of [this.stdout, this.stderr]) stream.end();
        // What a client that was told to end says is not what its command said.
        const isCut = this.isStopped && exit.status === SSH_FAILED;
        this.finishAfterReading(isCut ? { status: null, signal: 'SIGTERM' } : exit);
      })
      .catch((error: unknown) => {
        this.fail(error as Error);
      });
  }

  protected override interrupt(gently: boolean): boolean {
    this.#child?.stop(gently);
    return this.#child !== undefined;
  }

  protected override letGo(): void {
    this.#child?.stop();
  }
}

function quiet(): PassThrough {
  return new PassThrough().on('error', () => undefined); // `exited` rejects with the same
}

function pass(from: Readable, to: PassThrough): void {
  from.pipe(to);
  to.once('close', () => {
    from.destroy();
  });
}

import { Readable, Writable } from 'node:stream';
import { type ClientChannel } from 'ssh2';
import { type Exit } from '../machine/machine.js';
import { AFTER_EXIT, BaseChild } from './base-child.js';

/**
 * Milliseconds; as with a local child. `afterKill` is short: OpenSSH takes signals for other users than root only, and a
 * command that gets none has to find its streams closed.
 */
const PATIENCE = { afterClosingInput: 2_000, afterTerm: 5_000, afterKill: 1_000, unread: 1_000 } as const;

/**
 * A command on a channel. The streams are our own, since a channel is one stream for both directions, which ends as a
 * whole.
 */
export class RemoteChild extends BaseChild {
  #channel: ClientChannel | undefined;
  #exit: Exit = { status: null, signal: null };
  #last: NodeJS.Timeout | undefined;
  #whenOpen: (() => void)[] = [];
  readonly stdin = this.#input();
  readonly stdout = this.#output((channel) => channel);
  readonly stderr = this.#output((channel) => channel.stderr);

  attach(channel: ClientChannel): void {
    this.#channel = channel;
    channel.on('error', () => undefined);
    channel.on('exit', (status: number | null, signal?: string) => {
      this.#exit = { status, signal: (signal as NodeJS.Signals | undefined) ?? null };
      this.#awaitRest();
    });
    this.#pipe(channel, this.stdout);
    this.#pipe(channel.stderr, this.stderr);
    channel.once('close', () => {
      clearTimeout(this.#last);
      channel.stderr.resume();
      this.finishAfterReading(this.#exit);
    });
    for (const act of this.#whenOpen.splice(0)) act();
  }

  override fail(error: Error): void {
    if (!this.isGone) this.#signal('TERM'); // closing its channel does not end a command that writes nothing
    super.fail(error);
  }

  protected override interrupt(gently: boolean): boolean {
    if (this.#channel === undefined) return false;
    const term = gently ? PATIENCE.afterClosingInput : 0;
    this.later(term, () => {
      this.#signal('TERM');
    });
    this.later(term + PATIENCE.unread, () => {
      // A local child whose output nobody takes dies of that; so does this one, once its channel is closed.
      if (this.stdout.destroyed) this.finish({ status: null, signal: 'SIGPIPE' });
    });
    this.later(term + PATIENCE.afterTerm, () => {
      this.#signal('KILL');
    });
    this.later(term + PATIENCE.afterTerm + PATIENCE.afterKill, () => {
      this.finish({ status: null, signal: 'SIGKILL' });
    });
    return true;
  }

  protected override letGo(): void {
    clearTimeout(this.#last);
    this.#whenOpen = [];
    this.#channel?.close();
    this.#channel?.resume();
    this.#channel?.stderr.resume();
  }

  /** ssh2's own method sends nothing once the input has ended, which is when it is needed. */
  #signal(name: 'TERM' | 'KILL'): void {
    const channel = this.#channel as unknown as
      | {
          readonly outgoing: { readonly id: number; readonly state: string };
          readonly _client: { readonly _protocol: { signal(id: number, name: string): void } };
        }
      | undefined;
    if (channel === undefined || !['open', 'eof'].includes(channel.outgoing.state)) return;
    try {
      channel._client._protocol.signal(channel.outgoing.id, name);
    } catch {
      // The connection has just gone.
    }
  }

  /**
   * The rest of what it wrote comes after its exit; a grandchild that holds the streams open must not hold us. Counted
   * anew with each piece of output.
   */
  #awaitRest(): void {
    clearTimeout(this.#last);
    if (this.isGone) return;
    this.#last = setTimeout(() => {
      // Not while the reader is slow: nothing can come then.
      if (!this.isStopped && (this.stdout.readableLength > 0 || this.stderr.readableLength > 0)) this.#awaitRest();
      else this.finish(this.#exit);
    }, AFTER_EXIT);
  }

  #input(): Writable {
    let waiting: (() => void) | undefined;
    const written = (): void => {
      const resume = waiting;
      waiting = undefined;
      resume?.();
    };
    const open = (act: (channel: ClientChannel) => void): void => {
      const channel = this.#channel;
      if (channel !== undefined) act(channel);
      else {
        this.#whenOpen.push(() => {
          if (this.#channel !== undefined) act(this.#channel);
        });
      }
    };
    open((channel) => channel.on('drain', written).on('close', written));
    const stdin = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        open((channel) => {
          if (!channel.writable || channel.write(chunk)) done();
          else waiting = done;
        });
      },
      final: (done) => {
        open((channel) => {
          channel.end();
          done();
        });
      },
      destroy: (error, done) => {
        this.#channel?.end();
        written();
        done(error);
      },
    });
    return stdin.on('error', () => undefined); // the child's own exit says why
  }

  #output(source: (channel: ClientChannel) => Readable): Readable {
    const stream = new Readable({
      read: () => {
        if (this.#channel !== undefined) source(this.#channel).resume();
      },
      destroy: (error, done) => {
        // Whatever comes is thrown away: a full window would hold up the other stream of this channel.
        if (this.#channel !== undefined) source(this.#channel).resume();
        done(error);
      },
    });
    return stream.on('error', () => undefined); // `exited` rejects with the same
  }

  #pipe(from: Readable, to: Readable): void {
    from.on('data', (chunk: Buffer) => {
      if (to.destroyed) return;
      if (!to.push(chunk)) from.pause();
      if (this.#last !== undefined && !this.isStopped) this.#awaitRest();
    });
    from.once('end', () => to.push(null));
  }
}

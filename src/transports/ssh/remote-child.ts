import { Readable, Writable } from 'node:stream';
import { type ClientChannel } from 'ssh2';
import { type Child, type Exit } from '../machine/machine.js';

/**
 * Milliseconds; as with a local child. `afterExit` is counted anew with each piece of output. `afterKill` is short:
 * OpenSSH takes signals for other users than root only, and a command that gets none has to find its streams closed.
 */
const PATIENCE = {
  afterClosingInput: 2_000,
  afterTerm: 5_000,
  afterKill: 1_000,
  afterExit: 2_000,
  unread: 1_000,
} as const;

/**
 * A command on a channel. Made before the channel is there: what is written until then waits. The streams are our own,
 * since a channel is one stream for both directions, which ends as a whole.
 */
export class RemoteChild implements Child {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<Exit>;
  #channel: ClientChannel | undefined;
  #exit: Exit = { status: null, signal: null };
  #gone = false;
  #stopped = false;
  #settle: (exit: Exit) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  readonly #timers = new Set<NodeJS.Timeout>();
  #last: NodeJS.Timeout | undefined;
  #whenOpen: (() => void)[] = [];
  /** Called once, when its channel is free again, or it needs none any more. */
  readonly #release: () => void;

  constructor(withInput: boolean, release: () => void) {
    this.#release = release;
    this.exited = new Promise((resolve, reject) => {
      this.#settle = resolve;
      this.#reject = reject;
    });
    this.exited.catch(() => undefined); // whoever awaits it sees the rejection; until then it is no unhandled one
    this.stdin = this.#input();
    this.stdout = this.#output((channel) => channel);
    this.stderr = this.#output((channel) => channel.stderr);
    if (!withInput) this.stdin.end();
  }

  /** Whether it ended before it was started. */
  get isGone(): boolean {
    return this.#gone;
  }

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
      this.#closed(channel);
    });
    for (const act of this.#whenOpen.splice(0)) act();
  }

  /** It cannot be started, or its connection broke. */
  fail(error: Error): void {
    if (this.#gone) return;
    this.#end();
    this.#reject(error);
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy(error);
  }

  stop(gently = false): void {
    if (this.#gone) return;
    const first = !this.#stopped;
    this.#stopped = true;
    this.stdin.destroy();
    if (this.#channel === undefined) {
      this.#finish({ status: null, signal: 'SIGTERM' });
      return;
    }
    if (!first && gently) return;
    const term = gently ? PATIENCE.afterClosingInput : 0;
    this.#later(term, () => {
      this.signal('TERM');
    });
    this.#later(term + PATIENCE.unread, () => {
      // A local child whose output nobody takes dies of that; so does this one, once its channel is closed.
      if (this.stdout.destroyed) this.#finish({ status: null, signal: 'SIGPIPE' });
    });
    this.#later(term + PATIENCE.afterTerm, () => {
      this.signal('KILL');
    });
    this.#later(term + PATIENCE.afterTerm + PATIENCE.afterKill, () => {
      this.#finish({ status: null, signal: 'SIGKILL' });
    });
  }

  /** ssh2's own method sends nothing once the input has ended, which is when it is needed. */
  signal(name: 'TERM' | 'KILL'): void {
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

  #later(ms: number, act: () => void): void {
    this.#timers.add(setTimeout(act, ms));
  }

  /** The rest of what it wrote comes after its exit; a grandchild that holds the streams open must not hold us. */
  #awaitRest(): void {
    clearTimeout(this.#last);
    if (this.#gone) return;
    this.#last = setTimeout(() => {
      // Not while the reader is slow: nothing can come then.
      if (!this.#stopped && (this.stdout.readableLength > 0 || this.stderr.readableLength > 0)) this.#awaitRest();
      else this.#finish(this.#exit);
    }, PATIENCE.afterExit);
  }

  #closed(channel: ClientChannel): void {
    this.#release();
    clearTimeout(this.#last);
    // Whoever stopped it may not read any more.
    if (this.#stopped) this.#awaitRest();
    if (!this.stdin.destroyed) this.stdin.destroy();
    channel.stderr.resume();
    let open = 2;
    const ended = (): void => {
      if (--open === 0) this.#finish(this.#exit);
    };
    for (const stream of [this.stdout, this.stderr]) {
      if (stream.readableEnded || stream.destroyed) ended();
      else stream.once('close', ended);
    }
  }

  #finish(exit: Exit): void {
    if (this.#gone) return;
    this.#end();
    for (const stream of [this.stdin, this.stdout, this.stderr]) stream.destroy();
    this.#settle(exit);
  }

  #end(): void {
    this.#gone = true;
    clearTimeout(this.#last);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#whenOpen = [];
    this.#channel?.close();
    this.#channel?.resume();
    this.#channel?.stderr.resume();
    this.#release();
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
      if (this.#last !== undefined && !this.#stopped) this.#awaitRest();
    });
    from.once('end', () => to.push(null));
  }
}

import { TransferError } from '../../primitives/errors.js';
import { type Child } from '../machine/machine.js';
import { type BaseChild } from './base-child.js';
import { type Connection } from './connection.js';
import { lostConnection } from './failures.js';
import { quoteCommand } from './quote.js';
import { Slots } from './slots.js';

/** Commands at a time on one connection: sshd's MaxSessions is 10 by default. */
const MAX_CHANNELS = 8;

/** What holds for every connection, whichever client makes it: commands take turns, and all end with it. */
export abstract class BaseConnection<C extends BaseChild> implements Connection {
  readonly host: string;
  protected readonly slots = new Slots(MAX_CHANNELS);
  readonly #lost = new AbortController();
  readonly #children = new Set<C>();
  /** Why nothing runs on it any more. */
  #over: TransferError | undefined;
  #closing: Promise<void> | undefined;

  constructor(host: string) {
    this.host = host;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  start(argv: readonly string[], withInput: boolean): Child {
    const child: C = this.make(() => {
      this.#children.delete(child);
      this.slots.release(child);
    });
    if (!withInput) child.stdin.end();
    if (this.#over !== undefined) {
      child.fail(this.#over);
      return child;
    }
    const command = quoteCommand(argv);
    this.#children.add(child);
    this.slots.enter(child, () => {
      this.run(child, command);
    });
    return child;
  }

  /** It broke by itself; does nothing once it is being closed. */
  lose(cause: unknown): void {
    if (this.#over !== undefined) return;
    this.#over = lostConnection(this.host, cause);
    this.#lost.abort(this.#over);
    void this.close();
  }

  close(): Promise<void> {
    this.#over ??= new TransferError('CONNECTION_LOST', `${this.host}: the connection was closed`);
    this.#closing ??= this.#close(this.#over);
    return this.#closing;
  }

  protected abstract make(release: () => void): C;

  /** Starts what has a place now. */
  protected abstract run(child: C, command: string): void;

  /** Ends what carries the commands; called once, never rejects. */
  protected abstract end(): Promise<void>;

  async #close(error: TransferError): Promise<void> {
    this.slots.clear();
    for (const child of [...this.#children]) child.fail(error);
    await this.end();
  }
}

import { TransferError } from '../../primitives/errors.js';
import { localMachine } from '../machine/local.js';
import { type Child, type Exit } from '../machine/machine.js';
import { type Connection } from './connection.js';
import { lostConnection } from './failures.js';
import { LaterChild, SSH_FAILED } from './later-child.js';
import { answers, type Master, PLAIN, wordsOf } from './program-call.js';
import { quoteCommand } from './quote.js';
import { Slots } from './slots.js';
import { MAX_CHANNELS } from './ssh2-connection.js';

/** Commands over an OpenSSH master connection: one short-lived client each. */
export class ProgramConnection implements Connection {
  readonly host: string;
  readonly #master: Master;
  readonly #lost = new AbortController();
  readonly #slots = new Slots(MAX_CHANNELS);
  readonly #children = new Set<LaterChild>();
  readonly #end: () => Promise<void>;
  #closing: Promise<void> | undefined;

  constructor(host: string, master: Master, end: () => Promise<void>) {
    this.host = host;
    this.#master = master;
    this.#end = end;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  start(argv: readonly string[], withInput: boolean): Child {
    const child: LaterChild = new LaterChild(withInput, () => {
      this.#children.delete(child);
      this.#slots.release(child);
    });
    const over = this.#ended();
    if (over !== undefined) {
      child.fail(over);
      return child;
    }
    this.#children.add(child);
    this.#slots.enter(child, () => {
      child.attach(this.#run(argv, withInput), (exit) => this.#judge(exit));
    });
    return child;
  }

  /** The master is gone; `words`: what it said. */
  lose(words: string): void {
    if (this.#closing !== undefined || this.#lost.signal.aborted) return;
    const error = lostConnection(this.host, wordsOf(words).slice(-300));
    this.#lost.abort(error);
    this.#slots.clear();
    for (const child of [...this.#children]) child.fail(error);
    void this.#end();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#slots.clear();
    const closed = new TransferError('CONNECTION_LOST', `${this.host}: the connection was closed`);
    for (const child of [...this.#children]) child.fail(closed);
    await this.#end();
  }

  #run(argv: readonly string[], withInput: boolean): Child {
    const { program, by, host } = this.#master;
    // Without a master, the client would connect by itself: it must not.
    const args = [...by, ...PLAIN, '-o', 'ProxyCommand=false', '-o', 'LogLevel=ERROR', '--', host];
    return localMachine.start([program, ...args, quoteCommand(argv)], withInput);
  }

  async #judge(exit: Exit): Promise<Exit> {
    if (exit.status !== SSH_FAILED) return exit;
    if (!(await answers(this.#master))) this.lose('');
    const over = this.#ended();
    if (over !== undefined) throw over;
    return exit;
  }

  #ended(): TransferError | undefined {
    if (this.#lost.signal.aborted) return this.#lost.signal.reason as TransferError;
    if (this.#closing === undefined) return undefined;
    return new TransferError('CONNECTION_LOST', `${this.host}: the connection was closed`);
  }
}

import { type Client, type ClientChannel } from 'ssh2';
import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { type Child } from '../machine/machine.js';
import { type Connection } from './connection.js';
import { lostConnection } from './failures.js';
import { quoteCommand } from './quote.js';
import { RemoteChild } from './remote-child.js';
import { Slots } from './slots.js';

/** Commands at a time on one connection: sshd's MaxSessions is 10 by default. */
export const MAX_CHANNELS = 8;
/** Milliseconds for a farewell. */
const CLOSE_PATIENCE = 2_000;

/** Says farewell. A line that is dead takes none, and would keep this process from ending. */
export async function endClient(client: Client): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, CLOSE_PATIENCE);
    client.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    client.end();
  });
  client.destroy();
}

/** Commands over an ssh2 client that is let in: one channel each, as many at a time as the host allows. */
export class Ssh2Connection implements Connection {
  readonly host: string;
  readonly #client: Client;
  readonly #lost = new AbortController();
  readonly #children = new Set<RemoteChild>();
  readonly #slots = new Slots(MAX_CHANNELS);
  readonly #onClose: () => Promise<void>;
  #closing: Promise<void> | undefined;

  /** `onClose` ends what this connection goes through. */
  constructor(host: string, client: Client, onClose: () => Promise<void>) {
    this.host = host;
    this.#client = client;
    this.#onClose = onClose;
    client.on('error', (error) => {
      this.lose(error);
    });
    const ended = (): void => {
      this.lose(undefined);
    };
    client.on('end', ended).on('close', ended);
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  start(argv: readonly string[], withInput: boolean): Child {
    const child: RemoteChild = new RemoteChild(withInput, () => {
      this.#children.delete(child);
      this.#slots.release(child);
    });
    const over = this.#ended();
    if (over !== undefined) {
      child.fail(over);
      return child;
    }
    const command = quoteCommand(argv);
    this.#children.add(child);
    this.#slots.enter(child, () => {
      this.#exec(child, command);
    });
    return child;
  }

  /** It broke by itself; does nothing once it is being closed. */
  lose(cause: unknown): void {
    if (this.#closing !== undefined || this.#lost.signal.aborted) return;
    const error = lostConnection(this.host, cause);
    this.#lost.abort(error);
    this.#slots.clear();
    for (const child of [...this.#children]) child.fail(error);
    this.#client.destroy();
    void this.#onClose();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const wasLost = this.#lost.signal.aborted;
    const closed = new TransferError('CONNECTION_LOST', `${this.host}: the connection was closed`);
    for (const child of [...this.#children]) {
      child.signal('TERM');
      child.fail(closed);
    }
    this.#slots.clear();
    if (!wasLost) await endClient(this.#client);
    await this.#onClose();
  }

  #ended(): TransferError | undefined {
    if (this.#lost.signal.aborted) return this.#lost.signal.reason as TransferError;
    if (this.#closing === undefined) return undefined;
    return new TransferError('CONNECTION_LOST', `${this.host}: the connection was closed`);
  }

  #exec(child: RemoteChild, command: string): void {
    const opened = (error: Error | undefined, channel: ClientChannel): void => {
      if (error !== undefined) this.#notOpened(child, command, error);
      else if (child.isGone) channel.close();
      else child.attach(channel);
    };
    try {
      this.#client.exec(command, opened);
    } catch (error) {
      child.fail(lostConnection(this.host, error));
    }
  }

  /** A host may allow fewer sessions than usual: then it gets no more than those that it has taken. */
  #notOpened(child: RemoteChild, command: string, error: Error): void {
    if (child.isGone) return;
    if ('reason' in error && this.#slots.running > 1) {
      this.#slots.lower(child, () => {
        this.#exec(child, command);
      });
      return;
    }
    const over = this.#ended();
    child.fail(
      over ??
        new TransferError('HOST_REFUSED', `${this.host}: it runs no commands for us: ${printable(error.message)}`, {
          hint: 'The account may be restricted (ForceCommand, a key with command=, a shell that lets nobody in).',
          cause: error,
        }),
    );
  }
}

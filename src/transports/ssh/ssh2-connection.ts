import { type Client, type ClientChannel } from 'ssh2';
import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { BaseConnection } from './base-connection.js';
import { lostConnection } from './failures.js';
import { RemoteChild } from './remote-child.js';

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
export class Ssh2Connection extends BaseConnection<RemoteChild> {
  readonly #client: Client;
  readonly #onClose: () => Promise<void>;

  /** `onClose` ends what this connection goes through; it never rejects. */
  constructor(host: string, client: Client, onClose: () => Promise<void>) {
    super(host);
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

  protected override make(release: () => void): RemoteChild {
    return new RemoteChild(release);
  }

  protected override run(child: RemoteChild, command: string): void {
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

  protected override async end(): Promise<void> {
    if (this.lost.aborted) this.#client.destroy();
    else await endClient(this.#client);
    await this.#onClose();
  }

  /** A host may allow fewer sessions than usual: then it gets no more than those that it has taken. */
  #notOpened(child: RemoteChild, command: string, error: Error): void {
    if (child.isGone) return;
    if ('reason' in error && this.slots.running > 1) {
      this.slots.lower(child, () => {
        this.run(child, command);
      });
      return;
    }
    child.fail(
      new TransferError('HOST_REFUSED', `${this.host}: it runs no commands for us: ${printable(error.message)}`, {
        hint: 'The account may be restricted (ForceCommand, a key with command=, a shell that lets nobody in).',
        cause: error,
      }),
    );
  }
}

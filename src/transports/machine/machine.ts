import { type Readable, type Writable } from 'node:stream';

/** How a command ended; `status` is null when a signal ended it, or when it did not end although it was killed. */
export interface Exit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running command. Its streams are always read or destroyed by whoever started it. */
export interface Child {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /**
   * Settles once, when the command is gone and what it wrote was read; rejects with a TransferError when it could not
   * be started (ENGINE_UNREACHABLE), or when the connection to its machine broke (CONNECTION_LOST).
   */
  readonly exited: Promise<Exit>;
  /**
   * Ends it: closes its input, and when that does not do, SIGTERM, then SIGKILL. `gently` leaves some time after the
   * closing: engines then remove their own temporary files (podman 4 and 5 leave them behind when killed).
   */
  stop(gently?: boolean): void;
}

/** Where commands run: this machine, or a host over SSH. */
export interface Machine {
  /** What messages call it, such as `deploy@prod-1`; undefined for this machine. */
  readonly host: string | undefined;
  /**
   * Starts `argv[0]` with the rest as its arguments, as they are: no shell expands them. Without `withInput` its
   * standard input is closed. Never throws: what is wrong comes by `exited`.
   */
  start(argv: readonly string[], withInput: boolean): Child;
}

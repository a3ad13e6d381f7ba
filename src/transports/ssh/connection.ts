import { type Machine } from '../machine/machine.js';

/** A host that let us in. */
export interface Connection extends Machine {
  readonly host: string;
  /** Aborted, with a TransferError CONNECTION_LOST as its reason, when the connection breaks by itself. */
  readonly lost: AbortSignal;
  /** Ends it, and every command on it. Idempotent. */
  close(): Promise<void>;
}

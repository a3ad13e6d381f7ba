import { signalStatus } from './exit-codes.js';

export type EndingSignal = 'SIGHUP' | 'SIGINT' | 'SIGTERM';

const signals: readonly EndingSignal[] = ['SIGHUP', 'SIGINT', 'SIGTERM'];

/** The reason that an interrupted command's AbortSignal carries. */
export class Interrupted extends Error {
  readonly exitStatus: number;

  constructor(signal: EndingSignal) {
    super(`interrupted by ${signal}`);
    this.name = 'Interrupted';
    this.exitStatus = signalStatus[signal];
  }
}

export interface SignalHost {
  on(signal: EndingSignal, listener: () => void): unknown;
  removeListener(signal: EndingSignal, listener: () => void): unknown;
  exit(status: number): unknown;
}

/**
 * Aborts `controller` on the first signal, so that the command can clean up; ends at once on the second, because who
 * asks twice does not want to wait. Returns what undoes it.
 */
export function watchSignals(host: SignalHost, controller: AbortController): () => void {
  const undo = signals.map((signal) => {
    const listener = (): void => {
      const reason = new Interrupted(signal);
      if (controller.signal.aborted) host.exit(reason.exitStatus);
      else controller.abort(reason);
    };
    host.on(signal, listener);
    return () => host.removeListener(signal, listener);
  });
  return () => {
    for (const remove of undo) remove();
  };
}

import { exitStatusOf } from '../primitives/errors.js';

/** What each exit status means: the one place that says so; help and docs/cli.md are written from it. */
export const exitMeanings: Readonly<Record<0 | (typeof exitStatusOf)[keyof typeof exitStatusOf], string>> = {
  0: 'Done, and proven.',
  1: 'A defect of ferry, or a fault without a code of its own.',
  2: 'Wrong usage, or something that the running Node.js cannot do.',
  3: 'The input is damaged, or is not what it says: digest, size, structure.',
  4: 'An engine or a host refused, failed, cannot be reached, or could not prove what it loaded.',
  5: 'A named image or file is not there.',
  6: 'The receiver lacks what a thin bundle leaves out.',
  7: "This machine's own trouble: disk full, read or write error, no permission, locked.",
};

export const signalMeaning = 'Ended by signal n (Ctrl-C: 130). Nothing half-done stays behind.';

/** 128+n of the signals that end ferry in good order. */
export const signalStatus = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 } as const;

export interface ExitRow {
  readonly status: string;
  readonly meaning: string;
  /** The error codes that lead to it, as `--json` shows them. */
  readonly codes: readonly string[];
}

export function exitTable(): readonly ExitRow[] {
  const rows = Object.entries(exitMeanings).map(([status, meaning]) => ({
    status,
    meaning,
    codes: Object.entries(exitStatusOf).flatMap(([code, value]) => (String(value) === status ? [code] : [])),
  }));
  return [...rows, { status: '128+n', meaning: signalMeaning, codes: [] }];
}

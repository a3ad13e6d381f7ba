import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';

/** The user's terminal, open for one question. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { setRawMode(raw: boolean): unknown };
  readonly write: (text: string) => void;
  /** Idempotent. */
  readonly close: () => void;
}

/** Where questions go: the terminal itself, whatever standard input and output are. */
export interface Terminals {
  /** Whether there is a terminal. */
  readonly available: () => boolean;
  /** Undefined: it is gone. */
  readonly open: () => Terminal | undefined;
  /** Does what Ctrl-C does; the key itself arrives as a character while nothing is echoed. */
  readonly interrupt: () => void;
}

const PATH = '/dev/tty';

/** The terminal that controls this process. */
export const controllingTerminal: Terminals = {
  available: () => {
    const file = tryOpen(constants.O_RDWR);
    if (file !== undefined) closeSync(file);
    return file !== undefined;
  },
  open: openTerminal,
  interrupt: () => void process.emit('SIGINT', 'SIGINT'),
};

function tryOpen(flags: number): number | undefined {
  try {
    return openSync(PATH, flags | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
}

function openTerminal(): Terminal | undefined {
  // Two files: Node.js makes the one that it reads from non-blocking.
  const output = tryOpen(constants.O_WRONLY);
  if (output === undefined) return undefined;
  let open = true;
  try {
    const input = new ReadStream(openSync(PATH, constants.O_RDWR | constants.O_NOCTTY));
    return {
      input,
      write: (text) => {
        try {
          writeSync(output, text);
        } catch {
          // A terminal that was closed: reading from it says so.
        }
      },
      close: () => {
        if (!open) return;
        open = false;
        input.destroy();
        closeSync(output);
      },
    };
  } catch {
    closeSync(output);
    return undefined;
  }
}

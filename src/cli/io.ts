import { ioError, systemCodeOf } from '../primitives/errors.js';
import { type Terminals } from './terminal.js';

export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
};

/** Everything outside that the command line talks to; tests bring their own. */
export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdinIsTerminal: boolean;
  /** Where questions are asked; undefined: nowhere. */
  readonly terminals?: Terminals | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const closedCodes = new Set(['EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END']);

/** Whether `error`, or what caused it, is a reader that went away. */
export function isClosedPipe(error: unknown): boolean {
  const code = systemCodeOf(error);
  if (code !== undefined && closedCodes.has(code)) return true;
  return typeof error === 'object' && error !== null && 'cause' in error && isClosedPipe(error.cause);
}

/** Resolves when `text` has left the process. A reader that went away is no error: `ferry list x | head` is fine. */
export async function writeOut(stream: Output, text: string): Promise<void> {
  if (text === '') return;
  try {
    await new Promise<void>((resolve, reject) => {
      stream.write(text, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  } catch (error) {
    if (!isClosedPipe(error)) throw ioError(error, 'standard output', 'sink');
  }
}

/** For messages: a standard error that cannot be written to has nobody to complain to. */
export async function writeError(io: Io, text: string): Promise<void> {
  await writeOut(io.stderr, text).catch(() => undefined);
}

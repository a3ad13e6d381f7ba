import { type Digest } from '../../primitives/digest.js';
import { isTransferError, TransferError } from '../../primitives/errors.js';

/** What a transfer has got in an engine, or beside it, and has yet to take away: kept over all its tries. */
export interface Traces {
  /** Names of checkpoints that wait for the next try. */
  readonly checkpoints: Set<string>;
  /** Paths of files that wait for the next try. */
  readonly files: Set<string>;
  /** The largest size in bytes that each file was found with, also of those that are gone. It grows as tries get on. */
  readonly largest: Map<string, number>;
  /** Temporary names: a line that drops keeps a try from taking its own away. */
  readonly temporary: Set<string>;
  /** Names that were moved, or may have been, with what they led to before. Empty once all of them are right. */
  readonly moved: Map<string, Digest | undefined>;
  /**
   * Where images have no ID to be called by: temporary names of those whose names move. For what a moved name led to
   * before, it may be the last name: it stays until that name is back.
   */
  readonly anchors: Map<Digest, string>;
}

export const noTraces = (): Traces => ({
  checkpoints: new Set(),
  files: new Set(),
  largest: new Map(),
  temporary: new Set(),
  moved: new Map(),
  anchors: new Map(),
});

/** Which names do not, or may not, lead where they led before; undefined: all do. */
export function movedNote({ moved, anchors }: Traces): string | undefined {
  if (moved.size === 0) return undefined;
  const names = [...moved].map(([name, before]) => {
    const anchor = before === undefined ? undefined : anchors.get(before);
    return anchor === undefined ? name : `${name} (the image before is kept as ${anchor})`;
  });
  return `these names may have moved already, and could not be put back: ${names.join(', ')}; no other has`;
}

/** `error` with `note` in its message: with `--quiet`, notes on their own are not shown. */
export function withNote(error: unknown, note: string | undefined): unknown {
  if (note === undefined || !isTransferError(error)) return error;
  const { code, message, hint, side } = error;
  return new TransferError(code, `${message}; ${note}`, { hint, side, cause: error });
}

/** All that waits for the next try. */
export const waiting = ({ checkpoints, files }: Traces): readonly string[] => [...checkpoints, ...files];

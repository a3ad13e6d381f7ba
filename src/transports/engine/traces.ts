import { type Digest } from '../../primitives/digest.js';

/** What a transfer has got in an engine, or beside it, and has yet to take away: kept over all its tries. */
export interface Traces {
  /** Names of checkpoints that wait for the next try. */
  readonly checkpoints: Set<string>;
  /** Paths of files that wait for the next try. */
  readonly files: Set<string>;
  /** Temporary names: a line that drops keeps a try from taking its own away. */
  readonly temporary: Set<string>;
  /** Names that were moved, or may have been, with what they led to before. Empty once all of them are right. */
  readonly moved: Map<string, Digest | undefined>;
}

export const noTraces = (): Traces => ({
  checkpoints: new Set(),
  files: new Set(),
  temporary: new Set(),
  moved: new Map(),
});

/** Which names do not, or may not, lead where they led before; undefined: all do. */
export function movedNote({ moved }: Traces): string | undefined {
  if (moved.size === 0) return undefined;
  return `these names may have moved already, and could not be put back: ${[...moved.keys()].join(', ')}; no other has`;
}

/** All that waits for the next try. */
export const waiting = ({ checkpoints, files }: Traces): readonly string[] => [...checkpoints, ...files];

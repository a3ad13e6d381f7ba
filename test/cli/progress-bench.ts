import { makeProgress } from '../../src/cli/progress.js';
import { type Progress } from '../../src/cli/progress-lines.js';
import { type HostState } from '../../src/ports.js';
import { Captured } from './helpers.js';

export const MB = 1_000_000;

/** The progress of several hosts, with a clock that goes when it is told. */
export interface Bench {
  readonly progress: Progress;
  readonly stderr: Captured;
  readonly wait: (ms: number) => void;
  readonly tell: (
    host: string,
    state: HostState,
    more?: { bytes?: number; present?: number; message?: string },
  ) => void;
}

export function bench(
  mode: 'auto' | 'plain' | 'json',
  terminal?: { columns: number; rows: number },
  json = false,
): Bench {
  let now = 0;
  const stderr = new Captured(terminal);
  const io = { stdout: new Captured(), stderr, stdinIsTerminal: false, env: {} };
  const progress = makeProgress({ quiet: false, progress: mode, json }, io, 'hosts', () => now);
  return {
    progress,
    stderr,
    wait: (ms) => (now += ms),
    tell: (host, state, more = {}) => {
      progress.emit({ type: 'host', host, state, ...more });
    },
  };
}

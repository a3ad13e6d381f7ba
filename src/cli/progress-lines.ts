import { printable } from '../primitives/printable.js';
import { type TransferEvent } from '../ports.js';
import { fractionOf, ProgressState } from './progress-state.js';
import { formatBytes, formatDuration } from './render/units.js';

/** Something that shows events. `stop` may be called at any time, and more than once. */
export interface Progress {
  readonly emit: (event: TransferEvent) => void;
  readonly stop: () => void;
}

export type WriteLine = (line: string) => void;

const PLAIN_INTERVAL_MS = 10_000;
/** What is over in less needs no report on the way. */
const PLAIN_QUIET_MS = 2_000;
const JSON_INTERVAL_MS = 1_000;

/** For logs: a line every ten seconds, and at every quarter of the way of what takes some seconds. */
export function plainProgress(write: WriteLine, now: () => number): Progress {
  const state = new ProgressState(now);
  let lastLine = now();
  let quarter = 0;

  const line = (): string => {
    const { what, bytes, total, rate, left } = state.snapshot();
    const share = fractionOf({ bytes, total });
    const amount = total === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(total)}`;
    const percent = share === undefined ? '' : `${String(Math.floor(share * 100))} %, `;
    const pace = rate > 0 ? `, ${formatBytes(rate)}/s` : '';
    return `${what}: ${percent}${amount}${pace}${left === undefined ? '' : `, ${formatDuration(left)} left`}`;
  };

  return {
    emit: (event) => {
      state.apply(event);
      if (event.type === 'note') write(`note: ${printable(event.message, 2000)}`);
      if (event.type === 'start') [lastLine, quarter] = [now(), 0];
      if (event.type !== 'bytes') return;
      const share = fractionOf(state.snapshot());
      const reached = share === undefined || share >= 1 ? quarter : Math.floor(share * 4);
      const since = now() - lastLine;
      if (since < (reached > quarter ? PLAIN_QUIET_MS : PLAIN_INTERVAL_MS)) return;
      quarter = Math.max(quarter, reached);
      lastLine = now();
      write(line());
    },
    stop: () => undefined,
  };
}

/** For programs: every event as one JSON object a line; bytes as a running sum, at most once a second and at the end. */
export function jsonProgress(write: WriteLine, now: () => number): Progress {
  const state = new ProgressState(now);
  let lastBytes = -Infinity;
  const sum = (): string => {
    const { bytes, total, rate } = state.snapshot();
    return JSON.stringify({ type: 'progress', bytes, total, bytesPerSecond: Math.round(rate) });
  };
  return {
    emit: (event) => {
      state.apply(event);
      if (event.type === 'end') write(sum());
      if (event.type !== 'bytes') {
        write(JSON.stringify(event));
      } else if (now() - lastBytes >= JSON_INTERVAL_MS) {
        lastBytes = now();
        write(sum());
      }
    },
    stop: () => undefined,
  };
}

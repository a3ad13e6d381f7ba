import cliProgress from 'cli-progress';
import { printable } from '../primitives/printable.js';
import { type TransferEvent } from '../ports.js';
import { type Io, type Output, writeError } from './io.js';
import { type Presentation } from './parser/parse.js';
import { jsonProgress, plainProgress, type Progress } from './progress-lines.js';
import { fractionOf, ProgressState, type Snapshot } from './progress-state.js';
import { clip, lengthOf, shorten } from './render/text.js';
import { formatBytes, formatDuration } from './render/units.js';

const silent: Progress = { emit: () => undefined, stop: () => undefined };

/** What shows the progress of a command on standard error. */
export function makeProgress(
  { quiet, progress }: Pick<Presentation, 'quiet' | 'progress'>,
  io: Io,
  now: () => number = () => performance.now(),
): Progress {
  if (quiet || progress === 'none') return silent;
  const write = (line: string): void => void writeError(io, `${line}\n`);
  if (progress === 'json') return jsonProgress(write, now);
  const bar = progress === 'auto' && io.stderr.isTTY === true && io.env['TERM'] !== 'dumb';
  return bar ? barProgress(io.stderr, now) : plainProgress(write, now);
}

function barProgress(stream: Output, now: () => number): Progress {
  const state = new ProgressState(now);
  let bar: cliProgress.SingleBar | undefined;

  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  const start = (): void => {
    stop();
    bar = new cliProgress.SingleBar({
      stream,
      format: () => barLine(state.snapshot(), stream.columns ?? 80),
      fps: 10,
      clearOnComplete: true,
      // The rate and the time left change although no byte moves.
      forceRedraw: true,
      // Signals are interruption.ts's: a second listener would hold the process.
      gracefulExit: false,
      // Lines are made to fit. Anything but true switches wrapping off, and a second Ctrl-C would leave it so.
      linewrap: true,
    });
    bar.start(1, fractionOf(state.snapshot()) ?? 0);
  };

  /** The bar returns to where it began when it stops; it has to begin anew below the note. */
  const note = (message: string): void => {
    const drawn = bar !== undefined;
    stop();
    stream.write(`${printable(message, 2000)}\n`);
    if (drawn) start();
  };

  return {
    emit: (event: TransferEvent) => {
      state.apply(event);
      if (event.type === 'start') start();
      if (event.type === 'end') stop();
      if (event.type === 'note') note(event.message);
      if (event.type === 'bytes') bar?.update(fractionOf(state.snapshot()) ?? 0);
    },
    stop,
  };
}

const WIDE_BAR = 20;
const NARROW_BAR = 10;
/** What a wide bar has to leave for the name of the image. */
const IMAGE_ROOM = 20;

/** One line that fits: the less important parts go first. */
export function barLine(snapshot: Snapshot, columns: number): string {
  const { what, bytes, total, rate, left, image } = snapshot;
  const width = columns - 1;
  const share = fractionOf(snapshot);
  const percent = share === undefined ? [] : [`${String(Math.floor(share * 100))} %`.padStart(5)];
  const amount = [total === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(total)}`];
  const pace = rate > 0 ? [`${formatBytes(rate)}/s`] : [];
  const time = left === undefined ? [] : [`${formatDuration(left)} left`];
  const numbers = [...percent, ...amount, ...pace, ...time];
  const tries = [
    { parts: [what, ...drawn(share, WIDE_BAR), ...numbers], spare: IMAGE_ROOM },
    { parts: [what, ...drawn(share, NARROW_BAR), ...numbers], spare: 0 },
    { parts: [what, ...numbers], spare: 0 },
    { parts: [what, ...percent, ...amount, ...time], spare: 0 },
    { parts: [what, ...percent, ...amount], spare: 0 },
  ];
  const fitting = tries.find(({ parts, spare }) => lengthOf(parts.join(' ')) + spare <= width);
  const line = (fitting?.parts ?? [what, ...percent]).join(' ');
  const room = width - lengthOf(line) - 2;
  return image === '' || room < 8 ? clip(line, Math.max(1, width)) : `${line}  ${shorten(image, room)}`;
}

const drawn = (share: number | undefined, width: number): string[] =>
  share === undefined ? [] : [`[${'#'.repeat(Math.round(share * width)).padEnd(width, '.')}]`];

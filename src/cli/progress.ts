import cliProgress from 'cli-progress';
import { printable } from '../primitives/printable.js';
import { type TransferEvent } from '../ports.js';
import { type Io, type Output, writeError } from './io.js';
import { type Presentation } from './parser/parse.js';
import { barLine } from './progress-bar.js';
import { boardProgress } from './progress-board.js';
import { jsonProgress, plainProgress, type Progress, type WriteLine } from './progress-lines.js';
import { fractionOf, ProgressState } from './progress-state.js';

const nothing = (): void => undefined;
const silent: Progress = { emit: nothing, stop: nothing, pause: nothing, resume: nothing };

/**
 * What shows the progress of a command on standard error. `hosts`: of one that works for several receivers at once,
 * each of which gets a line of its own on a terminal.
 */
export function makeProgress(
  { quiet, progress, json }: Presentation,
  io: Io,
  shape: 'one' | 'hosts' = 'one',
  now: () => number = () => performance.now(),
): Progress {
  if (quiet || progress === 'none') return silent;
  const drawn = progress === 'auto' && io.stderr.isTTY === true && io.env['TERM'] !== 'dumb';
  if (drawn) return shape === 'hosts' ? boardProgress(io.stderr, now) : barProgress(io.stderr, now);
  const { write, pause, resume } = lineWriter(io);
  const { emit } = progress === 'json' ? jsonProgress(write, now) : plainProgress(write, now, json);
  return { emit, stop: resume, pause, resume };
}

/** Lines to standard error; held back while it is paused, if that is the terminal on which a question is open. */
function lineWriter(io: Io): { write: WriteLine; pause: () => void; resume: () => void } {
  let held: string[] | undefined;
  const put = (line: string): void => void writeError(io, `${line}\n`);
  return {
    write: (line) => {
      if (held === undefined) put(line);
      else held.push(line);
    },
    pause: () => {
      if (io.stderr.isTTY === true) held ??= [];
    },
    resume: () => {
      const lines = held ?? [];
      held = undefined;
      lines.forEach(put);
    },
  };
}

function barProgress(stream: Output, now: () => number): Progress {
  const state = new ProgressState(now);
  let bar: cliProgress.SingleBar | undefined;
  let open = false;
  let held: string[] | undefined;

  const erase = (): void => {
    bar?.stop();
    bar = undefined;
  };
  const draw = (): void => {
    erase();
    if (!open || held !== undefined) return;
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
  const end = (): void => {
    open = false;
    erase();
  };

  /** The bar returns to where it began when it stops; it has to begin anew below the notes. */
  const notes = (messages: readonly string[]): void => {
    erase();
    for (const message of messages) stream.write(`${printable(message, 2000)}\n`);
    draw();
  };
  const resume = (): void => {
    const messages = held ?? [];
    held = undefined;
    notes(messages);
  };

  return {
    emit: (event: TransferEvent) => {
      state.apply(event);
      if (event.type === 'start') {
        open = true;
        draw();
      }
      if (event.type === 'end') end();
      if (event.type === 'note' && held === undefined) notes([event.message]);
      else if (event.type === 'note') held?.push(event.message);
      if (event.type === 'bytes') bar?.update(fractionOf(state.snapshot()) ?? 0);
    },
    stop: () => {
      end();
      resume();
    },
    pause: () => {
      held ??= [];
      erase();
    },
    resume,
  };
}

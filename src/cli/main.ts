import { isatty } from 'node:tty';
import { commands } from './commands.js';
import { asTransferError, exitStatus, failureText } from './failure.js';
import { type Io, isClosedPipe } from './io.js';
import { Interrupted, watchSignals } from './interruption.js';
import { viewOf } from './render/view.js';
import { controllingTerminal } from './terminal.js';
import { packageFacts } from '../primitives/package-facts.js';

/** Runs ferry as this process: `bin/ferry.js` is nothing but this call. */
export async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  // Answered before the parser is loaded: scripts ask for it often.
  if (argv.length === 1 && argv[0] === '--version') process.stdout.write(`${packageFacts().version}\n`);
  else await runProcess('ferry', argv);
}

export interface Surroundings {
  /** The engine when none is named. */
  readonly engine?: string;
  /** A second way, besides signals, to learn that the user wants it to stop. */
  readonly watch?: (env: NodeJS.ProcessEnv, onEnd: () => void) => void;
}

export async function runProcess(
  program: string,
  argv: readonly string[],
  { engine, watch }: Surroundings = {},
): Promise<void> {
  ignoreClosedStreams();
  const guard = guardAgainstSilentEnd();
  process.once('uncaughtException', (error) => {
    guard();
    endWith(error);
  });
  const controller = new AbortController();
  const unwatch = watchSignals(process, controller);
  watch?.(process.env, () => {
    if (!controller.signal.aborted) controller.abort(new Interrupted('SIGINT'));
  });
  const io: Io = {
    stdout: process.stdout,
    stderr: process.stderr,
    stdinIsTerminal: isatty(0),
    terminals: controllingTerminal,
    env: process.env,
  };
  const { run } = await import('./run.js');
  process.exitCode = await run({ program, argv, io, commands, signal: controller.signal, engine });
  guard();
  unwatch();
  endEvenIfSomethingIsOpen();
}

/** Without a listener a reader that goes away would end the process with a stack trace. */
function ignoreClosedStreams(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (!isClosedPipe(error) && stream === process.stdout) process.exitCode = 7;
    });
  }
}

/** For errors that no promise carried here. What state they left is unknown, so this is the end; but not a stack trace. */
function endWith(error: unknown): void {
  const failure = asTransferError(error);
  process.stderr.write(failureText(failure, viewOf(process.stderr, process.env), process.env['FERRY_DEBUG'] === '1'));
  process.exit(exitStatus(failure));
}

/** A promise that nobody settles lets Node.js end with status 0; here it is an error. */
function guardAgainstSilentEnd(): () => void {
  const listener = (status: number): void => {
    // Whoever ends the process with another status knows why, and has said so.
    if (status !== 0) return;
    process.exitCode = 1;
    process.stderr.write('ferry: ended before the work was done; this is a defect of ferry\n');
  };
  process.once('exit', listener);
  return () => process.removeListener('exit', listener);
}

/** All output is flushed by now; a forgotten child or socket must not keep the user waiting. */
function endEvenIfSomethingIsOpen(): void {
  setTimeout(() => process.exit(), 1000).unref();
}

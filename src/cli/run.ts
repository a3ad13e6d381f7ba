import { makeAsk } from './ask.js';
import { type CallOf, type Commands, type ResultOf, type Verb } from './commands.js';
import { signalStatus } from './exit-codes.js';
import { asTransferError, exitStatus, failureJson, failureText } from './failure.js';
import { type TransferError } from '../primitives/errors.js';
import { Interrupted } from './interruption.js';
import { type Io, isClosedPipe, writeError, writeOut } from './io.js';
import { statusOf } from './outcome.js';
import { type Invocation, parse, type Presentation, writesBundle } from './parser/parse.js';
import { makeProgress } from './progress.js';
import { render } from './render/index.js';
import { viewOf } from './render/view.js';

export interface Run {
  /** `ferry` or `docker ferry`. */
  readonly program: string;
  readonly argv: readonly string[];
  readonly io: Io;
  readonly commands: Commands;
  readonly signal: AbortSignal;
  /** Taken when the command line names none. */
  readonly engine?: string | undefined;
}

/** Runs one command line to its end. Everything that is to be said has been said when it resolves with the exit status. */
export async function run(env: Run): Promise<number> {
  let bundle = claimsStdout(env.argv);
  try {
    const invocation = parse(env.argv, env);
    bundle = invocation.kind === 'call' && writesBundle(invocation.call);
    return await perform(invocation, env);
  } catch (error) {
    if (env.signal.aborted) return await interrupted(env);
    if (bundle && isClosedPipe(error)) return signalStatus.SIGPIPE;
    return await fail(asTransferError(error), env, bundle);
  }
}

/** Whether a command line that may not even be valid was meant to write a bundle to standard output. */
const claimsStdout = (argv: readonly string[]): boolean =>
  /(^|\0)(-o=?|-o\0|--output[=\0])-(\0|$)/.test(argv.join('\0'));

async function fail(failure: TransferError, { argv, io }: Run, stdoutTaken: boolean): Promise<number> {
  const end = argv.indexOf('--');
  const json = !stdoutTaken && argv.slice(0, end === -1 ? argv.length : end).includes('--json');
  const debug = io.env['FERRY_DEBUG'] === '1';
  if (json) await writeOut(io.stdout, failureJson(failure)).catch(() => undefined);
  if (!json || debug) await writeError(io, failureText(failure, viewOf(io.stderr, io.env), debug));
  return exitStatus(failure);
}

async function interrupted({ signal, io }: Run): Promise<number> {
  await writeError(io, 'ferry: interrupted\n');
  return signal.reason instanceof Interrupted ? signal.reason.exitStatus : 1;
}

async function perform(invocation: Invocation, env: Run): Promise<number> {
  switch (invocation.kind) {
    case 'version':
      await writeOut(env.io.stdout, `${(await import('../primitives/package-facts.js')).packageFacts().version}\n`);
      return 0;
    case 'help':
      await writeOut(env.io.stdout, (await import('./parser/help.js')).helpText(invocation.command, env.program));
      return 0;
    case 'completion':
      await writeOut(env.io.stdout, (await import('./completion/index.js')).completionScript(invocation.shell));
      return 0;
    case 'call':
      return await call(invocation.call, invocation.presentation, env);
  }
}

async function call<V extends Verb>(wanted: CallOf<V>, presentation: Presentation, env: Run): Promise<number> {
  const { io, signal } = env;
  const bundle = writesBundle(wanted);
  const options = {
    ...(env.engine === undefined ? {} : { engine: env.engine }),
    ...wanted.options,
    ...(bundle ? { standardOutput: io.stdout } : {}),
  };
  const progress = makeProgress(presentation, io, wanted.verb === 'send' ? 'hosts' : 'one');
  const ask = makeAsk(io.terminals, progress);
  let unfinished: ResultOf<V> | undefined;
  const onInterrupted = (soFar: ResultOf<V>): void => {
    unfinished = soFar;
  };
  let result: ResultOf<V>;
  try {
    const command = await env.commands[wanted.verb]();
    result = await command(options, { emit: progress.emit, ask, signal, onInterrupted }).finally(progress.stop);
  } catch (error) {
    if (unfinished !== undefined) await show(wanted, unfinished, presentation, io, bundle);
    throw error;
  }
  await show(wanted, result, presentation, io, bundle);
  return statusOf(result);
}

async function show<V extends Verb>(
  wanted: CallOf<V>,
  result: ResultOf<V>,
  { json, quiet }: Presentation,
  io: Io,
  stdoutTaken: boolean,
): Promise<void> {
  if (json) {
    await writeOut(io.stdout, `${JSON.stringify(result, null, 2)}\n`);
    return;
  }
  const stream = stdoutTaken ? io.stderr : io.stdout;
  const report = render(wanted, result, viewOf(stream, io.env));
  if (report.wanted || !quiet) await writeOut(stream, report.lines.map((line) => `${line}\n`).join(''));
  await writeError(io, report.errors.map((line) => `${line}\n`).join(''));
}

import { type ByteStream } from '../../primitives/bytes.js';
import { TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { feed } from '../machine/feed.js';
import { type Child, type Exit, type Machine } from '../machine/machine.js';
import { Tail } from '../machine/tail.js';
import { engineFailed, wordsOf } from './failure.js';

/** An engine's own client, which is how everything is asked of it. */
export interface Client {
  /** Where it runs. */
  readonly machine: Machine;
  /** The program, with what stands before it: `docker`, `/opt/bin/podman`, `sudo -n docker`. */
  readonly command: readonly string[];
}

export interface ClientCall {
  readonly client: Client;
  /** Given as they are; whoever puts in a name has checked that it is no option (`checkArgument`). */
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  /** Milliseconds; undefined: as long as it takes. */
  readonly timeoutMs?: number;
  readonly input?: ByteStream;
  /** Bytes of standard output: more is an error. Undefined: its last `limits.stderrBytes` are kept. */
  readonly maxOutput?: number;
}

export interface ClientResult extends Exit {
  readonly stdout: string;
  /** The end of it. */
  readonly stderr: string;
}

export const startClient = ({ machine, command }: Client, args: readonly string[], withInput: boolean): Child =>
  machine.start([...command, ...args], withInput);

/** Milliseconds that an engine has to answer a question. It is asked about 1,000 images at most at a time. */
export const QUERY_TIMEOUT = 120_000;

/**
 * Runs a client to its end, whatever its exit status.
 * @throws the signal's reason when aborted; `input`'s own error; TransferError ENGINE_UNREACHABLE when the program
 * cannot be started, ENGINE_FAILED when it does not answer in time, LIMIT when it prints more than `maxOutput`.
 */
export async function runClient(call: ClientCall): Promise<ClientResult> {
  call.signal.throwIfAborted();
  const child = startClient(call.client, call.args, call.input !== undefined);
  const watch = supervise(child, call);
  const stdout = new Tail(call.maxOutput ?? limits.stderrBytes);
  const stderr = new Tail(limits.stderrBytes);
  child.stdout.on('data', (chunk: Buffer) => {
    stdout.push(chunk);
    if (call.maxOutput !== undefined && stdout.total > call.maxOutput) watch.fail(tooMuch(call));
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr.push(chunk);
  });
  if (call.input !== undefined) {
    await feed(child.stdin, call.input, child.exited).catch((error: unknown) => {
      watch.fail(error, true);
    });
  }
  const exit = await watch.exit();
  return { ...exit, stdout: stdout.text(), stderr: stderr.text() };
}

/**
 * Standard output of a client as a stream, which ends only if the exit status is 0: the last chunk is held back until
 * then.
 * @throws as `runClient`, and ENGINE_FAILED with the client's own words; `doing` says what it was asked for.
 */
export async function* streamClient(call: ClientCall, engine: string, doing: string): AsyncGenerator<Uint8Array> {
  call.signal.throwIfAborted();
  const child = startClient(call.client, call.args, false);
  const watch = supervise(child, call);
  const stderr = new Tail(limits.stderrBytes);
  child.stderr.on('data', (chunk: Buffer) => {
    stderr.push(chunk);
  });
  let held: Uint8Array | undefined;
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      if (held !== undefined) yield held;
      held = chunk;
    }
    const exit = await watch.exit();
    const result = { ...exit, stdout: '', stderr: stderr.text() };
    if (exit.status !== 0) throw engineFailed(engine, doing, wordsOf(result), { side: 'source' });
    if (held !== undefined) yield held;
  } finally {
    watch.release();
    child.stop();
  }
}

interface Watch {
  /** Ends the child; `exit` will then reject with `error`. The first error counts. */
  fail(error: unknown, gently?: boolean): void;
  exit(): Promise<Exit>;
  release(): void;
}

/** Ties a child to its call's signal and time limit. */
function supervise(child: Child, call: ClientCall): Watch {
  let failed: { readonly error: unknown } | undefined;
  const fail = (error: unknown, gently = false): void => {
    failed ??= { error };
    child.stop(gently);
  };
  const onAbort = (): void => {
    fail(call.signal.reason, call.input !== undefined);
  };
  call.signal.addEventListener('abort', onAbort, { once: true });
  const timer =
    call.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          fail(tooSlow(call));
        }, call.timeoutMs);
  const release = (): void => {
    clearTimeout(timer);
    call.signal.removeEventListener('abort', onAbort);
  };
  const exit = async (): Promise<Exit> => {
    try {
      const result = await child.exited;
      if (failed === undefined) return result;
    } catch (error) {
      // What we ended it for says more than how it ended.
      if (failed === undefined) throw error;
    } finally {
      release();
    }
    throw failed.error;
  };
  return { fail, exit, release };
}

function tooSlow(call: ClientCall): TransferError {
  const seconds = String((call.timeoutMs ?? 0) / 1000);
  return new TransferError('ENGINE_FAILED', `${commandOf(call)}: expected an answer in ${seconds} s, found none`, {
    hint: 'The engine hangs: look at its log, or restart it.',
  });
}

function tooMuch(call: ClientCall): TransferError {
  return new TransferError('LIMIT', `${commandOf(call)}: printed more than ${String(call.maxOutput)} bytes`, {
    hint: "Check that this program is an engine's own client; if there are very many images, name fewer at a time.",
  });
}

/** The command without its names: `docker image inspect`. */
function commandOf(call: ClientCall): string {
  const words = call.args.slice(0, 2).filter((word) => /^[a-z-]+$/.test(word) && !word.startsWith('-'));
  return [...call.client.command, ...words].join(' ');
}

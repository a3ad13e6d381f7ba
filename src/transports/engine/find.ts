import { existsSync } from 'node:fs';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { localMachine } from '../machine/local.js';
import { type Machine } from '../machine/machine.js';
import { type Client, type ClientResult, runClient } from './client.js';
import { type Engine } from './engine.js';
import { hintFor, wordsOf } from './failure.js';
import { type EngineImage, imagesFrom, saysGone } from './inventory.js';
import { engineOf, questionsTo } from './probe-engine.js';
import { noEngine, whatItSaid } from './probe-failure.js';
import { type Attempt, type ProbeAnswer, type Said } from './probe-frames.js';
import { usualFolders } from './probe-script.js';
import { type ClientKind, clientWords, commandOf } from './probe-words.js';
import { probe } from './probe.js';

/** Milliseconds that an engine has to say what it is. A busy one takes a second or two. */
const FIRST_ANSWER = 20_000;
/** Milliseconds for a host: to look for its engine, and to be told of all its images. */
const REMOTE_ANSWER = 60_000;
const MiB = 1024 * 1024;

/** A machine's engine, and what else must be known of the machine. */
export interface Found {
  readonly engine: Engine;
  /** As `inventory` gives it; undefined: not asked, or not told (`inventory` says why then). */
  readonly images: readonly EngineImage[] | undefined;
  /** Programs in the PATH. */
  readonly programs: { readonly zstd: boolean; readonly gzip: boolean };
  /** The folder for a temporary file, with its free bytes; undefined: there is none that may be written. */
  readonly temporary: { readonly folder: string; readonly free: number } | undefined;
  /** Engines that come before this one and did not answer, each with its words. */
  readonly passedOver: readonly string[];
}

/**
 * The engine of a machine, in one command. `wanted` is its client in the user's words (`clientWords`); undefined: the
 * first of `lookedFor` that answers, by `sudo -n` where its socket may not be used directly. `folders` are looked into
 * after PATH.
 * @throws the signal's reason; TransferError ENGINE_UNREACHABLE with what was tried and what each said; USAGE for
 * words that are no client; LIMIT when the machine prints without end; what `machine` throws when it cannot be reached.
 */
export async function findRemoteEngine(
  machine: Machine,
  wanted: string | undefined,
  signal: AbortSignal,
  timeoutMs = REMOTE_ANSWER,
  folders = usualFolders,
): Promise<Found> {
  const words = wanted === undefined ? undefined : clientWords(wanted, '--remote-engine');
  const { answer, failure } = await probe(machine, { wanted: words, folders, timeoutMs, signal });
  for (const [at, attempt] of answer.attempts.entries()) {
    const { kind, command, version, info } = attempt;
    const engine = engineOf(kind, { machine, command }, version?.stdout ?? '', info?.stdout ?? '');
    if (engine === undefined) continue;
    // The same client without sudo is not another engine.
    const passedOver = answer.attempts.slice(0, at).filter((other) => other.kind !== kind);
    return { engine, images: imagesOf(attempt), ...factsOf(answer), passedOver: passedOver.map(whatItSaid) };
  }
  throw failure ?? noEngine(machine, words, answer);
}

function factsOf({ tools, spaces }: ProbeAnswer): Pick<Found, 'programs' | 'temporary'> {
  // A folder in memory only where there is nothing else; else the one with the most space, the first of equals.
  const [best] = spaces.toSorted((a, b) => Number(a.isMemory) - Number(b.isMemory) || b.free - a.free);
  return {
    programs: { zstd: tools.has('zstd'), gzip: tools.has('gzip') },
    temporary: best && { folder: best.folder, free: best.free },
  };
}

/** What xargs ends with when one of its commands failed. */
const SOME_FAILED = 123;

function imagesOf({ inspected }: Attempt): readonly EngineImage[] | undefined {
  if (inspected === undefined || !isWhole(inspected)) return undefined;
  try {
    return imagesFrom(inspected.stdout);
  } catch (error) {
    if (!isTransferError(error)) throw error;
    return undefined;
  }
}

/** An image may go between two questions: that is no failure. */
const isWhole = ({ status, stderr }: Said): boolean => status === 0 || (status === SOME_FAILED && saysGone(stderr));

/**
 * The engine of this machine: `wanted` is its client in the user's words (`clientWords`), or the path of one;
 * undefined: docker if it is there and answers, else podman.
 * @throws TransferError ENGINE_UNREACHABLE, with what was tried and what each said; USAGE for other words.
 */
export async function findEngine(
  wanted: string | undefined,
  signal: AbortSignal,
  timeoutMs = FIRST_ANSWER,
): Promise<Engine> {
  if (wanted !== undefined) {
    const { kind, command } = localClient(wanted);
    return identify(kind, local(command), signal, timeoutMs);
  }
  const tried: string[] = [];
  for (const program of ['docker', 'podman'] as const) {
    try {
      return await identify(program, local([program]), signal, timeoutMs);
    } catch (error) {
      if (!isTransferError(error)) throw error;
      tried.push(error.hint === undefined ? error.message : `${error.message} (${error.hint})`);
    }
  }
  throw new TransferError('ENGINE_UNREACHABLE', 'no container engine answers on this machine', {
    hint: `Tried: ${tried.join('; ')}`,
  });
}

const local = (command: readonly string[]): Client => ({ machine: localMachine, command });

/** Here a path may have blanks and backslashes in it: no shell will see it. */
function localClient(wanted: string): { readonly kind: ClientKind; readonly command: readonly string[] } {
  const isPath = /^(?!-).*[/\\]/.test(wanted) && (!/\s/.test(wanted) || existsSync(wanted));
  if (!isPath) {
    const words = clientWords(wanted, '--engine');
    return { kind: words.kind, command: commandOf(words) };
  }
  return { kind: /[/\\]ctr(?:\.exe)?$/.test(wanted) ? 'ctr' : 'docker', command: [wanted] };
}

/** Asks a client what it is. The two questions go out at once: on a remote engine a round trip is what costs. */
async function identify(kind: ClientKind, client: Client, signal: AbortSignal, timeoutMs: number): Promise<Engine> {
  const ask = (args: readonly string[]): Promise<ClientResult> =>
    runClient({ client, args, signal, timeoutMs, maxOutput: MiB });
  const [first, second] = questionsTo(kind);
  const answers = await Promise.all([ask(first), ask(second)]).catch((error: unknown) => {
    if (signal.aborted || !isTransferError(error)) throw error;
    throw new TransferError('ENGINE_UNREACHABLE', error.message, { hint: error.hint, cause: error });
  });
  const [version, info] = answers;
  const engine = engineOf(kind, client, version.stdout, info.stdout);
  if (engine !== undefined) return engine;
  const failed = answers.find((answer) => answer.status !== 0) ?? info;
  const words = failed.status === 0 ? 'it answers, but not as an engine does' : wordsOf({ ...failed, stdout: '' });
  throw new TransferError('ENGINE_UNREACHABLE', `${client.command.join(' ')}: ${words}`, {
    hint:
      hintFor(words, { family: kind, command: client.command }) ?? 'Start the engine, or name another with --engine.',
  });
}

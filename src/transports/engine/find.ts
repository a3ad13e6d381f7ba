import { parseJson } from '../../model/json.js';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { localMachine } from '../machine/local.js';
import { type Client, type ClientResult, runClient } from './client.js';
import { type Engine } from './engine.js';
import { hintFor, wordsOf } from './failure.js';
import { engineFrom } from './identify.js';

/** Milliseconds that an engine has to say what it is. A busy one takes a second or two. */
const FIRST_ANSWER = 20_000;
const MiB = 1024 * 1024;

/**
 * The engine to use: `docker`, `podman`, or the path of such a client; undefined: docker if it is there and answers,
 * else podman.
 * @throws TransferError ENGINE_UNREACHABLE, with what was tried and what each said; USAGE for another word.
 */
export async function findEngine(
  wanted: string | undefined,
  signal: AbortSignal,
  timeoutMs = FIRST_ANSWER,
): Promise<Engine> {
  if (wanted !== undefined) return identify(local(checkProgram(wanted)), signal, timeoutMs);
  const tried: string[] = [];
  for (const program of ['docker', 'podman']) {
    try {
      return await identify(local(program), signal, timeoutMs);
    } catch (error) {
      if (!isTransferError(error)) throw error;
      tried.push(error.hint === undefined ? error.message : `${error.message} (${error.hint})`);
    }
  }
  throw new TransferError('ENGINE_UNREACHABLE', 'no container engine answers on this machine', {
    hint: `Tried: ${tried.join('; ')}`,
  });
}

const local = (program: string): Client => ({ machine: localMachine, command: [program] });

function checkProgram(word: string): string {
  if (word === 'docker' || word === 'podman' || /^(?!-).*[/\\]/.test(word)) return word;
  throw new TransferError('USAGE', `not an engine: ${printable(word, 100)}`, {
    hint: 'Give docker, podman, or the path of such a program.',
  });
}

/** Asks a client what it is. The two questions go out at once: on a remote engine a round trip is what costs. */
async function identify(client: Client, signal: AbortSignal, timeoutMs: number): Promise<Engine> {
  const ask = (word: string): Promise<ClientResult> =>
    runClient({ client, args: [word, '--format', '{{json .}}'], signal, timeoutMs, maxOutput: MiB });
  const answers = await Promise.all([ask('version'), ask('info')]).catch((error: unknown) => {
    if (signal.aborted || !isTransferError(error)) throw error;
    throw new TransferError('ENGINE_UNREACHABLE', error.message, { hint: error.hint, cause: error });
  });
  const [version, info] = answers.map(documentOf);
  const engine = engineFrom(client, version, info);
  if (engine !== undefined) return engine;
  const failed = answers.find((answer) => answer.status !== 0) ?? answers[1];
  const words = failed.status === 0 ? 'it answers, but not as Docker or Podman do' : wordsOf({ ...failed, stdout: '' });
  throw new TransferError('ENGINE_UNREACHABLE', `${client.command.join(' ')}: ${words}`, {
    hint: hintFor(words) ?? 'Start the engine, or name another with --engine.',
  });
}

/** Whatever a client printed: with a daemon that is down, Docker 20 prints JSON and `null` for the server. */
function documentOf({ stdout }: ClientResult): ReturnType<typeof parseJson> {
  try {
    return parseJson(Buffer.from(stdout), 'the answer');
  } catch {
    return null;
  }
}

import { randomBytes } from 'node:crypto';
import { bytesOf } from '../../primitives/bytes.js';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { type Child, type Machine } from '../machine/machine.js';
import { type ClientResult, runClient } from './client.js';
import { brokenOff, hostOf, noAnswer, noShell } from './probe-failure.js';
import { type ProbeAnswer, probeAnswer } from './probe-frames.js';
import { probeScript } from './probe-script.js';
import { type ClientWords } from './probe-words.js';

/** Bytes of the beginning of an answer that are kept for the case that it does not end: all but the images. */
const BEGINNING = 1024 * 1024;
/** Bytes that a machine may print in answer. 1,000 images of 200 layers take 16 MB. */
const ANSWER = 64 * 1024 * 1024;

export interface ProbeOptions {
  /** The only client to try; undefined: whichever answers first. */
  readonly wanted: ClientWords | undefined;
  /** Folders to look into after PATH: no word in them may have a blank or a quote. */
  readonly folders: readonly string[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface Probed {
  /** As far as it came. */
  readonly answer: ProbeAnswer;
  /**
   * Why it came no further: ENGINE_UNREACHABLE (no shell, no answer in time, broken off) or LIMIT. The engine may be
   * known all the same: one with thousands of images takes its time to list them.
   */
  readonly failure: TransferError | undefined;
}

/**
 * Asks a machine, in one command, for everything that must be known of it.
 * @throws the signal's reason when aborted; what `machine` throws when it cannot be reached.
 */
export async function probe(machine: Machine, options: ProbeOptions): Promise<Probed> {
  const nonce = randomBytes(16).toString('hex');
  const { heard, overheard } = listening(machine);
  try {
    const end = await run(overheard, probeScript({ ...options, nonce }), options);
    const answer = probeAnswer(end.stdout, nonce);
    if (!answer.began) return { answer, failure: noShell(machine, end) };
    return { answer, failure: answer.ended ? undefined : brokenOff(machine, answer, end) };
  } catch (error) {
    if (options.signal.aborted || !isTransferError(error)) throw error;
    const answer = probeAnswer(heard(), nonce);
    if (error.code === 'LIMIT') return { answer, failure: tooMuch(machine, error) };
    if (error.code === 'ENGINE_FAILED') return { answer, failure: noAnswer(machine, answer, options.timeoutMs) };
    throw error;
  }
}

/** The script goes in by standard input: nothing of it needs quoting, and the nonce is in no list of processes. */
const run = (machine: Machine, script: string, { signal, timeoutMs }: ProbeOptions): Promise<ClientResult> =>
  runClient({
    client: { machine, command: ['sh'] },
    args: ['-s'],
    input: bytesOf(Buffer.from(script)),
    maxOutput: ANSWER,
    signal,
    timeoutMs,
  });

/** The same machine, of which is kept what it said first: that is of use also when it does not come to an end. */
function listening(machine: Machine): { readonly heard: () => string; readonly overheard: Machine } {
  const chunks: Buffer[] = [];
  let total = 0;
  const start = (argv: readonly string[], withInput: boolean): Child => {
    const child = machine.start(argv, withInput);
    child.stdout.on('data', (chunk: Buffer) => {
      if (total < BEGINNING) chunks.push(chunk);
      total += chunk.byteLength;
    });
    return child;
  };
  return { heard: () => Buffer.concat(chunks).toString('utf8'), overheard: { host: machine.host, start } };
}

const tooMuch = (machine: Machine, cause: unknown): TransferError =>
  new TransferError(
    'LIMIT',
    `${hostOf(machine)}: printed more than ${String(ANSWER)} bytes when asked for its engine`,
    {
      side: 'sink',
      hint: 'Look at what its login scripts print, and at how many images its engine lists.',
      cause,
    },
  );

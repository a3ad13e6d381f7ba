import { type ErrorCode, TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';

/** Characters of an engine's own words that a message quotes. */
const QUOTED = 600;

interface Said {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * What a client said when it failed, on one line: the end of its standard error, or of its output, without the
 * warnings that podman prints at every call; or how it ended when it said nothing.
 */
export function wordsOf({ status, signal, stdout, stderr }: Said): string {
  const said = [stderr, stdout].map(linesOf).find((lines) => lines.length > 0);
  if (said !== undefined) {
    const text = said.join('; ');
    return printable(text.length > QUOTED ? `…${text.slice(-QUOTED)}` : text, QUOTED + 1);
  }
  return signal === null ? `exit status ${String(status)}, without a word` : `ended by ${signal}`;
}

function linesOf(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/level=warning|^Emulate Docker CLI|^WARNING: /.test(line));
}

/** Whose words they are; hints are given in its own terms. `family`: as `Engine` has it, or `docker`. */
interface Speaker {
  readonly family: string;
  readonly command: readonly string[];
}

const hints: readonly (readonly [RegExp, (speaker: Speaker | undefined) => string])[] = [
  [/no space left|disk quota/i, (speaker) => `The engine's disk is full: free some space there${usageOf(speaker)}.`],
  [
    /permission denied.*(?:connect|socket)|connect: permission denied/i,
    () => 'You may not use this engine: join its group, or run this as a user who may.',
  ],
  [/cannot connect|connection refused|failed to dial|no such host|is the docker daemon running/i, startOf],
];

/** containerd's clients have no command that tells. */
function usageOf(speaker: Speaker | undefined): string {
  if (speaker === undefined || isContainerd(speaker)) return '';
  return ` (\`${printable(speaker.command.join(' '))} system df\` shows what takes it)`;
}

function startOf(speaker: Speaker | undefined): string {
  if (speaker === undefined) return 'Start the engine.';
  if (isContainerd(speaker)) return 'Start containerd, or check CONTAINERD_ADDRESS.';
  return speaker.family === 'podman'
    ? 'Start the engine, or check CONTAINER_HOST and `podman system connection list`.'
    : 'Start the engine, or check DOCKER_HOST and the Docker context.';
}

const isContainerd = ({ family }: Speaker): boolean => family === 'ctr' || family === 'nerdctl';

/** The error for an engine that refused or failed; `doing` is what it was asked for, `words` are its own. */
export function engineFailed(
  label: string,
  doing: string,
  words: string,
  details: {
    readonly engine?: Speaker;
    readonly code?: ErrorCode;
    readonly hint?: string;
    readonly side?: 'source' | 'sink';
    readonly cause?: unknown;
  } = {},
): TransferError {
  const { engine, code = 'ENGINE_FAILED', hint = hintFor(words, engine), side = 'sink', cause } = details;
  return new TransferError(code, `${label}: ${doing}: ${words}`, { hint, side, cause });
}

/** What to do about an engine's words, where they are known ones. */
export function hintFor(words: string, speaker?: Speaker): string | undefined {
  return hints.find(([pattern]) => pattern.test(words))?.[1](speaker);
}

/** @throws TransferError USAGE for a name that a client would take for an option, or for nothing. */
export function checkArgument(name: string): string {
  if (name !== '' && !name.startsWith('-')) return name;
  throw new TransferError('USAGE', `not an image name: ${name === '' ? 'an empty word' : printable(name, 100)}`, {
    hint: 'An image name begins with a letter or a digit.',
  });
}

import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';

/** How a client is spoken to: what it is asked to tell of itself, and what an answer looks like. */
export type ClientKind = 'docker' | 'podman' | 'nerdctl' | 'ctr';

/** An engine's client in the user's words, taken apart. No word has a blank or anything that a shell would expand. */
export interface ClientWords {
  readonly kind: ClientKind;
  /** `sudo -n` with its options, or nothing. */
  readonly before: readonly string[];
  /** A name or a path. */
  readonly program: string;
  /** Words between the program and a verb: `ctr`, `-n k8s.io`. */
  readonly after: readonly string[];
}

const SAFE = /^[A-Za-z0-9_./:=@%+-]+$/;
/** Options of sudo that are followed by a word of their own. */
const WITH_VALUE = new Set(['-u', '-g', '--user', '--group']);

/**
 * Takes apart `docker`, `/opt/bin/podman`, `sudo docker`, `ctr -n k8s.io`, `k3s ctr`. sudo is given `-n` where that is
 * missing: without a terminal it would wait for a password for ever. What kind of client it is, the last part of the
 * program's path says; a path with another name is taken for one that speaks as Docker does.
 * @throws TransferError USAGE, which names `option`, for other words.
 */
export function clientWords(text: string, option: string): ClientWords {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const isSafe = words.every((word) => SAFE.test(word)) && words[0]?.startsWith('-') === false;
  if (!isSafe) throw notAnEngine(text, option);
  const before = baseOf(words[0]) === 'sudo' ? sudoWords(words) : [];
  const [program, ...after] = words.slice(before.length);
  const kind = kindOf(program, after);
  if (program === undefined || kind === undefined) throw notAnEngine(text, option);
  return { kind, before: withoutAsking(before), program, after };
}

/** The client in the words of one command line. */
export const commandOf = ({ before, program, after }: ClientWords): readonly string[] => [...before, program, ...after];

/** sudo and its options, up to the program that it is to run. */
function sudoWords(words: readonly string[]): readonly string[] {
  let count = 1;
  for (let word = words[1]; word?.startsWith('-') === true; word = words[count]) {
    count += WITH_VALUE.has(word) ? 2 : 1;
  }
  return words.slice(0, count);
}

function withoutAsking(before: readonly string[]): readonly string[] {
  const [sudo, ...options] = before;
  const isSilent = options.some((word) => word === '--non-interactive' || /^-[A-Za-z]*n/.test(word));
  return sudo === undefined || isSilent ? before : [sudo, '-n', ...options];
}

function kindOf(program: string | undefined, after: readonly string[]): ClientKind | undefined {
  const base = baseOf(program);
  if (base === 'k3s') return after[0] === 'ctr' ? 'ctr' : undefined;
  if (base === 'docker' || base === 'podman' || base === 'nerdctl' || base === 'ctr') return base;
  return program?.includes('/') === true && base !== 'sudo' ? 'docker' : undefined;
}

const baseOf = (program: string | undefined): string | undefined => program?.split('/').at(-1);

function notAnEngine(text: string, option: string): TransferError {
  return new TransferError('USAGE', `${option}: not an engine: ${printable(text, 100)}`, {
    hint: 'Give docker, podman, nerdctl, ctr or k3s ctr, with sudo before it if need be, or the path of such a program.',
  });
}

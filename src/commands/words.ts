import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tryNormalizeReference } from '../model/reference.js';
import { ioError, TransferError } from '../primitives/errors.js';
import { printable } from '../primitives/printable.js';
import { composeImages } from './compose.js';
import { type SourceOptions } from './options.js';

/** What a SOURCE word stands for. */
export type Location =
  | { readonly kind: 'stdin' }
  | {
      readonly kind: 'path';
      readonly path: string;
      /** Whether the word could mean an image of the engine too. */ readonly maybeName: boolean;
    }
  | { readonly kind: 'engine'; readonly name: string }
  /** `ssh://[user@]host[:port]/NAME`. */
  | { readonly kind: 'remote'; readonly word: string };

/**
 * Reads a SOURCE word: `-`, `file:PATH`, `engine:NAME`, a path that exists, `ssh://HOST/NAME`, or an image name, in
 * this order.
 * @throws TransferError NOT_FOUND when it is none of them, USAGE when it is an address of another kind.
 */
export function parseLocation(word: string): Location {
  if (word === '-') return { kind: 'stdin' };
  if (word.startsWith('file:')) return { kind: 'path', path: word.slice('file:'.length), maybeName: false };
  if (word.startsWith('engine:')) return { kind: 'engine', name: word.slice('engine:'.length) };
  const isName = couldBeName(word);
  // Of a volume that is missing, the checksum file may be there.
  const exists = existsSync(word) || existsSync(word.replace(/\.([0-9]{3})$/, '-$1.json'));
  if (exists) return { kind: 'path', path: word, maybeName: isName };
  if (word.startsWith('ssh://')) {
    return { kind: 'remote', word };
  }
  if (isName) return { kind: 'engine', name: word };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(word)) {
    throw new TransferError('USAGE', `${printable(word)}: no kind of address that is read`, {
      side: 'source',
      hint: 'Download it first and name the file; images of another machine are ssh://[user@]host/NAME.',
    });
  }
  throw new TransferError('NOT_FOUND', `${printable(word)}: no such file or folder`, {
    side: 'source',
    hint: `Check the path; an image of the engine can be written engine:${printable(word)}.`,
  });
}

/** A name or ID of an image, and not what people call files. */
function couldBeName(word: string): boolean {
  if (/^(?:\.{0,2}\/|~)|\.(?:tar|tgz|zst|gz|xz|bz2)$/.test(word)) return false;
  return tryNormalizeReference(word) !== undefined || /^(?:sha256:)?[0-9a-f]{12,64}$/.test(word);
}

/**
 * All SOURCE words of a call: given, from files that list them, from compose files.
 * @throws TransferError NOT_FOUND or IO when a list cannot be read; USAGE when there is no source at all.
 */
export async function allWords(options: SourceOptions): Promise<string[]> {
  const words = [...options.sources];
  for (const file of options.sourceFiles ?? []) words.push(...(await wordsInFile(file)));
  for (const file of options.composeFiles ?? [])
    words.push(...(await composeImages(file)).map((name) => `engine:${name}`));
  if (words.length > 0) return [...new Set(words)];
  throw new TransferError('USAGE', 'no source', {
    hint: 'Name a file, a folder, an image of the engine, or - for standard input.',
  });
}

async function wordsInFile(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw ioError(error, file, 'source');
  });
  return text
    .split(/\r?\n/)
    .map((line) => line.replace(/(?:^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

import { familiarReference, repositoryOf, tryNormalizeReference } from '../model/reference.js';
import { TransferError } from '../primitives/errors.js';
import { printable } from '../primitives/printable.js';

/** A pattern for image names, in which `*` stands for any text and `?` for any one character. */
function toRegExp(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '(.*)')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`);
}

/**
 * Whether `pattern` means the image called `name` (fully qualified). It may be the short or the full name, with or
 * without a tag; without one it means every tag of that repository.
 */
export function matchesName(name: string, pattern: string): boolean {
  const familiar = familiarReference(name);
  const expression = toRegExp(pattern);
  const candidates = [name, familiar, repositoryOf(name), repositoryOf(familiar)];
  return candidates.some((candidate) => expression.test(candidate));
}

export interface Renaming {
  readonly from: string;
  readonly to: string;
}

/** @throws TransferError USAGE when `text` is not OLD=NEW. */
export function parseRenaming(text: string): Renaming {
  const equals = text.indexOf('=');
  const from = text.slice(0, equals);
  const to = text.slice(equals + 1);
  const stars = (glob: string): number => glob.split('*').length - 1;
  if (equals < 1 || to === '' || stars(to) > stars(from)) {
    throw new TransferError('USAGE', `not a renaming: ${printable(text, 100)}`, {
      hint: 'Write OLD=NEW; each * in NEW stands for what the * in OLD matched, for example team/*=registry.local/team/*.',
    });
  }
  return { from, to };
}

/**
 * The new full name of `name` by the first renaming that matches its full or short form; unchanged when none does.
 * @throws TransferError USAGE when the result is no image name.
 */
export function rename(name: string, renamings: readonly Renaming[]): string {
  for (const { from, to } of renamings) {
    for (const form of new Set([familiarReference(name), name])) {
      const match = toRegExp(from).exec(form);
      if (match === null) continue;
      let star = 0;
      const result = to.replace(/\*/g, () => match[++star] ?? '');
      const full = tryNormalizeReference(result);
      if (full === undefined) {
        throw new TransferError('USAGE', `renaming ${form} gives ${printable(result, 100)}, which is no image name`, {
          hint: `Check ${printable(`${from}=${to}`, 100)}.`,
        });
      }
      return full;
    }
  }
  return name;
}

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
 * The new full name of `name` by the first renaming that matches it; unchanged when none does.
 * @throws TransferError USAGE when the result is no image name.
 */
export function rename(name: string, renamings: readonly Renaming[]): string {
  for (const renaming of renamings) {
    const renamed = applyRenaming(name, renaming);
    if (renamed !== undefined) return renamed;
  }
  return name;
}

/**
 * What one renaming makes of a name, in its full or short form; undefined when it does not match. An OLD without a tag
 * means every tag of that repository, which is kept unless NEW has one.
 * @throws TransferError USAGE when the result is no image name.
 */
export function applyRenaming(name: string, { from, to }: Renaming): string | undefined {
  const expression = toRegExp(from);
  for (const form of new Set([familiarReference(name), name])) {
    const repository = repositoryOf(form);
    const match = expression.exec(form) ?? expression.exec(repository);
    if (match === null) continue;
    let star = 0;
    const target = to.replace(/\*/g, () => match[++star] ?? '');
    const keepsTag = match[0] === repository && match[0] !== form && !/:[^/]*$/.test(target);
    const result = keepsTag ? `${target}${form.slice(repository.length)}` : target;
    const full = tryNormalizeReference(result);
    if (full !== undefined) return full;
    throw new TransferError('USAGE', `renaming ${form} gives ${printable(result, 100)}, which is no image name`, {
      hint: `Check ${printable(`${from}=${to}`, 100)}.`,
    });
  }
  return undefined;
}

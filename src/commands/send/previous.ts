import { familiarReference, tryNormalizeReference } from '../../model/reference.js';
import { type ImageNode } from '../../model/graph.js';
import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';

/**
 * How the image is called that a name led to before: `previous` makes `app:1.4` to `app:previous`, a whole name is taken
 * as it is.
 * @throws TransferError USAGE when it is neither, or a whole name is to stand for several images
 */
export function previousNames(
  wanted: string | undefined,
  images: readonly ImageNode[],
): ((name: string) => string | undefined) | undefined {
  if (wanted === undefined) return undefined;
  if (/^\w[\w.-]{0,127}$/.test(wanted)) {
    return (name) => {
      const kept = name.replace(/:[^:/]+$/, `:${wanted}`);
      return kept === name ? undefined : kept;
    };
  }
  const full = tryNormalizeReference(wanted);
  if (full === undefined || full.includes('@')) {
    throw new TransferError('USAGE', `--keep-previous ${printable(wanted, 100)}: expected a tag or a name`, {
      hint: 'For example --keep-previous previous, which keeps what app:1.4 was as app:previous.',
    });
  }
  const names = [...new Set(images.flatMap(({ name }) => (name === undefined ? [] : [name])))];
  if (names.length > 1) {
    const shown = names.slice(0, 3).map(familiarReference).join(', ');
    throw new TransferError('USAGE', `--keep-previous ${wanted}: one name for several images (${shown})`, {
      hint: 'Give a tag alone, such as --keep-previous previous.',
    });
  }
  return () => full;
}

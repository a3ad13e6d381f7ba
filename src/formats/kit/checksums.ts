import { hexOf } from '../../primitives/digest.js';
import { type WrittenFile } from '../volumes/write.js';

/** The lines that `sha256sum -c` checks, of coreutils and BusyBox alike; sorted by name. */
export const checksumLines = (files: readonly Pick<WrittenFile, 'name' | 'sha256'>[]): string =>
  [...files]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, sha256 }) => `${hexOf(sha256)}  ${name}\n`)
    .join('');

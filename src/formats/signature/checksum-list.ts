import { type Digest, parseDigest } from '../../primitives/digest.js';
import { printable } from '../../primitives/printable.js';
import { malformed } from './wire.js';

/**
 * What `sha256sum` writes: file names with their digests. Only names of files in the same folder are taken, whoever may
 * have signed for others.
 * @throws TransferError BAD_ARCHIVE
 */
export function parseChecksums(text: string, where: string): ReadonlyMap<string, Digest> {
  const sums = new Map<string, Digest>();
  for (const [at, line] of text.replace(/\n$/, '').split('\n').entries()) {
    const place = `${where}, line ${String(at + 1)}`;
    const [, hex, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    if (hex === undefined || name === undefined) {
      throw malformed(place, `expected "SHA256  NAME", found ${printable(line, 80)}`);
    }
    if (!isPlainName(name)) throw malformed(place, `no plain file name: ${printable(name, 80)}`);
    if (sums.has(name)) throw malformed(place, `${printable(name, 80)} stands there twice`);
    sums.set(name, parseDigest(`sha256:${hex}`, place));
  }
  return sums;
}

/** Of a file, and in this very folder, on every system. */
const isPlainName = (name: string): boolean =>
  name !== '.' && name !== '..' && name.length <= 255 && !/[/\\\u0000-\u001f\u007f]/.test(name);

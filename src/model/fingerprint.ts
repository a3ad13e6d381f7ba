import { type Digest, hexOf } from '../primitives/digest.js';

/** Hex digits of a fingerprint: 80 bits, which nobody finds a second bundle for, and a person can read out. */
const DIGITS = 20;

/** The short form of a bundle's identity (`SourceFacts.lists`), in groups: `b72a 32d7 d991 0c5e 77aa`. */
export function fingerprintOf(lists: Digest): string {
  return hexOf(lists)
    .slice(0, DIGITS)
    .replace(/.{4}(?=.)/g, '$& ');
}

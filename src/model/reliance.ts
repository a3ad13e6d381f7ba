import { type Digest } from '../primitives/digest.js';
import { fingerprintOf } from './fingerprint.js';
import { familiarReference } from './reference.js';

/** A place that a thin bundle was made against. */
export interface Base {
  /**
   * Of an archive or bundle: sha256 of its `index.json` followed by its `manifest.json`, those that it has
   * (`SourceFacts.lists`); of an inventory: of its canonical JSON.
   */
  readonly digest: Digest;
  readonly kind: 'archive' | 'inventory';
  /** Of the images there, those whose layers are relied on: what to ask for at the site. Full names, sorted. */
  readonly names: readonly string[];
}

/** A layer that a bundle names and does not hold. */
export interface ReliedLayer {
  readonly digest: Digest;
  /** Bytes of the blob. */
  readonly size: number;
  readonly diffId: Digest;
  /** Positions in `Reliance.bases`: who has it. */
  readonly bases: readonly number[];
}

/** What a thin bundle leaves out because its receiver has it. docs/BUNDLE-FORMAT.md, "Thin bundles". */
export interface Reliance {
  readonly bases: readonly Base[];
  /** In order of digest. */
  readonly layers: readonly ReliedLayer[];
}

/** Names of images that one message holds; the rest are counted. */
const SHOWN = 3;

/** `the base 0123 4567 89ab cdef 0123 (app:1.0, db:2.1)` */
export function baseWords({ digest, kind, names }: Base): string {
  const what = kind === 'archive' ? 'the base' : 'the images of the inventory';
  const shown = names.slice(0, SHOWN).map(familiarReference).join(', ');
  const more = names.length > SHOWN ? ` and ${String(names.length - SHOWN)} more` : '';
  return `${what} ${fingerprintOf(digest)}${shown === '' ? '' : ` (${shown}${more})`}`;
}

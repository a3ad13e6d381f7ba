import { fingerprintOf } from '../../model/fingerprint.js';
import { familiarReference } from '../../model/reference.js';
import { type Base } from '../../model/reliance.js';

/** Names that stand for all of a base. */
const SHOWN = 3;

/** `the base 0123 4567 89ab cdef 0123 (app:1.0, db:2.1)` */
export function baseWords({ digest, kind, names }: Base): string {
  const what = kind === 'archive' ? 'the base' : 'what was in the inventory';
  const shown = names.slice(0, SHOWN).map(familiarReference).join(', ');
  const more = names.length > SHOWN ? ` and ${String(names.length - SHOWN)} more` : '';
  return `${what} ${fingerprintOf(digest)}${shown === '' ? '' : ` (${shown}${more})`}`;
}

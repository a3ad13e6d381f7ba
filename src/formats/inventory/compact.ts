import { constants, gunzipSync, gzipSync } from 'node:zlib';
import {
  canonicalInventory,
  type Inventory,
  inventoryDigest,
  INVENTORY_SCHEMA,
  type ShortDigest,
} from '../../model/inventory.js';
import { digestOf, hexOf } from '../../primitives/digest.js';
import { systemCodeOf, TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { printable } from '../../primitives/printable.js';

/** How long a shortened digest is: `sha256:` and 12 hex digits, as engines print image IDs. */
const SHORT = 'sha256:'.length + 12;
/** Characters of base64 on a line, in groups that the eye can keep. */
const LINE = 64;
const GROUP = 16;
/** Hex digits at the end of a line. */
const CHECK = 4;
/** Lines with a fault that are named. */
const NAMED = 5;

/** The first line, of every version. */
const HEADER = /^image-ferry\.inventory\/(\d+) compact, (\d{1,7}) lines?: /;
const DATA = /^(\d+) ([A-Za-z0-9+/= ]+) ([0-9A-Fa-f]+)$/;

/**
 * An inventory as text to print, photograph and type in: a line that says what it is, then the document with shortened
 * digests, gzipped, in base64; each line with its number and a check of its own. docs/inventory.md, "On paper".
 */
export function compactInventory(inventory: Inventory): string {
  const short = shortened(inventory);
  const json = JSON.stringify({ ...short, checksum: inventoryDigest(short) });
  const text = gzipSync(json, { level: constants.Z_BEST_COMPRESSION }).toString('base64');
  const data = text.match(new RegExp(`.{1,${String(LINE)}}`, 'g')) ?? [];
  const lines = data.map((part, at) => `${String(at + 1)} ${grouped(part)} ${checkOf(at + 1, part)}`);
  const count = `${String(lines.length)} ${lines.length === 1 ? 'line' : 'lines'}`;
  return `${INVENTORY_SCHEMA} compact, ${count}: ${titleOf(short)}\n${lines.join('\n')}\n`;
}

function shortened(inventory: Inventory): Inventory {
  const short = (digest: ShortDigest): ShortDigest => digest.slice(0, SHORT);
  return canonicalInventory({
    ...inventory,
    images: inventory.images.map(({ names, id, manifests, diffIds }) => ({
      names,
      id: short(id),
      manifests: manifests.map(short),
      diffIds: diffIds.map(short),
    })),
    blobs: inventory.blobs.map(short),
  });
}

/** For whoever holds the sheet; not read. */
function titleOf({ place, images }: Inventory): string {
  const what = place.kind === 'engine' ? place.engine : 'archive';
  return `${what}, ${String(images.length)} ${images.length === 1 ? 'image' : 'images'}`;
}

const grouped = (part: string): string => (part.match(new RegExp(`.{1,${String(GROUP)}}`, 'g')) ?? []).join(' ');

/** `printf '7 H4sI...' | sha256sum | cut -c1-4`: the number is in it, so that a line in the wrong place is noticed. */
const checkOf = (number: number, part: string): string => hexOf(digestOf(`${String(number)} ${part}`)).slice(0, CHECK);

/** Whether text is meant to be the compact form. */
export const isCompact = (text: string): boolean => text.startsWith('image-ferry.inventory');

/**
 * The JSON in a compact inventory. Blanks and empty lines may be anywhere between groups.
 * @throws TransferError BAD_ARCHIVE, with the lines that are wrong, or LIMIT; `where` names the file
 */
export function compactJson(text: string, where: string): Buffer {
  const [header = ''] = /^.*/.exec(text) ?? [];
  const [, version, count] = HEADER.exec(header) ?? [];
  if (`image-ferry.inventory/${version ?? ''}` !== INVENTORY_SCHEMA) {
    const expected = `"${INVENTORY_SCHEMA} compact, <number> lines: <what it is of>"`;
    throw faulty(
      `${where}: line 1: expected ${expected}, found "${printable(header, 80)}"`,
      'Correct the line; if the version is another one, read it with the ferry that wrote it, or update this one.',
    );
  }
  const lines: string[] = [];
  for (const [line] of text.slice(header.length).matchAll(/\S.*/g)) {
    if (lines.length === limits.compactLines)
      throw tooMuch(`${where}: has more than ${String(limits.compactLines)} lines`);
    lines.push(line.trim().replace(/\s+/g, ' '));
  }
  return unzipped(joined(lines, Number(count), where), where);
}

/** The base64 of all lines, each checked. */
function joined(lines: readonly string[], count: number, where: string): string {
  const parts: string[] = [];
  const wrong: number[] = [];
  for (const line of lines) {
    const number = parts.length + 1;
    const [, stated, groups = '', check = ''] = DATA.exec(line) ?? [];
    // Told before the checks: each line after a missing one would seem mistyped.
    if (stated !== undefined && Number(stated) !== number && checkedAs(Number(stated), groups, check)) {
      throw faulty(`${where}: expected line ${String(number)}, found line ${stated}`, 'Add the line that is missing.');
    }
    const part = groups.replaceAll(' ', '');
    if (!checkedAs(number, groups, check)) wrong.push(number);
    parts.push(part);
  }
  if (wrong.length > 0) throw mistyped(wrong, where);
  if (parts.length === count) return parts.join('');
  throw faulty(
    `${where}: expected ${String(count)} lines, found ${String(parts.length)}`,
    'Add the lines that are missing.',
  );
}

const checkedAs = (number: number, groups: string, check: string): boolean =>
  checkOf(number, groups.replaceAll(' ', '')) === check.toLowerCase();

function mistyped(wrong: readonly number[], where: string): TransferError {
  const named = wrong.slice(0, NAMED).join(', ');
  const more = wrong.length > NAMED ? ` and ${String(wrong.length - NAMED)} more` : '';
  const [lines, verb] = wrong.length === 1 ? ['line', 'does'] : ['lines', 'do'];
  return faulty(
    `${where}: ${lines} numbered ${named}${more} ${verb} not agree with the ${String(CHECK)} characters at the end`,
    'Compare them with the sheet: O and 0, l, I and 1, S and 5 are easily mistaken.',
  );
}

function unzipped(base64: string, where: string): Buffer {
  try {
    return gunzipSync(Buffer.from(base64, 'base64'), { maxOutputLength: limits.listBytes });
  } catch (cause) {
    if (systemCodeOf(cause) === 'ERR_BUFFER_TOO_LARGE') {
      throw tooMuch(`${where}: unpacks to more than ${String(limits.listBytes)} bytes`, cause);
    }
    throw faulty(
      `${where}: expected gzip data, found other or damaged data`,
      'Make it anew with: ferry inventory --compact',
      cause,
    );
  }
}

const faulty = (message: string, hint: string, cause?: unknown): TransferError =>
  new TransferError('BAD_ARCHIVE', message, { side: 'source', hint, cause });

const tooMuch = (message: string, cause?: unknown): TransferError =>
  new TransferError('LIMIT', message, {
    side: 'source',
    hint: 'No place has so much; check where the file comes from.',
    cause,
  });

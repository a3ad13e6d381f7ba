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

/** The first line, of every version. Word processors begin it with a capital. */
const HEADER = /^image-ferry\.inventory\/(\d+) compact, (\d{1,7}) lines?: /i;
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
export const isCompact = (text: string): boolean => /^image-ferry\.inventory/i.test(text);

/**
 * The JSON in a compact inventory. Blanks of any kind may be between groups, and other lines between its own, which may
 * be in any order: what is in them is held together by their numbers and checks.
 * @throws TransferError BAD_ARCHIVE, with the lines that are wrong, or LIMIT; `where` names the file
 */
export function compactJson(text: string, where: string): Buffer {
  const [header = '', ...lines] = linesIn(text, where);
  const [, version, stated] = HEADER.exec(header) ?? [];
  if (`image-ferry.inventory/${version ?? ''}` !== INVENTORY_SCHEMA) {
    const expected = `"${INVENTORY_SCHEMA} compact, <number> lines: <what it is of>"`;
    throw faulty(
      `${where}: line 1: expected ${expected}, found "${printable(header, 80)}"`,
      'Correct the line; if the version is another one, read it with the ferry that wrote it, or update this one.',
    );
  }
  const count = Number(stated);
  if (count > limits.compactLines) throw tooMuch(`${where}: has more than ${String(limits.compactLines)} lines`);
  return unzipped(joined(lines, count, where), where);
}

function linesIn(text: string, where: string): string[] {
  const lines: string[] = [];
  for (const [line] of text.matchAll(/\S.*/g)) {
    if (lines.length > 2 * limits.compactLines) {
      throw tooMuch(`${where}: has more than ${String(limits.compactLines)} lines`);
    }
    lines.push(line.trim().replace(/\s+/g, ' '));
  }
  return lines;
}

/** The base64 of all lines, each checked. */
function joined(lines: readonly string[], count: number, where: string): string {
  const parts = new Map<number, string>();
  for (const line of lines) {
    const [, number = '', groups = '', check = ''] = DATA.exec(line) ?? [];
    const part = groups.replaceAll(' ', '');
    if (checkOf(Number(number), part) === check.toLowerCase()) parts.set(Number(number), part);
  }
  const extra = [...parts.keys()].find((number) => number > count);
  if (extra !== undefined) {
    const found = `expected ${String(count)} lines by line 1, found one numbered ${String(extra)}`;
    throw faulty(`${where}: ${found}`, 'Correct the number in the first line.');
  }
  const numbers = Array.from({ length: count }, (_, at) => at + 1);
  const wrong = numbers.filter((number) => !parts.has(number));
  if (wrong.length > 0) throw mistyped(wrong, where);
  return numbers.map((number) => parts.get(number)).join('');
}

function mistyped(wrong: readonly number[], where: string): TransferError {
  const named = wrong.slice(0, NAMED).join(', ');
  const more = wrong.length > NAMED ? ` and ${String(wrong.length - NAMED)} more` : '';
  const [lines, verb] = wrong.length === 1 ? ['the line', 'is missing, or does'] : ['lines', 'are missing, or do'];
  return faulty(
    `${where}: ${lines} numbered ${named}${more} ${verb} not agree with the ${String(CHECK)} characters at the end`,
    'Compare with the sheet, each on a line of its own: O and 0, l, I and 1, S and 5 are easily mistaken.',
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

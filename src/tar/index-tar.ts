import { TransferError } from '../primitives/errors.js';
import { limits } from '../primitives/limits.js';
import { printable } from '../primitives/printable.js';
import { placeOf, type RandomAccess } from '../primitives/random-access.js';
import { type Overrides, parseGnuLong, parsePax } from './extensions.js';
import { BLOCK, decodeHeader, entryType, type TarEntryType, type TarHeader } from './header.js';

/** A member of a tar, by where its content lies. */
export interface TarEntry {
  /** Clean: no leading `./`, no trailing `/`, no empty parts. */
  readonly name: string;
  readonly type: TarEntryType;
  /** Of the content, in bytes from the start of the archive. */
  readonly offset: number;
  readonly size: number;
  /** As written, for symlinks and hard links; else empty. */
  readonly linkName: string;
}

export interface TarIndex {
  /** In the order of the archive; a name may come more than once. */
  readonly entries: readonly TarEntry[];
  /** Where the members end: what follows should be zeros. */
  readonly end: number;
}

/**
 * Finds the members of a tar by its headers alone: contents are skipped, not read.
 * @throws TransferError BAD_ARCHIVE when it is cut short, damaged, or names a place outside itself; LIMIT.
 */
export async function indexTar(access: RandomAccess): Promise<TarIndex> {
  const entries: TarEntry[] = [];
  let pending = none;
  let at = 0;
  while (at < access.size) {
    if (at + BLOCK > access.size) throw cutShort(access, 'a header', at + BLOCK);
    const header = decodeHeader(await access.read(at, BLOCK), `${placeOf(access, at, BLOCK)}: at byte ${String(at)}`);
    if (header === undefined) break;
    at += BLOCK;
    const extension = await readExtension(access, header, at);
    if (extension !== undefined) {
      if (extension.overrides !== none) pending = { ...pending, ...extension.overrides };
      at = extension.next;
      continue;
    }
    const entry = toEntry(header, pending, at, access);
    pending = none;
    at = entry.offset + padded(entry.size);
    // Directories and devices carry nothing that an image needs.
    if (entry.type === 'file' || entry.type === 'symlink' || entry.type === 'hardlink') entries.push(entry);
    if (entries.length > limits.tarEntries) throw tooMany(access.label);
  }
  if (pending !== none) throw cutShort(access, 'the member of the last extension header', at + BLOCK);
  return { entries, end: at };
}

const none: Overrides = {};

/** `size` rounded up to whole blocks. */
export const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

interface Extension {
  readonly overrides: Overrides;
  readonly next: number;
}

async function readExtension(access: RandomAccess, header: TarHeader, at: number): Promise<Extension | undefined> {
  if (!'xgLK'.includes(header.flag)) return undefined;
  const where = `${access.label}: extension header at byte ${String(at - BLOCK)}`;
  if (header.size > limits.tarMetadataBytes) {
    throw new TransferError('LIMIT', `${where}: ${String(header.size)} bytes`, {
      hint: `Headers of up to ${String(limits.tarMetadataBytes)} bytes are read; no image archive has larger ones.`,
    });
  }
  if (at + header.size > access.size) throw cutShort(access, 'an extension header', at + header.size);
  const bytes = await access.read(at, header.size);
  const next = at + padded(header.size);
  if (header.flag === 'L') return { overrides: { name: parseGnuLong(bytes, where) }, next };
  if (header.flag === 'K') return { overrides: { linkName: parseGnuLong(bytes, where) }, next };
  // A global header (g) holds defaults such as a commit comment; nothing in it may redirect all members.
  const overrides = parsePax(bytes, where);
  return { overrides: header.flag === 'g' ? none : overrides, next };
}

function toEntry(header: TarHeader, overrides: Overrides, offset: number, access: RandomAccess): TarEntry {
  const rawName = overrides.name ?? header.name;
  if (header.flag === 'S' || header.flag === 'M' || overrides.sparse === true) throw notReadable(access.label, rawName);
  const type = entryType(header.flag, rawName);
  // Links, devices and folders have no content, whatever size their header states; unknown members may have.
  const size = '123456'.includes(header.flag) ? 0 : (overrides.size ?? header.size);
  const name = cleanName(rawName, access.label);
  if (offset + size > access.size) throw cutShort(access, `member ${printable(name, 100)}`, offset + size);
  const linkName = type === 'symlink' || type === 'hardlink' ? (overrides.linkName ?? header.linkName) : '';
  return { name, type, offset, size, linkName };
}

/**
 * A member's name without `./`, doubled and trailing slashes.
 * @throws TransferError BAD_ARCHIVE when it is absolute or climbs out with `..`.
 */
export function cleanName(raw: string, archive: string): string {
  const parts = raw.split('/').filter((part) => part !== '' && part !== '.');
  if (raw.startsWith('/') || parts.includes('..')) {
    throw new TransferError('BAD_ARCHIVE', `${archive}: member ${printable(raw, 100)} lies outside of the archive`, {
      hint: 'No image archive has such members; do not trust where this file comes from.',
    });
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : parts.join('/');
}

function cutShort(access: RandomAccess, what: string, wanted: number): TransferError {
  return new TransferError(
    'BAD_ARCHIVE',
    `${access.label}: ${what} should end at byte ${String(wanted)}, but the archive ends at byte ${String(access.size)}`,
    { hint: 'The archive is cut short: copy it again, or save the image again.' },
  );
}

/** Sparse files, whose content is a map of the file, and continued volumes. */
function notReadable(archive: string, name: string): TransferError {
  return new TransferError(
    'BAD_ARCHIVE',
    `${archive}: member ${printable(name, 100)} is a sparse file or part of a volume set`,
    {
      hint: 'No image archive has such members; write the tar again without --sparse and --multi-volume.',
    },
  );
}

function tooMany(archive: string): TransferError {
  return new TransferError('LIMIT', `${archive}: more than ${String(limits.tarEntries)} members`, {
    hint: 'No image archive has so many; this looks like a file system.',
  });
}

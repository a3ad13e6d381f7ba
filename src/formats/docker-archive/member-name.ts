import { type Digest, isDigest } from '../../primitives/digest.js';
import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';

/** A member's name in quotes, fit for a message. */
export const quoted = (name: string): string => `"${printable(name)}"`;

/** The error for an archive whose parts do not fit together. */
export function badArchive(
  message: string,
  hint = 'The file was damaged, or was written by a faulty tool; save the image again.',
): TransferError {
  return new TransferError('BAD_ARCHIVE', message, { side: 'source', hint });
}

export function missing(where: string, what: string): TransferError {
  return new TransferError('BLOB_MISSING', `${where}: ${what} is not in the file`, {
    side: 'source',
    hint: 'The file is incomplete: save the image again, and copy the whole file.',
  });
}

/**
 * The name of a member as the tree knows it, from the way manifest.json writes it: Docker joins and cleans the path.
 * @throws TransferError BAD_ARCHIVE for a path that leads out of the archive, or to nothing.
 */
export function memberName(text: string, where: string): string {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..')) {
    throw badArchive(`${where}: expected the name of a member, found ${quoted(text)}`);
  }
  return parts.join('/');
}

/**
 * The digest that a member's name states, if it states one: `<hex>.json` (Docker), `<hex>`, `sha256:<hex>` (kaniko,
 * crane), `blobs/sha256/<hex>`.
 */
export function statedDigest(member: string): Digest | undefined {
  const hex = /^(?:.*\/)?(?:sha256:)?([0-9a-f]{64})(?:\.json)?$/.exec(member)?.[1];
  const digest = `sha256:${hex ?? ''}`;
  return isDigest(digest) ? digest : undefined;
}

/** The digest of a member that is a blob of an image layout by its name. */
export function blobDigest(member: string): Digest | undefined {
  const digest = `sha256:${/^blobs\/sha256\/([0-9a-f]{64})$/.exec(member)?.[1] ?? ''}`;
  return isDigest(digest) ? digest : undefined;
}

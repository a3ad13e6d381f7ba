import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path/posix';
import { type ByteStream } from '../../primitives/bytes.js';
import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { type RandomAccess } from '../../primitives/random-access.js';
import { cleanName, indexTar, type TarEntry } from '../../tar/index-tar.js';
import { type FileTree } from './file-tree.js';

/** Links that lead to links: real archives have one step. */
const LINK_DEPTH = 8;
/** What may follow the end of an archive before it is worth a word: tar pads with zeros to its record size. */
const TAIL_CHUNK = 1024 * 1024;

/** The containers below a tar report on themselves through this: frames of a compressed file that nobody has read. */
export interface AuditedAccess extends RandomAccess {
  auditUntouched?(): AsyncIterable<TransferError>;
}

/**
 * The members of a tar as a FileTree. Closing it closes `access`.
 * @throws TransferError BAD_ARCHIVE when the tar is damaged or holds one name twice with different contents.
 */
export async function tarTree(access: AuditedAccess): Promise<FileTree> {
  const { entries, end } = await indexTar(access);
  const members = await uniqueMembers(access, entries);
  const resolve = (name: string): TarEntry | undefined => resolveLinks(access.label, members, name);
  return {
    label: access.label,
    size: (name) => resolve(name)?.size,
    open: (name) => openMember(access, name, resolve(name)),
    realName: (name) => resolve(name)?.name ?? name,
    names: () => members.keys(),
    audit: async function* () {
      yield* trailingBytes(access, end);
      if (access.auditUntouched !== undefined) yield* access.auditUntouched();
    },
    close: () => access.close(),
  };
}

function openMember(access: RandomAccess, name: string, entry: TarEntry | undefined): ByteStream {
  if (entry !== undefined) return access.stream(entry.offset, entry.size);
  throw new TransferError('BLOB_MISSING', `${access.label}: no member ${printable(name, 100)}`, {
    side: 'source',
    hint: 'The archive is incomplete: save the image again.',
  });
}

async function uniqueMembers(access: RandomAccess, entries: readonly TarEntry[]): Promise<Map<string, TarEntry>> {
  const members = new Map<string, TarEntry>();
  for (const entry of entries) {
    const first = members.get(entry.name);
    if (first !== undefined && !(await sameMember(access, first, entry))) {
      throw new TransferError(
        'BAD_ARCHIVE',
        `${access.label}: member ${printable(entry.name, 100)} is there twice, and differs`,
        {
          hint: 'Readers would disagree about which one counts; save the image again.',
        },
      );
    }
    members.set(entry.name, first ?? entry);
  }
  return members;
}

async function sameMember(access: RandomAccess, a: TarEntry, b: TarEntry): Promise<boolean> {
  if (a.type !== b.type || a.size !== b.size || a.linkName !== b.linkName) return false;
  return (await sha256(access, a)).equals(await sha256(access, b));
}

async function sha256(access: RandomAccess, { offset, size }: TarEntry): Promise<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of access.stream(offset, size)) hash.update(chunk);
  return hash.digest();
}

/** Follows symlinks (relative to their folder) and hard links (relative to the archive), inside the archive only. */
function resolveLinks(label: string, members: ReadonlyMap<string, TarEntry>, name: string): TarEntry | undefined {
  let entry = members.get(name);
  for (let depth = 0; entry !== undefined && entry.type !== 'file'; depth++) {
    if (depth === LINK_DEPTH) {
      throw new TransferError('BAD_ARCHIVE', `${label}: member ${printable(name, 100)} is a link that leads nowhere`, {
        hint: 'Its links lead to each other; save the image again.',
      });
    }
    entry = members.get(linkTarget(label, entry));
  }
  return entry;
}

function linkTarget(label: string, link: TarEntry): string {
  const relative = link.type === 'symlink' && !link.linkName.startsWith('/');
  const target = relative ? join(dirname(link.name), link.linkName) : link.linkName;
  return cleanName(target, `${label}: link ${printable(link.name, 100)} to ${printable(link.linkName, 100)}`);
}

async function* trailingBytes(access: RandomAccess, end: number): AsyncGenerator<TransferError> {
  for (let at = end; at < access.size; at += TAIL_CHUNK) {
    const tail = await access.read(at, Math.min(TAIL_CHUNK, access.size - at));
    const found = tail.findIndex((byte) => byte !== 0);
    if (found === -1) continue;
    yield new TransferError(
      'BAD_ARCHIVE',
      `${access.label}: expected nothing after the end of the archive, found data at byte ${String(at + found)}`,
      { hint: 'Something was appended to the file, or it was damaged: copy it again.' },
    );
    return;
  }
}

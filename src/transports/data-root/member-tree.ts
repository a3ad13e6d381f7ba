import { TransferError } from '../../primitives/errors.js';
import { bytesOf, type ByteStream } from '../../primitives/bytes.js';
import { type FileTree } from '../../formats/tree/file-tree.js';

/** A file that is only made when it is read. */
export interface Member {
  /** Bytes. */
  readonly size: number;
  open(): ByteStream;
}

/** What an engine keeps, as if it had been saved. */
export function memberTree(
  label: string,
  members: ReadonlyMap<string, Member>,
  more: (name: string) => Member | undefined = () => undefined,
): FileTree {
  const find = (name: string): Member | undefined => members.get(name) ?? more(name);
  return {
    label,
    size: (name) => find(name)?.size,
    open: (name) => {
      const member = find(name);
      if (member !== undefined) return member.open();
      throw new TransferError('BLOB_MISSING', `${label}: no ${name}`, {
        side: 'source',
        hint: "The engine's own storage is damaged: pull or load the image again.",
      });
    },
    realName: (name) => name,
    // The rest of an engine's storage belongs to other images.
    names: () => members.keys(),
    audit: async function* () {},
    close: () => Promise.resolve(),
  };
}

export function inMemory(contents: string | Uint8Array): Member {
  const bytes = Buffer.from(contents);
  return { size: bytes.byteLength, open: () => bytesOf(bytes) };
}

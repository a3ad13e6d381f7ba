import { posix } from 'node:path';
import { type FileTree } from '../../src/formats/tree/file-tree.js';
import { TransferError } from '../../src/primitives/errors.js';
import { dribble } from './dribble.js';
import { type Member } from './members.js';

/** A FileTree in memory, which notes what was asked of it. */
export interface MemoryTree extends FileTree {
  /** Names that were opened, in order. */
  readonly opened: string[];
  /** Bytes that were taken out of opened files. */
  readonly taken: () => number;
  /** What `audit` was told to be read. */
  readonly audited: Set<string>;
  readonly closed: () => boolean;
}

/** `chunk`: bytes in each chunk that it gives. A repeated name is the last one. */
export function memoryTree(members: readonly Member[], { label = 'test.tar', chunk = 65_536 } = {}): MemoryTree {
  const byName = new Map(members.map((member) => [member.name, member]));
  const opened: string[] = [];
  const audited = new Set<string>();
  let taken = 0;
  let closed = false;
  const find = (name: string): Buffer | undefined => {
    const member = byName.get(name);
    if (member === undefined || 'bytes' in member) return member?.bytes;
    return find(posix.join(posix.dirname(name), member.link));
  };
  const realName = (name: string): string => {
    const member = byName.get(name);
    return member === undefined || 'bytes' in member ? name : realName(posix.join(posix.dirname(name), member.link));
  };
  const counted = async function* (bytes: Buffer): AsyncGenerator<Uint8Array> {
    for await (const part of dribble(bytes, chunk)) {
      taken += part.byteLength;
      yield part;
    }
  };
  return {
    label,
    opened,
    audited,
    taken: () => taken,
    closed: () => closed,
    size: (name) => find(name)?.byteLength,
    open: (name) => {
      const bytes = find(name);
      if (bytes === undefined) throw new TransferError('BLOB_MISSING', `${label}: no ${name}`);
      opened.push(name);
      return counted(bytes);
    },
    realName,
    names: () => byName.keys(),
    // eslint-disable-next-line @typescript-eslint/require-await -- as above
    audit: async function* (read) {
      for (const name of read) audited.add(name);
      yield new TransferError('BAD_ARCHIVE', `${label}: what the tree itself found`);
    },
    close: () => {
      closed = true;
      return Promise.resolve();
    },
  };
}

import { realpath, statfs } from 'node:fs/promises';
import { ioError } from '../errors.js';
import { type Kind, kindOfMagic, kindOfType, kinds } from './kinds.js';
import { kindOfFuse, mountOf, type Mount } from './mounts.js';

/** What is known of the file system that a folder is on. */
export interface FileSystem {
  /** As messages call it: `FAT`, `exFAT (by FUSE)`, `file system of unknown kind`. */
  readonly name: string;
  /** Bytes that this user may still write, as `df` says; undefined when it does not say. */
  readonly free: number | undefined;
  /** Bytes of the largest file that it can hold; undefined when that is not known, or more than any bundle has. */
  readonly largestFile: number | undefined;
  /**
   * What must give up its memory before a read of a file is the drive's own answer: the pages of the file, and of a
   * device that a FUSE program reads. `undefined`: nothing that can be asked for makes sure of it.
   */
  readonly cachedBy: 'file' | { readonly device: string } | undefined;
  /** A read past the page cache (O_DIRECT) is enough for that by itself. */
  readonly direct: boolean;
}

/** @throws TransferError NOT_FOUND or IO when the folder cannot be asked. */
export async function fileSystemOf(folder: string): Promise<FileSystem> {
  const { type, bsize, blocks, bavail } = await statfs(folder).catch((error: unknown) => {
    throw ioError(error, folder);
  });
  const { name, kind, cachedBy, direct } = await identify(folder, kindOfMagic(type));
  return {
    name,
    // Some network file systems, and FUSE programs that cannot know, say 0 of 0.
    free: blocks === 0 ? undefined : bavail * bsize,
    largestFile: kind?.largest?.(bsize),
    cachedBy,
    direct,
  };
}

interface Identity extends Pick<FileSystem, 'name' | 'cachedBy' | 'direct'> {
  readonly kind: Kind | undefined;
}

async function identify(folder: string, magic: ReturnType<typeof kindOfMagic>): Promise<Identity> {
  if (magic === undefined) {
    return { name: 'a file system of unknown kind', kind: undefined, cachedBy: undefined, direct: false };
  }
  if (magic !== 'ext4' && magic !== 'fuse') return ofKernel(kinds[magic]);
  const mount = await mountOf(await realpath(folder));
  if (magic === 'fuse') return ofFuse(mount);
  const { direct, ...rest } = ofKernel(kinds[kindOfType(mount?.type ?? '') ?? magic]);
  // ext4 takes O_DIRECT with this option too, and reads through the page cache.
  return { ...rest, direct: direct && mount?.options.includes('data=journal') !== true };
}

function ofKernel(kind: Kind): Identity {
  return { name: kind.name, kind, cachedBy: kind.beneath === 'device' ? 'file' : undefined, direct: kind.direct };
}

/** What a FUSE program gives out comes from its own reads, and these go through the page cache of the device. */
async function ofFuse(mount: Mount | undefined): Promise<Identity> {
  const found = mount === undefined ? undefined : await kindOfFuse(mount);
  if (found === 'virtiofs') return ofKernel(kinds.virtiofs);
  const subtype = mount?.type.replace(/^fuse\./, '') ?? 'fuse';
  const isDrive = mount?.type === 'fuseblk' && found !== undefined;
  return {
    name: found === undefined ? `${subtype} (FUSE)` : `${kinds[found].name} (by FUSE)`,
    kind: found === undefined ? undefined : kinds[found],
    cachedBy: isDrive ? { device: mount.source } : undefined,
    direct: false,
  };
}

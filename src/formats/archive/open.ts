import { decompressAs } from '../../codecs/decompress.js';
import { readSeekTable, seekableAccess } from '../../codecs/seekable.js';
import { sniffCompression } from '../../codecs/sniff.js';
import { type Decompress, type ImageSource } from '../../ports.js';
import { TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { type RandomAccess } from '../../primitives/random-access.js';
import { spool, type SpoolOptions } from '../../primitives/spool.js';
import { BLOCK, looksLikeTar } from '../../tar/header.js';
import { isDockerArchive, openDockerArchive } from '../docker-archive/index.js';
import { isOciLayout } from '../oci-layout/reader.js';
import { type FileTree } from '../tree/file-tree.js';
import { type AuditedAccess, tarTree } from '../tree/tar-tree.js';
import { hybridSource } from './hybrid.js';

/** Enough to tell every compression and a tar header apart. */
const HEAD = 4096;

/**
 * Opens a file, by its content: any image archive, in any outer compression. A plain tar and a seekable bundle are
 * read in place; another compression has no offsets, so what it holds is spooled first. Owns `access`: it is closed
 * with the source, and when opening fails.
 * @throws TransferError NOT_AN_IMAGE when it is something else; BAD_ARCHIVE when it is damaged.
 */
export async function openArchive(
  access: AuditedAccess,
  decompress: Decompress,
  options: SpoolOptions,
): Promise<ImageSource> {
  let inner = access;
  try {
    inner = await uncompressed(access, options);
    await checkIsTar(inner);
    const tree = await tarTree(inner);
    return openTree(tree, decompress);
  } catch (error) {
    await inner.close();
    throw error;
  }
}

/** Opens the files of an image archive, wherever they are. @throws TransferError NOT_AN_IMAGE when they are none. */
export function openTree(tree: FileTree, decompress: Decompress): ImageSource {
  if (isOciLayout(tree)) return hybridSource(tree, decompress);
  if (isDockerArchive(tree)) return openDockerArchive(tree, decompress);
  throw notAnImage(tree);
}

async function uncompressed(access: AuditedAccess, options: SpoolOptions): Promise<AuditedAccess> {
  const format = sniffCompression(await access.read(0, Math.min(HEAD, access.size)));
  if (format === 'none') return access;
  const table = format === 'zstd' ? await readSeekTable(access) : undefined;
  if (table !== undefined) return withAuditOf(access, await seekableAccess(access, table));
  try {
    const content = await spool(decompressAs(format, access.stream(0, access.size), access.label), access.label, {
      ...options,
      compressed: () => access.size,
    });
    return withAuditOf(access, content);
  } finally {
    await access.close();
  }
}

/** What is around the content reports on itself as well: the volumes of a set. */
function withAuditOf(outer: AuditedAccess, content: AuditedAccess): AuditedAccess {
  if (outer.auditUntouched === undefined) return content;
  return {
    ...content,
    auditUntouched: async function* () {
      if (outer.auditUntouched !== undefined) yield* outer.auditUntouched();
      if (content.auditUntouched !== undefined) yield* content.auditUntouched();
    },
  };
}

async function checkIsTar(access: RandomAccess): Promise<void> {
  if (access.size === 0) {
    throw new TransferError('NOT_AN_IMAGE', `${access.label}: it is empty`, {
      side: 'source',
      hint: 'Save the image again.',
    });
  }
  const head = await access.read(0, Math.min(BLOCK, access.size));
  if (looksLikeTar(head) || head.every((byte) => byte === 0)) return;
  if (/^\s*(?:\{\s*"schema":\s*")?image-ferry\.inventory/i.test(head.toString('latin1', 0, 64))) {
    throw new TransferError(
      'NOT_AN_IMAGE',
      `${access.label}: an inventory, which says what a place has and holds no image`,
      {
        side: 'source',
        hint: 'Leave out what that place has with: ferry pack SOURCE --base FILE -o OUT.',
      },
    );
  }
  const start = printable(head.toString('latin1', 0, 16));
  throw new TransferError(
    'NOT_AN_IMAGE',
    `${access.label}: expected an image archive (a tar), found a file that begins with ${JSON.stringify(start)}`,
    {
      side: 'source',
      hint: 'Make one with `docker save -o app.tar app:1.0`, or with `ferry pack`.',
    },
  );
}

/** Says what a tar or a folder without an image in it is, as far as its names tell. */
function notAnImage(tree: FileTree): TransferError {
  const names = [...take(tree.names(), 20_000)];
  const fileSystem = fileSystemIn(names);
  if (fileSystem !== undefined) {
    return new TransferError('NOT_AN_IMAGE', `${tree.label}: ${fileSystem.what}, no image`, {
      side: 'source',
      hint: fileSystem.hint,
    });
  }
  const hint = 'Make an image archive with `docker save -o app.tar app:1.0`, or with `ferry pack`.';
  const some = names.slice(0, 3).map((name) => printable(name, 40));
  const found = some.length === 0 ? 'nothing' : `${some.join(', ')}${names.length > 3 ? ', …' : ''}`;
  return new TransferError(
    'NOT_AN_IMAGE',
    `${tree.label}: expected index.json, manifest.json or repositories in it, found ${found}`,
    { side: 'source', hint },
  );
}

/** Whether these are the names of a root file system, with what to say about it. */
function fileSystemIn(names: readonly string[]): { readonly what: string; readonly hint: string } | undefined {
  // A tree of a folder lists the folders at its top; a tar lists files, and links such as bin -> usr/bin.
  if (names.includes('etc') && (names.includes('usr') || names.includes('bin'))) {
    return {
      what: 'it holds the folders of a file system (etc, usr, bin)',
      hint: 'Name the folder or file that the image was saved to; or make an image of this one first: tar -cC FOLDER . | docker import - app:1.0.',
    };
  }
  const inTar = (name: string): boolean =>
    name === '.dockerenv' || /^(?:etc\/passwd|bin\/sh|usr\/bin\/env|etc\/os-release)$/.test(name);
  if (!names.some(inTar)) return undefined;
  return {
    what: 'it holds a file system (docker export writes such files)',
    hint: 'Save the image instead: docker save -o app.tar IMAGE; or make an image of it first: docker import FILE app:1.0.',
  };
}

function* take<T>(items: Iterable<T>, max: number): Generator<T> {
  let count = 0;
  for (const item of items) {
    if (count++ >= max) return;
    yield item;
  }
}

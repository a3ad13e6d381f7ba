import { readdirSync, realpathSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { ioError, systemCodeOf, TransferError } from '../../primitives/errors.js';
import { printable } from '../../primitives/printable.js';
import { fileAccess } from '../../primitives/random-access.js';
import { type FileTree } from './file-tree.js';

/** The folder of an image layout that holds its blobs: the only one that is listed, whatever else there is. */
const BLOB_FOLDER = 'blobs/sha256';

/** A folder as a FileTree. Files are looked up when they are asked for; nothing is listed in advance. */
export function folderTree(path: string): FileTree {
  const root = realpathSync(path);
  const sizes = new Map<string, number | undefined>();
  const size = (name: string): number | undefined => {
    if (!sizes.has(name)) sizes.set(name, regularSize(path, root, name));
    return sizes.get(name);
  };
  return {
    label: path,
    size,
    open: (name) => openFile(path, name, size(name)),
    realName: (name) => realName(root, name),
    names: () => [...listed(path), ...listed(join(path, BLOB_FOLDER)).map((name) => `${BLOB_FOLDER}/${name}`)],
    // A folder is no container that could be broken.
    audit: async function* () {},
    close: () => Promise.resolve(),
  };
}

function regularSize(label: string, root: string, name: string): number | undefined {
  const path = join(root, name);
  try {
    const real = realpathSync(path);
    if (real !== root && !real.startsWith(root + sep)) {
      throw new TransferError(
        'BAD_ARCHIVE',
        `${label}: ${printable(name, 100)} is a link that leads out of the folder`,
        {
          hint: 'Copy the folder with the files themselves (cp -L).',
        },
      );
    }
    const stats = statSync(real);
    return stats.isFile() ? stats.size : undefined;
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
    throw ioError(error, join(label, name), 'source');
  }
}

async function* openFile(label: string, name: string, size: number | undefined): AsyncGenerator<Uint8Array> {
  if (size === undefined) {
    throw new TransferError('BLOB_MISSING', `${label}: no file ${printable(name, 100)}`, {
      side: 'source',
      hint: 'The folder is incomplete: copy it again.',
    });
  }
  const access = await fileAccess(join(label, name));
  try {
    yield* access.stream(0, access.size);
  } finally {
    await access.close();
  }
}

function realName(root: string, name: string): string {
  try {
    return relative(root, realpathSync(join(root, name))).replaceAll(sep, '/');
  } catch {
    return name;
  }
}

/** Names of what lies in a folder; none when it cannot be listed, which does not keep its files from being read. */
function listed(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

import { type ByteStream, readAll } from '../../primitives/bytes.js';
import { TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { type Expected } from '../../primitives/verified.js';
import { type FileTree } from '../tree/file-tree.js';
import { type ShelvedLayer } from './layer-shelf.js';
import { missing, quoted } from './member-name.js';

/** The config of an image, wherever its bytes come from. */
export interface ArchivedConfig extends Expected {
  /** The members that hold it, or out of which it is made. */
  readonly members: readonly string[];
  open(): ByteStream;
}

/** One image of an archive. Holds nothing that grows with the image but one pointer a layer. */
export interface ArchivedImage {
  /** Fully qualified; none for an image without a name. */
  readonly names: readonly string[];
  readonly config: ArchivedConfig;
  /** Bottom first. */
  readonly layers: readonly ShelvedLayer[];
}

/** The member `name`, whole. @throws TransferError BLOB_MISSING or LIMIT; `what` says what it is for. */
export async function readMember(
  tree: FileTree,
  name: string,
  max: number,
  where: string,
  what: string,
): Promise<Buffer> {
  if (tree.size(name) === undefined) throw missing(where, `${what} ${quoted(name)}`);
  return readAll(tree.open(name), max, `${tree.label}: ${quoted(name)}`);
}

/** @throws TransferError LIMIT when the image has more layers than any engine takes. */
export function checkLayerCount(count: number, where: string): void {
  if (count <= limits.layers) return;
  throw new TransferError(
    'LIMIT',
    `${where}: ${String(count)} layers, more than the ${String(limits.layers)} that are read`,
    {
      side: 'source',
      hint: 'No engine takes an image with so many layers; check where the file comes from.',
    },
  );
}

/** @throws TransferError LIMIT when the file has more names than are read; `where` names the list. */
export function checkNameCount(count: number, where: string): void {
  if (count <= limits.images) return;
  throw new TransferError('LIMIT', `${where}: more than the ${String(limits.images)} names that are read of a file`, {
    side: 'source',
    hint: 'Save the images in several files.',
  });
}

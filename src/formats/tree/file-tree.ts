import { type ByteStream } from '../../primitives/bytes.js';
import { type TransferError } from '../../primitives/errors.js';

/**
 * Files under names with `/`, read-only: a folder, or the members of a tar. What an image layout looks like from
 * inside, whichever way it is stored. Names are clean: no leading `/` or `./`, no `..`. Links inside the tree are
 * followed; a link that leaves it is an error of whoever opens it.
 */
export interface FileTree {
  /** What messages call it: a path. */
  readonly label: string;
  /** Bytes of the file under `name`; undefined when there is no file (or link to one) of that name. */
  size(name: string): number | undefined;
  /** @throws TransferError BLOB_MISSING when there is no such file. */
  open(name: string): ByteStream;
  /** The name of the file that `name` leads to, links followed: the same for all names of one file. */
  realName(name: string): string;
  /** All files, in the order in which they are stored; of a folder, its blobs and what lies at its top. */
  names(): Iterable<string>;
  /** Faults of the container (frames, trailing bytes) that reading the files named in `read` has not found. */
  audit(read: ReadonlySet<string>): AsyncIterable<TransferError>;
  close(): Promise<void>;
}

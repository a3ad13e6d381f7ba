import { type Decompress } from '../../ports.js';
import { type ByteStream, measure } from '../../primitives/bytes.js';
import { type Digest } from '../../primitives/digest.js';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { type Expected } from '../../primitives/verified.js';
import { type FileTree } from '../tree/file-tree.js';
import { isCompressed } from './compression.js';
import { badArchive, missing, quoted } from './member-name.js';

/** A layer as its plain tar: `digest` is its diffID, `size` the bytes of that tar. */
export interface ShelvedLayer extends Expected {
  readonly member: string;
  /** Bytes of the member as it is stored. */
  readonly stored: number;
  readonly compressed: boolean;
}

/**
 * The layers of an archive, each once, however many images and members name it. A plain layer is described without
 * reading it; a compressed one is decompressed once, because nothing else tells the size of its tar.
 */
export class LayerShelf {
  readonly #tree: FileTree;
  readonly #decompress: Decompress;
  readonly #layers = new Map<Digest, ShelvedLayer>();
  /** Further members of a layer that are stored in another size and were found to be the same tar. */
  readonly #twins = new Map<string, Digest>();
  /** Members that were taken for a layer because of their size alone, with the diffID that they should have. */
  readonly #copies = new Map<string, { readonly member: string; readonly diffId: Digest }>();
  /** Members that were read to their end to describe them. */
  readonly read = new Set<string>();

  constructor(tree: FileTree, decompress: Decompress) {
    this.#tree = tree;
    this.#decompress = decompress;
  }

  get(digest: Digest): ShelvedLayer | undefined {
    return this.#layers.get(digest);
  }

  /**
   * The layer that `member` holds, for an image whose config says that it has this `diffId`.
   * @throws TransferError BLOB_MISSING, BLOB_CORRUPT (a compressed layer with another diffID), or BAD_ARCHIVE when
   *   another member has the same diffID and another size; `where` names the image.
   */
  async describe(member: string, diffId: Digest, where: string): Promise<ShelvedLayer> {
    const stored = this.#storedSize(member, where);
    const known = this.#layers.get(diffId);
    if (known !== undefined && (known.stored === stored || this.#twins.get(member) === diffId)) {
      this.#noteCopy(member, known);
      return known;
    }
    const layer = await this.#measured(member, stored, diffId, where);
    if (known === undefined) {
      this.#layers.set(diffId, layer);
      return layer;
    }
    if (known.size !== layer.size) throw differ(where, known, layer);
    this.#twins.set(member, diffId);
    this.#noteCopy(member, known);
    return known;
  }

  /** The layer that `member` holds, of which nothing is known: it is read. @throws TransferError BLOB_MISSING */
  async identify(member: string, where: string): Promise<ShelvedLayer> {
    const stored = this.#storedSize(member, where);
    const compressed = await isCompressed(this.#tree.open(member));
    const { digest, size } = await measure(this.#plain(member, compressed));
    this.read.add(member);
    const layer = this.#layers.get(digest) ?? { digest, size, member, stored, compressed };
    this.#layers.set(digest, layer);
    return layer;
  }

  /**
   * Reads the copies of layers that nothing else reads: the image is taken from the first member of a layer, another
   * reader of the archive may take it from any.
   */
  async *auditCopies(): AsyncGenerator<TransferError> {
    for (const { member, diffId } of this.#copies.values()) {
      try {
        const found = (await measure(this.#plain(member, await isCompressed(this.#tree.open(member))))).digest;
        if (found !== diffId) yield badCopy(this.#tree.label, member, diffId, found);
      } catch (error) {
        if (!isTransferError(error)) throw error;
        yield error;
      }
      this.read.add(member);
    }
  }

  #noteCopy(member: string, { member: first, digest: diffId }: ShelvedLayer): void {
    if (member === first || this.read.has(member)) return;
    // Docker before 25 writes a layer once and links to it from every other image: that is no copy.
    const real = this.#tree.realName(member);
    if (real !== this.#tree.realName(first)) this.#copies.set(`${diffId} ${real}`, { member, diffId });
  }

  /** The plain tar of a layer. */
  open({ member, compressed }: ShelvedLayer): ByteStream {
    return this.#plain(member, compressed);
  }

  async #measured(member: string, stored: number, diffId: Digest, where: string): Promise<ShelvedLayer> {
    const compressed = await isCompressed(this.#tree.open(member));
    if (!compressed) return { digest: diffId, size: stored, member, stored, compressed };
    const { digest, size } = await measure(this.#plain(member, compressed));
    this.read.add(member);
    if (digest !== diffId) throw wrongDiffId(where, member, diffId, digest);
    return { digest, size, member, stored, compressed };
  }

  #plain(member: string, compressed: boolean): ByteStream {
    const bytes = this.#tree.open(member);
    return compressed ? this.#decompress(bytes, `${this.#tree.label}: ${quoted(member)}`) : bytes;
  }

  #storedSize(member: string, where: string): number {
    const stored = this.#tree.size(member);
    if (stored === undefined) throw missing(where, `layer ${quoted(member)}`);
    return stored;
  }
}

function differ(where: string, one: ShelvedLayer, other: ShelvedLayer): TransferError {
  const sizes = [one, other].map(({ member, size }) => `${quoted(member)} with ${String(size)} bytes`);
  return badArchive(`${where}: expected one layer ${one.digest}, found ${sizes.join(' and ')}`);
}

function badCopy(label: string, member: string, expected: Digest, found: Digest): TransferError {
  return new TransferError(
    'BLOB_CORRUPT',
    `${label}: layer ${quoted(member)}: expected a copy of layer ${expected}, found ${found}`,
    {
      side: 'source',
      hint: 'The layer is there once more and whole, so ferry can pack the images anew; engines may refuse this file.',
    },
  );
}

function wrongDiffId(where: string, member: string, expected: Digest, found: Digest): TransferError {
  return new TransferError(
    'BLOB_CORRUPT',
    `${where}: layer ${quoted(member)}: expected ${expected} after decompression, found ${found}`,
    { side: 'source', hint: 'The file was damaged after it was written: copy it again, or save the image again.' },
  );
}

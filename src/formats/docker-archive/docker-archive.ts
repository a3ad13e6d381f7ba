import { type ImageRecord } from '../../model/graph.js';
import { type Decompress, type ImageSource, type SourceFacts } from '../../ports.js';
import { bytesOf, type ByteStream, measure } from '../../primitives/bytes.js';
import { type Digest } from '../../primitives/digest.js';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { type FileTree } from '../tree/file-tree.js';
import { listsOf, MANIFEST_FILE } from '../tree/lists.js';
import { LayerShelf } from './layer-shelf.js';
import { type ArchivedConfig, type ArchivedImage } from './listing.js';
import { madeManifestDescriptor, makeManifest } from './made-manifest.js';
import { readManifestImages } from './manifest-images.js';
import { blobDigest, missing, quoted } from './member-name.js';
import { readV1Images, REPOSITORIES } from './v1/v1-images.js';

/** Whether the tree is a `docker save` of any age, by the members that it has. */
export function isDockerArchive(tree: FileTree): boolean {
  return tree.size(MANIFEST_FILE) !== undefined || tree.size(REPOSITORIES) !== undefined;
}

/** What a read archive answers from. */
interface Contents {
  readonly records: readonly ImageRecord[];
  /** Images by the digest of the manifest that is made for them, again whenever it is opened. */
  readonly manifests: ReadonlyMap<Digest, ArchivedImage>;
  readonly configs: ReadonlyMap<Digest, ArchivedConfig>;
}

/** `docker save` in the forms that Docker 1.0 to 24 and other tools write it; it holds configs and layers only. */
export class DockerArchive implements ImageSource {
  readonly label: string;
  readonly #tree: FileTree;
  readonly #shelf: LayerShelf;
  #reading: Promise<Contents> | undefined;
  #contents: Contents | undefined;

  constructor(tree: FileTree, decompress: Decompress) {
    this.label = tree.label;
    this.#tree = tree;
    this.#shelf = new LayerShelf(tree, decompress);
  }

  /** Reads lists and configs, the first bytes of layers, and only those layers whose size or diffID nothing tells. */
  async images(): Promise<readonly ImageRecord[]> {
    this.#reading ??= this.#read();
    return (await this.#reading).records;
  }

  /** True of nothing before `images()` was asked: the manifests do not exist before. */
  has(digest: Digest): boolean {
    const contents = this.#contents;
    if (contents === undefined) return false;
    return contents.manifests.has(digest) || contents.configs.has(digest) || this.#shelf.get(digest) !== undefined;
  }

  async facts(): Promise<SourceFacts> {
    return { lists: await listsOf(this.#tree), isBundle: false, reliance: undefined };
  }

  open({ digest }: { readonly digest: Digest }): ByteStream {
    const image = this.#contents?.manifests.get(digest);
    if (image !== undefined) return bytesOf(makeManifest(image));
    const config = this.#contents?.configs.get(digest);
    if (config !== undefined) return config.open();
    const layer = this.#shelf.get(digest);
    if (layer !== undefined) return this.#shelf.open(layer);
    throw missing(this.label, digest);
  }

  async *audit(reached: ReadonlySet<Digest>): AsyncGenerator<TransferError> {
    // Whoever asks for the images is told what is wrong with them.
    await this.images().catch(() => undefined);
    yield* this.#shelf.auditCopies();
    const read = new Set([...this.#shelf.read, ...this.#membersOf(reached)]);
    for (const member of this.#tree.names()) {
      const digest = blobDigest(member);
      if (digest === undefined || read.has(member)) continue;
      read.add(member);
      const fault = await this.#strayFault(member, digest);
      if (fault !== undefined) yield fault;
    }
    yield* this.#tree.audit(read);
  }

  close(): Promise<void> {
    return this.#tree.close();
  }

  /** What is wrong with a blob that nothing reaches, if anything is. */
  async #strayFault(member: string, digest: Digest): Promise<TransferError | undefined> {
    try {
      const found = (await measure(this.#tree.open(member))).digest;
      return found === digest ? undefined : strayBlob(this.label, member, found);
    } catch (error) {
      if (isTransferError(error)) return error;
      throw error;
    }
  }

  *#membersOf(digests: Iterable<Digest>): Generator<string> {
    for (const digest of digests) {
      yield* this.#contents?.configs.get(digest)?.members ?? [];
      const layer = this.#shelf.get(digest);
      if (layer !== undefined) yield layer.member;
    }
  }

  async #read(): Promise<Contents> {
    const read = this.#tree.size(MANIFEST_FILE) !== undefined ? readManifestImages : readV1Images;
    const images = await read(this.#tree, this.#shelf);
    const described = images.map((image) => ({ image, root: madeManifestDescriptor(image) }));
    this.#contents = {
      records: described.flatMap(({ image, root }) => namesOf(image).map((name) => ({ name, root }))),
      manifests: new Map(described.map(({ image, root }) => [root.digest, image])),
      configs: new Map(images.map(({ config }) => [config.digest, config])),
    };
    return this.#contents;
  }
}

const namesOf = ({ names }: ArchivedImage): readonly (string | undefined)[] =>
  names.length === 0 ? [undefined] : names;

function strayBlob(label: string, member: string, found: Digest): TransferError {
  return new TransferError(
    'BLOB_CORRUPT',
    `${label}: ${quoted(member)}: expected the digest in its name, found ${found}`,
    {
      side: 'source',
      hint: 'No image needs it; the rest of the file is judged on its own.',
    },
  );
}

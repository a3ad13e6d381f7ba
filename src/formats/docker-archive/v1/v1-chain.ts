import { bytesOf } from '../../../primitives/bytes.js';
import { type Digest, digestOf } from '../../../primitives/digest.js';
import { limits } from '../../../primitives/limits.js';
import { type FileTree } from '../../tree/file-tree.js';
import { type LayerShelf, type ShelvedLayer } from '../layer-shelf.js';
import { type ArchivedImage, checkLayerCount, readMember } from '../listing.js';
import { badArchive, memberName, quoted } from '../member-name.js';
import { type RawJson } from './raw-json.js';
import { historyEntry, makeV1Config, parseV1Document, type V1Document } from './v1-config.js';

/** One v1 image: what it adds to the one below. */
interface Link {
  readonly id: string;
  readonly parent: string | undefined;
  readonly history: RawJson;
  readonly layer: ShelvedLayer;
}

const documentOf = (id: string): string => `${id}/json`;

/**
 * The v1 images of an archive, each read once, however many are built on it. Their configs are made again whenever they
 * are opened, so that only one entry of history a layer is kept.
 */
export class V1Images {
  readonly #tree: FileTree;
  readonly #shelf: LayerShelf;
  readonly #links = new Map<string, Link>();
  readonly #parents = new Set<string>();

  constructor(tree: FileTree, shelf: LayerShelf) {
    this.#tree = tree;
    this.#shelf = shelf;
  }

  /** Whether some image that was read is built on `id`. */
  isParent(id: string): boolean {
    return this.#parents.has(id);
  }

  /**
   * The image whose top layer is `id`, with the config that Docker 20.10 gives it.
   * @throws TransferError BLOB_MISSING or BAD_ARCHIVE; `where` says what names it.
   */
  async image(id: string, names: readonly string[], where: string): Promise<ArchivedImage> {
    const chain = await this.#chain(id, where);
    const bytes = await this.#config(chain);
    const open = (): AsyncGenerator<Uint8Array> => this.#openConfig(chain);
    const members = [documentOf(id)];
    return {
      names,
      config: { digest: digestOf(bytes), size: bytes.byteLength, members, open },
      layers: chain.map(({ layer }) => layer),
    };
  }

  async *#openConfig(chain: readonly Link[]): AsyncGenerator<Uint8Array> {
    yield* bytesOf(await this.#config(chain));
  }

  /** Bottom first. */
  async #chain(top: string, where: string): Promise<readonly Link[]> {
    const chain: Link[] = [];
    const seen = new Set<string>();
    for (let id: string | undefined = top; id !== undefined;) {
      if (seen.has(id)) throw badArchive(`${where}: v1 image ${quoted(id)} is its own ancestor`);
      seen.add(id);
      checkLayerCount(seen.size, where);
      const link: Link = await this.#link(id, where);
      chain.unshift(link);
      id = link.parent;
    }
    return chain;
  }

  async #link(id: string, where: string): Promise<Link> {
    const known = this.#links.get(id);
    if (known !== undefined) return known;
    const document = await this.#document(id, where);
    const layer = await this.#shelf.identify(`${id}/layer.tar`, where);
    const parent = document.parent === undefined ? undefined : memberName(document.parent, this.#place(id));
    const link = { id, parent, history: historyEntry(document, this.#place(id)), layer };
    this.#links.set(id, link);
    if (parent !== undefined) this.#parents.add(parent);
    return link;
  }

  async #config(chain: readonly Link[]): Promise<Buffer> {
    const top = chain.at(-1)?.id ?? '';
    const diffIds: readonly Digest[] = chain.map(({ layer }) => layer.digest);
    const history = chain.map((link) => link.history);
    return makeV1Config(await this.#document(top, this.#tree.label), history, diffIds);
  }

  async #document(id: string, where: string): Promise<V1Document> {
    const bytes = await readMember(this.#tree, documentOf(id), limits.configBytes, where, 'v1 image');
    this.#shelf.read.add(documentOf(id));
    return parseV1Document(bytes, this.#place(id));
  }

  #place(id: string): string {
    return `${this.#tree.label}: ${quoted(documentOf(id))}`;
  }
}

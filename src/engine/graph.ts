import { parseConfig } from '../model/config.js';
import { type Descriptor } from '../model/descriptor.js';
import { type ImageNode, type ImageRecord, type IndexNode, type LayerNode, type TreeNode } from '../model/graph.js';
import { type IndexDocument, isImageManifest, type ManifestDocument, parseDocument } from '../model/manifest.js';
import { isDocumentType, isForeignLayerType } from '../model/media-types.js';
import { type ImageSource } from '../ports.js';
import { readAll } from '../primitives/bytes.js';
import { type Digest } from '../primitives/digest.js';
import { isTransferError, TransferError } from '../primitives/errors.js';
import { limits } from '../primitives/limits.js';
import { verified } from '../primitives/verified.js';
import { displayName } from './display.js';

export interface GraphFault {
  readonly record: ImageRecord;
  readonly error: TransferError;
}

export interface GraphImage {
  readonly record: ImageRecord;
  readonly image: ImageNode;
}

export interface Graph {
  readonly images: readonly GraphImage[];
  /** Records that cannot be read as images; the others are whole. */
  readonly faults: readonly GraphFault[];
}

/**
 * Follows every record to its blobs: reads and verifies indexes, manifests and configs, and checks that every layer is
 * there, or that a thin bundle says that it leaves it out, without reading layers. Faults of one image do not hide the
 * others.
 */
export async function readGraph(source: ImageSource, records: readonly ImageRecord[]): Promise<Graph> {
  const reliance = (await source.facts?.())?.reliance;
  const reader = new GraphReader(source, new Set(reliance?.layers.map(({ digest }) => digest)));
  const surveyed: ImageRecord[] = [];
  const faults: GraphFault[] = [];
  const attempt = async (record: ImageRecord, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!isTransferError(error)) throw error;
      faults.push({ record, error });
    }
  };
  for (const record of records) {
    await attempt(record, async () => {
      await reader.survey(record.root, 0);
      surveyed.push(record);
    });
  }
  const images: GraphImage[] = [];
  for (const record of surveyed) {
    await attempt(record, async () => {
      const root = await reader.build(record.root, displayName(record));
      images.push({ record, image: { name: record.name, root } });
    });
  }
  return { images, faults };
}

type Document = ManifestDocument | IndexDocument;

/**
 * Two passes, because of platforms that were left out on purpose: which of a manifest's blobs are there for its own
 * sake is known only when all whole manifests are known.
 */
class GraphReader {
  readonly #source: ImageSource;
  /** Layers that are left out because the receiver has them: as good as there. */
  readonly #relied: ReadonlySet<Digest>;
  /** By what a descriptor says and its digest: another media type is another reading of the same bytes. */
  readonly #documents = new Map<string, Document>();
  /** How many indexes lie below each other in it. */
  readonly #heights = new Map<string, number>();
  readonly #nodes = new Map<string, TreeNode>();
  /** Nodes in a tree, repeated where they are used repeatedly. */
  readonly #weights = new Map<Digest, number>();
  readonly #absent = new Map<string, boolean>();
  readonly #sizes = new Map<Digest, number>();
  /** Blobs of manifests all of whose blobs are there. */
  readonly #ofWhole = new Set<Digest>();
  readonly #layers = new Map<string, LayerNode>();

  constructor(source: ImageSource, relied: ReadonlySet<Digest>) {
    this.#source = source;
    this.#relied = relied;
  }

  #has({ digest }: Descriptor): boolean {
    return this.#source.has(digest) || this.#relied.has(digest);
  }

  /** @returns how many indexes lie below each other in `root`. */
  async survey(root: Descriptor, depth: number): Promise<number> {
    const key = keyOf(root);
    const known = this.#heights.get(key);
    if (known !== undefined || !isDocumentType(root.mediaType) || !this.#source.has(root.digest)) return known ?? 0;
    this.#checkNesting(root, depth);
    const document = await this.#read(root);
    let height = 0;
    if (document.kind === 'index') {
      for (const child of document.manifests) height = Math.max(height, 1 + (await this.survey(child, depth + 1)));
    }
    this.#checkNesting(root, height);
    // Only now: whoever comes to an index with a broken child by another name must meet the same fault.
    this.#documents.set(key, document);
    this.#heights.set(key, height);
    if (document.kind === 'manifest' && blobsOf(document).every((blob) => this.#has(blob))) {
      for (const { digest } of blobsOf(document)) this.#ofWhole.add(digest);
    }
    return height;
  }

  #checkNesting({ digest }: Descriptor, depth: number): void {
    if (depth <= limits.nesting) return;
    throw new TransferError('LIMIT', `${this.#source.label}: ${digest}: indexes nested ${String(depth)} deep`, {
      side: 'source',
      hint: `Indexes are followed ${String(limits.nesting)} deep; no known tool nests them further.`,
    });
  }

  async build(blob: Descriptor, image: string): Promise<TreeNode> {
    this.#checkSize(blob, image);
    // What an index says of a manifest (its platform, what it is about) belongs to that place alone.
    const key = JSON.stringify([
      keyOf(blob),
      blob.platform?.variant,
      blob.annotations?.['vnd.docker.reference.digest'],
    ]);
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const node = await this.#buildNew(blob, image);
    this.#nodes.set(key, node);
    return node;
  }

  #buildNew(blob: Descriptor, image: string): TreeNode | Promise<TreeNode> {
    const document = this.#documents.get(keyOf(blob));
    if (document !== undefined) return this.#buildParsed(blob, document, image);
    if (!isDocumentType(blob.mediaType) && this.#source.has(blob.digest)) return { kind: 'opaque', blob };
    throw missing(this.#source, blob, 'manifest', image);
  }

  #buildParsed(blob: Descriptor, document: ManifestDocument | IndexDocument, image: string): Promise<TreeNode> {
    // The document's own media type counts where the descriptor has none.
    const typed = blob.mediaType === '' ? { ...blob, mediaType: document.mediaType } : blob;
    return document.kind === 'index'
      ? this.#buildIndex(typed, document, image)
      : this.#buildManifest(typed, document, image);
  }

  async #buildIndex(blob: Descriptor, document: IndexDocument, image: string): Promise<IndexNode> {
    const children: TreeNode[] = [];
    const absent: Descriptor[] = [];
    for (const child of document.manifests) {
      if (this.#leftOut(child)) absent.push(child);
      else children.push(await this.build(child, image));
    }
    if (children.length === 0 && absent.length > 0) {
      throw new TransferError(
        'BLOB_MISSING',
        `${image}: none of the ${String(absent.length)} manifests in its index is in ${this.#source.label}`,
        {
          side: 'source',
          hint: 'Save the image again, with at least one platform.',
        },
      );
    }
    const weight = children.reduce((sum, child) => sum + (this.#weights.get(child.blob.digest) ?? 1), 1);
    if (weight > limits.images) {
      throw new TransferError('LIMIT', `${image}: its indexes lead to more than ${String(limits.images)} manifests`, {
        side: 'source',
        hint: 'No known tool writes such an image: its indexes list each other over and over.',
      });
    }
    this.#weights.set(blob.digest, weight);
    return { kind: 'index', blob, children, absent };
  }

  /** Two documents that disagree about a blob's size cannot both be right, whatever its size is. */
  #checkSize({ digest, size }: Descriptor, image: string): void {
    const known = this.#sizes.get(digest) ?? size;
    this.#sizes.set(digest, known);
    if (known === size) return;
    throw new TransferError(
      'BAD_ARCHIVE',
      `${this.#source.label}: ${digest} has ${String(size)} bytes by ${image}, and ${String(known)} by another`,
      { side: 'source', hint: 'One of the two was put together wrongly: build or save it again.' },
    );
  }

  /** Nothing of it is there, but at most its manifest, and blobs that are there for the sake of others. */
  #leftOut(child: Descriptor): boolean {
    const key = keyOf(child);
    const known = this.#absent.get(key) ?? this.#isLeftOut(child);
    this.#absent.set(key, known);
    return known;
  }

  #isLeftOut(child: Descriptor): boolean {
    const document = this.#documents.get(keyOf(child));
    if (document === undefined) return !this.#source.has(child.digest);
    if (document.kind === 'index')
      return document.manifests.length > 0 && document.manifests.every((inner) => this.#leftOut(inner));
    const blobs = blobsOf(document);
    if (blobs.every((blob) => this.#has(blob))) return false;
    return !blobs.some((blob) => this.#has(blob) && !this.#ofWhole.has(blob.digest));
  }

  async #buildManifest(blob: Descriptor, document: ManifestDocument, image: string): Promise<TreeNode> {
    for (const part of blobsOf(document)) {
      this.#checkSize(part, image);
      if (!this.#has(part)) throw missing(this.#source, part, part === document.config ? 'config' : 'layer', image);
    }
    const artifact = (type: string): TreeNode => ({
      kind: 'artifact',
      blob,
      type,
      parts: blobsOf(document),
      subject: document.subject,
    });
    if (!isImageManifest(document)) return artifact(document.artifactType ?? artifactType(document));
    const where = `${this.#source.label}: config ${document.config.digest} of ${image}`;
    const config = parseConfig(await this.#readBlob(document.config, limits.configBytes, where), where);
    if (config.diffIds.length !== document.layers.length) {
      throw new TransferError(
        'BAD_ARCHIVE',
        `${where}: expected as many diff_ids as the manifest has layers, ${String(document.layers.length)}, found ${String(config.diffIds.length)}`,
        { side: 'source', hint: 'The image was put together wrongly: build or save it again.' },
      );
    }
    const layers = document.layers.map((layer, i) => this.#layer(layer, config.diffIds[i] ?? layer.digest));
    // Builders state the variant of a platform in the index more often than in the config.
    const platform = {
      ...(blob.platform?.variant !== undefined && { variant: blob.platform.variant }),
      ...config.platform,
    };
    return { kind: 'image', blob, config: document.config, platform, layers };
  }

  /** One object for each layer, however many images have it: with 1,000 images that is what memory goes to. */
  #layer(blob: Descriptor, diffId: Digest): LayerNode {
    const key =
      blob.digest === diffId ? `${blob.digest} ${blob.mediaType}` : `${blob.digest} ${diffId} ${blob.mediaType}`;
    const known = this.#layers.get(key);
    if (known !== undefined) return known;
    const foreign = isForeignLayerType(blob.mediaType) && !this.#has(blob);
    const layer = { blob, diffId: diffId === blob.digest ? blob.digest : diffId, foreign };
    this.#layers.set(key, layer);
    return layer;
  }

  async #read(blob: Descriptor): Promise<Document> {
    const where = `${this.#source.label}: ${blob.digest}`;
    return parseDocument(await this.#readBlob(blob, limits.manifestBytes, where), blob.mediaType, where);
  }

  #readBlob(blob: Descriptor, max: number, where: string): Promise<Buffer> {
    return readAll(verified(this.#source.open(blob), blob, where), max, where);
  }
}

const keyOf = ({ mediaType, digest }: Descriptor): string => `${mediaType} ${digest}`;

/** The blobs of a manifest that must be there: foreign layers need not be. */
function blobsOf(document: ManifestDocument): Descriptor[] {
  return [document.config, ...document.layers.filter(({ mediaType }) => !isForeignLayerType(mediaType))];
}

/** What to call an artifact that does not name its type: by what is in it, as OCI distribution clients do. */
function artifactType(document: ManifestDocument): string {
  const [first] = document.layers;
  const inToto = document.layers.some(({ mediaType }) => mediaType === 'application/vnd.in-toto+json');
  return inToto
    ? 'application/vnd.in-toto+json'
    : first === undefined || !document.config.mediaType.includes('image.config')
      ? document.config.mediaType
      : first.mediaType;
}

function missing(source: ImageSource, blob: Descriptor, what: string, image: string): TransferError {
  return new TransferError(
    'BLOB_MISSING',
    `${source.label}: ${what} ${blob.digest} (${String(blob.size)} bytes) of ${image} is not there`,
    {
      side: 'source',
      hint: 'The archive is incomplete: copy it again, or save the image again.',
    },
  );
}

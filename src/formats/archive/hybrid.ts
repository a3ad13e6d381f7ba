import { type Descriptor } from '../../model/descriptor.js';
import { type ImageRecord } from '../../model/graph.js';
import { isImageManifest, type IndexDocument, type ManifestDocument, parseDocument } from '../../model/manifest.js';
import { isDocumentType } from '../../model/media-types.js';
import { familiarReference, taggedReference } from '../../model/reference.js';
import { type Decompress, type ImageSource, type SourceFacts } from '../../ports.js';
import { readAll } from '../../primitives/bytes.js';
import { type Digest } from '../../primitives/digest.js';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { verified } from '../../primitives/verified.js';
import { BUNDLE_ANNOTATION } from '../bundle/documents.js';
import { relianceIn } from '../bundle/reliance.js';
import { openDockerArchive } from '../docker-archive/index.js';
import { type ManifestEntry, parseManifestJson } from '../docker-archive/manifest-json.js';
import { statedDigest } from '../docker-archive/member-name.js';
import { blobPath, ociLayoutSource, readIndexFile, recordsOf } from '../oci-layout/reader.js';
import { type FileTree } from '../tree/file-tree.js';
import { listsOf, MANIFEST_FILE as LIST } from '../tree/lists.js';

/** An archive that is an OCI image layout and, where it has manifest.json too, a `docker save` at once. */
export function hybridSource(tree: FileTree, decompress: Decompress): ImageSource {
  const oci = ociLayoutSource(tree);
  let docker: ImageSource | undefined;
  let reading: Promise<IndexDocument> | undefined;
  // Once: beside an add, two readings could differ.
  const readIndex = (): Promise<IndexDocument> => (reading ??= readIndexFile(tree));
  let facts: Promise<SourceFacts> | undefined;
  return {
    label: tree.label,
    images: async () => {
      const index = await readIndex();
      const records = recordsOf(index, tree.label);
      if (tree.size(LIST) === undefined) return records;
      const strict = index.annotations?.[BUNDLE_ANNOTATION] !== undefined;
      const extra = await compareLists(tree, records, strict);
      if (extra.length === 0) return records;
      docker = openDockerArchive(tree, decompress);
      const names = new Set(extra.flatMap((entry) => entry.names));
      const nameless = extra.some((entry) => entry.names.length === 0);
      const added = (await docker.images()).filter(({ name }) => (name === undefined ? nameless : names.has(name)));
      return [...records, ...added];
    },
    has: (digest) => oci.has(digest) || docker?.has(digest) === true,
    open: (blob) => (oci.has(blob.digest) || docker === undefined ? oci.open(blob) : docker.open(blob)),
    audit: (reached) => oci.audit(reached),
    facts: () => (facts ??= factsOf(tree, readIndex())),
    close: () => tree.close(),
  };
}

async function factsOf(tree: FileTree, index: Promise<IndexDocument>): Promise<SourceFacts> {
  const { annotations } = await index;
  const isBundle = annotations?.[BUNDLE_ANNOTATION] !== undefined;
  return { lists: await listsOf(tree), isBundle, reliance: relianceIn(annotations, tree.label) };
}

/**
 * Holds manifest.json against index.json, since engines go by the one or by the other (graph drivers by manifest.json).
 * @returns the entries of manifest.json that index.json does not know: Docker 25 wrote an empty index.json for images
 * without a name.
 * @throws TransferError BAD_ARCHIVE when a name leads to different images; of a bundle, when the lists differ at all.
 */
async function compareLists(
  tree: FileTree,
  records: readonly ImageRecord[],
  strict: boolean,
): Promise<ManifestEntry[]> {
  const bytes = await readAll(tree.open(LIST), limits.listBytes, `${tree.label}: ${LIST}`);
  const entries = parseManifestJson(bytes, tree.label);
  const listed = await listedImages(tree, records);
  if (strict) {
    checkSame(tree, entries, listed);
    return [];
  }
  const byTag = new Map<string, Listed[]>();
  const configs = new Set<Digest>();
  for (const image of listed) {
    if (image.tag !== undefined) byTag.set(image.tag, [...(byTag.get(image.tag) ?? []), image]);
    for (const { config } of image.manifests) configs.add(config.digest);
  }
  for (const entry of entries) checkNames(tree, entry, byTag);
  // An entry without a name may be the very image that cannot be read in index.json: it has its fault already.
  const unreadable = listed.some((image) => image.tag === undefined && image.unreadable);
  return entries.filter(({ names, config }) => {
    if (names.length > 0) return !names.every((name) => byTag.has(name));
    if (unreadable) return false;
    const digest = statedDigest(config);
    return digest === undefined || !configs.has(digest);
  });
}

/** The images (not artifacts) that a blob leads to. */
interface Found {
  readonly manifests: readonly ManifestDocument[];
  /** Something of it is damaged or absent: what is not known is not compared, and the graph tells the fault. */
  readonly unreadable: boolean;
}

/** An entry of index.json with the images that it leads to. */
interface Listed extends Found {
  /** As manifest.json could have it: a name with a digest alone is none. */
  readonly tag: string | undefined;
}

async function listedImages(tree: FileTree, records: readonly ImageRecord[]): Promise<Listed[]> {
  const survey = new Survey(tree);
  const listed: Listed[] = [];
  for (const { name, root } of records) {
    const found = await survey.imagesUnder(root, 0);
    listed.push({ tag: name === undefined ? undefined : taggedReference(name), ...found });
  }
  return listed;
}

/**
 * Of a bundle: one entry in manifest.json for each image of index.json, in the same order, with the same contents. An
 * image that cannot be read takes its place in the order by its name alone.
 */
function checkSame(tree: FileTree, entries: readonly ManifestEntry[], listed: readonly Listed[]): void {
  const readable = listed.filter(({ unreadable }) => !unreadable);
  let next = 0;
  for (const image of listed) {
    const entry = entries[next];
    if (image.unreadable) {
      // It may be an artifact, which has no entry: then the next entry belongs to an image that can be read.
      const isItsOwn = entry !== undefined && hasTag(entry, image) && !readable.some((other) => isSame(entry, other));
      if (isItsOwn) next++;
    } else if (image.manifests.length > 0) {
      if (entry === undefined || !isSame(entry, image)) throw notTheSame(tree, next, entry, image);
      next++;
    }
  }
  if (next < entries.length) throw notTheSame(tree, next, entries[next]);
}

function notTheSame(tree: FileTree, at: number, entry: ManifestEntry | undefined, image?: Listed): TransferError {
  const name = entry?.names[0] ?? image?.tag;
  const what = name === undefined ? 'an image without a name' : familiarReference(name);
  return disagreement(tree, `${what}, image ${String(at + 1)}, is not the same in both`);
}

const hasTag = ({ names }: ManifestEntry, { tag }: Listed): boolean => names.length <= 1 && names[0] === tag;

function isSame(entry: ManifestEntry, image: Listed): boolean {
  if (!hasTag(entry, image)) return false;
  return image.manifests.some(({ config, layers }) => {
    const paths = [config, ...layers].map(({ digest }) => blobPath(digest));
    return [entry.config, ...entry.layers].join() === paths.join();
  });
}

function checkNames(tree: FileTree, entry: ManifestEntry, byTag: ReadonlyMap<string, readonly Listed[]>): void {
  const config = statedDigest(entry.config);
  for (const name of entry.names) {
    const images = byTag.get(name);
    if (images === undefined || images.some(({ unreadable }) => unreadable)) continue;
    if (images.some(({ manifests }) => manifests.some((manifest) => manifest.config.digest === config))) continue;
    throw disagreement(
      tree,
      `${familiarReference(name)} is ${entry.config} in ${LIST}, and another image in index.json`,
    );
  }
}

const NO_IMAGE: Found = { manifests: [], unreadable: false };
const UNREADABLE: Found = { manifests: [], unreadable: true };

/** Reads manifests for their configs and layers; what cannot be read is judged, with its own error, by the graph. */
class Survey {
  readonly #tree: FileTree;
  readonly #seen = new Map<string, Found>();

  constructor(tree: FileTree) {
    this.#tree = tree;
  }

  async imagesUnder(blob: Descriptor, depth: number): Promise<Found> {
    // What one entry claims of a blob must not settle what another one finds.
    const key = `${blob.digest} ${blob.mediaType} ${String(blob.size)}`;
    const known = this.#seen.get(key);
    if (known !== undefined) return known;
    const found = await this.#read(blob, depth);
    this.#seen.set(key, found);
    return found;
  }

  async #read(blob: Descriptor, depth: number): Promise<Found> {
    if (!isDocumentType(blob.mediaType)) return NO_IMAGE;
    if (depth > limits.nesting) return UNREADABLE;
    try {
      const document = await this.#document(blob);
      if (document.kind === 'manifest') {
        return isImageManifest(document) ? { manifests: [document], unreadable: false } : NO_IMAGE;
      }
      return await this.#imagesOf(document, depth);
    } catch (error) {
      if (isTransferError(error)) return UNREADABLE;
      throw error;
    }
  }

  async #imagesOf({ manifests: children }: IndexDocument, depth: number): Promise<Found> {
    // Each once: indexes that list each other over and over must not multiply.
    const manifests = new Set<ManifestDocument>();
    const present = children.filter(({ digest }) => this.#tree.size(blobPath(digest)) !== undefined);
    // Platforms may be left out on purpose, but not all of them.
    let unreadable = present.length === 0 && children.length > 0;
    for (const child of present) {
      const found = await this.imagesUnder(child, depth + 1);
      for (const manifest of found.manifests) manifests.add(manifest);
      unreadable ||= found.unreadable;
    }
    return { manifests: [...manifests], unreadable };
  }

  async #document(blob: Descriptor): Promise<ManifestDocument | IndexDocument> {
    const path = blobPath(blob.digest);
    const where = `${this.#tree.label}: ${path}`;
    const bytes = await readAll(verified(this.#tree.open(path), blob, where), limits.manifestBytes, where);
    return parseDocument(bytes, blob.mediaType, where);
  }
}

function disagreement(tree: FileTree, what: string): TransferError {
  return new TransferError('BAD_ARCHIVE', `${tree.label}: index.json and ${LIST} disagree: ${what}`, {
    side: 'source',
    hint: 'Engines would load different images from this file. It was changed after it was written: save the images again.',
  });
}

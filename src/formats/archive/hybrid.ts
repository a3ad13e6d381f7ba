import { type Descriptor } from '../../model/descriptor.js';
import { type ImageRecord } from '../../model/graph.js';
import { isImageManifest, type ManifestDocument, parseDocument } from '../../model/manifest.js';
import { isDocumentType } from '../../model/media-types.js';
import { familiarReference, taggedReference } from '../../model/reference.js';
import { type Decompress, type ImageSource } from '../../ports.js';
import { readAll } from '../../primitives/bytes.js';
import { type Digest } from '../../primitives/digest.js';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { BUNDLE_ANNOTATION } from '../bundle/documents.js';
import { openDockerArchive } from '../docker-archive/index.js';
import { type ManifestEntry, parseManifestJson } from '../docker-archive/manifest-json.js';
import { statedDigest } from '../docker-archive/member-name.js';
import { blobPath, ociLayoutSource, readIndexFile } from '../oci-layout/reader.js';
import { type FileTree } from '../tree/file-tree.js';

const LIST = 'manifest.json';

/** An archive that is an OCI image layout and, where it has manifest.json too, a `docker save` at once. */
export function hybridSource(tree: FileTree, decompress: Decompress): ImageSource {
  const oci = ociLayoutSource(tree);
  let docker: ImageSource | undefined;
  return {
    label: tree.label,
    images: async () => {
      const records = await oci.images();
      if (tree.size(LIST) === undefined) return records;
      const strict = (await readIndexFile(tree)).annotations?.[BUNDLE_ANNOTATION] !== undefined;
      const extra = await compareLists(tree, records, strict);
      if (extra.length === 0) return records;
      docker = await openDockerArchive(tree, decompress);
      const names = new Set(extra.flatMap((entry) => entry.names));
      const nameless = extra.some((entry) => entry.names.length === 0);
      const added = (await docker.images()).filter(({ name }) => (name === undefined ? nameless : names.has(name)));
      return [...records, ...added];
    },
    has: (digest) => oci.has(digest) || docker?.has(digest) === true,
    open: (blob) => (oci.has(blob.digest) || docker === undefined ? oci.open(blob) : docker.open(blob)),
    audit: (reached) => oci.audit(reached),
    close: () => tree.close(),
  };
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
  return entries.filter(({ names, config }) => {
    if (names.length > 0) return !names.every((name) => byTag.has(name));
    const digest = statedDigest(config);
    return digest === undefined || !configs.has(digest);
  });
}

/** An entry of index.json with the images (not artifacts) that it leads to, as far as they can be read. */
interface Listed {
  /** As manifest.json could have it: a name with a digest alone is none. */
  readonly tag: string | undefined;
  readonly manifests: readonly ManifestDocument[];
}

async function listedImages(tree: FileTree, records: readonly ImageRecord[]): Promise<Listed[]> {
  const survey = new Survey(tree);
  const listed: Listed[] = [];
  for (const { name, root } of records) {
    const manifests = await survey.imagesUnder(root, 0);
    listed.push({ tag: name === undefined ? undefined : taggedReference(name), manifests });
  }
  return listed;
}

/** Of a bundle: one entry in manifest.json for each image of index.json, in the same order, with the same contents. */
function checkSame(tree: FileTree, entries: readonly ManifestEntry[], listed: readonly Listed[]): void {
  const images = listed.filter(({ manifests }) => manifests.length > 0);
  for (let i = 0; i < Math.max(entries.length, images.length); i++) {
    const [entry, image] = [entries[i], images[i]];
    if (entry !== undefined && image !== undefined && isSame(entry, image)) continue;
    const name = entry?.names[0] ?? image?.tag;
    const what = name === undefined ? 'an image without a name' : familiarReference(name);
    throw disagreement(tree, `${what}, image ${String(i + 1)}, is not the same in both`);
  }
}

function isSame(entry: ManifestEntry, { tag, manifests }: Listed): boolean {
  if (entry.names.length > 1 || entry.names[0] !== tag) return false;
  return manifests.some(({ config, layers }) => {
    const paths = [config, ...layers].map(({ digest }) => blobPath(digest));
    return [entry.config, ...entry.layers].join() === paths.join();
  });
}

function checkNames(tree: FileTree, entry: ManifestEntry, byTag: ReadonlyMap<string, readonly Listed[]>): void {
  const config = statedDigest(entry.config);
  for (const name of entry.names) {
    const manifests = byTag.get(name)?.flatMap((image) => image.manifests);
    if (manifests === undefined || manifests.some((manifest) => manifest.config.digest === config)) continue;
    throw disagreement(
      tree,
      `${familiarReference(name)} is ${entry.config} in ${LIST}, and another image in index.json`,
    );
  }
}

/** Reads manifests for their configs alone; what cannot be read is judged, with its own error, by whoever packs it. */
class Survey {
  readonly #tree: FileTree;
  readonly #seen = new Map<Digest, readonly ManifestDocument[]>();

  constructor(tree: FileTree) {
    this.#tree = tree;
  }

  async imagesUnder(blob: Descriptor, depth: number): Promise<readonly ManifestDocument[]> {
    const known = this.#seen.get(blob.digest);
    if (known !== undefined) return known;
    const found = await this.#read(blob, depth);
    this.#seen.set(blob.digest, found);
    return found;
  }

  async #read(blob: Descriptor, depth: number): Promise<readonly ManifestDocument[]> {
    const path = blobPath(blob.digest);
    if (depth > limits.nesting || !isDocumentType(blob.mediaType) || this.#tree.size(path) === undefined) return [];
    try {
      const where = `${this.#tree.label}: ${path}`;
      const document = parseDocument(
        await readAll(this.#tree.open(path), limits.manifestBytes, where),
        blob.mediaType,
        where,
      );
      if (document.kind === 'manifest') return isImageManifest(document) ? [document] : [];
      // Each once: indexes that list each other over and over must not multiply.
      const found = new Set<ManifestDocument>();
      for (const child of document.manifests)
        for (const manifest of await this.imagesUnder(child, depth + 1)) found.add(manifest);
      return [...found];
    } catch (error) {
      if (isTransferError(error)) return [];
      throw error;
    }
  }
}

function disagreement(tree: FileTree, what: string): TransferError {
  return new TransferError('BAD_ARCHIVE', `${tree.label}: index.json and ${LIST} disagree: ${what}`, {
    side: 'source',
    hint: 'Engines would load different images from this file. It was changed after it was written: save the images again.',
  });
}

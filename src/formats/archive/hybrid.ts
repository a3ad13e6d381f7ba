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
  const entries = parseManifestJson(
    await readAll(tree.open(LIST), limits.listBytes, `${tree.label}: ${LIST}`),
    tree.label,
  );
  const survey = new Survey(tree);
  const byName = new Map<string, readonly ManifestDocument[]>();
  const known = new Set<Digest>();
  const owed = new Set<string>();
  for (const { name, root } of records) {
    const manifests = await survey.imagesUnder(root, 0);
    for (const { config } of manifests) known.add(config.digest);
    const tagged = name === undefined ? undefined : taggedReference(name);
    if (tagged !== undefined) byName.set(tagged, [...(byName.get(tagged) ?? []), ...manifests]);
    if (tagged !== undefined && manifests.length > 0) owed.add(tagged);
  }
  const extra: ManifestEntry[] = [];
  for (const entry of entries) {
    const config = statedDigest(entry.config);
    for (const name of entry.names) {
      const manifests = byName.get(name);
      if (manifests !== undefined && !manifests.some((manifest) => agrees(manifest, config, entry, strict))) {
        throw disagreement(
          tree,
          `${familiarReference(name)} is ${entry.config} in ${LIST}, and another image in index.json`,
        );
      }
      owed.delete(name);
    }
    const isKnown =
      entry.names.length > 0
        ? entry.names.every((name) => byName.has(name))
        : config !== undefined && known.has(config);
    if (!isKnown) extra.push(entry);
  }
  const lacking = [...owed].map(familiarReference);
  if (strict && (extra.length > 0 || lacking.length > 0)) {
    throw disagreement(
      tree,
      `${[...extra.flatMap(({ names }) => names), ...lacking].join(', ') || 'an image'} is in one of index.json and ${LIST} only`,
    );
  }
  return extra;
}

function agrees(
  manifest: ManifestDocument,
  config: Digest | undefined,
  entry: ManifestEntry,
  strict: boolean,
): boolean {
  if (manifest.config.digest !== config) return false;
  if (!strict) return true;
  const layers = manifest.layers.map(({ digest }) => blobPath(digest));
  return layers.length === entry.layers.length && layers.every((layer, i) => layer === entry.layers[i]);
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
      const found: ManifestDocument[] = [];
      for (const child of document.manifests) found.push(...(await this.imagesUnder(child, depth + 1)));
      return found;
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

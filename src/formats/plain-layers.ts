import { type Descriptor } from '../model/descriptor.js';
import { type ImageNode, type IndexNode, type LayerNode, type ManifestNode, type TreeNode } from '../model/graph.js';
import { isArray, isObject, type Json, parseJson } from '../model/json.js';
import { mediaTypes } from '../model/media-types.js';
import { type Decompress, type OpenBlob } from '../ports.js';
import { type ByteStream, bytesOf, measure, readAll } from '../primitives/bytes.js';
import { type Digest, digestOf } from '../primitives/digest.js';
import { TransferError } from '../primitives/errors.js';
import { limits } from '../primitives/limits.js';
import { makeManifest } from './docker-archive/made-manifest.js';

/** Images whose layers are all plain tars, with what it takes to read the blobs that are new. */
export interface PlainLayers {
  readonly image: (image: ImageNode) => Promise<ImageNode>;
  readonly manifest: (manifest: ManifestNode) => Promise<ManifestNode>;
  /** Serves the plain layers and the new manifests; everything else comes from the original `open`. */
  readonly open: OpenBlob;
  readonly has: (digest: Digest) => boolean;
}

type IsLeftOut = (layer: Digest) => boolean;

/**
 * A view of images in which each layer is its plain tar. Image IDs and layer contents survive; manifests are new, so
 * their digests do not; an image with foreign layers that are left out stays as it is. Each compressed layer is read once more than before, for its plain size, and its diffID is
 * checked on the way. One of which `isLeftOut` says that it cannot be read is there in name alone, with a size of 0.
 */
export function plainLayers(open: OpenBlob, decompress: Decompress, isLeftOut: IsLeftOut = () => false): PlainLayers {
  const documents = new Map<Digest, Buffer>();
  const plain = new Map<Digest, { readonly layer: LayerNode; readonly packed: Descriptor }>();

  const keep = (bytes: Buffer, mediaType: string): Descriptor => {
    const blob = { mediaType, digest: digestOf(bytes), size: bytes.length };
    documents.set(blob.digest, bytes);
    return blob;
  };

  const unpacked = (layer: LayerNode): ByteStream => decompress(open(layer.blob), `layer ${layer.blob.digest}`);

  const plainLayer = async (layer: LayerNode): Promise<LayerNode> => {
    if (layer.foreign || layer.blob.digest === layer.diffId) return layer;
    const known = plain.get(layer.diffId);
    if (known !== undefined) return known.layer;
    if (isLeftOut(layer.blob.digest)) return inNameAlone(layer);
    const { digest, size } = await measure(unpacked(layer));
    if (digest !== layer.diffId) throw wrongDiffId(layer, digest);
    const made = { blob: { mediaType: mediaTypes.ociLayer, digest, size }, diffId: digest, foreign: false };
    plain.set(digest, { layer: made, packed: layer.blob });
    return made;
  };

  const manifest = async (node: ManifestNode): Promise<ManifestNode> => {
    if (node.layers.every(({ blob, diffId, foreign }) => foreign || blob.digest === diffId)) return node;
    // A new manifest could not say where the layers that are left out are to be had.
    if (node.layers.some(({ foreign }) => foreign)) return node;
    const layers: LayerNode[] = [];
    for (const layer of node.layers) layers.push(await plainLayer(layer));
    const document = makeManifest({ config: node.config, layers: layers.map(({ blob }) => blob) });
    const { annotations, platform } = node.blob;
    const blob = {
      ...keep(document, mediaTypes.ociManifest),
      ...(annotations && { annotations }),
      ...(platform && { platform }),
    };
    return { ...node, blob, layers, config: { ...node.config, mediaType: mediaTypes.ociConfig } };
  };

  const index = async (node: IndexNode): Promise<IndexNode> => {
    const children: TreeNode[] = [];
    for (const child of node.children) children.push(await tree(child));
    const renamed = new Map(node.children.map((child, i) => [child.blob.digest, children[i]?.blob ?? child.blob]));
    if ([...renamed].every(([before, after]) => before === after.digest)) return node;
    const where = `index ${node.blob.digest}`;
    const value = parseJson(await readAll(open(node.blob), limits.manifestBytes, where), where);
    const document = Buffer.from(JSON.stringify(withNewChildren(value, renamed)));
    return { ...node, blob: keep(document, node.blob.mediaType), children };
  };

  const tree = (node: TreeNode): Promise<TreeNode> => {
    if (node.kind === 'image') return manifest(node);
    return node.kind === 'index' ? index(node) : Promise.resolve(node);
  };

  return {
    image: async (image) => ({ ...image, root: await tree(image.root) }),
    manifest,
    has: (digest) => documents.has(digest) || plain.has(digest),
    open: (blob) => {
      const document = documents.get(blob.digest);
      if (document !== undefined) return bytesOf(document);
      const layer = plain.get(blob.digest);
      return layer === undefined ? open(blob) : decompress(open(layer.packed), `layer ${layer.packed.digest}`);
    },
  };
}

const inNameAlone = (layer: LayerNode): LayerNode => ({
  ...layer,
  blob: { mediaType: mediaTypes.ociLayer, digest: layer.diffId, size: 0 },
});

/** The index document with its children's new digests, also where an attestation names the manifest it is about. */
function withNewChildren(value: Json, renamed: ReadonlyMap<Digest, Descriptor>): Json {
  if (typeof value === 'string') return renamed.get(value as Digest)?.digest ?? value;
  if (isArray(value)) return value.map((item) => withNewChildren(item, renamed));
  if (!isObject(value)) return value;
  const child = renamed.get(value['digest'] as Digest);
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    item === undefined ? item : withNewChildren(item, renamed),
  ]);
  const copy = Object.fromEntries(entries) as Record<string, Json>;
  return child === undefined ? copy : { ...copy, mediaType: child.mediaType, digest: child.digest, size: child.size };
}

function wrongDiffId(layer: LayerNode, found: Digest): TransferError {
  return new TransferError(
    'BLOB_CORRUPT',
    `layer ${layer.blob.digest}: expected the diffID ${layer.diffId} when decompressed, found ${found}`,
    { side: 'source', hint: "The image's config and its layers do not belong together; build or save it again." },
  );
}

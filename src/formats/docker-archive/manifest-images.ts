import { isArray, isObject, type Json, parseJson } from '../../model/json.js';
import { malformed } from '../../model/descriptor.js';
import { type Digest, digestOf, parseDigest } from '../../primitives/digest.js';
import { TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { type FileTree } from '../tree/file-tree.js';
import { type LayerShelf, type ShelvedLayer } from './layer-shelf.js';
import { type ArchivedConfig, type ArchivedImage, readMember } from './listing.js';
import { type ManifestEntry, parseManifestJson } from './manifest-json.js';
import { badArchive, quoted, statedDigest } from './member-name.js';

export const MANIFEST = 'manifest.json';

/** The images that manifest.json lists (Docker 1.10 and later, and every tool that writes for it). */
export async function readManifestImages(tree: FileTree, shelf: LayerShelf): Promise<readonly ArchivedImage[]> {
  const bytes = await readMember(tree, MANIFEST, limits.listBytes, tree.label, 'the list of images');
  shelf.read.add(MANIFEST);
  const images: ArchivedImage[] = [];
  for (const entry of parseManifestJson(bytes, tree.label)) images.push(await readImage(tree, shelf, entry));
  return images;
}

async function readImage(tree: FileTree, shelf: LayerShelf, entry: ManifestEntry): Promise<ArchivedImage> {
  const { where, names } = entry;
  const { config, diffIds } = await readConfig(tree, shelf, entry);
  if (diffIds.length !== entry.layers.length) {
    const found = `${String(entry.layers.length)} in Layers and ${String(diffIds.length)} diff_ids in config ${quoted(entry.config)}`;
    throw badArchive(`${where}: expected as many layers as diff_ids, found ${found}`);
  }
  const layers: ShelvedLayer[] = [];
  for (const [i, diffId] of diffIds.entries()) {
    layers.push(await shelf.describe(entry.layers[i] ?? '', diffId, where));
  }
  return { names, config, layers };
}

async function readConfig(
  tree: FileTree,
  shelf: LayerShelf,
  { config: member, where }: ManifestEntry,
): Promise<{ config: ArchivedConfig; diffIds: readonly Digest[] }> {
  const bytes = await readMember(tree, member, limits.configBytes, where, 'config');
  shelf.read.add(member);
  const digest = digestOf(bytes);
  const stated = statedDigest(member);
  if (stated !== undefined && stated !== digest) throw misnamed(where, member, digest);
  const config = { digest, size: bytes.byteLength, members: [member], open: () => tree.open(member) };
  return { config, diffIds: parseDiffIds(bytes, `${where}: config ${quoted(member)}`) };
}

/** OCI image-spec, config.md: `rootfs.diff_ids`. Go leaves it out of a config without layers. */
function parseDiffIds(bytes: Uint8Array, where: string): readonly Digest[] {
  const document: Json = parseJson(bytes, where);
  if (!isObject(document)) throw malformed(where, 'an object', document);
  const { rootfs } = document;
  if (!isObject(rootfs)) throw malformed(`${where}: rootfs`, 'an object', rootfs);
  const diffIds = rootfs['diff_ids'] ?? [];
  if (!isArray(diffIds)) throw malformed(`${where}: rootfs.diff_ids`, 'a list of digests', diffIds);
  return diffIds.map((diffId, i) => parseDigest(diffId, `${where}: rootfs.diff_ids[${String(i)}]`));
}

function misnamed(where: string, member: string, found: Digest): TransferError {
  return new TransferError(
    'BLOB_CORRUPT',
    `${where}: config ${quoted(member)}: expected the digest in its name, found ${found}`,
    {
      side: 'source',
      hint: 'The file was damaged or edited after it was written: copy it again, or save the image again.',
    },
  );
}

import { parseConfig } from '../../model/config.js';
import { type Digest, digestOf } from '../../primitives/digest.js';
import { TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';
import { type FileTree } from '../tree/file-tree.js';
import { MANIFEST_FILE } from '../tree/lists.js';
import { type LayerShelf, type ShelvedLayer } from './layer-shelf.js';
import { type ArchivedConfig, type ArchivedImage, readMember } from './listing.js';
import { type ManifestEntry, parseManifestJson } from './manifest-json.js';
import { badArchive, quoted, statedDigest } from './member-name.js';

/** The images that manifest.json lists (Docker 1.10 and later, and every tool that writes for it). */
export async function readManifestImages(tree: FileTree, shelf: LayerShelf): Promise<readonly ArchivedImage[]> {
  const bytes = await readMember(tree, MANIFEST_FILE, limits.listBytes, tree.label, 'the list of images');
  shelf.read.add(MANIFEST_FILE);
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
  return { config, diffIds: parseConfig(bytes, `${where}: config ${quoted(member)}`).diffIds };
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

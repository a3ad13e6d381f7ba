import { stat } from 'node:fs/promises';
import { HEAD_BYTES, compactInventory, looksLikeInventory, parseInventory } from '../formats/inventory/index.js';
import { imagesIn, type ImageNode, type ManifestNode, type TreeNode } from '../model/graph.js';
import {
  canonicalInventory,
  type Inventory,
  type InventoryImage,
  inventoryDigest,
  inventoryJson,
  INVENTORY_SCHEMA,
} from '../model/inventory.js';
import { bytesOf, readAll } from '../primitives/bytes.js';
import { type Digest } from '../primitives/digest.js';
import { TransferError } from '../primitives/errors.js';
import { limits } from '../primitives/limits.js';
import { printable } from '../primitives/printable.js';
import { checkPublishable, publishFile } from '../primitives/publish.js';
import { fileAccess } from '../primitives/random-access.js';
import { findEngine } from '../transports/engine/find.js';
import { engineStock } from '../transports/engine/stock.js';
import { parseHost } from '../transports/ssh/index.js';
import { type Context, type InventoryOptions, type OpenOptions } from './options.js';
import { checkIsNoSource } from './own-source.js';
import { readAsItIs, refuseFaults } from './read.js';
import { openRemote } from './remote.js';
import { type InventoryResult } from './results.js';
import { parseLocation } from './words.js';

/** The engine of this machine, as a word. */
const LOCAL_ENGINE = 'engine:';

type PlaceOptions = Pick<OpenOptions, 'engine' | 'ssh' | 'remoteEngine'>;

/**
 * What a place has, as a document that others can go by: an engine, a host's engine, an archive, a folder.
 * @throws TransferError see docs/cli.md, "Exit status"
 */
export async function inventory(options: InventoryOptions, context: Context): Promise<InventoryResult> {
  const [word = LOCAL_ENGINE, second] = options.sources;
  if (second !== undefined) {
    throw new TransferError('USAGE', `one inventory is of one place, not of ${String(options.sources.length)}`, {
      hint: 'Write a file for each; pack takes --base as often as there are places.',
    });
  }
  if (options.output !== undefined) {
    await checkPublishable(options.output);
    await checkIsNoSource(options.output, [word]);
  }
  const found = await inventoryOf(word, options, context);
  const compact = compactInventory(found);
  const document = options.compact === true ? compact : inventoryJson(found);
  if (options.output !== undefined) await publishFile(options.output, bytesOf(Buffer.from(document)));
  return {
    place: found.place,
    images: found.images.length,
    layers: new Set(found.images.flatMap(({ diffIds }) => diffIds)).size,
    blobs: found.blobs.length,
    // That of what others will read: digests are short in the compact form.
    digest: inventoryDigest(options.compact === true ? parseInventory(Buffer.from(compact), word) : found),
    bytes: Buffer.byteLength(document),
    compactCharacters: compact.length,
    ...(options.output === undefined ? { document } : { output: options.output }),
  };
}

/**
 * What a word stands for that names a place: `engine:` (the local engine), `ssh://[user@]host[:port]` (that host's), an
 * inventory in either form, or else an archive, a bundle, a folder.
 * @throws TransferError USAGE for the name of an image; otherwise as those do that read the place
 */
export async function inventoryOf(word: string, options: PlaceOptions, context: Context): Promise<Inventory> {
  if (word === LOCAL_ENGINE) return engineStock(await findEngine(options.engine, context.signal), context.signal);
  if (/^ssh:\/\/[^/]+\/?$/.test(word)) return stockOfHost(word, options, context);
  const location = parseLocation(word);
  if (location.kind === 'engine' || location.kind === 'remote') throw noPlace(word, location.kind);
  const bytes = location.kind === 'path' ? await inventoryAt(location.path, context.signal) : undefined;
  return bytes === undefined ? inventoryOfArchive(word, options, context) : parseInventory(bytes, word);
}

function noPlace(word: string, kind: 'engine' | 'remote'): TransferError {
  const [what, whole] =
    kind === 'engine'
      ? ['an image of the engine', `${LOCAL_ENGINE} is the whole engine`]
      : ['an image of a host', 'ssh://HOST alone is its whole engine'];
  // A path that was mistyped looks like a name.
  const none = kind === 'engine' && !word.startsWith(LOCAL_ENGINE) ? 'no such file or folder, and ' : '';
  return new TransferError('USAGE', `${printable(word)}: ${none}${what} is no place to know the contents of`, {
    side: 'source',
    hint: `Name an inventory, an archive or a folder; ${whole}.`,
  });
}

async function stockOfHost(word: string, { ssh, remoteEngine }: PlaceOptions, context: Context): Promise<Inventory> {
  const { connection, engine, images } = await openRemote(parseHost(word), { ssh, engine: remoteEngine }, context);
  try {
    return await engineStock(engine, context.signal, images);
  } finally {
    await connection.close();
  }
}

/** The bytes of a file that is an inventory; undefined: it is something else, or not there, which others will say. */
async function inventoryAt(path: string, signal: AbortSignal): Promise<Buffer | undefined> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isFile() !== true) return undefined;
  const file = await fileAccess(path, signal);
  try {
    if (!looksLikeInventory(await file.read(0, Math.min(HEAD_BYTES, file.size)))) return undefined;
    return await readAll(file.stream(0, file.size), limits.listBytes, path);
  } finally {
    await file.close();
  }
}

/** What a thin bundle names counts as its: whoever has loaded it has that, too. */
async function inventoryOfArchive(word: string, options: PlaceOptions, context: Context): Promise<Inventory> {
  const { engine, ssh, remoteEngine } = options;
  const reading = await readAsItIs({ sources: [word], engine, ssh, remoteEngine }, context);
  try {
    refuseFaults(reading);
    const manifests = reading.images.flatMap(({ root }) => [...imagesIn(root)]);
    return canonicalInventory({
      schema: INVENTORY_SCHEMA,
      place: { kind: 'archive', lists: reading.facts?.lists },
      images: imagesOf(reading.images),
      blobs: manifests.flatMap(({ layers }) => layers.filter(({ foreign }) => !foreign).map(({ blob }) => blob.digest)),
    });
  } finally {
    await reading.close();
  }
}

/** One entry a manifest: an image of several platforms has as many. */
function imagesOf(images: readonly ImageNode[]): readonly InventoryImage[] {
  const entries = new Map<
    Digest,
    { readonly node: ManifestNode; readonly names: string[]; readonly above: Digest[] }
  >();
  for (const { name, root } of images) {
    for (const node of imagesIn(root)) {
      const entry = entries.get(node.blob.digest) ?? { node, names: [], above: [] };
      entries.set(node.blob.digest, entry);
      if (name !== undefined) entry.names.push(name);
      if (root.kind === 'index' && isWhole(root)) entry.above.push(root.blob.digest);
    }
  }
  return [...entries.values()].map(({ node, names, above }) => ({
    names,
    id: node.blob.digest,
    manifests: [...above, ...(isWhole(node) ? [node.blob.digest] : [])],
    diffIds: node.layers.map(({ diffId }) => diffId),
  }));
}

/** Whether everything that a tree lists is there. Layers that may not be distributed are not. */
function isWhole(node: TreeNode): boolean {
  if (node.kind === 'image') return node.layers.every(({ foreign }) => !foreign);
  return node.kind !== 'index' || (node.absent.length === 0 && node.children.every(isWhole));
}

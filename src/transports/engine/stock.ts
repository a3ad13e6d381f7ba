import { canonicalInventory, type Inventory, INVENTORY_SCHEMA, type StoreKind } from '../../model/inventory.js';
import { parseConfig } from '../../model/config.js';
import { formatPlatform } from '../../model/platform.js';
import { tryNormalizeReference } from '../../model/reference.js';
import { type Digest } from '../../primitives/digest.js';
import { printable } from '../../primitives/printable.js';
import { storedBlobs } from '../data-root/podman.js';
import { isCheckpoint } from './checkpoints.js';
import { type Content, contentOf, layersBelow, type Unpacked, unpackedOf } from './ctr-content.js';
import { type Engine, type EngineFamily, productOf } from './engine.js';
import { chainIds } from './holdings.js';
import { type EngineImage, inventory } from './inventory.js';
import { mobyContent } from './moby-content.js';
import { isTemporary } from './names.js';
import { availableManifests, canAskAvailable } from './proof.js';
import { answer } from './query.js';

const storeOf: Readonly<Record<EngineFamily, StoreKind>> = {
  graphdriver: 'graphdriver',
  containerd: 'containerd',
  ctr: 'containerd',
  nerdctl: 'containerd',
  podman: 'podman',
};

/** Characters of a product's name: `docker 28.5.2 (overlay2)` has 25. */
const LONGEST_NAME = 150;

/** What is known of an engine besides its images. */
interface Known {
  /** Manifests and indexes that are there with all that is below them, by image ID. */
  readonly manifests: ReadonlyMap<Digest, readonly Digest[]>;
  readonly blobs: readonly Digest[];
  /** Layers of images of which the inventory does not tell them, by image ID. */
  readonly diffIds: ReadonlyMap<Digest, readonly Digest[]>;
}

const nothing: Known = { manifests: new Map(), blobs: [], diffIds: new Map() };

/**
 * What an engine has, for others to know: `images` as it was told already, where it was. Blobs and manifests are in it
 * only as far as the engine shows that they are there (docs/inventory.md). What a transfer of ours keeps for a while is
 * left out.
 * @throws TransferError ENGINE_FAILED, CONNECTION_LOST
 */
export async function engineStock(
  engine: Engine,
  signal: AbortSignal,
  images?: readonly EngineImage[],
): Promise<Inventory> {
  const all = (images ?? (await inventory(engine, signal))).map(withFullNames);
  const lasting = all.filter(({ names }) => names.length === 0 || !names.every(isOurs));
  const { manifests, blobs, diffIds } = await knownOf(engine, lasting, signal);
  return canonicalInventory({
    schema: INVENTORY_SCHEMA,
    place: {
      kind: 'engine',
      engine: printable(productOf(engine), LONGEST_NAME),
      store: storeOf[engine.family],
      version: printable(engine.version, LONGEST_NAME),
      platform: formatPlatform(engine.platform),
    },
    images: lasting.map(({ id, names, diffIds: told }) => ({
      names: names.filter((name) => !isOurs(name)),
      id,
      manifests: manifests.get(id) ?? [],
      diffIds: diffIds.get(id) ?? told,
    })),
    blobs,
  });
}

const isOurs = (name: string): boolean => isTemporary(name) || isCheckpoint(name);

/** `<none>:<none>` is no name. */
const withFullNames = (image: EngineImage): EngineImage => ({
  ...image,
  names: image.names.map(tryNormalizeReference).filter((name) => name !== undefined),
});

async function knownOf(engine: Engine, images: readonly EngineImage[], signal: AbortSignal): Promise<Known> {
  switch (engine.family) {
    case 'ctr':
      return knownOfCtr(engine, images, signal);
    case 'containerd':
      return knownOfMoby(engine, images, signal);
    case 'podman':
      return { ...nothing, blobs: await blobsOfPodman(engine, images) };
    case 'graphdriver':
    case 'nerdctl':
      return nothing;
  }
}

/** containerd by its own client. An index is not in it: labels do not tell which of its platforms were left out. */
async function knownOfCtr(engine: Engine, images: readonly EngineImage[], signal: AbortSignal): Promise<Known> {
  const content = await contentOf(engine, signal);
  const [manifests, diffIds] = [new Map<Digest, readonly Digest[]>(), new Map<Digest, readonly Digest[]>()];
  for (const { id } of images) {
    const unpacked = unpackedOf(content, id) ?? (await unpackedByConfig(engine, content, id, signal));
    if (unpacked === undefined) continue;
    diffIds.set(id, unpacked.diffIds);
    const { layers = [] } = content.get(unpacked.manifest) ?? {};
    const isWhole = layers.length === unpacked.diffIds.length && layers.every((layer) => content.has(layer));
    if (isWhole) manifests.set(id, [unpacked.manifest]);
  }
  return { manifests, blobs: blobsBelow(images, content), diffIds };
}

/** A layer that was not unpacked, because what it makes was there already, has no label with its diffID. */
async function unpackedByConfig(
  engine: Engine,
  content: Content,
  target: Digest,
  signal: AbortSignal,
): Promise<Unpacked | undefined> {
  for (const manifest of [target, ...(content.get(target)?.manifests ?? [])]) {
    const config = content.get(manifest)?.config;
    const snapshots = config === undefined ? undefined : content.get(config)?.snapshots;
    if (config === undefined || snapshots === undefined || snapshots.length === 0) continue;
    const text = await answer(engine, ['content', 'get', config], `reading the config ${config}`, signal);
    const { diffIds } = parseConfig(Buffer.from(text), config);
    const chain = chainIds(diffIds).at(-1);
    if (chain !== undefined && snapshots.includes(chain)) return { manifest, diffIds };
  }
  return undefined;
}

const blobsBelow = (images: readonly EngineImage[], content: Content): readonly Digest[] =>
  images.flatMap(({ id }) => [...layersBelow(content, id)]);

async function knownOfMoby(engine: Engine, images: readonly EngineImage[], signal: AbortSignal): Promise<Known> {
  const [manifests, content] = await Promise.all([
    canAskAvailable(engine) ? availableManifests(engine, signal) : nothing.manifests,
    mobyContent(engine, signal),
  ]);
  return { ...nothing, manifests, blobs: content === undefined ? [] : blobsBelow(images, content) };
}

/** Podman notes in which form a layer came, and takes it again in that form; its own client does not tell. */
async function blobsOfPodman(
  { dataRoot, storageDriver, machine }: Engine,
  images: readonly EngineImage[],
): Promise<readonly Digest[]> {
  if (dataRoot === undefined || machine.host !== undefined) return [];
  const used = new Set(images.flatMap(({ diffIds }) => diffIds));
  const stored = await storedBlobs(dataRoot, storageDriver);
  return stored.filter(({ diffId }) => used.has(diffId)).map(({ blob }) => blob);
}

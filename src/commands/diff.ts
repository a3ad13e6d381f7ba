import { displayName } from '../engine/display.js';
import { imagesIn } from '../model/graph.js';
import { formatPlatform } from '../model/platform.js';
import { type Digest } from '../primitives/digest.js';
import { type Context, type DiffOptions } from './options.js';
import { readAsItIs, type Reading, refuseFaults } from './read.js';
import { type DiffEntry, type DiffResult } from './results.js';

/** What came, went and stayed between two sources. Images are compared by name and platform, layers by diffID. */
export async function diff({ a, b, ...options }: DiffOptions, context: Context): Promise<DiffResult> {
  const before = await contents(await readAsItIs({ ...options, sources: [a] }, context));
  const after = await contents(await readAsItIs({ ...options, sources: [b] }, context));
  const entries = [...new Set([...before.images.keys(), ...after.images.keys()])].sort().map((key) => {
    const old = before.images.get(key);
    const fresh = after.images.get(key);
    return compare(key, old, fresh, before.layers);
  });
  const only = (kind: Kind): DiffEntry[] => entries.filter((entry) => entry.kind === kind).map(({ entry }) => entry);
  return {
    a,
    b,
    images: { added: only('added'), removed: only('removed'), changed: only('changed'), same: only('same') },
    layers: {
      added: sum(after.layers, (diffId) => !before.layers.has(diffId)),
      removed: sum(before.layers, (diffId) => !after.layers.has(diffId)),
      same: sum(after.layers, (diffId) => before.layers.has(diffId)),
    },
  };
}

interface Item {
  readonly imageId: Digest;
  readonly layers: ReadonlyMap<Digest, number>;
}

interface Contents {
  /** By name and platform. */
  readonly images: ReadonlyMap<string, Item>;
  /** Bytes of each layer as stored, by diffID. */
  readonly layers: ReadonlyMap<Digest, number>;
}

async function contents(reading: Reading): Promise<Contents> {
  await reading.close();
  refuseFaults(reading);
  const images = new Map<string, Item>();
  const layers = new Map<Digest, number>();
  for (const image of reading.images) {
    for (const manifest of imagesIn(image.root)) {
      const own = new Map(manifest.layers.map(({ diffId, blob }) => [diffId, blob.size]));
      for (const [diffId, size] of own) layers.set(diffId, Math.min(size, layers.get(diffId) ?? size));
      images.set(JSON.stringify([displayName(image), formatPlatform(manifest.platform)]), {
        imageId: manifest.config.digest,
        layers: own,
      });
    }
  }
  return { images, layers };
}

type Kind = keyof DiffResult['images'];

function compare(
  key: string,
  old: Item | undefined,
  fresh: Item | undefined,
  known: ReadonlyMap<Digest, number>,
): { kind: Kind; entry: DiffEntry } {
  const [name, platform] = JSON.parse(key) as [string, string];
  const newBytes = sum(fresh?.layers ?? new Map<Digest, number>(), (diffId) => !known.has(diffId)).bytes;
  const entry = {
    name,
    platform,
    ...(old && { before: old.imageId }),
    ...(fresh && { after: fresh.imageId }),
    newBytes,
  };
  if (old === undefined) return { kind: 'added', entry };
  if (fresh === undefined) return { kind: 'removed', entry };
  return { kind: old.imageId === fresh.imageId ? 'same' : 'changed', entry };
}

function sum(
  layers: ReadonlyMap<Digest, number>,
  counts: (diffId: Digest) => boolean,
): { count: number; bytes: number } {
  const chosen = [...layers].filter(([diffId]) => counts(diffId));
  return { count: chosen.length, bytes: chosen.reduce((total, [, size]) => total + size, 0) };
}

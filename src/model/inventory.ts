import { type Digest, digestOf } from '../primitives/digest.js';
import { byCodeUnit } from '../primitives/order.js';

/**
 * A digest, or in a compact inventory the beginning of one (`sha256:` and at least 12 hex digits): enough to tell the
 * layers of one place apart.
 */
export type ShortDigest = string;

/** What a place has: an engine, an archive, a folder. docs/inventory.md describes its JSON, which is this type. */
export interface Inventory {
  readonly schema: 'image-ferry.inventory/1';
  readonly place: InventoryPlace;
  /** Sorted by first name, then by ID. */
  readonly images: readonly InventoryImage[];
  /** Blobs of layers that are known to be there, of whatever image; sorted. */
  readonly blobs: readonly ShortDigest[];
}

/** How its receiver keeps layers, which decides what may be left out: docs/engines.md. */
export const storeKinds = ['graphdriver', 'containerd', 'podman'] as const;
export type StoreKind = (typeof storeKinds)[number];

export type InventoryPlace = ArchivePlace | EnginePlace;

export interface ArchivePlace {
  /** An archive or folder. */
  readonly kind: 'archive';
  /** What its name stands for: `SourceFacts.lists`. */
  readonly lists: Digest | undefined;
}

export interface EnginePlace {
  readonly kind: 'engine';
  /** `docker 28.5.2 (overlay2)` */
  readonly engine: string;
  readonly store: StoreKind;
  /** Dotted. */
  readonly version: string;
  /** `linux/amd64` */
  readonly platform: string;
}

export interface InventoryImage {
  /** Full references, sorted; none: it has no name. */
  readonly names: readonly string[];
  /** What the engine calls it; of an archive the digest of its manifest. */
  readonly id: ShortDigest;
  /** Manifests and indexes that are known to be there with everything below them. */
  readonly manifests: readonly ShortDigest[];
  /** Of the uncompressed layers, bottom first. Empty: not known. */
  readonly diffIds: readonly ShortDigest[];
}

/** The value of `schema`: the number goes up with every change of what may be in the document, also with an addition. */
export const INVENTORY_SCHEMA = 'image-ferry.inventory/1';

/**
 * The document: two spaces deep, keys in a fixed order, lists sorted and without repetition, `checksum` last, a newline
 * at the end. The same contents always give the same text.
 */
export function inventoryJson(inventory: Inventory): string {
  const known = canonicalInventory(inventory);
  return textOf({ ...known, checksum: digestOf(textOf(known)) });
}

/**
 * What stands for an inventory, and is its `checksum`: sha256 of the document without that key
 * (`jq 'del(.checksum)' site.json | sha256sum`).
 */
export const inventoryDigest = (inventory: Inventory): Digest => digestOf(textOf(canonicalInventory(inventory)));

const textOf = (document: object): string => `${JSON.stringify(document, null, 2)}\n`;

/** The same contents in the one order in which they are written. */
export function canonicalInventory({ place, images, blobs }: Inventory): Inventory {
  return {
    schema: INVENTORY_SCHEMA,
    place: canonicalPlace(place),
    images: images
      .map(canonicalImage)
      .sort((a, b) => byCodeUnit(a.names[0] ?? '', b.names[0] ?? '') || byCodeUnit(a.id, b.id)),
    blobs: sorted(blobs),
  };
}

function canonicalPlace(place: InventoryPlace): InventoryPlace {
  if (place.kind === 'archive') return { kind: place.kind, lists: place.lists };
  const { kind, engine, store, version, platform } = place;
  return { kind, engine, store, version, platform };
}

const canonicalImage = ({ names, id, manifests, diffIds }: InventoryImage): InventoryImage => ({
  names: sorted(names),
  id,
  manifests: sorted(manifests),
  diffIds: [...diffIds],
});

const sorted = (texts: readonly string[]): string[] => [...new Set(texts)].sort(byCodeUnit);

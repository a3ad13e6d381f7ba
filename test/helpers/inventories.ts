import fc from 'fast-check';
import { type Inventory, type InventoryPlace, INVENTORY_SCHEMA } from '../../src/model/inventory.js';
import { digestOf } from '../../src/primitives/digest.js';

export const place: InventoryPlace = {
  kind: 'engine',
  engine: 'docker 28.5.2 (containerd image store)',
  store: 'containerd',
  version: '28.5.2',
  platform: 'linux/amd64',
};

/** A small one, in canonical order. */
export const small: Inventory = {
  schema: INVENTORY_SCHEMA,
  place,
  images: [
    { names: [], id: digestOf('none'), manifests: [], diffIds: [] },
    {
      names: ['docker.io/library/app:1.0', 'registry.example:5000/app:1.0'],
      id: digestOf('app'),
      manifests: [digestOf('app')],
      diffIds: [digestOf('b'), digestOf('a'), digestOf('b')],
    },
  ],
  blobs: [digestOf('a'), digestOf('b')].sort(),
};

/** `count` images with 8 layers each, of which they share three to five. */
export function manyImages(count: number): Inventory {
  const images = Array.from({ length: count }, (_, at) => {
    const product = `product-${String(at % 10)}`;
    const shared = 3 + (at % 3);
    return {
      names: [`registry.example.com/${product}/service-${String(at)}:2026.${String(at % 12)}.${String(at % 7)}`],
      id: digestOf(`id ${String(at)}`),
      manifests: [],
      diffIds: Array.from({ length: 8 }, (__, layer) =>
        digestOf(layer < shared ? `base ${String(at % 5)} ${String(layer)}` : `own ${String(at)} ${String(layer)}`),
      ),
    };
  });
  return { schema: INVENTORY_SCHEMA, place, images, blobs: [] };
}

const digests = (max: number): fc.Arbitrary<string[]> =>
  fc.array(
    fc.nat(30).map((seed) => digestOf(String(seed))),
    { maxLength: max },
  );

const places: fc.Arbitrary<InventoryPlace> = fc.oneof(
  fc.constant(place),
  fc.option(fc.nat(), { nil: undefined }).map((seed) => ({
    kind: 'archive' as const,
    lists: seed === undefined ? undefined : digestOf(String(seed)),
  })),
);

/** Any inventory, in any order and with repetitions. */
export const anyInventory: fc.Arbitrary<Inventory> = fc.record({
  schema: fc.constant(INVENTORY_SCHEMA),
  place: places,
  images: fc.array(
    fc.record({
      names: fc.array(
        fc.nat(20).map((n) => `docker.io/library/app-${String(n)}:1`),
        { maxLength: 3 },
      ),
      id: fc.nat(50).map((seed) => digestOf(`id ${String(seed)}`)),
      manifests: digests(3),
      diffIds: digests(8),
    }),
    { maxLength: 8 },
  ),
  blobs: digests(10),
});

import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalInventory, type Inventory, inventoryDigest, inventoryJson } from '../../src/model/inventory.js';
import { inventoryFrom } from '../../src/model/inventory-reader.js';
import { type Json } from '../../src/model/json.js';
import { digestOf } from '../../src/primitives/digest.js';
import { limits } from '../../src/primitives/limits.js';
import { anyInventory, small } from '../helpers/inventories.js';

const read = (document: unknown): Inventory => inventoryFrom(document as Json, 'site.json');
const documentOf = (inventory: Inventory): Record<string, unknown> =>
  JSON.parse(inventoryJson(inventory)) as Record<string, unknown>;

/** A document with a change that its checksum covers. */
const signed = (change: object): Record<string, unknown> => {
  const { checksum, ...rest } = documentOf(small);
  expect(checksum).toBeDefined();
  const document = { ...rest, ...change };
  return { ...document, checksum: digestOf(`${JSON.stringify(document, null, 2)}\n`) };
};

describe('the document', () => {
  test('has its keys in order, two spaces deep, and a newline at the end', () => {
    const text = inventoryJson(small);
    expect(Object.keys(JSON.parse(text) as object)).toEqual(['schema', 'place', 'images', 'blobs', 'checksum']);
    expect(text).toMatch(/^\{\n {2}"schema": "image-ferry.inventory\/1",\n {2}"place": \{\n {4}"kind": "engine",\n/);
    expect(text.endsWith('"\n}\n')).toBe(true);
  });

  test('its checksum is that of the document without it, as jq writes it', () => {
    const text = inventoryJson(small);
    const without = text.replace(/,\n {2}"checksum": "[^"]*"/, '');
    expect(documentOf(small)['checksum']).toBe(digestOf(without));
    expect(inventoryDigest(small)).toBe(digestOf(without));
  });

  test('does not depend on order and repetition', () => {
    const [first, second] = small.images;
    const turned: Inventory = {
      ...small,
      images: [{ ...second!, names: [...second!.names, ...second!.names].reverse() }, first!],
      blobs: [...small.blobs, ...small.blobs].reverse(),
    };
    expect(inventoryJson(turned)).toBe(inventoryJson(small));
    expect(inventoryDigest({ ...small, blobs: [] })).not.toBe(inventoryDigest(small));
  });

  test('the order of layers is kept', () => {
    expect(canonicalInventory(small).images[1]?.diffIds).toEqual(small.images[1]?.diffIds);
  });

  test('reading gives what was written, and writing that the same text', () => {
    fc.assert(
      fc.property(anyInventory, (inventory) => {
        const text = inventoryJson(inventory);
        const again = read(JSON.parse(text));
        expect(again).toEqual(canonicalInventory(inventory));
        expect(inventoryJson(again)).toBe(text);
      }),
      { numRuns: 100 },
    );
  });
});

describe('what is no inventory', () => {
  const image = small.images[1]!;
  const images = (change: object): object => ({ images: [{ ...image, ...change }] });

  test.each<[string, object, string]>([
    ['no place', { place: undefined }, 'place.kind: expected "engine" or "archive", found nothing'],
    ['another kind of place', { place: { kind: 'ship' } }, 'place.kind: expected "engine" or "archive", found "ship"'],
    ['a place with more', { place: { ...small.place, owner: 'me' } }, 'found "owner"'],
    ['another store', { place: { ...small.place, store: 'btrfs' } }, 'place.store: expected graphdriver'],
    ['an engine without a version', { place: { ...small.place, version: '' } }, 'place.version: expected a text'],
    ['control characters', { place: { ...small.place, engine: 'a\u001b[2J' } }, 'place.engine: expected a text'],
    ['an archive by another digest', { place: { kind: 'archive', lists: 'sha256:12' } }, 'place.lists: expected'],
    ['an archive with more', { place: { kind: 'archive', path: '/x' } }, 'found "path"'],
    ['images that are no list', { images: {} }, 'images: expected a list, found {}'],
    ['an image that is none', { images: [null] }, 'images[0]: expected an object, found null'],
    ['an image with more', images({ size: 1 }), 'images[0]: expected names, id, manifests, diffIds, found "size"'],
    ['a short name', images({ names: ['app'] }), 'images[0].names: expected full image names, found "app"'],
    ['a name that is a number', images({ names: [1] }), 'found 1'],
    ['a short ID', images({ id: 'sha256:abc' }), 'images[0].id: expected sha256 digests of 12 to 64 hex digits'],
    ['upper case', images({ diffIds: [image.id.toUpperCase()] }), 'images[0].diffIds: expected sha256'],
    ['another algorithm', images({ manifests: [`sha512:${'0'.repeat(64)}`] }), 'images[0].manifests: expected'],
    ['blobs that are no list', { blobs: 'none' }, 'blobs: expected a list'],
    ['no blobs', { blobs: undefined }, 'blobs: expected a list, found nothing'],
    ['something more', { comment: 'hello' }, 'found "comment"'],
  ])('%s', (_, change, message) => {
    expect(() => read(signed(change))).toThrow(
      expect.objectContaining({
        code: 'BAD_ARCHIVE',
        message: expect.stringContaining(message),
        hint: expect.anything(),
      }),
    );
  });

  test.each([[null], [[]], ['text'], [{}], [{ schema: 1 }], [{ schemaVersion: 2, manifests: [] }]])(
    '%j',
    (document) => {
      expect(() => read(document)).toThrow(
        expect.objectContaining({
          message: expect.stringMatching(/^site.json: schema: expected "image-ferry.inventory\/1"/),
        }),
      );
    },
  );

  test('a later version is named', () => {
    expect(() => read({ schema: 'image-ferry.inventory/2' })).toThrow(
      expect.objectContaining({ code: 'BAD_ARCHIVE', hint: expect.stringContaining('Another version') }),
    );
  });

  test('a changed one is noticed', () => {
    const document = { ...documentOf(small), blobs: [] };
    expect(() => read(document)).toThrow(/its checksum: expected sha256:[0-9a-f]{64}, found "sha256:/);
    expect(() => read({ ...document, checksum: undefined })).toThrow(/found nothing/);
  });

  test.each<[string, object]>([
    ['images', { images: new Array(limits.images + 1).fill(image) }],
    ['layers', images({ diffIds: new Array(limits.layers + 1).fill(image.id) })],
  ])('more %s than are read', (_, change) => {
    expect(() => read({ ...documentOf(small), ...change })).toThrow(expect.objectContaining({ code: 'LIMIT' }));
  });
});

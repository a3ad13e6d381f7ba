import { isDigest } from '../primitives/digest.js';
import { TransferError } from '../primitives/errors.js';
import { limits } from '../primitives/limits.js';
import { printable } from '../primitives/printable.js';
import {
  canonicalInventory,
  type Inventory,
  type InventoryImage,
  type InventoryPlace,
  inventoryDigest,
  INVENTORY_SCHEMA,
  type ShortDigest,
  storeKinds,
} from './inventory.js';
import { isArray, isObject, type Json, type JsonObject } from './json.js';
import { tryNormalizeReference } from './reference.js';

/** Characters of a text that says what an engine is. */
const LONGEST_TEXT = 200;

/**
 * An inventory out of its document. Nothing in it is taken that `inventoryJson` would not write, and the checksum must
 * be right; white space and the order of things are not looked at.
 * @throws TransferError BAD_ARCHIVE or LIMIT; `where` names the file
 */
export function inventoryFrom(document: Json, where: string): Inventory {
  const schema = isObject(document) ? document['schema'] : undefined;
  if (schema !== INVENTORY_SCHEMA) throw otherSchema(schema, where);
  const fields = fieldsOf(document, ['schema', 'place', 'images', 'blobs', 'checksum'], where, 'the document');
  const inventory: Inventory = {
    schema,
    place: placeFrom(fields['place'], where),
    images: listIn(fields['images'], where, 'images', limits.images).map((image, at) =>
      imageFrom(image, where, `images[${String(at)}]`),
    ),
    blobs: digestsIn(fields['blobs'], where, 'blobs', limits.tarEntries),
  };
  const digest = inventoryDigest(inventory);
  if (fields['checksum'] === digest) return canonicalInventory(inventory);
  throw bad(
    where,
    'its checksum',
    digest,
    fields['checksum'],
    'It was changed after it was made: make or copy it anew.',
  );
}

function otherSchema(found: Json | undefined, where: string): TransferError {
  const isOther = typeof found === 'string' && /^image-ferry\.inventory\/\d+$/.test(found);
  const hint = isOther ? 'Another version of ferry wrote it: read it with that one, or update this one.' : undefined;
  return bad(where, 'schema', JSON.stringify(INVENTORY_SCHEMA), found, hint);
}

function placeFrom(value: Json | undefined, where: string): InventoryPlace {
  const kind = isObject(value) ? value['kind'] : undefined;
  if (kind === 'archive') {
    const { lists } = fieldsOf(value, ['kind', 'lists'], where, 'place');
    if (lists === undefined || isDigest(lists)) return { kind, lists };
    throw bad(where, 'place.lists', 'a sha256 digest', lists);
  }
  if (kind !== 'engine') throw bad(where, 'place.kind', '"engine" or "archive"', kind);
  const fields = fieldsOf(value, ['kind', 'engine', 'store', 'version', 'platform'], where, 'place');
  const store = storeKinds.find((known) => known === fields['store']);
  if (store === undefined) throw bad(where, 'place.store', storeKinds.join(', '), fields['store']);
  return {
    kind,
    engine: textIn(fields['engine'], where, 'place.engine'),
    store,
    version: textIn(fields['version'], where, 'place.version'),
    platform: textIn(fields['platform'], where, 'place.platform'),
  };
}

function imageFrom(value: Json, where: string, what: string): InventoryImage {
  const { names, id, manifests, diffIds } = fieldsOf(value, ['names', 'id', 'manifests', 'diffIds'], where, what);
  return {
    names: listIn(names, where, `${what}.names`, limits.images).map((name) => {
      if (typeof name === 'string' && tryNormalizeReference(name) === name) return name;
      throw bad(where, `${what}.names`, 'full image names', name);
    }),
    id: digestFrom(id, where, `${what}.id`),
    manifests: digestsIn(manifests, where, `${what}.manifests`, limits.layers),
    diffIds: digestsIn(diffIds, where, `${what}.diffIds`, limits.layers),
  };
}

/** An object that has no other fields than `names`. */
function fieldsOf(value: Json | undefined, names: readonly string[], where: string, what: string): JsonObject {
  if (!isObject(value)) throw bad(where, what, 'an object', value);
  const odd = Object.keys(value).find((name) => !names.includes(name));
  if (odd !== undefined) throw bad(where, what, names.join(', '), odd);
  return value;
}

function listIn(value: Json | undefined, where: string, what: string, max: number): readonly Json[] {
  if (!isArray(value)) throw bad(where, what, 'a list', value);
  if (value.length <= max) return value;
  throw new TransferError('LIMIT', `${where}: ${what} has ${String(value.length)} items; ${String(max)} are read`, {
    side: 'source',
    hint: 'No place has so many; check where the file comes from.',
  });
}

const digestsIn = (value: Json | undefined, where: string, what: string, max: number): readonly ShortDigest[] =>
  listIn(value, where, what, max).map((digest) => digestFrom(digest, where, what));

function digestFrom(value: Json | undefined, where: string, what: string): ShortDigest {
  if (typeof value === 'string' && /^sha256:[0-9a-f]{12,64}$/.test(value)) return value;
  throw bad(where, what, 'sha256 digests of 12 to 64 hex digits', value);
}

function textIn(value: Json | undefined, where: string, what: string): string {
  if (typeof value === 'string' && value !== '' && printable(value, LONGEST_TEXT) === value) return value;
  throw bad(where, what, `a text of up to ${String(LONGEST_TEXT)} characters`, value);
}

function bad(where: string, what: string, expected: string, found: Json | undefined, hint?: string): TransferError {
  const shown = found === undefined ? 'nothing' : printable(JSON.stringify(found), 100);
  return new TransferError('BAD_ARCHIVE', `${where}: ${what}: expected ${expected}, found ${shown}`, {
    side: 'source',
    hint: hint ?? 'It is no inventory, or was changed: make it anew with: ferry inventory',
  });
}

import { malformed } from '../../model/descriptor.js';
import { isArray, isObject, type Json, type JsonObject, parseJson } from '../../model/json.js';
import { tryNormalizeReference } from '../../model/reference.js';
import { type Base, type Reliance, type ReliedLayer } from '../../model/reliance.js';
import { parseDigest } from '../../primitives/digest.js';
import { TransferError } from '../../primitives/errors.js';
import { limits } from '../../primitives/limits.js';

/** The annotation of a thin bundle's `index.json`: what it leaves out. docs/BUNDLE-FORMAT.md, "Thin bundles". */
export const RELIANCE_ANNOTATION = 'io.image-ferry.relies-on';

/** The annotation's value: JSON without white space, keys in this order. */
export function encodeReliance({ bases, layers }: Reliance): string {
  return JSON.stringify({
    bases: bases.map(({ digest, kind, names }) => ({ digest, kind, names })),
    layers: layers.map(({ digest, size, diffId, bases: by }) => ({ digest, size, diffId, bases: by })),
  });
}

/**
 * What the annotations of an `index.json` say that is left out; undefined: nothing, the bundle must be whole.
 * @throws TransferError BAD_ARCHIVE when it is malformed; LIMIT
 */
export function relianceIn(annotations: JsonObject | undefined, label: string): Reliance | undefined {
  const text = annotations?.[RELIANCE_ANNOTATION];
  if (text === undefined) return undefined;
  const where = `${label}: index.json: ${RELIANCE_ANNOTATION}`;
  if (typeof text !== 'string') throw malformed(where, 'a text', text);
  const value = parseJson(Buffer.from(text), where);
  if (!isObject(value)) throw malformed(where, 'an object', value);
  const bases = listIn(value, 'bases', where).map((item, at) => parseBase(item, `${where}: bases[${String(at)}]`));
  const layers = listIn(value, 'layers', where, limits.reliedLayers).map((item, at) =>
    parseLayer(item, bases.length, `${where}: layers[${String(at)}]`),
  );
  return { bases, layers };
}

function parseBase(value: Json, where: string): Base {
  if (!isObject(value)) throw malformed(where, 'an object', value);
  const kind = value['kind'];
  if (kind !== 'archive' && kind !== 'inventory') throw malformed(`${where}: kind`, 'archive or inventory', kind);
  const names = listIn(value, 'names', where).map((name) => {
    const full = typeof name === 'string' ? tryNormalizeReference(name) : undefined;
    if (full === undefined) throw malformed(`${where}: names`, 'names of images', name);
    return full;
  });
  return { digest: parseDigest(value['digest'], `${where}: digest`), kind, names };
}

function parseLayer(value: Json, bases: number, where: string): ReliedLayer {
  if (!isObject(value)) throw malformed(where, 'an object', value);
  const { size } = value;
  if (!isWhole(size)) throw malformed(`${where}: size`, 'a whole number of bytes', size);
  const by = listIn(value, 'bases', where).map((at) => {
    if (!isWhole(at) || at >= bases) throw malformed(`${where}: bases`, `numbers below ${String(bases)}`, at);
    return at;
  });
  if (by.length === 0) throw malformed(`${where}: bases`, 'at least one', by);
  const digest = parseDigest(value['digest'], `${where}: digest`);
  return { digest, size, diffId: parseDigest(value['diffId'], `${where}: diffId`), bases: by };
}

const isWhole = (value: Json | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function listIn(value: JsonObject, key: string, where: string, most: number = limits.images): readonly Json[] {
  const list = value[key];
  if (!isArray(list)) throw malformed(`${where}: ${key}`, 'a list', list);
  if (list.length <= most) return list;
  throw new TransferError('LIMIT', `${where}: ${key}: more than ${String(most)} entries`, {
    side: 'source',
    hint: 'No bundle of ours has so many; check where the file comes from.',
  });
}

import { isArray, isObject, type Json, parseJson } from '../../model/json.js';
import { malformed } from '../../model/descriptor.js';
import { tryNormalizeReference } from '../../model/reference.js';
import { badArchive, memberName, quoted } from './member-name.js';
import { checkLayerCount, checkNameCount } from './listing.js';

/** One image in manifest.json (moby image/tarexport/tarexport.go, manifestItem). */
export interface ManifestEntry {
  /** What messages call it: the file, its place in the list and its first name. */
  readonly where: string;
  /** Name of the member that holds the config. */
  readonly config: string;
  /** Fully qualified. */
  readonly names: readonly string[];
  /** Names of the members that hold the layers, bottom first. */
  readonly layers: readonly string[];
}

/** @throws TransferError BAD_ARCHIVE or LIMIT; `label` names the file that holds manifest.json. */
export function parseManifestJson(bytes: Uint8Array, label: string): readonly ManifestEntry[] {
  const where = `${label}: "manifest.json"`;
  const list = parseJson(bytes, where);
  if (!isArray(list)) throw malformed(where, 'a list of images (it may be empty)', list);
  const entries = list.map((item, i) => parseEntry(item, `${where}: image ${String(i + 1)}`));
  checkNameCount(
    entries.reduce((sum, { names }) => sum + Math.max(names.length, 1), 0),
    where,
  );
  return entries;
}

function parseEntry(item: Json, place: string): ManifestEntry {
  if (!isObject(item)) throw malformed(place, 'an object', item);
  const names = texts(item['RepoTags'], `${place}: RepoTags`).map((tag) => imageName(tag, `${place}: RepoTags`));
  const where = names[0] === undefined ? place : `${place} (${names[0]})`;
  const { Config: config, Parent: parent, LayerSources: sources } = item;
  if (typeof config !== 'string') throw malformed(`${where}: Config`, 'the name of a member', config);
  if (parent !== undefined && parent !== null && typeof parent !== 'string') {
    throw malformed(`${where}: Parent`, 'a text', parent);
  }
  // Docker uses it on Windows only; the layers themselves say what they are.
  if (sources !== undefined && sources !== null && !isObject(sources)) {
    throw malformed(`${where}: LayerSources`, 'an object', sources);
  }
  const layers = texts(item['Layers'], `${where}: Layers`);
  checkLayerCount(layers.length, where);
  return {
    where,
    config: memberName(config, `${where}: Config`),
    names,
    layers: layers.map((layer) => memberName(layer, `${where}: Layers`)),
  };
}

/**
 * The full form of a name in `RepoTags` or `repositories`.
 * @throws TransferError BAD_ARCHIVE when Docker could not tag an image with it.
 */
export function imageName(tag: string, where: string): string {
  const name = tag.includes('@') ? undefined : tryNormalizeReference(tag);
  if (name !== undefined) return name;
  throw badArchive(`${where}: expected an image name with a tag, found ${quoted(tag)}`);
}

/** A list of texts; Go writes null for an empty one. */
function texts(value: Json | undefined, where: string): readonly string[] {
  if (value === undefined || value === null) return [];
  if (!isArray(value)) throw malformed(where, 'a list of texts', value);
  return value.map((element, i) => {
    if (typeof element !== 'string') throw malformed(`${where}[${String(i)}]`, 'a text', element);
    return element;
  });
}

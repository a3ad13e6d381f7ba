import { malformed } from '../../../model/descriptor.js';
import { isObject, parseJson } from '../../../model/json.js';
import { limits } from '../../../primitives/limits.js';
import { type FileTree } from '../../tree/file-tree.js';
import { type LayerShelf } from '../layer-shelf.js';
import { type ArchivedImage, checkNameCount, readMember } from '../listing.js';
import { imageName } from '../manifest-json.js';
import { memberName, quoted } from '../member-name.js';
import { V1Images } from './v1-chain.js';

export const REPOSITORIES = 'repositories';

/**
 * The images of a save without manifest.json (Docker before 1.10), rebuilt as Docker 1.10 to 24 do when they load it
 * (moby image/tarexport/load.go, legacyLoad). What nothing names and nothing is built on is an image without a name.
 * All layers are read: nothing else tells their diffIDs.
 */
export async function readV1Images(tree: FileTree, shelf: LayerShelf): Promise<readonly ArchivedImage[]> {
  const bytes = await readMember(tree, REPOSITORIES, limits.listBytes, tree.label, 'the list of images');
  shelf.read.add(REPOSITORIES);
  const named = parseRepositories(bytes, `${tree.label}: ${quoted(REPOSITORIES)}`);
  const chains = new V1Images(tree, shelf);
  const images: ArchivedImage[] = [];
  for (const [id, names] of named) {
    images.push(await chains.image(id, names, `${tree.label}: ${quoted(REPOSITORIES)}: ${names[0] ?? ''}`));
  }
  const unnamed: { id: string; image: ArchivedImage }[] = [];
  for (const id of v1Ids(tree)) {
    if (named.has(id) || chains.isParent(id)) continue;
    unnamed.push({ id, image: await chains.image(id, [], `${tree.label}: v1 image ${quoted(id)}`) });
  }
  return [...images, ...unnamed.filter(({ id }) => !chains.isParent(id)).map(({ image }) => image)];
}

/** `{"app": {"1.0": "<v1 ID>"}}` as names by v1 ID. */
function parseRepositories(bytes: Uint8Array, where: string): ReadonlyMap<string, readonly string[]> {
  const document = parseJson(bytes, where);
  if (!isObject(document)) throw malformed(where, 'an object', document);
  const named = new Map<string, string[]>();
  for (const [repository, tags] of Object.entries(document)) {
    const place = `${where}: ${quoted(repository)}`;
    if (!isObject(tags)) throw malformed(place, 'an object of tags', tags);
    for (const [tag, id] of Object.entries(tags)) {
      if (typeof id !== 'string') throw malformed(`${place}: ${quoted(tag)}`, 'the ID of an image', id);
      const member = memberName(id, place);
      named.set(member, [...(named.get(member) ?? []), imageName(`${repository}:${tag}`, where)]);
    }
  }
  checkNameCount([...named.values()].flat().length, where);
  return named;
}

function* v1Ids(tree: FileTree): Generator<string> {
  for (const name of tree.names()) if (/^[^/]+\/json$/.test(name)) yield name.slice(0, -'/json'.length);
}

import { readFile } from 'node:fs/promises';
import { type FileTree } from '../../formats/tree/file-tree.js';
import { MANIFEST_FILE } from '../../formats/tree/lists.js';
import { type Digest, hexOf } from '../../primitives/digest.js';
import { inMemory, memberTree, type Member } from './member-tree.js';
import { tarBytes, tarSize, type UnpackedLayer } from './tar-split.js';
import { type WantedImage } from './wanted.js';

/** Where an engine with a graph driver keeps things. */
export interface UnpackedStore {
  /** The file with an image's config, by image ID. */
  config(id: Digest): string;
  /** The top one of these layers, bottom first. @throws when it is not there */
  layer(diffIds: readonly Digest[]): Promise<UnpackedLayer>;
}

/**
 * Images out of the storage of an engine that unpacks layers, as the `docker save` of Docker 24: their layers can be
 * read one by one, and only those that somebody reads are.
 * @throws when anything is not where it should be, or cannot be read
 */
export async function unpackedImages(
  label: string,
  wanted: readonly WantedImage[],
  store: UnpackedStore,
  signal: AbortSignal,
): Promise<FileTree> {
  const members = new Map<string, Member>();
  const entries = new Map<Digest, { Config: string; RepoTags: string[]; Layers: string[] }>();
  for (const { image, name } of wanted) {
    const { id, diffIds } = image;
    const entry = entries.get(id) ?? { Config: `${hexOf(id)}.json`, RepoTags: [], Layers: diffIds.map(layerMember) };
    entries.set(id, entry);
    if (name !== undefined) entry.RepoTags.push(name);
    members.set(entry.Config, inMemory(await readFile(store.config(id))));
    for (const [at, diffId] of diffIds.entries()) {
      const member = layerMember(diffId);
      // The same contents, wherever in an image they are.
      if (members.has(member)) continue;
      signal.throwIfAborted();
      const layer = await store.layer(diffIds.slice(0, at + 1));
      members.set(member, { size: await tarSize(layer), open: () => tarBytes(layer) });
    }
  }
  members.set(MANIFEST_FILE, inMemory(JSON.stringify([...entries.values()])));
  return memberTree(label, members);
}

const layerMember = (diffId: Digest): string => `${hexOf(diffId)}.tar`;

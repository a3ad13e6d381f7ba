import {
  blobsIn,
  imagesIn,
  type ImageNode,
  type IndexNode,
  type ManifestNode,
  type ReachedBlob,
} from '../../model/graph.js';
import { formatPlatform, matchesPlatform } from '../../model/platform.js';
import { type Digest } from '../../primitives/digest.js';
import { type Engine } from './engine.js';

/** One load: an image as this engine takes it, with every name that it shall have. */
export interface LoadGroup {
  /** The ID that the engine will give it: config digest, with the containerd store the root's digest. */
  readonly id: Digest;
  /** What is sent: with the containerd store the whole index, else the image of one platform. */
  readonly node: ManifestNode | IndexNode;
  /** The image that runs here: of the engine's own platform, else the first. */
  readonly image: ManifestNode;
  /** Full, distinct, such as `docker.io/library/app:1`; none: it is loaded without a name. */
  readonly names: readonly string[];
  readonly note: string | undefined;
}

export interface Grouping {
  readonly groups: readonly LoadGroup[];
  /** For each image of the plan, in its order: its load, or why there is none. */
  readonly members: readonly { readonly node: ImageNode; readonly group: LoadGroup | string }[];
}

/** Which loads a plan's images make. Two names, or two manifests, of what is one image to the engine are one load. */
export function groupLoads(images: readonly ImageNode[], engine: Engine): Grouping {
  const byId = new Map<Digest, LoadGroup & { names: string[] }>();
  const members = images.map((node) => {
    const image = imageFor(node, engine);
    if (image === undefined) return { node, group: 'not a container image: engines do not take it' };
    const sent = engine.family === 'containerd' && node.root.kind === 'index' ? node.root : image;
    const id = engine.family === 'containerd' ? sent.blob.digest : image.config.digest;
    const group = byId.get(id) ?? { id, node: sent, image, names: [], note: platformNote(image, engine) };
    byId.set(id, group);
    const name = taggable(node.name);
    if (name !== undefined && !group.names.includes(name)) group.names.push(name);
    return { node, group };
  });
  return { groups: [...byId.values()], members };
}

function imageFor(node: ImageNode, engine: Engine): ManifestNode | undefined {
  const all = [...imagesIn(node.root)];
  return all.find((image) => matchesPlatform(image.platform, engine.platform)) ?? all[0];
}

function platformNote(image: ManifestNode, engine: Engine): string | undefined {
  if (matchesPlatform(image.platform, engine.platform)) return undefined;
  return `it is for ${formatPlatform(image.platform)}, the engine runs ${formatPlatform(engine.platform)}`;
}

/** A name as `tag` takes it. A digest cannot be given to an image, it has it or not. */
export function taggable(name: string | undefined): string | undefined {
  const tag = name?.split('@', 1)[0];
  return tag !== undefined && tag.lastIndexOf(':') > tag.lastIndexOf('/') ? tag : undefined;
}

/** Every blob of what is sent, once. */
export function blobsOf(group: LoadGroup): readonly ReachedBlob[] {
  return [...new Map([...blobsIn(group.node)].map((reached) => [reached.blob.digest, reached])).values()];
}

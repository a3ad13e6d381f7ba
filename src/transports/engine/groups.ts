import {
  blobsIn,
  imagesIn,
  type ImageNode,
  type IndexNode,
  type ManifestNode,
  type ReachedBlob,
  type TreeNode,
} from '../../model/graph.js';
import { formatPlatform, matchesPlatform } from '../../model/platform.js';
import { type Digest } from '../../primitives/digest.js';
import { isComplete } from './dialect.js';
import { type Engine, hasConfigIds, livesByName } from './engine.js';

/** One load: an image as this engine takes it, with every name that it shall have. */
export interface LoadGroup {
  /** The ID that the engine will give it: config digest, with containerd the digest of what is sent. */
  readonly id: Digest;
  /**
   * What is sent: with containerd the whole index (with ctr the host's image in it, when others are not there), else
   * the image of one platform.
   */
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
    const sent = sentFor(node.root, image, engine);
    const id = hasConfigIds(engine.family) ? image.config.digest : sent.blob.digest;
    const group = byId.get(id) ?? { id, node: sent, image, names: [], note: platformNote(image, engine) };
    byId.set(id, group);
    const name = taggable(node.name);
    if (name !== undefined && !group.names.includes(name)) group.names.push(name);
    return { node, group };
  });
  const groups = [...byId.values()];
  if (!livesByName(engine)) return { groups, members };
  // What has another name here is loaded by that.
  const kept = ({ names }: { readonly names: readonly string[] }): boolean => names.length > 0;
  return {
    groups: groups.filter(kept),
    members: members.map(({ node, group }) => ({
      node,
      group: typeof group === 'string' || kept(group) ? group : 'containerd keeps no image without a name',
    })),
  };
}

/** What is sent of an image. */
function sentFor(root: TreeNode, image: ManifestNode, engine: Engine): ManifestNode | IndexNode {
  if (root.kind !== 'index') return image;
  if (engine.family === 'containerd') return root;
  // What is not for the host it could not unpack out of an index, but it can on its own.
  if (engine.family !== 'ctr' || !matchesPlatform(image.platform, engine.platform)) return image;
  return isComplete(root) ? root : narrowed(root, image);
}

/** An index of which only `image` is there. */
function narrowed(index: IndexNode, image: ManifestNode): IndexNode {
  const holds = (node: TreeNode): boolean => [...imagesIn(node)].includes(image);
  const children = index.children.filter(holds);
  const dropped = index.children.filter((child) => !holds(child)).map(({ blob }) => blob);
  return {
    ...index,
    children: children.map((child) => (child.kind === 'index' ? narrowed(child, image) : child)),
    absent: [...index.absent, ...dropped],
  };
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

import { type ManifestNode } from '../../model/graph.js';
import { type Digest, isDigest } from '../../primitives/digest.js';
import { type Engine } from './engine.js';
import { chainIds } from './holdings.js';
import { answer } from './query.js';

/** A blob in containerd's content store, by the labels that keep it from being collected. */
export interface StoredBlob {
  /** Of a manifest. */
  readonly config: Digest | undefined;
  /** Of a manifest, bottom first. */
  readonly layers: readonly Digest[];
  /** Of an index. */
  readonly manifests: readonly Digest[];
  /** Of a layer that was unpacked: its diffID. */
  readonly diffId: Digest | undefined;
  /** Of a config: the chain IDs that are unpacked for it, one a snapshotter. */
  readonly snapshots: readonly Digest[];
}

export type Content = ReadonlyMap<Digest, StoredBlob>;

/**
 * Everything in the content store of the client's namespace, by one question. A blob that nothing refers to is listed
 * until it is collected.
 * @throws TransferError ENGINE_FAILED
 */
export async function contentOf(engine: Engine, signal: AbortSignal): Promise<Content> {
  return contentFrom(await answer(engine, ['content', 'ls'], 'listing its contents', signal));
}

/** Contents from what `ctr content ls` prints: `DIGEST SIZE AGE LABELS`. */
export function contentFrom(text: string): Content {
  const content = new Map<Digest, StoredBlob>();
  for (const line of text.split('\n')) {
    const [digest = ''] = line.split(/\s/, 1);
    if (isDigest(digest)) content.set(digest, blobFrom(line.slice(digest.length)));
  }
  return content;
}

/** Labels are a list with commas, which their values may have as well; those that matter have a digest for a value. */
function blobFrom(labels: string): StoredBlob {
  const found = [...labels.matchAll(/[\s,](containerd\.io\/[^\s,=]+)=(sha256:[0-9a-f]{64})/g)];
  return blobWith(found.map(([, name = '', digest]) => [name, digest as Digest]));
}

/** A blob with these labels, of which those count that have a digest for a value. */
export function blobWith(labels: readonly (readonly [name: string, digest: Digest])[]): StoredBlob {
  const valuesOf = (key: RegExp): readonly Digest[] =>
    labels
      .map(([name, digest]) => ({ at: key.exec(name.replace(/^containerd\.io\//, ''))?.[1], digest }))
      .filter(({ at }) => at !== undefined)
      .sort((a, b) => Number(a.at) - Number(b.at))
      .map(({ digest }) => digest);
  return {
    config: valuesOf(/^gc\.ref\.content\.config()$/)[0],
    layers: valuesOf(/^gc\.ref\.content\.l\.(\d+)$/),
    manifests: valuesOf(/^gc\.ref\.content\.m\.(\d+)$/),
    diffId: valuesOf(/^uncompressed()$/)[0],
    snapshots: valuesOf(/^gc\.ref\.snapshot\.[^.]+()$/),
  };
}

/** Whether what `image` unpacks to is there, too. */
export function isUnpacked(content: Content, image: ManifestNode): boolean {
  const chain = chainIds(image.layers.map(({ diffId }) => diffId)).at(-1);
  return chain === undefined || content.get(image.config.digest)?.snapshots.includes(chain) === true;
}

/** What is unpacked of an image. */
export interface Unpacked {
  readonly manifest: Digest;
  /** Bottom first. */
  readonly diffIds: readonly Digest[];
}

/**
 * Of what `target` leads to, the manifest for the host's platform, which is the one that is unpacked. Undefined when the
 * labels do not tell: its layers are taken only when they add up to the chain ID that is there.
 */
export function unpackedOf(content: Content, target: Digest): Unpacked | undefined {
  for (const manifest of [target, ...(content.get(target)?.manifests ?? [])]) {
    const { config, layers = [] } = content.get(manifest) ?? {};
    const snapshots = config === undefined ? [] : (content.get(config)?.snapshots ?? []);
    const diffIds = layers.map((layer) => content.get(layer)?.diffId).filter((diffId) => diffId !== undefined);
    const chain = chainIds(diffIds).at(-1);
    if (chain !== undefined && snapshots.includes(chain)) return { manifest, diffIds };
  }
  return undefined;
}

/** The layers that are there of what `target` leads to, on whatever platform. */
export function* layersBelow(content: Content, target: Digest): Generator<Digest> {
  // Indexes inside indexes are not followed: what is not told is not counted on.
  for (const manifest of [target, ...(content.get(target)?.manifests ?? [])]) {
    for (const layer of content.get(manifest)?.layers ?? []) if (content.has(layer)) yield layer;
  }
}

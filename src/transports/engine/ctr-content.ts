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
  const found = [...labels.matchAll(/[\s,]containerd\.io\/([^\s,=]+)=(sha256:[0-9a-f]{64})/g)];
  const valuesOf = (key: RegExp): readonly Digest[] =>
    found
      .map(([, name = '', digest]) => ({ at: key.exec(name)?.[1], digest: digest as Digest }))
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

/**
 * The layers of what `target` leads to on the host's platform, which is the one that is unpacked. Empty when the
 * labels do not tell: they are taken only when they add up to the chain ID that is there.
 */
export function diffIdsOf(content: Content, target: Digest): readonly Digest[] {
  const blob = content.get(target);
  for (const digest of [target, ...(blob?.manifests ?? [])]) {
    const { config, layers = [] } = content.get(digest) ?? {};
    const snapshots = config === undefined ? [] : (content.get(config)?.snapshots ?? []);
    const diffIds = layers.map((layer) => content.get(layer)?.diffId).filter((diffId) => diffId !== undefined);
    const chain = chainIds(diffIds).at(-1);
    if (chain !== undefined && snapshots.includes(chain)) return diffIds;
  }
  return [];
}

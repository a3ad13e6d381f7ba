import { imagesIn, type ManifestNode } from '../../model/graph.js';
import { statedCompression } from '../../model/media-types.js';
import { type PlannedBlob } from '../../model/plan.js';
import { type OpenBlob } from '../../ports.js';
import { type ByteStream } from '../../primitives/bytes.js';
import { type Digest, hexOf } from '../../primitives/digest.js';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { checkedLayer } from './checked-layer.js';
import { runClient } from './client.js';
import { type EngineDeps } from './deps.js';
import { describeEngine, type Engine, isAtLeast } from './engine.js';
import { engineFailed, wordsOf } from './failure.js';
import { blobsOf, type LoadGroup } from './groups.js';
import { type Holdings, omittable } from './holdings.js';
import { temporaryName, untag } from './names.js';
import { type Doubt, prove } from './proof.js';

/** The state of one `receive`. */
export interface Run {
  readonly engine: Engine;
  readonly deps: EngineDeps;
  readonly open: OpenBlob;
  readonly signal: AbortSignal;
  readonly have: Holdings;
  /** Temporary names that may be in the engine. They go at the end, however it ends. */
  readonly temporary: Set<string>;
  /** IDs of images without a name that were not there before. They go when the run fails. */
  readonly unnamed: Set<Digest>;
  /** Bytes of blobs sent. */
  moved: number;
}

export interface Loaded {
  /** What to call it until it has its names. */
  readonly ref: string;
  readonly doubt: Doubt;
  readonly note: string | undefined;
}

/** The form of an image that its engine reads. */
interface Sendable {
  readonly group: LoadGroup;
  readonly open: OpenBlob;
  readonly note: string | undefined;
}

/**
 * Loads one image under a temporary name and proves it. What the engine seems to have is left out; when it then turns
 * out to lack something, the image is sent once more, whole.
 * @throws TransferError ENGINE_FAILED; the source's own error; the signal's reason.
 */
export async function loadGroup(run: Run, group: LoadGroup): Promise<Loaded> {
  const sendable = await readable(run, group);
  const omit = omittable(run.engine.family, sendable.group, run.have);
  const name = newName(run, group);
  try {
    return await attempt(run, sendable, name, omit);
  } catch (error) {
    if (omit.size === 0 || !isTransferError(error) || error.code !== 'ENGINE_FAILED' || run.signal.aborted) throw error;
    // What let us down (a layer stored in another form, or pruned meanwhile) will do so again for the next image.
    run.have.diffIds.clear();
    run.have.chains.clear();
    const message = `${describeEngine(run.engine)} lacks layers that it seemed to have; sending all of ${nameOf(group)}`;
    run.deps.emit({ type: 'note', message });
    if (name !== undefined) await untag(run.engine, [name], run.signal);
    return await attempt(run, sendable, name, new Set());
  }
}

/** A temporary name, noted so that it is taken away whatever happens; undefined for an image without a name. */
function newName(run: Run, group: LoadGroup): string | undefined {
  if (group.names.length === 0) {
    if (!run.have.listed.has(group.id)) run.unnamed.add(group.id);
    return undefined;
  }
  const name = temporaryName(group.id);
  run.temporary.add(name);
  return name;
}

async function attempt(
  run: Run,
  { group, open, note }: Sendable,
  name: string | undefined,
  omit: ReadonlySet<Digest>,
): Promise<Loaded> {
  const { engine, deps, signal } = run;
  const blobs = blobsOf(group)
    .map((reached): PlannedBlob => ({ ...reached, action: omit.has(reached.blob.digest) ? 'present' : 'copy' }))
    .sort((a, b) => (a.blob.digest < b.blob.digest ? -1 : 1));
  const input = deps.encode([{ name, root: group.node }], blobs, counted(run, checked(run, group, open)));
  const result = await runClient({ client: engine, args: ['load', '-q'], input, signal });
  // Docker with the containerd store says this on standard output and ends with 0 (moby pull request 48293).
  const broken = /Error unpacking image.*/.exec(`${result.stdout}\n${result.stderr}`)?.[0];
  if (result.status !== 0 || broken !== undefined) {
    const words = broken === undefined ? wordsOf(result) : wordsOf({ ...result, stderr: broken });
    throw engineFailed(describeEngine(engine), `loading ${nameOf(group)}`, words);
  }
  const ref = name ?? idRef(engine, group.id);
  return { ref, doubt: await prove(engine, group, ref, signal), note };
}

/** How a client wants an image ID written: podman without the algorithm. */
export const idRef = (engine: Engine, id: Digest): string => (engine.family === 'podman' ? hexOf(id) : id);

export const nameOf = (group: LoadGroup): string => group.names[0] ?? group.id;

/** Docker before 23 and podman 4 get plain layers instead of zstd ones: the one fails, the other could not save it. */
async function readable(run: Run, group: LoadGroup): Promise<Sendable> {
  const asItIs = { group, open: run.open, note: undefined };
  if (group.node.kind !== 'image' || readsZstd(run.engine) || !hasZstd(group.node)) return asItIs;
  const { image, open } = await run.deps.plain(group.node, run.open);
  const note = 'its zstd layers were given to this engine as plain ones';
  return { group: { ...group, node: image, image }, open, note };
}

function readsZstd({ family, version }: Engine): boolean {
  return family === 'containerd' || isAtLeast(version, family === 'podman' ? 5 : 23);
}

const hasZstd = (image: ManifestNode): boolean =>
  image.layers.some(({ blob }) => statedCompression(blob.mediaType) === 'zstd');

/** `open`, with what is inside every layer checked against its diffID while it is read. */
function checked(run: Run, group: LoadGroup, open: OpenBlob): OpenBlob {
  const contents = new Map<Digest, Digest>();
  for (const { blob, diffId } of [...imagesIn(group.node)].flatMap(({ layers }) => layers)) {
    if (contents.get(blob.digest) !== undefined && contents.get(blob.digest) !== diffId) {
      throw new TransferError(
        'BAD_ARCHIVE',
        `${nameOf(group)}: layer ${blob.digest}: expected one diffID, found ${String(contents.get(blob.digest))} and ${diffId}`,
        { side: 'source', hint: 'The image contradicts itself: build or pull it again.' },
      );
    }
    contents.set(blob.digest, diffId);
  }
  return (blob) => {
    const diffId = contents.get(blob.digest);
    if (diffId === undefined) return open(blob);
    const where = `${nameOf(group)}: layer ${blob.digest}`;
    return checkedLayer(open(blob), diffId, run.deps.decompress, where);
  };
}

function counted(run: Run, open: OpenBlob): OpenBlob {
  return async function* (blob): ByteStream & AsyncGenerator<Uint8Array> {
    for await (const chunk of open(blob)) {
      yield chunk;
      run.moved += chunk.byteLength;
    }
  };
}

import { imagesIn } from '../../model/graph.js';
import { type PlannedBlob } from '../../model/plan.js';
import { type Decompress, type OpenBlob } from '../../ports.js';
import { type Digest, hexOf } from '../../primitives/digest.js';
import { isTransferError, TransferError } from '../../primitives/errors.js';
import { checkedLayer } from './checked-layer.js';
import { checkpointOf, stopsIn } from './checkpoints.js';
import { deliver } from './deliver.js';
import { isLoadFailure, isMadePlain } from './dialect.js';
import { describeEngine, type Engine } from './engine.js';
import { engineFailed, wordsOf } from './failure.js';
import { blobsOf, type LoadGroup } from './groups.js';
import { addProven, omittable } from './holdings.js';
import { temporaryName, untag } from './names.js';
import { type Gate } from './pipeline.js';
import { canAskAvailable, type Doubt, prove } from './proof.js';
import { type Run } from './run.js';

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
  /** Whether the source leaves a layer out: it cannot be sent, whatever turns out. */
  readonly isLeftOut: (layer: Digest) => boolean;
  readonly note: string | undefined;
}

/**
 * Begins to load one image under a temporary name, and to prove it. What is too much for one go travels in parts, each
 * of which stays there. Where later loads may build on this one, the promise settles when they can begin.
 * @throws TransferError ENGINE_FAILED; the source's own error; the signal's reason.
 */
export async function loadGroup(run: Run, group: LoadGroup): Promise<{ readonly done: Promise<Loaded> }> {
  const sendable = await readable(run, group);
  await loadCheckpoints(run, sendable);
  return start(run, sendable, newName(run, group));
}

/**
 * Whether what an engine has been given can be left out of the next load: else it would be sent twice. (What cannot be
 * proven to be there is not left out.)
 */
const remembers = (engine: Engine): boolean =>
  engine.family !== 'nerdctl' && (engine.family !== 'containerd' || canAskAvailable(engine));

/** Loads the lower layers on their own, as often as it takes until what is left fits into one go. */
async function loadCheckpoints(run: Run, sendable: Sendable): Promise<void> {
  const { group, open, isLeftOut } = sendable;
  const { engine, have } = run;
  const { delivery } = run.deps;
  if (delivery === undefined || !remembers(engine)) return;
  for (const image of imagesIn(group.node)) {
    // Two parts are on their way at a time, and may be lost at once.
    const stops = stopsIn(image, omitted(run, sendable), delivery.checkpointBytes / 2);
    for (const count of stops) {
      const part = checkpointOf(engine.family, group, image, count, open);
      const [name] = part.group.names;
      if (name === undefined || have.ids.has(part.group.id)) continue;
      const { done } = await start(run, { ...part, isLeftOut, note: undefined }, name);
      done.then(
        () => run.traces.checkpoints.add(name),
        () => undefined,
      );
    }
  }
}

/** Begins one load. Over a line the next one need not wait for the engine to be done with it; here there is no line. */
async function start(
  run: Run,
  sendable: Sendable,
  name: string | undefined,
): Promise<{ readonly done: Promise<Loaded> }> {
  const { group } = sendable;
  const { done } = await run.pipeline.add((gate) => loadSurely(run, sendable, name, gate));
  const isRemembered = remembers(run.engine);
  if (!isRemembered || run.deps.delivery === undefined) await done;
  if (isRemembered) {
    run.brought.push(group);
    addProven(run.have, group);
  }
  return { done };
}

/** One load, and its proof. When the engine turns out to lack what it seemed to have, all is sent. */
async function loadSurely(run: Run, sendable: Sendable, name: string | undefined, gate: Gate): Promise<Loaded> {
  const { group } = sendable;
  const omit = omitted(run, sendable);
  try {
    return await attempt(run, sendable, name, omit, gate);
  } catch (error) {
    if (omit.size === 0 || !isRefusal(error) || run.signal.aborted) throw error;
    // What has failed may be another load, which ended this one.
    run.pipeline.signal.throwIfAborted();
    // A load before this one may be what has failed: then this one fails as well.
    await gate();
    // What let us down (a layer stored in another form, or pruned meanwhile) will do so again for the next image.
    run.have.diffIds.clear();
    run.have.chains.clear();
    run.have.blobs.clear();
    for (const brought of run.brought) addProven(run.have, brought);
    const message = `${describeEngine(run.engine)} lacks layers that it seemed to have; sending all of ${nameOf(group)}`;
    run.deps.emit({ type: 'note', message });
    if (name !== undefined) await untag(run.engine, [name], run.signal);
    return await sendAll(run, sendable, name, gate);
  }
}

/** What is not sent: what the engine has; and, as it was found to have that, what the source leaves out. */
function omitted({ engine, have }: Run, { group, isLeftOut }: Sendable): ReadonlySet<Digest> {
  return new Set([...omittable(engine.family, group, have), ...leftOutOf(group, isLeftOut)]);
}

const leftOutOf = (group: LoadGroup, isLeftOut: (layer: Digest) => boolean): readonly Digest[] =>
  blobsOf(group).flatMap(({ blob }) => (isLeftOut(blob.digest) ? [blob.digest] : []));

/** All but what the source itself leaves out. @throws TransferError BASE_MISSING when the engine does not take it so */
async function sendAll(run: Run, sendable: Sendable, name: string | undefined, gate: Gate): Promise<Loaded> {
  const omit = new Set(leftOutOf(sendable.group, sendable.isLeftOut));
  try {
    return await attempt(run, sendable, name, omit, gate);
  } catch (error) {
    if (omit.size === 0 || !isRefusal(error) || run.signal.aborted) throw error;
    const what = `layers of ${nameOf(sendable.group)} that the thin bundle leaves out`;
    throw new TransferError('BASE_MISSING', `${describeEngine(run.engine)} seemed to have ${what}, and has not`, {
      side: 'sink',
      hint: `Name a copy of the base with --with. The engine said: ${error.message}`,
      cause: error,
    });
  }
}

/** Whether this engine has failed: not the one that the images come from. */
const isRefusal = (error: unknown): error is TransferError =>
  isTransferError(error) && error.code === 'ENGINE_FAILED' && error.side !== 'source';

/** A temporary name, noted so that it is taken away whatever happens; undefined for an image without a name. */
function newName(run: Run, group: LoadGroup): string | undefined {
  if (group.names.length === 0) {
    if (!run.have.listed.has(group.id)) run.unnamed.add(group.id);
    return undefined;
  }
  const name = temporaryName(group.id);
  run.traces.temporary.add(name);
  return name;
}

async function attempt(
  run: Run,
  { group, open, note }: Sendable,
  name: string | undefined,
  omit: ReadonlySet<Digest>,
  gate: Gate,
): Promise<Loaded> {
  const { engine, deps, pipeline, signal } = run;
  const blobs = blobsOf(group)
    .map((reached): PlannedBlob => ({ ...reached, action: omit.has(reached.blob.digest) ? 'present' : 'copy' }))
    .sort((a, b) => (a.blob.digest < b.blob.digest ? -1 : 1));
  const contents = deps.layersAreChecked === true ? open : checkedOpen([group], open, deps.decompress);
  if (pipeline.sending === 0) deps.onStage?.('sending');
  const images = [{ name, root: group.node }];
  const result = await deliver({ run, images, blobs, open: pipeline.counted(contents), gate });
  const broken = isLoadFailure(result);
  if (result.status !== 0 || broken !== undefined) {
    const words = broken === undefined ? wordsOf(result) : wordsOf({ ...result, stderr: broken });
    throw engineFailed(describeEngine(engine), `loading ${nameOf(group)}`, words, { engine });
  }
  if (pipeline.sending === 0) deps.onStage?.('proving');
  const ref = name ?? idRef(engine, group.id);
  return { ref, doubt: await prove(engine, group, ref, signal), note };
}

/** How a client wants an image ID written: podman without the algorithm. */
export const idRef = (engine: Engine, id: Digest): string => (engine.family === 'podman' ? hexOf(id) : id);

export const nameOf = (group: Pick<LoadGroup, 'names' | 'id'>): string => group.names[0] ?? group.id;

/** The image in the form that this engine reads: of zstd layers, what is inside. */
async function readable({ engine, deps, open: given }: Run, group: LoadGroup): Promise<Sendable> {
  const { isLeftOut = () => false } = deps;
  const { node } = group;
  if (!isMadePlain(engine, node)) return { group, open: given, isLeftOut, note: undefined };
  const { image, open } = await deps.plain(node, given, isLeftOut);
  const lacking = new Set(node.layers.flatMap(({ blob, diffId }) => (isLeftOut(blob.digest) ? [diffId] : [])));
  const note = 'its zstd layers were given to this engine as plain ones';
  return { group: { ...group, node: image, image }, open, isLeftOut: (layer) => lacking.has(layer), note };
}

/**
 * `open`, with what is inside every layer of `groups` checked against its diffID while it is read.
 * @throws TransferError BAD_ARCHIVE when the images contradict each other
 */
export function checkedOpen(
  groups: readonly Pick<LoadGroup, 'node' | 'names' | 'id'>[],
  open: OpenBlob,
  decompress: Decompress,
): OpenBlob {
  const layers = new Map<Digest, { readonly diffId: Digest; readonly name: string }>();
  for (const group of groups) {
    const name = nameOf(group);
    for (const { blob, diffId } of [...imagesIn(group.node)].flatMap((image) => image.layers)) {
      const known = layers.get(blob.digest);
      if (known !== undefined && known.diffId !== diffId) throw contradiction(name, blob.digest, diffId, known.diffId);
      layers.set(blob.digest, known ?? { diffId, name });
    }
  }
  return (blob) => {
    const layer = layers.get(blob.digest);
    if (layer === undefined) return open(blob);
    return checkedLayer(open(blob), layer.diffId, decompress, `${layer.name}: layer ${blob.digest}`);
  };
}

function contradiction(name: string, layer: Digest, one: Digest, other: Digest): TransferError {
  return new TransferError('BAD_ARCHIVE', `${name}: layer ${layer}: expected one diffID, found ${other} and ${one}`, {
    side: 'source',
    hint: 'The image contradicts itself: build or pull it again.',
  });
}

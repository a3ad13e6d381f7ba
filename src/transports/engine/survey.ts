import { imagesIn } from '../../model/graph.js';
import { type Digest } from '../../primitives/digest.js';
import { contentOf, isUnpacked, layersBelow } from './ctr-content.js';
import { engineImages } from './ctr-images.js';
import { ctrImages } from './ctr.js';
import { type Engine } from './engine.js';
import { blobsOf, type LoadGroup } from './groups.js';
import { addProven, type Holdings, holdingsOf } from './holdings.js';
import { isCheckpoint, possibleCheckpoints } from './checkpoints.js';
import { type EngineImage, inventory } from './inventory.js';
import { mobyContent } from './moby-content.js';
import { canAskAvailable, storedManifests } from './proof.js';

/**
 * What the engine has, as far as `groups` need to know. `known` is its inventory, where that was asked already;
 * `isLeftOut` tells of layers that cannot be sent.
 */
export async function surveyEngine(
  engine: Engine,
  groups: readonly LoadGroup[],
  signal: AbortSignal,
  known?: readonly EngineImage[],
  isLeftOut: (layer: Digest) => boolean = () => false,
): Promise<Holdings> {
  if (engine.family === 'ctr') return surveyContent(engine, groups, signal);
  const images = known ?? (await inventory(engine, signal));
  // What nerdctl lists it may have in part only, and it does not tell.
  if (engine.family === 'nerdctl') return holdingsOf(images, new Set());
  if (engine.family !== 'containerd') {
    const have = holdingsOf(images, new Set(images.map(({ id }) => id)));
    addCheckpoints(engine, groups, have);
    await addLeftOut(engine, groups, have, { images, isLeftOut, signal });
    return have;
  }
  const whole = await wholeImages(engine, groups, new Set(images.map(({ id }) => id)), signal);
  const have = holdingsOf(images, whole);
  // An omission that turns out wrong can only be noticed by asking: without that, nothing is omitted.
  if (canAskAvailable(engine)) addCheckpoints(engine, groups, have);
  else have.diffIds.clear();
  await addLeftOut(engine, groups, have, { images, isLeftOut, signal });
  return have;
}

/**
 * Notes which layers that cannot be sent are there. In a containerd store the form counts in which they are kept. Podman
 * does not tell of every form in which a layer came, and takes it again in each: it refuses what it lacks, as Docker's
 * proof does where the store does not tell.
 */
async function addLeftOut(
  engine: Engine,
  groups: readonly LoadGroup[],
  have: Holdings,
  { images, isLeftOut, signal }: LeftOut,
): Promise<void> {
  if (engine.family === 'graphdriver') return;
  const seeming = groups
    .flatMap(({ node }) => [...imagesIn(node)].flatMap(({ layers }) => layers))
    .filter(({ blob, diffId }) => isLeftOut(blob.digest) && have.diffIds.has(diffId));
  if (seeming.length === 0) return;
  const content = engine.family === 'containerd' ? await mobyContent(engine, signal) : undefined;
  const shown = content && new Set(images.flatMap(({ id }) => [...layersBelow(content, id)]));
  for (const { blob } of seeming) if (shown?.has(blob.digest) ?? true) have.blobs.add(blob.digest);
}

interface LeftOut {
  readonly images: readonly EngineImage[];
  readonly isLeftOut: (layer: Digest) => boolean;
  readonly signal: AbortSignal;
}

/**
 * Notes the layers of checkpoints that an earlier run has left, in the form in which they were sent: an inventory does
 * not tell whether they are compressed. Should one be broken, the proof of what builds on it finds out.
 */
function addCheckpoints(engine: Engine, groups: readonly LoadGroup[], have: Holdings): void {
  if (![...have.names.keys()].some(isCheckpoint)) return;
  for (const group of groups) {
    for (const part of possibleCheckpoints(engine.family, group)) {
      if (have.listed.has(part.id)) addProven(have, part);
    }
  }
}

/** containerd by its own client tells of every blob. */
async function surveyContent(engine: Engine, groups: readonly LoadGroup[], signal: AbortSignal): Promise<Holdings> {
  const [names, content] = await Promise.all([ctrImages(engine, signal), contentOf(engine, signal)]);
  const images = engineImages(names, content);
  const listed = new Set(images.map(({ id }) => id));
  const whole = groups.filter(
    (group) =>
      listed.has(group.id) &&
      blobsOf(group).every(({ blob }) => content.has(blob.digest)) &&
      isUnpacked(content, group.image),
  );
  return { ...holdingsOf(images, new Set(whole.map(({ id }) => id))), blobs: new Set(content.keys()) };
}

/**
 * Of the manifests and indexes in `groups`, those that the containerd store has with all their contents. It lists
 * broken images like any others.
 */
async function wholeImages(
  engine: Engine,
  groups: readonly LoadGroup[],
  listed: ReadonlySet<Digest>,
  signal: AbortSignal,
): Promise<ReadonlySet<Digest>> {
  const whole = new Set<Digest>();
  if (!canAskAvailable(engine)) return whole;
  for (const group of groups) {
    const images = [...imagesIn(group.node)].map(({ blob }) => blob.digest);
    for (const id of new Set([group.id, ...images])) {
      const stored = listed.has(id) ? await storedManifests(engine, id, signal) : undefined;
      for (const digest of stored?.available ?? []) whole.add(digest);
    }
    if (listed.has(group.id) && images.every((digest) => whole.has(digest))) whole.add(group.id);
  }
  return whole;
}

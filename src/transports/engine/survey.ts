import { imagesIn } from '../../model/graph.js';
import { type Digest } from '../../primitives/digest.js';
import { type Engine } from './engine.js';
import { type LoadGroup } from './groups.js';
import { type Holdings, holdingsOf } from './holdings.js';
import { inventory } from './inventory.js';
import { canAskAvailable, storedManifests } from './proof.js';

/** What the engine has, as far as `groups` need to know. */
export async function surveyEngine(
  engine: Engine,
  groups: readonly LoadGroup[],
  signal: AbortSignal,
): Promise<Holdings> {
  const images = await inventory(engine, signal);
  if (engine.family !== 'containerd') return holdingsOf(images, new Set(images.map(({ id }) => id)));
  const whole = await wholeImages(engine, groups, new Set(images.map(({ id }) => id)), signal);
  const have = holdingsOf(images, whole);
  // An omission that turns out wrong can only be noticed by asking: without that, nothing is omitted.
  if (!canAskAvailable(engine)) have.diffIds.clear();
  return have;
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

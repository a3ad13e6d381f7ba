import { blobsIn, type ImageNode, imagesIn } from '../../model/graph.js';
import { type Plan } from '../../model/plan.js';
import { type Receipt, type ReceiptItem } from '../../model/receipt.js';
import { type ImageSink, type OpenBlob } from '../../ports.js';
import { type Digest } from '../../primitives/digest.js';
import { type EngineDeps } from './deps.js';
import { describeEngine, type Engine } from './engine.js';
import { blobsOf, type Grouping, groupLoads, type LoadGroup, taggable } from './groups.js';
import { addProven, copyOf, type Holdings, omittable } from './holdings.js';
import { idRef, loadGroup, type Loaded, nameOf, type Run } from './load.js';
import { isStale, untag } from './names.js';
import { giveNames, takeBack } from './naming.js';
import { surveyEngine } from './survey.js';

/**
 * An engine that takes images. Each image is one load, under a temporary name; it is proven; when all are, they get
 * their names, and the temporary ones go (docs/engines.md). If anything fails, no name has moved.
 */
export function engineSink(engine: Engine, deps: EngineDeps): ImageSink {
  return {
    label: describeEngine(engine),
    present: async (images, signal) => {
      const { groups } = groupLoads(images, engine);
      const have = await surveyEngine(engine, groups, AbortSignal.any([signal, deps.signal]));
      const lacking = new Set(loadsAhead(engine, groups, have).flatMap(({ send }) => [...send.keys()]));
      const reached = images.flatMap(({ root }) => [...blobsIn(root)].map(({ blob }) => blob.digest));
      // What the engine has no use for (other platforms, artifacts) does not move either.
      return new Set(reached.filter((digest) => !lacking.has(digest)));
    },
    receive: (plan, open, signal) => receive(engine, deps, plan, open, AbortSignal.any([signal, deps.signal])),
  };
}

/** What each load will send, by digest with its size, if everything goes as expected. */
function loadsAhead(
  engine: Engine,
  groups: readonly LoadGroup[],
  now: Holdings,
): readonly { readonly group: LoadGroup; readonly send: ReadonlyMap<Digest, number> }[] {
  const have = copyOf(now);
  return groups.map((group) => {
    const send = new Map<Digest, number>();
    if (have.ids.has(group.id)) return { group, send };
    const omit = omittable(engine.family, group, have);
    for (const { blob } of blobsOf(group)) if (!omit.has(blob.digest)) send.set(blob.digest, blob.size);
    addProven(have, group);
    return { group, send };
  });
}

async function receive(
  engine: Engine,
  deps: EngineDeps,
  plan: Plan,
  open: OpenBlob,
  signal: AbortSignal,
): Promise<Receipt> {
  const grouping = groupLoads(plan.images, engine);
  const have = await surveyEngine(engine, grouping.groups, signal);
  const before = copyOf(have);
  const run: Run = { engine, deps, open, signal, have, temporary: new Set(), unnamed: new Set(), moved: 0 };
  try {
    const loaded = await loadAll(run, grouping.groups);
    await giveNames(run, refsOf(run, grouping.groups, loaded));
    await sweep(run, before);
    const items = grouping.members.map((member) => itemFor(member, before, loaded));
    return { items, bytesMoved: run.moved, engine: describeEngine(engine) };
  } catch (error) {
    await takeBack(run);
    signal.throwIfAborted();
    throw error;
  }
}

async function loadAll(run: Run, groups: readonly LoadGroup[]): Promise<ReadonlyMap<LoadGroup, Loaded>> {
  const loaded = new Map<LoadGroup, Loaded>();
  for (const group of groups) {
    run.deps.emit({ type: 'image', name: nameOf(group) });
    if (run.have.ids.has(group.id)) continue;
    const result = await loadGroup(run, group);
    if (result.doubt === undefined) addProven(run.have, group);
    loaded.set(group, result);
  }
  return loaded;
}

function refsOf(
  { engine }: Run,
  groups: readonly LoadGroup[],
  loaded: ReadonlyMap<LoadGroup, Loaded>,
): ReadonlyMap<LoadGroup, string> {
  return new Map(groups.map((group) => [group, loaded.get(group)?.ref ?? idRef(engine, group.id)]));
}

/** Removes what a run that was killed has left in the engine. That it fails is no reason for this one to fail. */
async function sweep({ engine, signal }: Run, before: Holdings): Promise<void> {
  const stale = [...before.names.keys()].filter((name) => isStale(name));
  await untag(engine, stale, signal);
}

function itemFor(
  { node, group }: Grouping['members'][number],
  before: Holdings,
  loaded: ReadonlyMap<LoadGroup, Loaded>,
): ReceiptItem {
  const { name, root } = node;
  const common = { name, digest: root.blob.digest };
  if (typeof group === 'string') return { ...common, imageId: configOf(node), state: 'skipped', note: group };
  const result = loaded.get(group);
  const given = taggable(name);
  const isNamed = given === undefined || before.names.get(given) === group.id;
  const added = result === undefined && !isNamed ? 'the image was there already, the name is new' : undefined;
  const notes = [result?.doubt, result?.note, added, digestNote(name, given), group.note].filter(
    (note) => note !== undefined,
  );
  const state = result?.doubt !== undefined ? 'unproven' : result === undefined && isNamed ? 'present' : 'proven';
  const imageId = group.image.config.digest;
  return { ...common, imageId, state, ...(notes.length === 0 ? {} : { note: notes.join('; ') }) };
}

/** What became of a name by digest. The image may have other names all the same: those of its other entries. */
function digestNote(name: string | undefined, given: string | undefined): string | undefined {
  if (name?.includes('@') !== true) return undefined;
  return `engines cannot be given a name by digest; ${given === undefined ? 'this one was left out' : `named ${given} only`}`;
}

function configOf(node: ImageNode): Digest | undefined {
  for (const image of imagesIn(node.root)) return image.config.digest;
  return undefined;
}

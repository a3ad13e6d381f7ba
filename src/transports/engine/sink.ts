import { blobsIn, type ImageNode, imagesIn } from '../../model/graph.js';
import { type Receipt, type ReceiptItem } from '../../model/receipt.js';
import { type ImageSink } from '../../ports.js';
import { type Digest } from '../../primitives/digest.js';
import { runClient } from './client.js';
import { type EngineDeps } from './deps.js';
import { describeEngine, type Engine } from './engine.js';
import { blobsOf, type Grouping, groupLoads, type LoadGroup, taggable } from './groups.js';
import { addProven, copyOf, type Holdings, omittable } from './holdings.js';
import { type EngineImage } from './inventory.js';
import { idRef, loadGroup, type Loaded, nameOf } from './load.js';
import { type Run } from './run.js';
import { Pipeline } from './pipeline.js';
import { giveNames, takeBack } from './naming.js';
import { surveyEngine } from './survey.js';
import { noteCheckpoints, sweep } from './sweep.js';
import { movedNote, noTraces, withNote } from './traces.js';

/**
 * An engine that takes images. Each image is one load, under a temporary name; it is proven; when all are, they get
 * their names, and the temporary ones go (docs/engines.md). If anything fails, no name has moved. `inventory` is what
 * the engine has, where that is known already.
 */
export function engineSink(engine: Engine, deps: EngineDeps, inventory?: readonly EngineImage[]): ImageSink {
  // Asked once: what changes in the seconds until the images are received is found out by the proof.
  let known: Holdings | undefined;
  return {
    label: describeEngine(engine),
    present: async (images, signal) => {
      const { groups } = groupLoads(images, engine);
      const either = AbortSignal.any([signal, deps.signal]);
      const have = await surveyEngine(engine, groups, either, inventory, deps.isLeftOut);
      known = have;
      const lacking = new Set(loadsAhead(engine, groups, have).flatMap(({ send }) => [...send.keys()]));
      const reached = images.flatMap(({ root }) => [...blobsIn(root)].map(({ blob }) => blob.digest));
      // What the engine has no use for (other platforms, artifacts) does not move either.
      return new Set(reached.filter((digest) => !lacking.has(digest)));
    },
    receive: async (plan, open, given) => {
      const signal = AbortSignal.any([given, deps.signal]);
      const grouping = groupLoads(plan.images, engine);
      const have = known ?? (await surveyEngine(engine, grouping.groups, signal, undefined, deps.isLeftOut));
      known = undefined;
      return receive({ engine, deps, open, signal, have }, grouping);
    },
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
  given: Pick<Run, 'engine' | 'deps' | 'open' | 'signal' | 'have'>,
  grouping: Grouping,
): Promise<Receipt> {
  const { engine, deps, signal, have } = given;
  const before = copyOf(have);
  const { delivery } = deps;
  const traces = delivery?.traces ?? noTraces();
  const pipeline = new Pipeline(delivery && ((failed) => doNothing(engine, AbortSignal.any([signal, failed]))));
  const run: Run = { ...given, traces, pipeline, brought: [], unnamed: new Set() };
  noteCheckpoints(run, grouping.groups);
  try {
    const loaded = await loadAll(run, grouping.groups);
    await giveNames(run, refsOf(run, grouping.groups, loaded));
    await sweep(run, grouping.groups, before);
    const items = grouping.members.map((member) => itemFor(member, before, loaded));
    return { items, bytesMoved: pipeline.moved, engine: describeEngine(engine) };
  } catch (error) {
    await pipeline.end(error);
    await takeBack(run);
    // Over a line there may be another try.
    const note = delivery === undefined ? movedNote(traces) : undefined;
    if (note !== undefined && signal.aborted) deps.emit({ type: 'note', message: note });
    signal.throwIfAborted();
    throw withNote(error, note);
  }
}

const doNothing = ({ machine }: Engine, signal: AbortSignal): Promise<unknown> =>
  runClient({ client: { machine, command: ['true'] }, args: [], signal });

async function loadAll(run: Run, groups: readonly LoadGroup[]): Promise<ReadonlyMap<LoadGroup, Loaded>> {
  const loading = new Map<LoadGroup, Promise<Loaded>>();
  for (const group of groups) {
    run.deps.emit({ type: 'image', name: nameOf(group) });
    if (!run.have.ids.has(group.id)) loading.set(group, (await loadGroup(run, group)).done);
  }
  const loaded = new Map<LoadGroup, Loaded>();
  for (const [group, done] of loading) loaded.set(group, await done);
  return loaded;
}

function refsOf(
  { engine }: Run,
  groups: readonly LoadGroup[],
  loaded: ReadonlyMap<LoadGroup, Loaded>,
): ReadonlyMap<LoadGroup, string> {
  return new Map(groups.map((group) => [group, loaded.get(group)?.ref ?? idRef(engine, group.id)]));
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
  const added = result === undefined && !isNamed ? addedNote(given, before) : undefined;
  const notes = [result?.doubt, result?.note, added, digestNote(name, given), group.note].filter(
    (note) => note !== undefined,
  );
  const state = result?.doubt !== undefined ? 'unproven' : result === undefined && isNamed ? 'present' : 'proven';
  const imageId = group.image.config.digest;
  return { ...common, imageId, state, ...(notes.length === 0 ? {} : { note: notes.join('; ') }) };
}

const addedNote = (name: string, { names }: Holdings): string =>
  `the image was there already, ${names.has(name) ? 'the name now leads to it' : 'the name is new'}`;

/** What became of a name by digest. The image may have other names all the same: those of its other entries. */
function digestNote(name: string | undefined, given: string | undefined): string | undefined {
  if (name?.includes('@') !== true) return undefined;
  return `engines cannot be given a name by digest; ${given === undefined ? 'this one was left out' : `named ${given} only`}`;
}

function configOf(node: ImageNode): Digest | undefined {
  for (const image of imagesIn(node.root)) return image.config.digest;
  return undefined;
}

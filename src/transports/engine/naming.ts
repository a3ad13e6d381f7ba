import { type Digest } from '../../primitives/digest.js';
import { type LoadGroup } from './groups.js';
import { inspect } from './inventory.js';
import { idRef } from './load.js';
import { type Run } from './run.js';
import { anchor, checkNames, remove, tag, untag } from './names.js';

/** Milliseconds for each call that tidies up after a failure, when the run's own signal may be aborted already. */
const TIDY = 60_000;
/** Milliseconds. An engine whose client was killed may still finish what it was at. */
const SECOND_LOOK = 1_000;

/**
 * Gives every image its names, all at the end: until the last load is proven, every old name leads where it led.
 * Should one name be refused, those before it are put back.
 * @throws TransferError ENGINE_FAILED
 */
export async function giveNames(run: Run, refs: ReadonlyMap<LoadGroup, string>): Promise<void> {
  const { engine, have, signal } = run;
  const wanted = [...refs].flatMap(([group, ref]) => group.names.map((name) => ({ name, id: group.id, ref })));
  const kept = keptNames(run, wanted);
  const given: string[] = [];
  let anchors: Anchors = new Map();
  run.deps.onStage?.('naming');
  try {
    anchors = await anchor(engine, have.names, moving(run, [...kept, ...wanted]), run.temporary, signal);
    for (const { name, id, ref } of kept) {
      given.push(name);
      await tag(engine, anchors.get(id) ?? ref, name, signal);
    }
    for (const { name, id, ref } of wanted) {
      if (have.names.get(name) === id) continue;
      given.push(name);
      await tag(engine, anchors.get(id) ?? ref, name, signal);
    }
    // Anchors go last: until every name is checked, one may have to go back.
    const needed = new Set(anchors.values());
    await dropTemporary(run, (name) => !needed.has(name));
    await checkNames(
      engine,
      wanted.map(({ name, id }) => [name, id]),
      signal,
    );
  } catch (error) {
    await putBack(run, given, anchors);
    throw error;
  }
  await dropTemporary(run, () => true);
}

/** What to call images by whose names move, where they have no ID to be called by. */
type Anchors = ReadonlyMap<Digest, string>;

interface Naming {
  readonly name: string;
  readonly id: Digest;
  /** What to call the image by, where it has no anchor. */
  readonly ref: string;
}

/** Images that lose a name, and those that get one. */
function moving({ have }: Run, wanted: readonly Naming[]): ReadonlySet<Digest> {
  const moved = wanted.filter(({ name, id }) => have.names.get(name) !== id);
  const before = moved.map(({ name }) => have.names.get(name)).filter((id) => id !== undefined);
  return new Set([...before, ...moved.map(({ id }) => id)]);
}

/** Further names for the images that names are about to leave, where that was asked for. */
function keptNames({ engine, deps, have }: Run, wanted: readonly Naming[]): readonly Naming[] {
  const taken = new Set(wanted.map(({ name }) => name));
  const kept = new Map<string, Naming>();
  for (const { name, id } of wanted) {
    const before = have.names.get(name);
    const further = deps.previousName?.(name);
    if (before === undefined || before === id || further === undefined) continue;
    const first = kept.get(further)?.id ?? before;
    if (taken.has(further) || first !== before) {
      const why = taken.has(further) ? 'an image that is sent has that name' : 'another image has got that name';
      deps.emit({ type: 'note', message: `what ${name} led to is not kept as ${further}: ${why}` });
    } else kept.set(further, { name: further, id: before, ref: idRef(engine, before) });
  }
  return [...kept.values()].filter(({ name, id }) => have.names.get(name) !== id);
}

async function putBack({ engine, have }: Run, given: readonly string[], anchors: Anchors): Promise<void> {
  for (const name of given.toReversed()) {
    const tidy = AbortSignal.timeout(TIDY);
    const before = have.names.get(name);
    if (before === undefined) await untag(engine, [name], tidy);
    else await tag(engine, anchors.get(before) ?? idRef(engine, before), name, tidy).catch(() => undefined);
  }
}

async function dropTemporary(run: Run, isDue: (name: string) => boolean): Promise<void> {
  const names = [...run.temporary].filter(isDue);
  if (names.length === 0) return;
  const { left, words = '' } = await remove(run.engine, names, run.signal);
  for (const name of names) if (!left.has(name)) run.temporary.delete(name);
  if (left.size > 0) run.deps.emit({ type: 'note', message: `a temporary name could not be removed: ${words}` });
}

/** After a failure: takes away every temporary name, and what came without a name. Never throws. */
export async function takeBack(run: Run): Promise<void> {
  const { engine, temporary, unnamed } = run;
  try {
    for (let look = 0; look < (run.signal.aborted ? 2 : 1); look++) {
      if (look > 0) await new Promise((resolve) => setTimeout(resolve, SECOND_LOOK));
      // Some of them may not be there, and it says so: no matter.
      await untag(engine, [...temporary], new AbortController().signal, TIDY);
      for (const id of unnamed) await removeUnnamed(run, id, AbortSignal.timeout(TIDY));
    }
  } catch {
    // The engine is gone or hangs: the error that led here says so, and the next run removes what is left.
  }
}

async function removeUnnamed({ engine }: Run, id: Digest, signal: AbortSignal): Promise<void> {
  const [image] = (await inspect(engine, [idRef(engine, id)], signal)).images;
  if (image?.names.length === 0) await untag(engine, [idRef(engine, id)], signal);
}

import { type Digest } from '../../primitives/digest.js';
import { type LoadGroup } from './groups.js';
import { inspect } from './inventory.js';
import { idRef } from './load.js';
import { anchor, checkNames, lookUp, remove, tag, untag } from './names.js';
import { type Run } from './run.js';
import { type Traces } from './traces.js';

/** Milliseconds for each call that tidies up after a failure, when the run's own signal may be aborted already. */
const TIDY = 60_000;
/** Milliseconds. An engine whose client was killed may still finish what it was at. */
const SECOND_LOOK = 1_000;

/**
 * Gives every image its names, all at the end: until the last load is proven, every old name leads where it led.
 * Should one name be refused, `takeBack` puts those before it back.
 * @throws TransferError ENGINE_FAILED
 */
export async function giveNames(run: Run, refs: ReadonlyMap<LoadGroup, string>): Promise<void> {
  const { engine, have, signal } = run;
  const { anchors, moved, temporary } = run.traces;
  const wanted = [...refs].flatMap(([group, ref]) => group.names.map((name) => ({ name, id: group.id, ref })));
  run.deps.onStage?.('naming');
  await lookAgain(run, wanted);
  const due = [...keptNames(run, wanted), ...wanted].filter(({ name, id }) => have.names.get(name) !== id);
  for (const [id, own] of await anchor(engine, have.names, anchored(run, due), temporary, signal)) anchors.set(id, own);
  for (const { name, id, ref } of due) {
    // Where an earlier try has moved it, what it led to before that counts.
    if (!moved.has(name)) moved.set(name, have.names.get(name));
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
  moved.clear();
  anchors.clear();
  await dropTemporary(run, () => true);
}

interface Naming {
  readonly name: string;
  readonly id: Digest;
  /** What to call the image by, where it has no anchor. */
  readonly ref: string;
}

/** Names may have moved since the engine was first asked: while images travel, hours pass. */
async function lookAgain({ engine, deps, have, pipeline, signal }: Run, wanted: readonly Naming[]): Promise<void> {
  if (pipeline.moved === 0) return;
  const names = wanted.flatMap(({ name }) => [name, deps.previousName?.(name) ?? name]);
  const now = await lookUp(engine, [...new Set(names)], signal);
  for (const name of names) {
    const id = now.get(name);
    if (id === undefined) have.names.delete(name);
    else have.names.set(name, id);
  }
}

/** Images that lose a name, or have lost it to an earlier try, and those that get one. */
function anchored({ have, traces }: Run, due: readonly Naming[]): ReadonlySet<Digest> {
  const before = [...due.map(({ name }) => have.names.get(name)), ...traces.moved.values()];
  return new Set([...before.filter((id) => id !== undefined), ...due.map(({ id }) => id)]);
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
  return [...kept.values()];
}

/** Lets names lead where they led before the first try, as far as it can. */
async function putBack({ engine, traces: { anchors, moved } }: Run): Promise<void> {
  for (const [name, before] of [...moved].toReversed()) {
    const tidy = AbortSignal.timeout(TIDY);
    const isBack =
      before === undefined
        ? (await remove(engine, [name], tidy)).left.size === 0
        : await tag(engine, anchors.get(before) ?? idRef(engine, before), name, tidy).then(
            () => true,
            () => false,
          );
    if (isBack) moved.delete(name);
  }
}

async function dropTemporary(run: Run, isDue: (name: string) => boolean): Promise<void> {
  const { temporary } = run.traces;
  const names = [...temporary].filter(isDue);
  if (names.length === 0) return;
  const { left, words = '' } = await remove(run.engine, names, run.signal);
  for (const name of names) if (!left.has(name)) temporary.delete(name);
  if (left.size > 0) run.deps.emit({ type: 'note', message: `a temporary name could not be removed: ${words}` });
}

/** Forgets anchors that nothing moves back to. Gives the others: one may be the last name of its image. */
function neededAnchors({ anchors, moved }: Traces): ReadonlySet<string> {
  const before = new Set(moved.values());
  for (const id of anchors.keys()) if (!before.has(id)) anchors.delete(id);
  return new Set(anchors.values());
}

/**
 * After a failure: puts names back, and takes away what came without a name, and every temporary one that is not needed
 * to put back a name later. Never throws.
 */
export async function takeBack(run: Run): Promise<void> {
  const { engine, traces, unnamed } = run;
  try {
    await putBack(run);
    const needed = neededAnchors(traces);
    const names = [...traces.temporary].filter((name) => !needed.has(name));
    for (let look = 0; look < (run.signal.aborted ? 2 : 1); look++) {
      if (look > 0) await new Promise((resolve) => setTimeout(resolve, SECOND_LOOK));
      // Some of them may not be there, and it says so: no matter.
      await untag(engine, names, new AbortController().signal, TIDY);
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

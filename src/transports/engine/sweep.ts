import { hasServed } from './checkpoints.js';
import { describeEngine } from './engine.js';
import { type LoadGroup } from './groups.js';
import { type Holdings } from './holdings.js';
import { type Run } from './run.js';
import { isStale, remove } from './names.js';
import { removePart } from './part-file.js';

/** Notes the checkpoints of `groups` that earlier tries, and runs, have left: should this one fail, they stay. */
export function noteLeftovers({ deps, have }: Run, groups: readonly LoadGroup[]): void {
  const ids = new Set(groups.map(({ id }) => id));
  for (const name of have.names.keys()) if (hasServed(name, ids)) deps.delivery?.leftovers.add(name);
}

/**
 * Removes checkpoints and files that have served, and what a run that was killed has left in the engine. That it fails
 * is no reason for this one to fail.
 */
export async function sweep(run: Run, groups: readonly LoadGroup[], before: Holdings): Promise<void> {
  const { engine, signal, checkpoints } = run;
  const leftovers = run.deps.delivery?.leftovers ?? new Set<string>();
  const done = new Set(groups.map(({ id }) => id));
  const stale = [...before.names.keys()].filter((name) => isStale(name) || hasServed(name, done));
  const names = [...new Set([...checkpoints, ...[...leftovers].filter((each) => !isPath(each)), ...stale])];
  const { left } = await remove(engine, names, signal);
  for (const name of names) if (!left.has(name)) leftovers.delete(name);
  const place = { machine: engine.machine, label: describeEngine(engine), signal };
  // The line may have dropped after the load and before its file was removed.
  for (const path of [...leftovers].filter(isPath)) {
    await removePart(place, path).then(
      () => leftovers.delete(path),
      () => undefined,
    );
  }
}

const isPath = (leftover: string): boolean => leftover.startsWith('/');

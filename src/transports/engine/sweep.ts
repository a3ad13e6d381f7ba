import { hasServed } from './checkpoints.js';
import { describeEngine } from './engine.js';
import { type LoadGroup } from './groups.js';
import { type Holdings } from './holdings.js';
import { isStale, remove } from './names.js';
import { removePart } from './part-file.js';
import { type Run } from './run.js';

/** Notes the checkpoints of `groups` that earlier tries, and runs, have left: should this one fail, they stay. */
export function noteCheckpoints({ traces, have }: Run, groups: readonly LoadGroup[]): void {
  const ids = new Set(groups.map(({ id }) => id));
  for (const name of have.names.keys()) if (hasServed(name, ids)) traces.checkpoints.add(name);
}

/**
 * Removes checkpoints and files that have served, and what a run that was killed has left in the engine. That it fails
 * is no reason for this one to fail.
 */
export async function sweep(run: Run, groups: readonly LoadGroup[], before: Holdings): Promise<void> {
  const { engine, signal } = run;
  const { checkpoints, files } = run.traces;
  const done = new Set(groups.map(({ id }) => id));
  const stale = [...before.names.keys()].filter((name) => isStale(name) || hasServed(name, done));
  const names = [...new Set([...checkpoints, ...stale])];
  const { left } = await remove(engine, names, signal);
  for (const name of names) if (!left.has(name)) checkpoints.delete(name);
  // The line may have dropped after the load and before its file was removed.
  const place = { machine: engine.machine, label: describeEngine(engine), signal };
  for (const path of files) {
    await removePart(place, path).then(
      () => files.delete(path),
      () => undefined,
    );
  }
}

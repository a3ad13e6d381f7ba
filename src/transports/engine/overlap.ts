import { runClient } from './client.js';
import { type Run } from './run.js';

/**
 * Waits until one more load may begin. Where a host runs one command at a time (sshd's MaxSessions 1), a load that waits
 * for the proof of the one before it would keep that from being asked for: so two loads are under way only after a
 * command was seen to run beside a load.
 */
export async function roomForAnother(run: Run): Promise<void> {
  if (run.deps.delivery === undefined || run.twoAtOnce) return;
  await run.pipeline.turn();
  if (await runsBesideLoad(run)) run.twoAtOnce = true;
  else await run.pipeline.idle();
}

async function runsBesideLoad(run: Run): Promise<boolean> {
  const { engine, deps, signal, ended } = run;
  // With a file there are further commands after the load: what runs then runs beside nothing.
  const hasFile = [...(deps.delivery?.leftovers ?? [])].some((each) => each.startsWith('/'));
  if (run.sending === 0 || hasFile) return false;
  const client = { machine: engine.machine, command: ['true'] };
  const either = AbortSignal.any([signal, run.pipeline.signal]);
  await runClient({ client, args: [], signal: either });
  return run.ended === ended;
}

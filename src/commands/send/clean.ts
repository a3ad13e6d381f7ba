import { isCheckpoint } from '../../transports/engine/checkpoints.js';
import { describeEngine } from '../../transports/engine/engine.js';
import { engineFailed } from '../../transports/engine/failure.js';
import { inventory } from '../../transports/engine/inventory.js';
import { isStale, untag } from '../../transports/engine/names.js';
import { removeParts } from '../../transports/engine/part-file.js';
import { tryNormalizeReference } from '../../model/reference.js';
import { type Remote } from '../remote.js';
import { PARTS } from './delivery.js';

/** Milliseconds. Who cleans up does not wait as long as the runs that tidy up by the way. */
const AN_HOUR = 60 * 60 * 1000;

/**
 * Removes checkpoints, temporary names of runs that were killed, and partly sent files from a host. Gives what it
 * removed.
 * @throws TransferError ENGINE_FAILED
 */
export async function cleanEngine(remote: Remote, signal: AbortSignal): Promise<readonly string[]> {
  const { engine, connection } = remote;
  const images = remote.images ?? (await inventory(engine, signal));
  const names = [...new Set(images.flatMap((image) => image.names.map(tryNormalizeReference)))]
    .filter((name) => name !== undefined)
    .filter((name) => isCheckpoint(name) || isStale(name, AN_HOUR));
  const words = await untag(engine, names, signal);
  if (words !== undefined) throw engineFailed(describeEngine(engine), 'removing checkpoints', words, { engine });
  const place = { machine: connection, label: describeEngine(engine), signal };
  return [...names, ...(await removeParts(place, PARTS))];
}

import { createHash } from 'node:crypto';
import { type ImageNode } from '../../model/graph.js';
import { type PlannedBlob } from '../../model/plan.js';
import { type OpenBlob } from '../../ports.js';
import { after, type ByteStream } from '../../primitives/bytes.js';
import { isTransferError } from '../../primitives/errors.js';
import { formatBytes } from '../../primitives/units.js';
import { type Client, type ClientResult, runClient } from './client.js';
import { type Delivery } from './deps.js';
import { loadArgs } from './dialect.js';
import { describeEngine, type Engine } from './engine.js';
import { appendPart, openPart, type PartFile, type Place, removePart, withPart } from './part-file.js';
import { type Gate } from './pipeline.js';
import { type Run } from './run.js';

/** One call of the engine's `load`, with what it is given. */
export interface Load {
  readonly run: Run;
  readonly images: readonly ImageNode[];
  readonly blobs: readonly PlannedBlob[];
  readonly open: OpenBlob;
  /** Waited for before the lists of names are sent: the engine looks for nothing before it has them. */
  readonly gate: Gate;
}

/** Runs the engine's `load`. @throws as `runClient` */
export async function deliver(load: Load): Promise<ClientResult> {
  const { engine, deps } = load.run;
  const { delivery } = deps;
  if (delivery === undefined) return runLoad(load, engine, tarOf(load));
  const part = await partFor(load, delivery);
  if (part !== undefined) return deliverByFile(load, delivery, part);
  return runLoad(load, unpacking(engine, delivery), delivery.meter(delivery.compress(tarOf(load))));
}

function runLoad({ run, images }: Load, client: Client, input: ByteStream): Promise<ClientResult> {
  return run.pipeline.during(runClient({ client, args: loadArgs(run.engine, images), input, signal: signalOf(run) }));
}

const signalOf = ({ signal, pipeline }: Run): AbortSignal => AbortSignal.any([signal, pipeline.signal]);

const placeOf = (run: Run): Place => ({
  machine: run.engine.machine,
  label: describeEngine(run.engine),
  signal: signalOf(run),
});

async function* tarOf({ run, images, blobs, open, gate }: Load): AsyncGenerator<Uint8Array> {
  yield* run.deps.members(blobs, open);
  await gate();
  yield* run.deps.lists(images);
}

const unpacking = ({ machine, command }: Engine, { unpack }: Delivery, before: readonly string[] = []): Client => ({
  machine,
  command: [...before, ...unpack, ...command],
});

const layersIn = (blobs: readonly PlannedBlob[]): readonly PlannedBlob[] =>
  blobs.filter(({ kind, action }) => kind === 'layer' && action === 'copy');

/** The file for a load whose layers are more than may be lost at once; undefined: none is needed, or none is possible. */
async function partFor({ run, blobs }: Load, delivery: Delivery): Promise<PartFile | undefined> {
  const layers = layersIn(blobs);
  const bytes = layers.reduce((sum, { blob }) => sum + blob.size, 0);
  if (bytes <= delivery.checkpointBytes || delivery.partFolder === undefined) return undefined;
  const key = createHash('sha256').update(`${delivery.codec} ${layers.map(({ blob }) => blob.digest).join(' ')}`);
  const name = `part-${key.digest('hex').slice(0, 24)}`;
  const place = placeOf(run);
  let why: string;
  try {
    const part = await openPart(place, { folder: delivery.partFolder, name, owner: delivery.owner, bytes });
    if (part.free === undefined || part.free + part.size >= bytes) return part;
    if (!(await removed(place, part.path))) run.traces.files.add(part.path);
    why = `${delivery.partFolder} has room for ${formatBytes(part.free)} only`;
  } catch (error) {
    if (place.signal.aborted || !isTransferError(error) || error.code !== 'ENGINE_FAILED') throw error;
    why = error.message;
  }
  const message = `a layer of ${formatBytes(bytes)} is sent in one go, and anew if the line drops: ${why}`;
  run.deps.emit({ type: 'note', message });
  return undefined;
}

/** The layers through the file, which outlives a line that drops; the rest goes straight into the load. */
async function deliverByFile(load: Load, delivery: Delivery, part: PartFile): Promise<ClientResult> {
  const { run, blobs, open } = load;
  const { deps, pipeline, traces } = run;
  const place = placeOf(run);
  const verb = part.size > 0 ? `goes on after ${formatBytes(part.size)}` : 'goes';
  deps.emit({ type: 'note', message: `a large layer ${verb} through a temporary file there: ${part.path}` });
  traces.files.add(part.path);
  traces.largest.set(part.path, Math.max(part.size, traces.largest.get(part.path) ?? 0));
  const layers = layersIn(blobs);
  const bytes = delivery.meter(after(delivery.compress(deps.members(layers, open)), part.size));
  await pipeline.during(appendPart(place, part, bytes));
  const rest = blobs.map((blob) => (layers.includes(blob) ? { ...blob, action: 'present' as const } : blob));
  const input = delivery.meter(delivery.compress(tarOf({ ...load, blobs: rest })));
  const result = await runLoad(load, unpacking(run.engine, delivery, withPart(part)), input);
  if (await removed(place, part.path)) traces.files.delete(part.path);
  return result;
}

/** A file that stays is no reason for the load to fail: it is named at the end. */
async function removed(place: Place, path: string): Promise<boolean> {
  try {
    await removePart(place, path);
    return true;
  } catch (error) {
    if (isTransferError(error) && error.code === 'ENGINE_FAILED') return false;
    throw error;
  }
}
